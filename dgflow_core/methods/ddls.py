"""Discriminator Driven Latent Sampling (Che et al., NeurIPS 2020)."""

from __future__ import annotations

import math

from torch import Tensor

from dgflow_core.methods.base import Method, Settings, State, noise, number, setting


class DDLSSettings(Settings):
    eta: float = setting(
        0.01, symbol="ε", help="Step size ε of the Langevin dynamics (the drift is scaled by ε/2).",
        ge=1e-6, le=100, slider=(0.001, 1.0), log=True,
    )  # fmt: skip
    noise_scale: float = setting(
        0.1, symbol="s", help="Noise scale: 1 samples the DDLS target, the paper's 2D setting is 0.1.",
        ge=0, le=10, slider=(0.0, 1.0), step=0.05,
    )  # fmt: skip
    steps: int = setting(
        50, symbol="N", help="How many Langevin steps to run.", ge=0, le=10_000, slider=(1, 300), step=1
    )


def drift(field, state: State) -> Tensor:
    """∇ log p(z) = ∇ [log p_Z(z) + d(g(z))], the score of the DDLS target."""
    return field.prior.grad_log_prob(state.points) + state.at.grad


def step(field, state: State, settings: DDLSSettings, generator) -> State:
    """z ← z + (ε/2) ∇[log p_Z(z) + d(g(z))] + s √ε ξ, projected where the prior is bounded."""
    points = state.points + settings.eta / 2 * drift(field, state)
    if settings.noise_scale > 0:
        scale = settings.noise_scale * math.sqrt(settings.eta)
        points = points + scale * noise(points, generator)
    points = field.project(points)
    return State(points, field.evaluate(points))


def update_rule(settings: DDLSSettings, space: str) -> str:
    scale = settings.noise_scale * math.sqrt(settings.eta)
    rule = (
        rf"z \leftarrow z + \tfrac{{{number(settings.eta)}}}{{2}}"
        r"\,\nabla_z\left[\log p_Z(z) + d(g(z))\right]"
    )
    if scale:
        rule += rf" + \underbrace{{{number(scale)}}}_{{s\sqrt\varepsilon}}\,\xi"
    return rule


METHOD = Method(
    name="ddls",
    title="DDLS",
    Settings=DDLSSettings,
    step=step,
    update_rule=update_rule,
    paper="Che et al., Your GAN is Secretly an Energy-based Model, NeurIPS 2020",
    about="Langevin dynamics in latent space on p_Z(z)·exp(d(g(z))).",
    spaces=("latent",),
    order=30,
    caveat=lambda space, prior: (
        "This prior is bounded; points that leave it are projected back." if prior.bounded else ""
    ),
)

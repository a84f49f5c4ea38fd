"""Langevin dynamics in latent space on p_Z(z)·exp(d(g(z))).

Discriminator Driven Latent Sampling.

Che et al., Your GAN is Secretly an Energy-based Model, NeurIPS 2020
"""

from __future__ import annotations

from torch import Tensor

from dgflow_core.methods.base import Method, Slider, State, setting
from dgflow_core.methods.langevin import LangevinSettings, move, rule


class DDLSSettings(LangevinSettings):
    noise_scale: float = setting(
        0.1, symbol="s", help="Noise scale: 1 samples the DDLS target, the paper's 2D setting is 0.1.",
        ge=0, le=10, slider=Slider(0.0, 1.0, 0.05),
    )  # fmt: skip


def drift(field, state: State) -> Tensor:
    """∇ log p(z) = ∇ [log p_Z(z) + d(g(z))], (n, dim): the score of the DDLS target."""
    return field.prior.grad_log_prob(state.points) + state.at.grad


def step(field, state: State, settings: DDLSSettings, generator) -> State:
    """z ← z + (ε/2) ∇[log p_Z(z) + d(g(z))] + s √ε ξ, projected where the prior is bounded."""
    points = field.project(move(state.points, drift(field, state), settings, generator))
    return State(points, field.evaluate(points))


def update_rule(settings: DDLSSettings, space: str) -> str:
    return rule("z", r"\left[\log p_Z(z) + d(g(z))\right]", settings)


def caveat(space: str, prior) -> str:
    return "This prior is bounded; points that leave it are projected back." if prior.bounded else ""


METHOD = Method.of(__name__, DDLSSettings, title="DDLS", spaces=("latent",), order=30)

"""Langevin dynamics on a critic, in data space: the sampler of Discriminator Contrastive Divergence."""

from __future__ import annotations

import math

from dgflow_core.methods.base import Method, Settings, State, noise, number, setting


class LangevinSettings(Settings):
    eta: float = setting(
        0.01, symbol="ε", help="Step size ε of the Langevin dynamics (the drift is scaled by ε/2).",
        ge=1e-6, le=100, slider=(0.001, 1.0), log=True,
    )  # fmt: skip
    noise_scale: float = setting(
        0.1, symbol="s", help="Noise scale: 1 samples exp(d(x)), less is colder and sharper.",
        ge=0, le=10, slider=(0.0, 1.0), step=0.05,
    )  # fmt: skip
    steps: int = setting(
        50, symbol="N", help="How many Langevin steps to run.", ge=0, le=10_000, slider=(1, 300), step=1
    )


def step(field, state: State, settings: LangevinSettings, generator) -> State:
    """x ← x + (ε/2) ∇d(x) + s √ε ξ.

    The critic alone is the negative energy, p(x) ∝ exp(d(x)): the generator only gives the
    start. DGflow and DDLS aim at ρ₀(x)·exp(d(x)) instead, which differs by the generator's ρ₀.
    """
    points = state.points + settings.eta / 2 * state.at.grad
    if settings.noise_scale > 0:
        points = points + settings.noise_scale * math.sqrt(settings.eta) * noise(points, generator)
    return State(points, field.evaluate(points))


def update_rule(settings: LangevinSettings, space: str) -> str:
    scale = settings.noise_scale * math.sqrt(settings.eta)
    rule = rf"x \leftarrow x + \tfrac{{{number(settings.eta)}}}{{2}}\,\nabla_x d(x)"
    if scale:
        rule += rf" + \underbrace{{{number(scale)}}}_{{s\sqrt\varepsilon}}\,\xi"
    return rule


METHOD = Method(
    name="langevin",
    title="Langevin on d",
    Settings=LangevinSettings,
    step=step,
    update_rule=update_rule,
    paper="Song et al., Discriminator Contrastive Divergence, 2020",
    about="Langevin dynamics with the critic as negative energy, started at generated samples.",
    spaces=("data",),
    order=60,
)

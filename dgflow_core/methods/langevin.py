"""Langevin dynamics with the critic as negative energy, started at generated samples.

Song et al., Discriminator Contrastive Divergence, 2020
"""

from __future__ import annotations

import math

from torch import Tensor

from dgflow_core.methods.base import (
    Method,
    Settings,
    Slider,
    State,
    noise,
    number,
    setting,
    step_count,
    step_size,
)


class LangevinSettings(Settings):
    eta: float = step_size("Step size ε of the Langevin dynamics (the drift is scaled by ε/2).", symbol="ε")
    noise_scale: float = setting(
        0.1, symbol="s", help="Noise scale: 1 samples exp(d(x)), less is colder and sharper.",
        ge=0, le=10, slider=Slider(0.0, 1.0, 0.05),
    )  # fmt: skip
    steps: int = step_count(50, help="How many Langevin steps to run.")


def move(points: Tensor, drift: Tensor, settings: LangevinSettings, generator) -> Tensor:
    """x + (ε/2) drift + s √ε ξ, all (n, *point), ξ standard normal."""
    points = points + settings.eta / 2 * drift
    if settings.noise_scale > 0:
        points = points + settings.noise_scale * math.sqrt(settings.eta) * noise(points, generator)
    return points


def step(field, state: State, settings: LangevinSettings, generator) -> State:
    """x ← x + (ε/2) ∇d(x) + s √ε ξ.

    The critic alone is the negative energy, p(x) ∝ exp(d(x)): the generator only gives the
    start. DGflow and DDLS aim at ρ₀(x)·exp(d(x)) instead, which differs by the generator's ρ₀.
    """
    points = move(state.points, state.at.grad, settings, generator)
    return State(points, field.evaluate(points))


def rule(x: str, energy: str, settings: LangevinSettings) -> str:
    """The step in LaTeX, for points called ``x`` and −energy ``energy``."""
    scale = settings.noise_scale * math.sqrt(settings.eta)
    text = rf"{x} \leftarrow {x} + \tfrac{{{number(settings.eta)}}}{{2}}\,\nabla_{x}{energy}"
    return text + (rf" + \underbrace{{{number(scale)}}}_{{s\sqrt\varepsilon}}\,\xi" if scale else "")


def update_rule(settings: LangevinSettings, space: str) -> str:
    return rule("x", " d(x)", settings)


METHOD = Method.of(__name__, LangevinSettings, title="Langevin on d", spaces=("data",), order=60)

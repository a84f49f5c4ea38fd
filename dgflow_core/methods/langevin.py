"""Langevin dynamics with the critic as negative energy, started at generated samples.

Song et al., Discriminator Contrastive Divergence, 2020
"""

from __future__ import annotations

import math
from typing import Literal

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


class CriticLangevinSettings(LangevinSettings):
    anneal: Literal["no", "thirds"] = setting(
        "no", symbol="a", help="Noise over the run: constant, or ×1, ×0.7, ×0.4 in the thirds of its steps."
    )
    clip: float | None = setting(
        None, symbol="c", ge=1e-3, le=100, slider=Slider(0.01, 10.0),
        help="The most that one coordinate of ∇d may be, and ±1 the most that a pixel may; empty: no bound.",
    )  # fmt: skip


#: What the noise is multiplied by in each third of a run.
THIRDS = (1.0, 0.7, 0.4)


def move(points: Tensor, drift: Tensor, settings: LangevinSettings, generator) -> Tensor:
    """x + (ε/2) drift + s √ε ξ, all (n, *point), ξ standard normal."""
    points = points + settings.eta / 2 * drift
    if settings.noise_scale > 0:
        points = points + settings.noise_scale * math.sqrt(settings.eta) * noise(points, generator)
    return points


def cooled(settings: CriticLangevinSettings, taken: int) -> CriticLangevinSettings:
    """The settings with the noise of the step after ``taken`` of them."""
    if settings.anneal == "no":
        return settings
    factor = THIRDS[min(3 * taken // max(settings.steps, 1), 2)]
    return settings.model_copy(update={"noise_scale": factor * settings.noise_scale})


def init(field, points: Tensor, settings: CriticLangevinSettings) -> State:
    return State(points, field.evaluate(points), 0)


def step(field, state: State, settings: CriticLangevinSettings, generator) -> State:
    """x ← x + (ε/2) ∇d(x) + s √ε ξ, with ∇d(x) and pixels clipped where ``clip`` is set.

    The critic alone is the negative energy, p(x) ∝ exp(d(x)): the generator only gives the
    start. DGflow and DDLS aim at ρ₀(x)·exp(d(x)) instead, which differs by the generator's ρ₀.
    """
    grad, clip = state.at.grad, settings.clip
    if clip is not None:
        grad = grad.clamp(-clip, clip)
    points = field.project(move(state.points, grad, cooled(settings, state.memory), generator))
    if clip is not None and points.dim() == 4:
        points = points.clamp(-1, 1)
    return State(points, field.evaluate(points), state.memory + 1)


def walked(field, points: Tensor, settings: CriticLangevinSettings, generator) -> Tensor:
    """Where all steps take ``points`` (n, *point): what contrastive divergence holds against real data."""
    state = init(field, points, settings)
    for _ in range(settings.steps):
        state = step(field, state, settings, generator)
    return state.points


def rule(x: str, energy: str, settings: LangevinSettings) -> str:
    """The step in LaTeX, for points called ``x`` and −energy ``energy``."""
    scale = settings.noise_scale * math.sqrt(settings.eta)
    text = rf"{x} \leftarrow {x} + \tfrac{{{number(settings.eta)}}}{{2}}\,\nabla_{x}{energy}"
    return text + (rf" + \underbrace{{{number(scale)}}}_{{s\sqrt\varepsilon}}\,\xi" if scale else "")


def update_rule(settings: LangevinSettings, space: str) -> str:
    return rule("x", " d(x)", settings) if space == "data" else rule("z", " d(g(z))", settings)


def caveat(space: str, prior) -> str:
    if space == "data":
        return ""
    bounded = " This prior is bounded; points that leave it are projected back." * prior.bounded
    return "It forgets the prior, which DDLS keeps: codes may leave where there are any." + bounded


METHOD = Method.of(
    __name__, CriticLangevinSettings, title="Langevin on d", spaces=("data", "latent"), order=60
)

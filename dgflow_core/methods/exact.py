"""Estimates the particles' own density at every step, so that the flow stops at its target.

The McKean–Vlasov flow itself: DGflow with a density ratio that is fresh at every step.

Ansari, Ang & Soh, ICLR 2021, Eq. 5, without the stale estimate of Section 3.2
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from torch import Tensor

from dgflow_core.flow import divergences
from dgflow_core.kinds.plane import density
from dgflow_core.methods.base import Method, Slider, State, Work, setting
from dgflow_core.methods.dgflow import DGflowSettings, diffuse, noise_factor, rule


class ExactSettings(DGflowSettings):
    gamma: float = noise_factor(
        0.0, "Noise factor. The fresh ratio already keeps particles apart, so 0 is enough."
    )
    bandwidth: float | None = setting(
        None, symbol="h", help="Kernel width of the particles' density; empty: a third of Silverman's.",
        ge=1e-3, le=10, slider=Slider(0.01, 1.0),
    )  # fmt: skip


class Memory(NamedTuple):
    target: density.Target
    log_target: Tensor  # log q ∗ K on the grid
    bandwidth: float


FRACTION = 1 / 3  # of Silverman's bandwidth, which is made for one bump and blurs many
STABLE = 0.5  # a fresh logit spreads particles like heat: one step may go this far, in units of h²
MAX_SUBSTEPS = 256
FLOOR = 1e-12  # of the largest density: below it a kernel estimate says nothing


def log_density(values: Tensor) -> Tensor:
    return values.clamp_min(FLOOR * float(values.max())).log()


def work(settings: ExactSettings, n: int) -> Work:
    """A density estimate in every part of a step, as many parts as a weight of 1 asks for.

    The bandwidth that is left empty is taken for points of unit variance.
    """
    width = settings.bandwidth or FRACTION * n ** (-1 / 6)
    parts = min(max(1, math.ceil(settings.eta / (STABLE * width**2))), MAX_SUBSTEPS)
    return Work(n * (settings.steps + 1), smoothed=settings.steps * parts)


def init(field, points: Tensor, settings: ExactSettings) -> State:
    aim = density.target(field.model, field.space, field=field if field.space == "latent" else None)
    width = settings.bandwidth or max(FRACTION * density.silverman(points), aim.grid.width)
    memory = Memory(aim, log_density(aim.smoothed(width)), width)
    return State(points, field.evaluate(points), memory, {"bandwidth": width, "substeps": 0})


def fresh(memory: Memory, points: Tensor) -> tuple[Tensor, Tensor]:
    """The fresh logit d_t = log(q ∗ K) − log(ρ_t ∗ K) at the points, (n,), and its gradient (n, 2).

    q ∝ ρ₀ exp(d) is what the stale flow aims at too; ρ_t is where the particles are now. Both
    are seen through the same kernel K, so that d_t vanishes exactly when ρ_t = q.
    """
    now = memory.target.grid.kde(points, memory.bandwidth)
    logit, slope = memory.target.grid.interpolate(memory.log_target - log_density(now), points)
    return logit.to(points), slope.to(points)


def step(field, state: State, settings: ExactSettings, generator) -> State:
    """x ← x + η w_f(d_t) ∇d_t + √(2ηγ) ξ, d_t the logit of the particles' own density, step by step.

    DGflow keeps d_0 = d throughout, since ρ_t is unknown in high dimension. Here it is estimated
    on a grid, whose cost does not depend on the square of the particles. A step that is long for
    the kernel, η max w_f(d_t) > h²/2, is taken in equal parts, each with its own ratio: "substeps" in
    ``info``. Beyond ``MAX_SUBSTEPS`` parts the run's note says so.
    """
    weight, points, width = divergences.get(settings.divergence).weight, state.points, state.memory.bandwidth
    logit, slope = fresh(state.memory, points)
    needed = math.ceil(min(settings.eta * float(weight(logit).max()) / (STABLE * width**2), 1e9)) or 1
    taken = min(needed, MAX_SUBSTEPS)
    for part in range(taken):
        if part:
            logit, slope = fresh(state.memory, points)
        points = field.project(points + settings.eta / taken * weight(logit)[:, None] * slope)
    points = field.project(diffuse(points, settings, generator))
    note = state.note
    if needed > taken and not note:
        note = (
            f"A step would need {needed:,} parts to be stable with a kernel of width {width:.2g}; "
            f"it is taken in {taken}. A smaller eta than {settings.eta:g} or a wider kernel is truer."
        )
    info = {**state.info, "substeps": taken}
    return State(points, field.evaluate(points), state.memory, info, note)


def update_rule(settings: ExactSettings, space: str) -> str:
    x = "z" if space == "latent" else "x"
    weight = divergences.get(settings.divergence).latex_weight
    fresh_weight = re.sub(r"(?<![a-zA-Z\\])d(?![a-zA-Z])", "d_t", weight)  # the logit, no part of a command
    text = rule(x, f"d_t({x})", fresh_weight, settings)
    return text + r",\qquad d_t = \log \rho_0 e^{{d}} - \log \rho_t"


METHOD = Method.of(__name__, ExactSettings, title="DGflow, fresh ratio", order=15, planar=True)

"""The McKean–Vlasov flow itself: DGflow with a density ratio that is fresh at every step."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from dgflow_core.flow import divergences
from dgflow_core.flow.divergences import DivergenceKey
from dgflow_core.kinds.plane import density
from dgflow_core.methods.base import Method, Settings, State, noise, number, setting


class ExactSettings(Settings):
    divergence: DivergenceKey = setting(
        "KL", symbol="f", help="The f-divergence whose gradient flow is followed; it sets the weight on ∇d."
    )
    eta: float = setting(
        0.01, symbol="η", help="Step size: how far one step follows the drift.",
        ge=1e-6, le=100, slider=(0.001, 1.0), log=True,
    )  # fmt: skip
    gamma: float = setting(
        0.0, symbol="γ", help="Noise factor. The fresh ratio already keeps particles apart, so 0 is enough.",
        ge=0, le=100, slider=(0.0, 0.2), step=0.005,
    )  # fmt: skip
    bandwidth: float | None = setting(
        None, symbol="h", help="Kernel width of the particles' density; empty: a third of Silverman's.",
        ge=1e-3, le=10, slider=(0.01, 1.0), log=True,
    )  # fmt: skip
    steps: int = setting(
        100, symbol="N", help="How many steps to run.", ge=0, le=10_000, slider=(1, 300), step=1
    )


class Memory(NamedTuple):
    target: density.Target
    log_target: Tensor  # log q ∗ K on the grid
    bandwidth: float
    substeps: int


FRACTION = 1 / 3  # of Silverman's bandwidth, which is made for one bump and blurs many
STABLE = 0.5  # a fresh logit spreads particles like heat: one step may go this far, in units of h²
MAX_SUBSTEPS = 64
FLOOR = 1e-12  # of the largest density: below it a kernel estimate says nothing


def log_density(values: Tensor) -> Tensor:
    return values.clamp_min(FLOOR * float(values.max())).log()


def init(field, points: Tensor, settings: ExactSettings) -> State:
    aim = density.target(field.model, field.space, field=field if field.space == "latent" else None)
    width = settings.bandwidth or max(FRACTION * density.silverman(points), aim.grid.width)
    pace = settings.eta * float(divergences.get(settings.divergence).weight(torch.zeros(1)))
    substeps = min(math.ceil(pace / (STABLE * width**2)), MAX_SUBSTEPS)
    memory = Memory(aim, log_density(aim.smoothed(width)), width, substeps)
    return State(points, field.evaluate(points), memory, {"bandwidth": width, "substeps": substeps})


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
    the kernel is taken in equal parts, each with its own ratio.
    """
    weight, points = divergences.get(settings.divergence).weight, state.points
    for _ in range(state.memory.substeps):
        logit, slope = fresh(state.memory, points)
        points = field.project(points + settings.eta / state.memory.substeps * weight(logit)[:, None] * slope)
    if settings.gamma > 0:
        points = points + math.sqrt(2 * settings.eta * settings.gamma) * noise(points, generator)
    points = field.project(points)
    return State(points, field.evaluate(points), state.memory, state.info)


def update_rule(settings: ExactSettings, space: str) -> str:
    x = "z" if space == "latent" else "x"
    weight = divergences.get(settings.divergence).latex_weight.replace("d", "d_t")
    middle = "" if weight == "1" else rf"\,{weight}"
    rule = rf"{x} \leftarrow {x} + {number(settings.eta)}{middle}\,\nabla_{x} d_t({x})"
    if settings.gamma > 0:
        scale = math.sqrt(2 * settings.eta * settings.gamma)
        rule += rf" + \underbrace{{{number(scale)}}}_{{\sqrt{{2\eta\gamma}}}}\,\xi"
    return rule + r",\qquad d_t = \log \rho_0 e^{{d}} - \log \rho_t"


METHOD = Method(
    name="exact",
    title="DGflow, fresh ratio",
    Settings=ExactSettings,
    init=init,
    step=step,
    update_rule=update_rule,
    paper="Ansari, Ang & Soh, ICLR 2021, Eq. 5, without the stale estimate of Section 3.2",
    about="Estimates the particles' own density at every step, so that the flow stops at its target.",
    order=15,
    planar=True,
)

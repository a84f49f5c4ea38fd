"""Draws anew until the critic accepts: one round of proposals a step.

Azadi et al., Discriminator Rejection Sampling, ICLR 2019
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dgflow_core.flow.priors import seeded
from dgflow_core.methods.base import (
    Method,
    Settings,
    Slider,
    State,
    Work,
    number,
    proposals,
    put,
    rows,
    setting,
    step_count,
    tally,
)

EPSILON = 1e-8
BURN_IN_SEED = 11


class RejectionSettings(Settings):
    percentile: float = setting(
        0, symbol="γ%", help="The paper's shift γ as a percentile of F: 0 shifts nothing (exact).",
        ge=0, le=99.9, slider=Slider(0.0, 99.0, 1),
    )  # fmt: skip
    burn_in: int = setting(
        10_000, symbol="B", help="Generated samples that estimate the largest logit before the first round.",
        ge=100, le=1_000_000, slider=Slider(1_000, 50_000, 1_000),
    )  # fmt: skip
    steps: int = step_count(help="Rounds of proposals; a particle rests once its proposal is accepted.")


class Memory(NamedTuple):
    accepted: Tensor  # (n,) which particles hold an accepted sample
    largest: float  # d_M: the largest logit seen, log M
    shift: float  # γ


def log_odds(logit: Tensor, largest: float, shift: float = 0.0) -> Tensor:
    """F̂(x) = d − d_M − log(1 − exp(d − d_M − ε)) − γ, whose sigmoid is the acceptance probability.

    With γ = 0 that probability is exp(d − d_M) = (μ/ρ₀)/M: plain rejection sampling.
    """
    below = logit.double() - largest
    return below - torch.log(-torch.expm1(below - EPSILON)) - shift


def work(settings: RejectionSettings, n: int) -> Work:
    """The burn-in, and at most one proposal for every particle in every round."""
    return Work(n * (settings.steps + 1) + settings.burn_in, drawn=n * settings.steps + settings.burn_in)


def init(field, points: Tensor, settings: RejectionSettings) -> State:
    at = field.evaluate(points)
    burn_in = field.evaluate(proposals(field, settings.burn_in, seeded(BURN_IN_SEED))).logit
    largest = float(max(burn_in.max(), at.logit.max()))
    shift = 0.0
    if settings.percentile > 0:
        shift = float(torch.quantile(log_odds(burn_in[:100_000], largest), settings.percentile / 100))
    none = torch.zeros(len(points), dtype=torch.bool, device=points.device)
    info = tally({}, 0, 0, len(points) + settings.burn_in)
    return State(points, at, Memory(none, largest, shift), info)


def step(field, state: State, settings: RejectionSettings, generator) -> State:
    """One round: each waiting particle is accepted with probability σ(F̂(x)), or drawn afresh.

    The paper raises d_M whenever a larger logit turns up and takes γ from each batch; here d_M
    likewise rises between rounds, and γ is fixed by the burn-in so that the result does not
    depend on the batch. Particles that still wait after the last round are plain proposals.
    """
    memory: Memory = state.memory
    uniform = torch.rand(len(state.points), generator=generator).to(state.points.device)
    waiting = ~memory.accepted
    taken = waiting & (uniform < torch.sigmoid(log_odds(state.at.logit, memory.largest, memory.shift)))
    again = waiting & ~taken
    points, at, largest = state.points, state.at, memory.largest
    if again.any():
        fresh = proposals(field, len(points), generator)  # one for every particle: ranks stay put
        points = torch.where(rows(again, points), fresh, points)
        redrawn = field.evaluate(points[again])
        at = put(at, again, redrawn)
        largest = max(largest, float(redrawn.logit.max()))
    info = tally(state.info, int(waiting.sum()), int(taken.sum()), int(again.sum()))
    return State(points, at, Memory(memory.accepted | taken, largest, memory.shift), info)


def update_rule(settings: RejectionSettings, space: str) -> str:
    rule = (
        r"\text{accept } x = g(z) \text{ with probability } \sigma(\hat F(x)),\quad "
        r"\hat F = d - d_M - \log(1-e^{d-d_M})"
    )
    if settings.percentile > 0:
        rule += rf" - \underbrace{{F_{{{number(settings.percentile)}\%}}}}_{{\gamma}}"
    return rule


METHOD = Method.of(__name__, RejectionSettings, title="DRS", name="drs", order=70, gradient=False)

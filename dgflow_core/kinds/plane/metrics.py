"""Metrics of two-dimensional samples: the paper's (appendix D.1), and those that need no modes.

A row's ``of`` takes samples of one or more steps, (steps, n, 2) as ``PlaneSamples``, and a
``PlaneReference``, and gives one number a step. The same numbers stand in curves, tables and sweeps.

NumPy, not torch: the pieces are too small to be worth handing to threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.metric import Metric, fitting, rows
from dgflow_core.kinds.plane.reference import MISSED, OFF, PARTICLES, PlaneReference, directions

BANDWIDTH = 0.1
_BLOCK = 500  # real points that the KDE score takes at once


@dataclass(eq=False)
class PlaneSamples:
    """What is measured: ``samples`` (steps, n, 2) of some steps, their ``logits`` (steps, n), the run."""

    samples: np.ndarray
    logits: np.ndarray | None = None
    run: Trajectory | None = None
    _near: tuple[PlaneReference, np.ndarray] | None = None

    @property
    def has(self) -> set[str]:
        """What metrics may need of a run: "logits", "run", "acceptance", "seconds"."""
        found = set() if self.logits is None else {"logits"}
        if self.run is not None:
            found |= {"run"} | {"acceptance"} & set(self.run.info) | {"seconds"} & set(self.run.provenance)
        return found

    def near(self, against: PlaneReference) -> np.ndarray:
        """How many samples lie near each mode, (steps, k), counted once for all metrics that ask."""
        if self._near is None or self._near[0] is not against:
            self._near = against, near_modes(self.samples, against.modes, against.target.std)
        return self._near[1]


def every_step(run: Trajectory) -> PlaneSamples:
    """All steps of a run, to be measured."""
    return PlaneSamples(run.samples.cpu().numpy(), run.logits.cpu().numpy(), run)


def last_step(run: Trajectory) -> PlaneSamples:
    """The last step of a run, to be measured."""
    return PlaneSamples(run.samples[-1:].cpu().numpy(), run.logits[-1:].cpu().numpy(), run)


def measure(seen: PlaneSamples, against: PlaneReference, whole_run: bool = False) -> dict[str, float]:
    """Every metric that applies, by name, of the last step in ``seen``.

    Args:
        whole_run: those that say something about the run, such as its time, as well.
    """
    last = PlaneSamples(seen.samples[-1:], None if seen.logits is None else seen.logits[-1:], seen.run)
    return {
        name: float(np.asarray(metric.of(last, against))[-1])
        for name, metric in fitting(METRICS, against.has | seen.has).items()
        if whole_run or not metric.whole_run
    }


def summary(points: np.ndarray, real: np.ndarray, target) -> dict[str, float]:
    """Every quick metric of points (n, 2), by name; ``target`` is anything with ``sample(n, seed)``."""
    return quick(points, PlaneReference(target))


def quick(points: np.ndarray, against: PlaneReference) -> dict[str, float]:
    """Every metric of points (n, 2) that is quick enough for every step of a run, by name."""
    rows = {name: metric for name, metric in METRICS.items() if metric.per_step}
    return {
        name: float(metric.of(PlaneSamples(points[None]), against)[0])
        for name, metric in fitting(rows, against.has).items()
    }


def near_modes(frames: np.ndarray, modes: np.ndarray, std: float) -> np.ndarray:
    """How many points lie within 4σ of each mode: (…, n, 2) → (…, k).

    Modes lie further apart than 8σ: a point is near one at most.
    """
    reach = (np.square(modes).sum(1, keepdims=True) - (4 * std) ** 2).astype(np.float32)
    steps = frames.reshape(-1, *frames.shape[-2:])
    counts = np.empty((len(steps), len(modes)), np.int64)
    for step, points in enumerate(steps):
        # |x − m|² ≤ (4σ)², with the square multiplied out so that the product is one of matrices.
        near = (2 * modes) @ points.T >= np.square(points[:, 0]) + np.square(points[:, 1]) + reach
        counts[step] = np.count_nonzero(near, axis=1)
    return counts.reshape(*frames.shape[:-2], len(modes))


def high_quality(frames: np.ndarray, modes: np.ndarray, std: float) -> np.ndarray:
    """Share of points (…, n, 2) within 4σ of one of ``modes`` (k, 2), in percent, (…)."""
    return _high_quality(near_modes(frames, modes, std), frames.shape[-2])


def modes_covered(frames: np.ndarray, modes: np.ndarray, std: float, share: float = 0.1) -> np.ndarray:
    """How many modes hold at least ``share`` of their fair part of points (…, n, 2), within 4σ; (…)."""
    return _modes_covered(near_modes(frames, modes, std), frames.shape[-2], share)


def _high_quality(near: np.ndarray, n: int) -> np.ndarray:
    return 100 * near.sum(-1) / n


def _modes_covered(near: np.ndarray, n: int, share: float = 0.1) -> np.ndarray:
    return (near >= share * n / near.shape[-1]).sum(-1)


def kde_score(points: np.ndarray, real: np.ndarray) -> float:
    """Total log-likelihood (nats) of ``real`` (m, 2) under a Gaussian KDE of ``points``, bandwidth 0.1.

    The paper's score has 5,000 of each; it grows with the number of real points.
    """
    centre = points.mean(0, dtype=np.float64)
    scaled = ((points - centre) / BANDWIDTH).astype(np.float32)
    squares, total = 0.5 * np.square(scaled).sum(1), 0.0
    for start in range(0, len(real), _BLOCK):
        some = ((real[start : start + _BLOCK] - centre) / BANDWIDTH).astype(np.float32)
        exponents = some @ scaled.T - squares  # less |x|²/2 of the real point, which is added below
        largest = exponents.max(1, keepdims=True)
        sums = np.exp(exponents - largest).sum(1, dtype=np.float64)
        total += float((np.log(sums) + largest[:, 0] - 0.5 * np.square(some).sum(1, dtype=np.float64)).sum())
    return total - len(real) * math.log(len(points) * 2 * math.pi * BANDWIDTH**2)


def sliced_wasserstein(frames: np.ndarray, against: PlaneReference) -> np.ndarray:
    """Sliced 2-Wasserstein distance to the data of the first 2,000 points of each step, (steps, n, 2).

    Along 8 fixed directions, to the quantiles of 50,000 real points.
    """
    frames = frames[:, :PARTICLES]
    steps, n, _ = frames.shape
    along = directions() @ frames.reshape(-1, 2).T  # (directions, steps · n): sorts along memory
    along = np.sort(along.reshape(-1, steps, n), axis=2)
    return np.sqrt(np.square(along - against.quantiles(n)[:, None]).mean((0, 2)))


def off_support(frames: np.ndarray, against: PlaneReference) -> np.ndarray:
    """Share of the first 2,000 points of each step without one of 50,000 real points within 0.05, percent."""
    frames = frames[:, :PARTICLES]
    near = against.support(frames.reshape(-1, 2)).reshape(frames.shape[:2])
    return 100 * (1 - near.mean(1))


def missed(frames: np.ndarray, against: PlaneReference) -> np.ndarray:
    """Share of 2,000 real points with none of the first 2,000 points of a step within 0.1, in percent."""
    return 100 * (1 - against.reached(frames[:, :PARTICLES]).mean(1))


def _evaluations(seen: PlaneSamples) -> float:
    """Particles and steps at which the field was asked."""
    run = seen.run
    if "evaluations" in run.info:
        return float(np.nansum(run.info["evaluations"]))
    return run.n * (run.steps + 1)


#: Add a row here and it is drawn, compared, swept over, exported and printed with the rest. They may need
#: "modes" or "no modes" of the data set; "logits", "run", "acceptance" or "seconds" of the run.
METRICS = rows(
    Metric(
        "high_quality", "High quality", "% within 4σ", "up", 1, ("modes",),
        lambda seen, against: _high_quality(seen.near(against), seen.samples.shape[1]),
    ),
    Metric(
        "modes", "Modes covered", "number", "up", 1, ("modes",),
        lambda seen, against: _modes_covered(seen.near(against), seen.samples.shape[1]),
    ),
    Metric(
        "off_support", "Off the data", f"% beyond {OFF:g}", "down", 1, ("no modes",),
        lambda seen, against: off_support(seen.samples, against),
        real=lambda against, n: against.score(off_support, min(n, PARTICLES)),
    ),
    Metric(
        "missed", "Data missed", f"% beyond {MISSED:g}", "down", 1, ("no modes",),
        lambda seen, against: missed(seen.samples, against),
        real=lambda against, n: against.score(missed, min(n, PARTICLES)),
    ),
    Metric(
        "kde_score", "KDE score", "nats", "up", 0, (),
        lambda seen, against: [kde_score(points, against.real) for points in seen.samples],
        per_step=False,
    ),
    Metric(
        "distance", "Distance to data", "sliced W₂", "down", 4, (),
        lambda seen, against: sliced_wasserstein(seen.samples, against),
        real=lambda against, n: against.score(sliced_wasserstein, min(n, PARTICLES)),
    ),
    Metric(
        "logit", "Mean logit", "nats", None, 3, ("logits",),
        lambda seen, against: seen.logits.mean(1),
    ),
    Metric(
        "acceptance", "Acceptance", "%", None, 1, ("acceptance",),
        lambda seen, against: [100 * seen.run.info["acceptance"][-1]],
        per_step=False, whole_run=True,
    ),
    Metric(
        "evaluations", "Evaluations of d and ∇d", "", None, 0, ("run",),
        lambda seen, against: [_evaluations(seen)],
        per_step=False, whole_run=True,
    ),
    Metric(
        "seconds", "Time", "s", "down", 2, ("seconds",),
        lambda seen, against: [seen.run.provenance["seconds"]],
        per_step=False, whole_run=True,
    ),
)  # fmt: skip

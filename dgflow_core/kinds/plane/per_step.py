"""Metrics of every step of a two-dimensional run, fast enough to follow a slider.

NumPy, not torch: the pieces are too small to be worth handing to threads.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.plane import datasets as plane_datasets

#: The distance curve looks at this many particles and directions; the tables look at all.
PARTICLES, DIRECTIONS = 2000, 8
_REAL = 50_000


class Curve(NamedTuple):
    """One metric against the step."""

    name: str
    unit: str
    better: str  # "up", "down" or "": the direction that is better
    values: np.ndarray  # (steps + 1,)
    reference: float | None = None  # what real data scores, where that means something
    reference_label: str = ""


def per_step(trajectory: Trajectory, dataset: str) -> list[Curve]:
    """High-quality share and modes (where the data set has modes), distance and mean logit.

    The distance is the sliced 2-Wasserstein distance of the first 2,000 particles to the data
    (quantiles of 50,000 points) along 8 fixed directions; its reference is what as many real
    points score.
    """
    target = plane_datasets.get(dataset)
    samples = trajectory.samples.numpy()
    curves = []
    if target.modes is not None:
        share, modes = _modes_per_step(samples, target.modes, target.std)
        curves.append(Curve("High quality", "% within 4σ of a mode", "up", share))
        curves.append(Curve("Modes covered", f"of {len(target.modes)}", "up", modes))
    n = min(samples.shape[1], PARTICLES)
    distance = _distance(samples[:, :n], dataset)
    curves.append(
        Curve("Distance to data", "sliced W₂, data units", "down", distance, _floor(dataset, n), "real data")
    )
    curves.append(Curve("Mean logit", "nats", "", trajectory.logits.mean(1).numpy()))
    return curves


def _distance(samples: np.ndarray, dataset: str) -> np.ndarray:
    """Sliced W₂ to the data of every step, (steps, n, 2) → (steps,)."""
    steps, n, _ = samples.shape
    projected = _directions() @ samples.reshape(-1, 2).T  # (directions, steps · n): sorts along memory
    projected = np.sort(projected.reshape(-1, steps, n), axis=2)
    return np.sqrt(np.square(projected - _quantiles(dataset, n)[:, None]).mean((0, 2)))


def _modes_per_step(samples, modes, std):
    share, covered = np.empty(len(samples)), np.empty(len(samples))
    fair = 0.1 * samples.shape[1] / len(modes)
    reach = (np.square(modes).sum(1, keepdims=True) - (4 * std) ** 2).astype(np.float32)
    for step, points in enumerate(samples):
        # |x − m|² ≤ (4σ)², with the square multiplied out so that the product is one of matrices.
        near = (2 * modes) @ points.T >= np.square(points[:, 0]) + np.square(points[:, 1]) + reach
        counts = np.count_nonzero(near, axis=1)  # modes lie further apart than 8σ: at most one is near
        share[step] = 100 * counts.sum() / len(points)
        covered[step] = (counts >= fair).sum()
    return share, covered


@lru_cache
def _directions() -> np.ndarray:
    angles = np.arange(DIRECTIONS, dtype=np.float32) * np.float32(np.pi / DIRECTIONS)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@lru_cache(maxsize=64)
def _quantiles(dataset: str, n: int) -> np.ndarray:
    real = _directions() @ plane_datasets.get(dataset).sample(_REAL, seed=11).T
    return np.quantile(real, (np.arange(n) + 0.5) / n, axis=1).T.astype(np.float32)


@lru_cache(maxsize=64)
def _floor(dataset: str, n: int) -> float:
    return float(_distance(plane_datasets.get(dataset).sample(n, seed=12)[None], dataset)[0])

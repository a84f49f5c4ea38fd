"""How good planar samples are before and after refinement."""

from __future__ import annotations

from typing import Any

from dgflow_core.flow.driver import refine
from dgflow_core.kinds.plane import metrics as planar
from dgflow_core.zoo.model import Model

#: Of the real points that samples are held against.
REAL_SEED = 7


def before_and_after(model: Model, target: Any, n: int, seed: int, **run: Any) -> dict[str, dict[str, float]]:
    """Metrics of ``n`` samples, "base" and "refined"; ``run`` is what ``refine`` takes.

    ``target`` is anything with ``sample(n, seed)``: points (n, 2) of the data.
    """
    path, real = refine(model, n=n, seed=seed, **run), target.sample(n, seed=REAL_SEED)
    return {
        label: {key: round(v, 4) for key, v in planar.summary(points.numpy(), real, target).items()}
        for label, points in (("base", path.samples[0]), ("refined", path.samples[-1]))
    }


def flat(quality: dict[str, dict[str, float]]) -> dict[str, float]:
    """The same as one row of the training log: base_distance, refined_distance, …"""
    return {f"{label}_{key}": value for label, row in quality.items() for key, value in row.items()}

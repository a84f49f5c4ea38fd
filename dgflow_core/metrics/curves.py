"""Metrics of every step of a two-dimensional run, fast enough to follow a slider."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from dgflow_core import data
from dgflow_core.trajectory import Trajectory

#: The distance curve looks at this many particles and directions; the tables look at all.
PARTICLES, DIRECTIONS = 1000, 16


class Curve(NamedTuple):
    """One metric against the step."""

    name: str
    unit: str
    values: np.ndarray  # (steps + 1,)
    reference: float | None = None  # what real data scores, where that means something
    reference_label: str = ""


def per_step(trajectory: Trajectory, dataset: str) -> list[Curve]:
    """High-quality share and modes (where the data set has modes), distance and mean logit.

    The distance is the sliced 2-Wasserstein distance of the first 1,000 particles to 1,000 real
    points along 16 fixed directions; its reference is the same between two real samples.
    """
    target = data.get(dataset)
    samples = trajectory.samples.float()
    curves = []
    if target.modes is not None:
        share, modes = _modes_per_step(samples, torch.from_numpy(target.modes), target.std)
        curves.append(Curve("High quality", "% within 4σ of a mode", share, 100.0, "all"))
        curves.append(Curve("Modes covered", f"of {len(target.modes)}", modes, float(len(target.modes)), "all"))
    distance = sliced_wasserstein(samples[:, :PARTICLES], _sorted_projections(dataset, samples.shape[1]))
    curves.append(Curve("Distance to data", "sliced W₂, data units", distance, _floor(dataset), "real vs real"))
    curves.append(Curve("Mean logit", "d", trajectory.logits.mean(1).numpy()))
    return curves


def sliced_wasserstein(samples: torch.Tensor, real: torch.Tensor) -> np.ndarray:
    """Sliced W₂ of every step, (steps, n, 2) against sorted real projections (n, k) → (steps,)."""
    projected = (samples @ _directions()).sort(dim=1).values
    return (projected - real).square().mean((1, 2)).sqrt().numpy()


def _modes_per_step(samples, modes, std):
    share, covered = np.empty(len(samples)), np.empty(len(samples))
    fair = 0.1 * samples.shape[1] / len(modes)
    for step, points in enumerate(samples):
        distance, nearest = torch.cdist(points, modes).min(1)
        good = distance <= 4 * std
        share[step] = 100 * good.float().mean()
        covered[step] = (torch.bincount(nearest[good], minlength=len(modes)) >= fair).sum()
    return share, covered


@lru_cache
def _directions() -> torch.Tensor:
    angles = torch.arange(DIRECTIONS) * torch.pi / DIRECTIONS
    return torch.stack([angles.cos(), angles.sin()])


@lru_cache(maxsize=64)
def _sorted_projections(dataset: str, n: int, seed: int = 11) -> torch.Tensor:
    real = torch.from_numpy(data.get(dataset).sample(min(n, PARTICLES), seed))
    return (real @ _directions()).sort(dim=0).values


@lru_cache(maxsize=64)
def _floor(dataset: str) -> float:
    again = torch.from_numpy(data.get(dataset).sample(PARTICLES, seed=12))
    return float(sliced_wasserstein(again[None], _sorted_projections(dataset, PARTICLES))[0])

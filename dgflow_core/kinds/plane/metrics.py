"""Metrics of two-dimensional samples (the paper's appendix D.1, and two more)."""

from __future__ import annotations

import numpy as np
import ot
from sklearn.neighbors import KernelDensity

BANDWIDTH = 0.1


def high_quality(points: np.ndarray, modes: np.ndarray, std: float) -> float:
    """Share of points (n, 2) within 4σ of the nearest of ``modes`` (k, 2), in percent."""
    return 100.0 * float((_nearest(points, modes)[1] <= 4 * std).mean())


def modes_covered(points: np.ndarray, modes: np.ndarray, std: float, share: float = 0.1) -> int:
    """How many modes hold at least ``share`` of their fair part of the points, within 4σ."""
    nearest, distance = _nearest(points, modes)
    counts = np.bincount(nearest[distance <= 4 * std], minlength=len(modes))
    return int((counts >= share * len(points) / len(modes)).sum())


def kde_score(points: np.ndarray, real: np.ndarray) -> float:
    """Total log-likelihood (nats) of ``real`` under a Gaussian KDE of ``points``, bandwidth 0.1.

    The paper's score has 5,000 of each; it grows with the number of real points.
    """
    return float(KernelDensity(bandwidth=BANDWIDTH, kernel="gaussian").fit(points).score(real))


def sliced_wasserstein(points: np.ndarray, real: np.ndarray, projections: int = 64) -> float:
    """Sliced 2-Wasserstein distance in data units (POT, 64 fixed projections)."""
    return float(ot.sliced_wasserstein_distance(points, real, n_projections=projections, seed=0))


def summary(points: np.ndarray, real: np.ndarray, target, kde: bool = False) -> dict[str, float]:
    """Every metric that ``target`` (a planar data set) allows, by name.

    "high_quality" (%) and "modes" need modes; "distance" (sliced Wasserstein) always;
    "kde_score" (nats) where ``kde`` asks for it, since it costs the most.
    """
    numbers: dict[str, float] = {}
    if getattr(target, "modes", None) is not None:
        numbers["high_quality"] = high_quality(points, target.modes, target.std)
        numbers["modes"] = modes_covered(points, target.modes, target.std)
    numbers["distance"] = sliced_wasserstein(points, real)
    if kde:
        numbers["kde_score"] = kde_score(points, real)
    return numbers


def _nearest(points: np.ndarray, modes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    squares = ((points[:, None, :] - modes[None]) ** 2).sum(-1)
    nearest = squares.argmin(1)
    return nearest, np.sqrt(squares[np.arange(len(points)), nearest])

"""The two-dimensional targets. The first two are the paper's (appendix D.1)."""

from __future__ import annotations

import math

import numpy as np

from dgflow_core.kinds.plane.datasets import dataset

_GRID_SCALE = 2 * math.sqrt(2)
_GRID = np.array([(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]) / _GRID_SCALE
_GRID_STD = 0.05 / _GRID_SCALE
_RING = np.array([(math.cos(a), math.sin(a)) for a in np.arange(8) * math.pi / 4]) * 1.2
_RING_STD = 0.03


def _around(modes: np.ndarray, std: float, n: int, rng: np.random.Generator) -> np.ndarray:
    return modes[rng.integers(len(modes), size=n)] + std * rng.standard_normal((n, 2))


@dataset(
    "25gaussians", "25 Gaussians",
    "Many small modes: bridges between them are where the generator is wrong.",
    extent=2.0, modes=_GRID, std=_GRID_STD,
)  # fmt: skip
def twenty_five_gaussians(n, rng):
    """Means {−4, −2, 0, 2, 4}², standard deviation 0.05, all divided by 2√2."""
    return _around(_GRID, _GRID_STD, n, rng)


@dataset("swissroll", "Swiss roll", "A curve: samples off the spiral are drawn onto it.", extent=2.2)
def swiss_roll(n, rng):
    """scikit-learn's Swiss roll with noise 0.25, coordinates 0 and 2, divided by 7.5."""
    from sklearn.datasets import make_swiss_roll  # here: scikit-learn takes seconds to import

    return make_swiss_roll(n, noise=0.25, random_state=int(rng.integers(2**31)))[0][:, [0, 2]] / 7.5


@dataset(
    "8gaussians", "8 Gaussians on a ring",
    "An empty middle: particles there must choose a side, and a flow cannot jump.",
    extent=2.0, modes=_RING, std=_RING_STD,
)  # fmt: skip
def eight_gaussians(n, rng):
    """Eight equal Gaussians (standard deviation 0.03) on a circle of radius 1.2."""
    return _around(_RING, _RING_STD, n, rng)


@dataset("moons", "Two moons", "Two separate curves: the bridge between them empties.", extent=2.0)
def two_moons(n, rng):
    """scikit-learn's two moons with noise 0.05, centred."""
    from sklearn.datasets import make_moons

    points = make_moons(n, noise=0.05, random_state=int(rng.integers(2**31)))[0]
    return points - [0.5, 0.25]


@dataset("checkerboard", "Checkerboard", "Sharp edges: samples between the squares are drawn in.", extent=2.0)
def checkerboard(n, rng):
    """Uniform on the eight dark squares of a 4 × 4 board on [−1.6, 1.6]²."""
    column = rng.integers(4, size=n)
    row = 2 * rng.integers(2, size=n) + column % 2
    corner = np.stack([column, row], axis=1) - 2
    return (corner + rng.random((n, 2))) * 0.8

"""What samples of the plane are held against: one data set, always through the same real points."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache

import numpy as np

from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane.nearness import Reached, Within

#: Distances look at so many particles of a run at most, whatever they are shown in.
PARTICLES = 2000
#: Real points of the KDE score, as in the paper; of the quantiles and the support; of what may be missed.
REAL, MANY, TARGETS = 5000, 50_000, 2000
#: Directions that the sliced distance looks along.
DIRECTIONS = 8
#: Farther than this from every real point is off the data; farther from every sample, a real point is
#: missed. In data units: every data set here is about four wide.
OFF, MISSED = 0.05, 0.1
SEED = 11


class PlaneReference:
    """Real points of ``target`` (a planar data set, or anything with its ``sample``), drawn with ``seed``."""

    def __init__(self, target, seed: int = SEED):
        self.target, self.seed = target, seed
        self._quantiles: dict[int, np.ndarray] = {}
        self._scores: dict[tuple[Callable, int], float] = {}

    @property
    def modes(self) -> np.ndarray | None:
        """(k, 2) centres of modes, or None."""
        return getattr(self.target, "modes", None)

    @property
    def has(self) -> set[str]:
        """What metrics may need of a data set: "modes" or "no modes"."""
        return {"no modes" if self.modes is None else "modes"}

    @cached_property
    def real(self) -> np.ndarray:
        """(REAL, 2) points for the KDE score."""
        return self.target.sample(REAL, self.seed)

    @cached_property
    def many(self) -> np.ndarray:
        """(MANY, 2) points that stand for the whole distribution."""
        return self.target.sample(MANY, self.seed)

    @cached_property
    def support(self) -> Within:
        """Tells which points lie within ``OFF`` of a real one."""
        return Within(self.many, OFF)

    @cached_property
    def reached(self) -> Reached:
        """Tells which of ``TARGETS`` real points lie within ``MISSED`` of a sample."""
        return Reached(self.many[:TARGETS], MISSED)

    def quantiles(self, n: int) -> np.ndarray:
        """(DIRECTIONS, n) quantiles of the data along each direction."""
        if n not in self._quantiles:
            along = directions() @ self.many.T
            middle = (np.arange(n) + 0.5) / n
            self._quantiles[n] = np.quantile(along, middle, axis=1).T.astype(np.float32)
        return self._quantiles[n]

    def score(self, of: Callable, n: int) -> float:
        """What the metric ``of`` says about ``n`` real points, drawn apart from those held against."""
        if (of, n) not in self._scores:
            frames = self.target.sample(n, self.seed + 1)[None]
            self._scores[of, n] = float(of(frames, self)[0])
        return self._scores[of, n]


@lru_cache
def directions() -> np.ndarray:
    """(DIRECTIONS, 2) unit vectors, evenly around a half circle."""
    angles = np.arange(DIRECTIONS, dtype=np.float32) * np.float32(np.pi / DIRECTIONS)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@lru_cache(maxsize=32)
def reference(dataset: str, seed: int = SEED) -> PlaneReference:
    """What samples of a planar data set are held against.

    Raises:
        ValueError: no such data set; the message lists them.
    """
    return PlaneReference(plane_datasets.get(dataset), seed)

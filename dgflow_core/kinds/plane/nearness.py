"""Which points of the plane lie within a radius of others: exact, and quick enough for every step of a run.

A grid of small cells settles what is certain for a whole cell; only what is close to the border is measured.
"""

from __future__ import annotations

import math

import numpy as np
import scipy  # its parts load when they are used, which keeps the start short

MOST_CELLS = 512  # along one side of the grid


class _Cells:
    """Square cells over a set of points and ``radius`` around it."""

    def __init__(self, points: np.ndarray, radius: float, parts: float):
        self.low = points.min(0).astype(np.float64) - radius
        reach = points.max(0) + radius - self.low
        self.side = max(radius / parts, float(reach.max()) / MOST_CELLS)
        self.shape = tuple(np.ceil(reach / self.side).astype(int) + 1)
        self.corner = self.side * math.sqrt(0.5)  # from a cell's centre to its corner
        self.count = self.shape[0] * self.shape[1]

    def of(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the cells that points (m, 2) lie in, and whether they lie in any, (m,) each."""
        place = np.floor((points - self.low) / self.side)
        inside = ((place >= 0) & (place < self.shape)).all(1)
        place = np.where(inside[:, None], place, 0).astype(np.int64)
        return place[:, 0] * self.shape[1] + place[:, 1], inside

    def centres(self) -> np.ndarray:
        """(count, 2)"""
        place = np.stack(np.divmod(np.arange(self.count), self.shape[1]), axis=1)
        return self.low + (place + 0.5) * self.side


class Within:
    """Tells which points lie within ``radius`` of a fixed set of ``points`` (m, 2)."""

    def __init__(self, points: np.ndarray, radius: float):
        self.radius, self.tree = radius, scipy.spatial.cKDTree(points)
        self.cells = cells = _Cells(points, radius, parts=2.5)
        bound = radius + cells.corner
        distance, _ = self.tree.query(cells.centres(), distance_upper_bound=bound * (1 + 1e-9))
        # 1: every point of the cell is within, 0: none is, −1: it has to be measured
        self.known = np.full(cells.count, -1, np.int8)
        self.known[distance <= radius - cells.corner] = 1
        self.known[distance > bound] = 0

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Whether each of ``points`` (k, 2) has one of the fixed ones within the radius, bool (k,)."""
        cell, inside = self.cells.of(points)
        known = np.where(inside, self.known[cell], 0)
        close = np.flatnonzero(known < 0)
        distance, _ = self.tree.query(points[close], distance_upper_bound=self.radius * (1 + 1e-9))
        known[close] = distance <= self.radius
        return known.astype(bool)


class Reached:
    """Tells which of a fixed set of ``points`` (m, 2) have a moving point within ``radius``."""

    def __init__(self, points: np.ndarray, radius: float):
        self.points, self.radius = points.astype(np.float64), radius
        self.cells = cells = _Cells(points, radius, parts=4)
        reach = math.ceil((radius + cells.corner) / cells.side) + 1
        steps = np.arange(-reach, reach + 1)
        around = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
        place = np.floor((self.points - cells.low) / cells.side)[:, None] + around
        centre = cells.low + (place + 0.5) * cells.side
        distance = np.sqrt(np.square(centre - self.points[:, None]).sum(-1))
        inside = ((place >= 0) & (place < cells.shape)).all(-1)
        cell = (place[..., 0] * cells.shape[1] + place[..., 1]).astype(np.int64)
        self.sure, self.open = (
            self._table(cell, inside & (distance <= limit))
            for limit in (radius - cells.corner, radius + cells.corner)
        )

    def _table(self, cell: np.ndarray, wanted: np.ndarray) -> scipy.sparse.csr_matrix:
        """Cell × fixed point: 1 where wanted."""
        point = np.broadcast_to(np.arange(len(cell))[:, None], cell.shape)[wanted]
        shape = self.cells.count, len(cell)
        return scipy.sparse.csr_matrix((np.ones(len(point), np.float32), (cell[wanted], point)), shape)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Whether each fixed point is reached at each step of ``frames`` (steps, n, 2), bool (steps, m)."""
        steps, n, _ = frames.shape
        cell, inside = self.cells.of(frames.reshape(-1, 2))
        step = np.repeat(np.arange(steps), n)[inside]
        ones = np.ones(len(step), np.float32)
        held = scipy.sparse.csr_matrix((ones, (step, cell[inside])), (steps, self.cells.count))
        reached = (held @ self.sure).toarray() > 0
        unclear = ((held @ self.open).toarray() > 0) & ~reached
        for step in np.flatnonzero(unclear.any(1)):
            which = np.flatnonzero(unclear[step])
            quick_to_build = {"balanced_tree": False, "compact_nodes": False}
            tree = scipy.spatial.cKDTree(frames[step], **quick_to_build)
            distance, _ = tree.query(self.points[which], distance_upper_bound=self.radius * (1 + 1e-9))
            reached[step, which] = distance <= self.radius
        return reached

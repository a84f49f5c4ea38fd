"""A distribution that a person drew: ink on a square raster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when they are used, which keeps the start short

from dgflow_core.errors import UserError

#: Cells along one side of the raster, and half the side of the square it covers, in data units.
SIDE, HALF = 96, 2.0


#: Curves that are drawn at a click: t in [0, 2π] → x, y.
SHAPES: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "Heart": lambda t: (
        1.15 * np.sin(t) ** 3,
        0.0805 * (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) + 0.1,
    ),
    "Spiral": lambda t: ((0.22 * t + 0.15) * np.cos(1.6 * t), (0.22 * t + 0.15) * np.sin(1.6 * t)),
    "Infinity": lambda t: (1.5 * np.cos(t), 0.85 * np.sin(2 * t)),
}
#: How far ink reaches from such a curve, in cells, and how much of it there is.
PEN, FULL = 1.6, 15


def shape(name: str) -> Drawing:
    """The drawing of one of ``SHAPES``."""
    x, y = SHAPES[name](np.linspace(0, 2 * np.pi, 901))
    middle = (np.arange(SIDE) + 0.5) * (2 * HALF / SIDE) - HALF
    grid = np.stack(np.meshgrid(middle, -middle), -1).reshape(-1, 2)
    away, _ = scipy.spatial.cKDTree(np.stack([x, y], 1)).query(grid)
    return Drawing(np.where(away <= PEN * 2 * HALF / SIDE, FULL, 0).reshape(SIDE, SIDE))


@dataclass(frozen=True, eq=False)
class Drawing:
    """Samples wherever there is ink, as often as there is much of it; uniform within a cell.

    Args:
        ink: (SIDE, SIDE) amounts ≥ 0, row 0 at the top.

    Raises:
        ValueError: another shape, or no ink.
    """

    ink: np.ndarray
    extent = HALF

    def __post_init__(self):
        if self.ink.shape != (SIDE, SIDE):
            raise UserError(f"drawing must have {SIDE} × {SIDE} cells, not {self.ink.shape}.")
        if not self.ink.sum() > 0:
            raise UserError("drawing must have some ink; paint with the brush first.")

    @classmethod
    def parse(cls, code: str) -> Drawing:
        """The drawing in a string of hexadecimal digits, one for the ink of each cell.

        Raises:
            ValueError: another length or other letters, or no ink.
        """
        if len(code) != SIDE**2 or not set(code) <= set("0123456789abcdef"):
            raise UserError(f"drawing must be {SIDE**2} hexadecimal digits.")
        digits = np.frombuffer(code.encode(), np.uint8).astype(np.float64)
        ink = np.where(digits >= ord("a"), digits - ord("a") + 10, digits - ord("0"))
        return cls(ink.reshape(SIDE, SIDE))

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """``n`` points, float32 (n, 2), the same for the same seed."""
        rng = np.random.default_rng(seed)
        heap = np.cumsum(self.ink.ravel())
        cells = np.searchsorted(heap, rng.random(n) * heap[-1], side="right")
        row, column = np.divmod(np.minimum(cells, SIDE**2 - 1), SIDE)
        unit = 2 * HALF / SIDE
        x = -HALF + unit * (column + rng.random(n))
        y = HALF - unit * (row + rng.random(n))
        return np.stack([x, y], axis=1).astype(np.float32)

"""Distributions over the plane, by name. A file in this folder that calls ``@dataset`` adds one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dgflow_core import registry


@dataclass(frozen=True)
class PlanarDataset:
    """A distribution over the plane.

    Attributes:
        name, title: key and name in text. ``lesson``: what it teaches, in one sentence.
        draw: (n, NumPy generator) → (n, 2) array.
        extent: half the side of the square that shows it, in data units.
        modes: (k, 2) mode centres, or None where there are none.
        std: standard deviation of one mode, in data units; None without modes.
    """

    name: str
    title: str
    lesson: str
    draw: Callable[[int, np.random.Generator], np.ndarray]
    extent: float
    modes: np.ndarray | None = None
    std: float | None = None

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """``n`` points, float32 (n, 2), the same for the same seed."""
        return self.draw(n, np.random.default_rng(seed)).astype(np.float32)


datasets: dict[str, PlanarDataset] = {}


def dataset(name: str, title: str, lesson: str, extent: float, modes=None, std: float | None = None):
    """Decorator: register a ``draw`` function as the data set ``name``."""
    centres = None if modes is None else np.asarray(modes, dtype=np.float32)
    return registry.entry(
        datasets, name, lambda draw: PlanarDataset(name, title, lesson, draw, extent, centres, std)
    )


def get(name: str) -> PlanarDataset:
    """The planar data set ``name``.

    Raises:
        ValueError: no such data set; the message lists them.
    """
    return registry.one_of("dataset", datasets, name)


list(registry.files(__name__))

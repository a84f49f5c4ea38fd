"""Data sets, by name. A file here that calls ``@dataset`` or ``@image_dataset`` adds one.

Planar sets are drawn afresh; image sets are read from a folder that the user names.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor


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

    def register(draw):
        centres = None if modes is None else np.asarray(modes, dtype=np.float32)
        datasets[name] = PlanarDataset(name, title, lesson, draw, extent, centres, std)
        return draw

    return register


def get(name: str) -> PlanarDataset:
    """The planar data set ``name``.

    Raises:
        ValueError: no such data set; the message lists them.
    """
    if name not in datasets:
        raise ValueError(f"dataset must be one of {', '.join(datasets)}, not {name!r}.")
    return datasets[name]


@dataclass(frozen=True)
class ImageDataset:
    """Labelled square images, in memory.

    Attributes:
        name, title: key and name in text. ``channels``: 1 or 3. ``classes``: names of the labels.
        read: (root, train) → (images uint8 (n, C, side, side), labels int64 (n,)).
        side: height and width in pixels.
    """

    name: str
    title: str
    read: Callable[[Path, bool], tuple[Tensor, Tensor]]
    channels: int
    classes: tuple[str, ...]
    side: int = 32

    def load(self, root: Path | str | None = None, train: bool = True) -> tuple[Tensor, Tensor]:
        """The training or the test half: images uint8 (n, C, side, side) and labels int64 (n,).

        Args:
            root: the data root; None takes the environment variable DGFLOW_DATA.

        Raises:
            ValueError: no root is named, or it does not hold this data set.
        """
        root = root or os.environ.get("DGFLOW_DATA")
        if root is None:
            raise ValueError(f"data_root must name the folder that holds {self.title} (or set DGFLOW_DATA).")
        return self.read(Path(root), train)


image_datasets: dict[str, ImageDataset] = {}


def image_dataset(name: str, title: str, channels: int, classes: tuple[str, ...], side: int = 32):
    """Decorator: register a ``read`` function as the image data set ``name``."""

    def register(read):
        image_datasets[name] = ImageDataset(name, title, read, channels, classes, side)
        return read

    return register


def get_images(name: str) -> ImageDataset:
    """The image data set ``name``.

    Raises:
        ValueError: no such data set; the message lists them.
    """
    if name not in image_datasets:
        raise ValueError(f"dataset must be one of {', '.join(image_datasets)}, not {name!r}.")
    return image_datasets[name]


for _file in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_file.name}")

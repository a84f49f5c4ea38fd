"""Sets of labelled images, by name. A file in this folder that calls ``@dataset`` adds one.

They are read from a folder that the user names.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from dgflow_core import registry


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


datasets: dict[str, ImageDataset] = {}


def dataset(name: str, title: str, channels: int, classes: tuple[str, ...], side: int = 32):
    """Decorator: register a ``read`` function as the image data set ``name``."""
    return registry.entry(
        datasets, name, lambda read: ImageDataset(name, title, read, channels, classes, side)
    )


def get(name: str) -> ImageDataset:
    """The image data set ``name``.

    Raises:
        ValueError: no such data set; the message lists them.
    """
    return registry.one_of("dataset", datasets, name)


list(registry.files(__name__))

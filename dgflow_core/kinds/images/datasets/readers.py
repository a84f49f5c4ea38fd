"""Image sets, read with torchvision from a data root and kept in memory as uint8.

torchvision is imported by the readers alone: it would double the time the app takes to start.
"""

from __future__ import annotations

import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate, pad

from dgflow_core.kinds.images.datasets import dataset as image_dataset


def to_unit(images: Tensor) -> Tensor:
    """uint8 0…255 → float32 in [−1, 1], same shape."""
    return images.float() / 127.5 - 1


def to_bytes(images: Tensor) -> Tensor:
    """float in [−1, 1] → uint8 0…255, same shape; values outside are clipped."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


@image_dataset(
    "fashion_mnist", "Fashion-MNIST", channels=1,
    classes=("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"),
)  # fmt: skip
@lru_cache(maxsize=2)
def fashion_mnist(root: Path, train: bool) -> tuple[Tensor, Tensor]:
    """The IDX files, plain or .gz, from torchvision's folder or ``fashion_mnist/``; 28 → 32 by a border."""
    from torchvision.datasets.mnist import read_image_file, read_label_file

    prefix = "train" if train else "t10k"
    images = _idx(root, f"{prefix}-images-idx3-ubyte", read_image_file)
    return pad(images, (2, 2, 2, 2)).unsqueeze(1), _idx(root, f"{prefix}-labels-idx1-ubyte", read_label_file)


def _idx(root: Path, name: str, read) -> Tensor:
    from torchvision.datasets.utils import extract_archive

    for folder in (root / "FashionMNIST" / "raw", root / "fashion_mnist", root):
        if (folder / name).exists():
            return read(str(folder / name))
        if (folder / f"{name}.gz").exists():
            with tempfile.TemporaryDirectory() as scratch:  # torchvision's reader takes unpacked files
                return read(str(extract_archive(folder / f"{name}.gz", scratch)))
    raise ValueError(
        f"data_root must hold Fashion-MNIST (FashionMNIST/raw/{name}, or .gz), which {root} does not."
    )


@image_dataset(
    "cifar10", "CIFAR-10", channels=3,
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
)  # fmt: skip
@lru_cache(maxsize=2)
def cifar10(root: Path, train: bool) -> tuple[Tensor, Tensor]:
    """torchvision's CIFAR-10, or class folders of images in ``cifar10/train`` or ``cifar10/train.zip``."""
    from torchvision.datasets import CIFAR10, ImageFolder

    half = "train" if train else "test"
    if (root / CIFAR10.base_folder).is_dir():
        source = CIFAR10(root, train=train)
        pixels, labels = source.data, source.targets
    elif (root / "cifar10" / half).is_dir():
        source = ImageFolder(root / "cifar10" / half)
        pixels, labels = zip(*((np.asarray(image), label) for image, label in source), strict=True)
    elif (root / "cifar10" / f"{half}.zip").exists():
        pixels, labels = _zipped(root / "cifar10" / f"{half}.zip")
    else:
        raise ValueError(
            f"data_root must hold CIFAR-10 ({CIFAR10.base_folder} or cifar10/{half}), which {root} does not."
        )
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)


def _zipped(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """Pictures and labels of an archive of class folders, in ImageFolder's order."""
    with zipfile.ZipFile(path) as archive:
        files = sorted(name for name in archive.namelist() if name.lower().endswith((".jpg", ".png")))
        classes = sorted({Path(name).parent.name for name in files})
        pixels = []
        for name in files:
            with archive.open(name) as stream:
                pixels.append(np.asarray(Image.open(stream).convert("RGB")))
        return pixels, [classes.index(Path(name).parent.name) for name in files]


_STL10_CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")


@image_dataset("stl10", "STL-10, 48 × 48", channels=3, classes=_STL10_CLASSES, side=48)
@lru_cache(maxsize=2)
def stl10(root: Path, train: bool) -> tuple[Tensor, Tensor]:
    """The labelled images of torchvision's ``stl10_binary``, 96 → 48 by averaging."""
    return _stl10(root, train, 48)


@image_dataset("stl10_32", "STL-10, 32 × 32", channels=3, classes=_STL10_CLASSES)
@lru_cache(maxsize=2)
def stl10_32(root: Path, train: bool) -> tuple[Tensor, Tensor]:
    """The labelled images of torchvision's ``stl10_binary``, 96 → 32 by averaging."""
    return _stl10(root, train, 32)


def _stl10(root: Path, train: bool, side: int) -> tuple[Tensor, Tensor]:
    from torchvision.datasets import STL10

    class Unchecked(STL10):  # any folder in the format will do, not the published one alone
        def _check_integrity(self) -> bool:
            return True

    split = "train" if train else "test"
    if not (root / STL10.base_folder / f"{split}_X.bin").exists():
        raise ValueError(
            f"data_root must hold STL-10 ({STL10.base_folder}/{split}_X.bin), which {root} does not."
        )
    source = Unchecked(str(root), split=split)
    smaller = [
        interpolate(chunk.float(), size=side, mode="area").round().to(torch.uint8)
        for chunk in torch.from_numpy(source.data).split(500)
    ]
    return torch.cat(smaller), torch.from_numpy(source.labels).long()


def contact_sheet(images: Tensor, columns: int) -> Tensor:
    """Images (n, C, H, W) in [−1, 1] as one RGB picture, uint8 (rows·H, columns·W, 3)."""
    n, _, height, width = images.shape
    rows = -(-n // columns)
    grid = torch.zeros(rows * columns, 3, height, width, dtype=torch.uint8)
    grid[:n] = to_bytes(images.cpu()).expand(n, 3, height, width)
    grid = grid.reshape(rows, columns, 3, height, width).permute(0, 3, 1, 4, 2)
    return grid.reshape(rows * height, columns * width, 3)

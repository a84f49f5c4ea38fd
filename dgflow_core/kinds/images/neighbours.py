"""Where samples lie among real images: a map of classifier features, and their nearest training images."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from dgflow_core.kinds import shipped
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.metrics import FeatureReference, reference

INDEX = "index.safetensors"
SIDE, COLUMNS = 32, 50  # of a picture, in pixels; of the sheet that holds the index's, in pictures


@dataclass(frozen=True)
class Index:
    """Training images to look samples up in: ``features`` (m, d) and ``pictures`` uint8 (m, C, 32, 32)."""

    features: Tensor
    pictures: Tensor

    def nearest(self, features: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The ``k`` nearest images of each row (n, d): their numbers and their distances, (n, k) each."""
        near = torch.cdist(features, self.features).topk(min(k, len(self.features)), largest=False)
        return near.indices, near.values


@dataclass(frozen=True)
class Surroundings:
    """What is known around the samples of a run.

    Attributes:
        real: (m, 2) places of real test images on the map. ``paths``: (steps + 1, n, 2) of the samples.
        explained: the share of the features' variance that the map shows, 0…1.
        nearest: (n, k, C, 32, 32) uint8, training images nearest to the last samples, nearest first, and
            ``distances`` (n, k) in feature space; None where the data set has no index.
        indexed: how many training images were looked at.
    """

    real: np.ndarray
    paths: np.ndarray
    explained: float
    nearest: Tensor | None
    distances: Tensor | None
    indexed: int


@lru_cache(maxsize=4)
def index(dataset: str) -> Index:
    """The shipped index of an image data set (``prepare.nearest_images`` makes it).

    Raises:
        UserError: none is shipped.
    """
    path = shipped.folder(dataset, INDEX, "index of training images", "neighbours") / INDEX
    tensors = load_file(path)
    features, channels = tensors["features"].float(), image_datasets.get(dataset).channels
    with Image.open(io.BytesIO(tensors["sheet"].numpy().tobytes())) as sheet:
        pixels = torch.from_numpy(np.array(sheet.convert("RGB")))
    pixels = pixels.reshape(-1, SIDE, COLUMNS, SIDE, 3).permute(0, 2, 4, 1, 3).flatten(0, 1)
    return Index(features, pixels[: len(features), :channels].contiguous())


@lru_cache(maxsize=4)
def _map(dataset: str) -> tuple[FeatureReference, Any, np.ndarray]:
    """The feature network, the two directions in which real images vary most, and real images there."""
    against = reference(dataset)
    from sklearn.decomposition import PCA  # here: it takes 150 MB

    pca = PCA(2, svd_solver="full").fit(against.sample.double().numpy())
    return against, pca, pca.transform(against.sample.double().numpy()).astype(np.float32)


@torch.no_grad()
def surroundings(dataset: str | None, samples: Tensor, k: int = 5) -> Surroundings:
    """Where the samples of a run (steps + 1, n, C, 32, 32) in [−1, 1] lie among those of ``dataset``.

    Raises:
        ValueError: there is no feature network for these pictures; one sentence.
    """
    against, pca, real = _map(dataset or "unknown")
    wanted = (against.classifier.arguments["channels"], SIDE, SIDE)
    if tuple(samples.shape[2:]) != wanted:
        raise ValueError(f"samples must have shape {wanted} for the features of {dataset}.")
    features = torch.stack([against.classifier.features(step) for step in samples])
    paths = pca.transform(features.flatten(0, 1).double().numpy()).reshape(*samples.shape[:2], 2)
    try:
        known = index(dataset)
        numbers, distances = known.nearest(features[-1], k)
        nearest, indexed = known.pictures[numbers], len(known.features)
    except ValueError:
        nearest, distances, indexed = None, None, 0
    share = float(pca.explained_variance_ratio_.sum())
    return Surroundings(real, paths.astype(np.float32), share, nearest, distances, indexed)

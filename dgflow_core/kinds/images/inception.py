"""The usual FID, in Inception-v3 features, where the user has the network's weights.

The weights (``weights-inception-2015-12-05-6726825d.pth`` of torch-fidelity) are read from a file
that the user names; nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.datasets.readers import to_bytes

BATCH = 50


class InceptionFID:
    """FID of generated images against the test half of ``dataset``, in Inception-v3's 2048 features.

    Raises:
        ValueError: there is no file ``weights``, torch-fidelity is not installed, or ``data_root``
            does not hold the data set.
    """

    def __init__(self, weights: Path, dataset: str, data_root: Path | None = None):
        from torchmetrics.image.fid import FrechetInceptionDistance

        if not Path(weights).is_file():
            raise ValueError(
                f"inception must name a file of Inception-v3 weights; there is none at {weights}."
            )
        try:
            torch.load(weights, weights_only=True)  # torch-fidelity would run code that the file brings
        except Exception:  # whatever a damaged or foreign file raises
            raise ValueError(f"inception: {weights} is not a file of weights.") from None
        try:
            self.metric = FrechetInceptionDistance(
                2048, reset_real_features=False, feature_extractor_weights_path=str(weights)
            )
        except ModuleNotFoundError:
            raise ValueError("inception needs torch-fidelity (pip install torch-fidelity).") from None
        real, _ = image_datasets.get(dataset).load(data_root, train=False)
        self._take(real, real=True)

    def _take(self, images: Tensor, real: bool) -> None:
        for batch in images.split(BATCH):
            self.metric.update(batch.expand(-1, 3, -1, -1), real=real)

    def update(self, images: Tensor) -> None:
        """Take in generated images (n, C, H, W) in [−1, 1]."""
        self._take(to_bytes(images.cpu()), real=False)

    def compute(self) -> float:
        """The FID of the images since the last ``compute``; the real ones are kept."""
        fid = float(self.metric.compute())
        self.metric.reset()
        return fid

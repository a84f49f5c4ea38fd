"""Metrics of images, through TorchMetrics, in the features of a small classifier of ours.

The numbers are called what they are ("FID, Fashion-MNIST classifier features"): they rank
samples of one data set, and say nothing beside numbers in Inception features.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.nets.classifier import Classifier
from dgflow_core.zoo import shelf

DETAILS, TENSORS = "features.json", "features.safetensors"
SUBSET = 500  # samples in one estimate of the kernel distance
NEIGHBOURS = 3  # the k of improved precision and recall, as in the paper that proposes them


@dataclass(frozen=True)
class Reference:
    """A feature network and what it says about the real test images.

    Attributes:
        dataset: the key of the data set. ``accuracy``: the classifier's on the test half, 0…1.
        classifier: takes images (n, C, 32, 32) in [−1, 1].
        mean, covariance: of the features of the test images, float64 (d,) and (d, d).
        count: how many test images that was. ``sample``: some of their features, (m, d).
    """

    dataset: str
    accuracy: float
    classifier: Classifier
    mean: Tensor
    covariance: Tensor
    count: int
    sample: Tensor

    @property
    def title(self) -> str:
        """What the features are, for captions."""
        return f"{image_datasets.get(self.dataset).title} classifier features"


def reference(dataset: str) -> Reference:
    """The shipped feature network of an image data set, with its reference statistics.

    Raises:
        ValueError: none is shipped for ``dataset``.
    """
    folder = shelf.root() / dataset
    if not (folder / DETAILS).exists():
        raise ValueError(f"dataset {dataset!r} has no feature network; train one with training.features.")
    details = json.loads((folder / DETAILS).read_text())
    tensors = load_file(folder / TENSORS)
    classifier = Classifier(**details["arguments"])
    own = {k.removeprefix("classifier."): v for k, v in tensors.items() if k.startswith("classifier.")}
    classifier.load_state_dict(own)
    return Reference(
        dataset, details["accuracy"], classifier.eval().requires_grad_(False),
        tensors["mean"], tensors["covariance"], details["count"], tensors["sample"].float(),
    )  # fmt: skip


def precision_recall(real: Tensor, fake: Tensor, k: int = NEIGHBOURS) -> tuple[float, float]:
    """Improved precision and recall (Kynkäänniemi et al. 2019) of features (n, d) and (m, d).

    Every feature owns the ball that reaches its k-th nearest neighbour in its own set. Precision
    is the share of generated features inside some real ball, recall the share of real ones
    inside some generated ball, both 0…1. As many of either set are taken as the smaller has.

    Raises:
        ValueError: one set has no more than k features.
    """
    from sklearn.neighbors import NearestNeighbors

    n = min(len(real), len(fake))
    if n <= k:
        raise ValueError(f"precision and recall need more than {k} samples, not {n}.")
    real, fake = real[:n].double(), fake[:n].double()

    def radii(features: Tensor) -> Tensor:
        distances, _ = NearestNeighbors(n_neighbors=k).fit(features.numpy()).kneighbors()
        return torch.from_numpy(distances[:, -1])

    between = torch.cdist(real, fake)
    precision = (between <= radii(real)[:, None]).any(0).double().mean()
    recall = (between <= radii(fake)).any(1).double().mean()
    return float(precision), float(recall)


class _Given(nn.Identity):
    """Stands where TorchMetrics wants a feature network: the features are computed once, outside."""

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features


class ImageQuality:
    """Accumulates batches of generated images; memory grows by a few hundred bytes an image.

    >>> quality = ImageQuality(reference("fashion_mnist"))
    >>> quality.update(images)  # (n, C, 32, 32) in [−1, 1], any number of times
    >>> quality.compute()       # {"fid": …, "score": …, "precision": …, "recall": …, "kernel": …}
    """

    def __init__(self, against: Reference):
        # Imported here: it takes seconds, and only measuring needs it.
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.inception import InceptionScore
        from torchmetrics.image.kid import KernelInceptionDistance

        self.against = against
        warnings.filterwarnings("ignore", "Metric `(InceptionScore|Kernel)", UserWarning)  # a few MB at most
        given = _Given(len(against.mean))
        n, mean = against.count, against.mean.double()
        self.fid = FrechetInceptionDistance(given, reset_real_features=False)
        self.fid.real_features_sum = mean * n
        self.fid.real_features_cov_sum = against.covariance * (n - 1) + n * torch.outer(mean, mean)
        self.fid.real_features_num_samples = torch.tensor(n)
        self.score = InceptionScore(_Given(against.classifier.head.out_features), splits=1)
        self.kernel = KernelInceptionDistance(given, subsets=20, subset_size=SUBSET)
        self.kernel.real_features = [against.sample]
        self.first: list[Tensor] = []  # features for precision and recall: no more than of real images
        self.count = 0

    @torch.no_grad()
    def update(self, images: Tensor) -> None:
        """Take in generated images (n, C, 32, 32) in [−1, 1]."""
        for batch in images.cpu().split(500):
            features = self.against.classifier.features(batch)
            self.fid.update(features, real=False)
            self.score.update(self.against.classifier.head(features))
            self.kernel.update(features, real=False)
            if self.count < len(self.against.sample):
                self.first.append(features)
            self.count += len(batch)

    def compute(self) -> dict[str, float]:
        """The metrics so far, all in classifier features.

        "fid" (Fréchet distance), "score" (exp of the mutual information between image and class,
        at most the number of classes), "precision" and "recall" (0…1, of at most as many images as
        ``Reference.sample`` has) and, from 500 images on, "kernel" (squared MMD, cubic
        polynomial kernel, mean of 20 subsets of 500).
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the spread over splits, of which there is one
            numbers = {"fid": float(self.fid.compute()), "score": float(self.score.compute()[0])}
        if self.count > NEIGHBOURS:
            numbers["precision"], numbers["recall"] = precision_recall(
                self.against.sample, torch.cat(self.first)
            )
        if self.count >= SUBSET:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)  # the subsets: the same images always get the same number
                numbers["kernel"] = float(self.kernel.compute()[0])
        return numbers

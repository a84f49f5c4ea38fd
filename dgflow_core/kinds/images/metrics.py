"""Metrics of images in the features of a small classifier of ours.

The numbers are called what they are ("FID, Fashion-MNIST classifier features"): they rank
samples of one data set, and say nothing beside numbers in Inception features.
"""

from __future__ import annotations

import copy
import json
import math
import warnings
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from dgflow_core.kinds import shipped
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.metric import Metric, fitting, rows
from dgflow_core.nets.classifier import Classifier

DETAILS, TENSORS = "features.json", "features.safetensors"
SUBSET = 500  # samples in one estimate of the kernel distance
NEIGHBOURS = 3  # the k of improved precision and recall, as in the paper that proposes them


@dataclass(frozen=True)
class FeatureReference:
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

    def on(self, device: torch.device) -> FeatureReference:
        """The same, its network on ``device``."""
        return replace(self, classifier=copy.deepcopy(self.classifier).to(device))

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Features (n, d) of images (n, C, 32, 32) in [−1, 1], on the CPU."""
        device = next(self.classifier.parameters()).device
        return torch.cat([self.classifier.features(batch.to(device)).cpu() for batch in images.split(500)])

    @torch.no_grad()
    def scores(self, features: Tensor) -> Tensor:
        """Class logits (n, classes) of features (n, d), on the CPU."""
        head = self.classifier.head
        return head(features.to(head.weight.device)).cpu()

    @property
    def title(self) -> str:
        """What the features are, for captions."""
        return f"{image_datasets.get(self.dataset).title} classifier features"


def reference(dataset: str) -> FeatureReference:
    """The shipped feature network of an image data set, with its reference statistics.

    Raises:
        ValueError: none is shipped for ``dataset``.
    """
    folder = shipped.folder(dataset, DETAILS, "feature network", "features")
    details = json.loads((folder / DETAILS).read_text())
    tensors = load_file(folder / TENSORS)
    classifier = Classifier(**details["arguments"])
    own = {k.removeprefix("classifier."): v for k, v in tensors.items() if k.startswith("classifier.")}
    classifier.load_state_dict(own)
    return FeatureReference(
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
    n = min(len(real), len(fake))
    if n <= k:
        raise ValueError(f"precision and recall need more than {k} samples, not {n}.")
    real, fake = real[:n].double(), fake[:n].double()

    def radii(features: Tensor) -> Tensor:
        # the nearest of all is the feature itself, at a distance of 0
        nearest = [
            torch.cdist(part, features).topk(k + 1, largest=False).values for part in features.split(1000)
        ]
        return torch.cat(nearest)[:, -1]

    between = torch.cdist(real, fake)
    precision = (between <= radii(real)[:, None]).any(0).double().mean()
    recall = (between <= radii(fake)).any(1).double().mean()
    return float(precision), float(recall)


def frechet(mean: Tensor, covariance: Tensor, features: Tensor) -> float:
    """The Fréchet distance between two Gaussians: |μ − ν|² + tr(Σ + Τ − 2 (ΣΤ)^½).

    Args:
        mean, covariance: μ (d,) and Σ (d, d) of the real features.
        features: generated ones (n, d), whose ν and Τ are taken; n ≥ 2.
    """
    features = features.double()
    other = torch.cov(features.T)
    # The trace of a square root is the sum of the roots of the eigenvalues: those of ΣΤ are real and ≥ 0.
    roots = torch.linalg.eigvals(covariance.double() @ other).real.clamp_min(0).sqrt()
    apart = (mean.double() - features.mean(0)).square().sum()
    return float(apart + covariance.double().trace() + other.trace() - 2 * roots.sum())


class _Given(nn.Identity):
    """Stands where TorchMetrics wants a feature network: the features are computed once, outside."""

    def __init__(self, num_features: int):
        super().__init__()
        self.num_features = num_features


def inception_score(scores: Tensor) -> float:
    """exp of the mutual information between image and class, from class logits (n, classes)."""
    from torchmetrics.image.inception import InceptionScore  # here: it takes seconds, and only this needs it

    with warnings.catch_warnings():
        # the memory it takes, and the spread over splits, of which there is one
        warnings.simplefilter("ignore", UserWarning)
        metric = InceptionScore(_Given(scores.shape[1]), splits=1)
        metric.update(scores)
        return float(metric.compute()[0])


def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """Squared MMD with the cubic polynomial kernel, mean of 20 subsets of 500; NaN for fewer features."""
    if min(len(real), len(fake)) < SUBSET:
        return math.nan
    from torchmetrics.image.kid import KernelInceptionDistance

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore", UserWarning)
        torch.manual_seed(0)  # the subsets: the same images always get the same number
        metric = KernelInceptionDistance(_Given(real.shape[1]), subsets=20, subset_size=SUBSET)
        metric.update(real, real=True)
        metric.update(fake, real=False)
        return float(metric.compute()[0])


class ImageSamples(NamedTuple):
    """What is measured: ``features`` (n, d) and class ``scores`` (n, classes) of generated images.

    ``neighbours`` holds precision and recall once one of them was asked for.
    """

    features: Tensor
    scores: Tensor
    neighbours: dict[str, float]

    @property
    def has(self) -> set[str]:
        """What metrics may need: "neighbours" (more than 3 images), "subsets" (500 or more)."""
        return {
            name for name, least in (("neighbours", NEIGHBOURS + 1), ("subsets", SUBSET))
            if len(self.features) >= least
        }  # fmt: skip


def _neighbours(seen: ImageSamples, against: FeatureReference) -> dict[str, float]:
    if not seen.neighbours:
        pair = precision_recall(against.sample, seen.features)
        seen.neighbours.update(zip(("precision", "recall"), pair, strict=True))
    return seen.neighbours


#: Add a row here and it is measured, kept and printed with the rest. ``of`` takes ``ImageSamples`` and a
#: ``FeatureReference``; a row may need so many images ("neighbours", "subsets").
METRICS = rows(
    Metric(
        "fid", "FID", "classifier features", "down", 2,
        of=lambda seen, against: frechet(against.mean, against.covariance, seen.features), per_step=False,
    ),
    Metric(
        "score", "Score", "classifier", "up", 3,
        of=lambda seen, against: inception_score(seen.scores), per_step=False,
    ),
    Metric(
        "kernel", "Kernel distance", "classifier features", "down", 1, ("subsets",),
        lambda seen, against: kernel_distance(against.sample, seen.features), per_step=False,
    ),
    Metric(
        "precision", "Precision", "", "up", 3, ("neighbours",),
        lambda seen, against: _neighbours(seen, against)["precision"], per_step=False,
    ),
    Metric(
        "recall", "Recall", "", "up", 3, ("neighbours",),
        lambda seen, against: _neighbours(seen, against)["recall"], per_step=False,
    ),
)  # fmt: skip


class ImageQuality:
    """Accumulates batches of generated images; memory grows by a few hundred bytes an image.

    >>> quality = ImageQuality(reference("fashion_mnist"))
    >>> quality.update(images)  # (n, C, 32, 32) in [−1, 1], any number of times
    >>> quality.compute()       # {"fid": …, "score": …, "precision": …, "recall": …, "kernel": …}
    """

    def __init__(self, against: FeatureReference):
        self.against = against
        self.features: list[Tensor] = []

    @torch.no_grad()
    def update(self, images: Tensor) -> None:
        """Take in generated images (n, C, 32, 32) in [−1, 1]."""
        self.features.append(self.against.features(images))

    @torch.no_grad()
    def compute(self) -> dict[str, float]:
        """Every metric that so many images allow, by name, all in classifier features."""
        features = torch.cat(self.features)
        seen = ImageSamples(features, self.against.scores(features), {})
        return {
            name: float(metric.of(seen, self.against)) for name, metric in fitting(METRICS, seen.has).items()
        }


Reference = FeatureReference

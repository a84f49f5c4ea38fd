"""What trainers of image generators share: real batches, the gain from refinement, choosing and measuring."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from dgflow_core.flow.driver import NonFinite, Run
from dgflow_core.flow.priors import Prior, drawn
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.datasets.readers import contact_sheet, to_unit
from dgflow_core.kinds.images.metrics import ImageQuality, Reference, reference
from dgflow_core.training import shipping
from dgflow_core.training.network_trainer import NetworkTrainer, products
from dgflow_core.training.recipe import Recipe
from dgflow_core.zoo.model import Model

#: How models are refined while they train and when they are finished: the paper's image settings.
REFINE = {"method": "dgflow", "divergence": "KL", "eta": 0.1, "gamma": 0.01, "space": "latent"}
#: How many images of the training half the samples that a choice is made on are held against.
SELECTION_IMAGES = 10_000


class ImageRecipe(Recipe):
    """A recipe on images.

    Attributes:
        width: of the networks. batch: images of either kind in a step. half: multiply in bfloat16,
            where the machine can.
        marks: after how many steps of refinement a model is measured; the paper's number is the last.
    """

    width: int = 16
    batch: int = 64
    half: bool = True
    marks: tuple[int, ...] = (4, 8, 12, 16, 20, 25)
    watch_samples: int = 500
    finish_samples: int = 500


class Batches:
    """Real batches in [−1, 1], drawn with replacement from uint8 images held on the device."""

    def __init__(self, dataset: str, root: Path | None, device: torch.device):
        self.images = image_datasets.get(dataset).load(root, train=True)[0].to(device)

    def __call__(self, size: int, rng: torch.Generator | None) -> Tensor:
        rows = drawn(torch.randint, len(self.images), (size,), rng=rng, device=self.images.device)
        return to_unit(self.images[rows])


@torch.no_grad()
def held_against(against: Reference, images: Tensor) -> Reference:
    """The same feature network with the statistics of other real images, uint8 (n, C, H, W)."""
    features = torch.cat([against.features(to_unit(part)) for part in images.split(500)])
    wide = features.double()
    return dataclasses.replace(
        against, mean=wide.mean(0), covariance=wide.T.cov(), count=len(features),
        sample=features[: len(against.sample)],
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Gain:
    """What refinement brought.

    Attributes:
        base, refined: "fid", "score", "logit", "steps", … before and after.
        first, last: those samples, (n, C, H, W).
    """

    base: dict[str, float]
    refined: dict[str, float]
    first: Tensor
    last: Tensor

    def flat(self) -> dict[str, float]:
        """The numbers as one row of the training log: base_fid, refined_fid, …"""
        rows = (("base", self.base), ("refined", self.refined))
        return {
            f"{label}_{key}": row[key] for label, row in rows for key in ("fid", "score", "logit", "steps")
        }

    def sheet(self, columns: int = 16, rows: int = 4) -> Image.Image:
        """``rows`` rows of base samples, a gap, and the same samples refined."""
        halves = [contact_sheet(half[: rows * columns], columns) for half in (self.first, self.last)]
        gap = torch.full((8, *halves[0].shape[1:]), 255, dtype=torch.uint8)
        return Image.fromarray(torch.cat([halves[0], gap, halves[1]]).numpy())


def gain(model: Model, against: Reference, n: int, seed: int, marks: tuple[int, ...]) -> Gain:
    """Refine ``n`` samples; of the steps ``marks``, those count that come nearest to ``against``.

    After some steps the density ratio is stale: more of them are not better.
    """
    best: dict = {}
    try:
        for frame in Run(model, n=n, seed=seed, **REFINE, steps=max(marks)):
            if frame.step not in (0, *marks):
                continue
            quality = ImageQuality(against)
            quality.update(frame.samples)
            row = {**quality.compute(), "logit": float(frame.logits.mean()), "steps": frame.step}
            if frame.step == 0:
                base, first = row, frame.samples.cpu()
            if frame.step in marks and (not best or row["fid"] < best["fid"]):
                best, last = row, frame.samples.cpu()
    except NonFinite:  # later than the marks so far
        if not best:
            raise
    return Gain(base, best, first, last)


class ImageTrainer(NetworkTrainer):
    """Trains the networks of one ``ImageRecipe``.

    What is chosen (the state to keep, the steps of refinement) is chosen on samples held against the
    training half; the finished model is measured on samples of another seed, against the test half.

    Attributes:
        prior: of the latent code; set by ``build``.
    """

    prior: Prior

    def __init__(self, recipe: ImageRecipe, device: torch.device, data_root: Path | None):
        super().__init__(recipe, device)
        self.root, self.target = data_root, image_datasets.get(recipe.dataset)
        self.batches = Batches(recipe.dataset, data_root, device)
        self.reference = reference(recipe.dataset).on(device)
        self.build()

    @abstractmethod
    def build(self) -> None:
        """Set ``prior`` and make networks and optimisers."""

    @abstractmethod
    def model(self) -> Model:
        """The model as it would ship now; copies, so that training can go on."""

    @cached_property
    def selection(self) -> Reference:
        """What choices are made against: features of the training half."""
        rows = torch.randperm(len(self.batches.images), generator=torch.Generator().manual_seed(0))
        return held_against(self.reference, self.batches.images.cpu()[rows[:SELECTION_IMAGES]])

    def codes(self, n: int, rng: torch.Generator | None) -> Tensor:
        """Latent codes (n, dim) from the prior N(0, I)."""
        return drawn(torch.randn, n, self.prior.dim, rng=rng, device=self.device)

    def through(self, network: nn.Module, x: Tensor) -> Tensor:
        """``network(x)`` in float32, its products in bfloat16 where the recipe says so."""
        with products(self.device, self.recipe.half):
            return network(x).float()

    def config(self, **networks: tuple[str, nn.Module]) -> dict[str, Any]:
        """``config.json`` of these parts: architecture and network of each."""
        parts = {part: (architecture, net.arguments) for part, (architecture, net) in networks.items()}
        side = self.target.side
        source = f"the training half, {side} × {side} pixels, no augmentation"
        return shipping.config(self.recipe, "image", self.prior, parts, source)

    def marks(self) -> tuple[int, ...]:
        """After how many steps of refinement the model is measured as it is now."""
        return self.recipe.marks

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """The gain from refinement, and a sheet of samples."""
        model = self.model()
        found = gain(model, self.selection, self.recipe.watch_samples, shipping.STATE_SEED, self.marks())
        found.sheet().save(folder / f"sheet-{iteration:06d}.png")
        self.watched(iteration, model, found)
        return found.flat()

    def watched(self, iteration: int, model: Model, found: Gain) -> None:
        """What a trainer that keeps its best state does with a measurement."""

    def chosen(self) -> tuple[Model, dict[str, Any]]:
        """The model that ships, and how its state was chosen, for the config."""
        return self.model(), {}

    def finish(self) -> Model:
        """The model with its measured quality and the band of real logits in its config."""
        model, selection = self.chosen()
        n = self.recipe.finish_samples
        steps = gain(model, self.selection, n, shipping.STEPS_SEED, self.marks()).refined["steps"]
        found = gain(model, self.reference, n, shipping.MEASUREMENT_SEED, (steps,))
        model.config["selection"] = {
            "against": "training half",
            **selection,
            "steps": {"chosen": steps, "samples": n, "seed": shipping.STEPS_SEED},
        }
        model.config["measurement"] = shipping.measurement("test half", n)
        model.config["quality"] = {
            "features": self.reference.title,
            "accuracy": round(self.reference.accuracy, 4),
            "samples": n,
            **{
                label: {key: round(value, 4) for key, value in row.items()}
                for label, row in (("base", found.base), ("DGflow(KL)", found.refined))
            },
        }
        model.config["real_logits"] = shipping.real_band(model, to_unit(self.band_images()))
        return model

    def band_images(self) -> Tensor:
        """1,000 images of the training half, where the levels to stop at come from, uint8 (n, C, H, W)."""
        images = self.batches.images
        every = max(1, len(images) // 1000)  # of all classes, which some readers sort by
        return images[::every][:1000].cpu()

"""FID against steps and step size: how far each image model can follow its own critic.

Every step size is a run of its own, looked at on the way. The best point is chosen on samples held
against the training half, and measured on samples of other seeds, against the test half.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from dgflow_core.flow.driver import Run
from dgflow_core.flow.priors import seeded
from dgflow_core.flow.request import whole
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.metrics import FeatureReference, ImageQuality, reference
from dgflow_core.reports.image_table import TABLE as IMAGES
from dgflow_core.reports.kept_results import RESULTS, Printer, Results, spread
from dgflow_core.reports.resumable_table import Table
from dgflow_core.training.image_trainer import SELECTION_IMAGES, held_against
from dgflow_core.zoo.model import Model

ETAS = (0.0125, 0.025, 0.05, 0.1, 0.2)
MARKS = (0, 2, 4, 8, 12, 16, 20, 25, 35, 50)
#: Repeats that a choice is made on have seeds from here on.
CHOICE_SEED = 1000
KEPT = ("fid", "precision", "recall")
CHUNK = 500


def curve(model: Model, against: FeatureReference, eta: float, n: int, seed: int) -> dict[str, float]:
    """{"fid at 8": …, "precision at 8": …} of ``n`` samples under DGflow (KL), γ = 0.01, in latent space."""
    qualities = {step: ImageQuality(against) for step in MARKS}
    for index, chunk in enumerate(model.prior.sample(n, seed).split(CHUNK)):
        run = Run(
            model, space="latent", start=chunk, seed=seed * 100_003 + index, divergence="KL", eta=eta,
            gamma=0.01, steps=max(MARKS),
        )  # fmt: skip
        for frame in run:
            if frame.step in qualities:
                qualities[frame.step].update(frame.samples)
    found = {step: quality.compute() for step, quality in qualities.items()}
    return {f"{name} at {step}": found[step][name] for step in MARKS for name in KEPT}


@dataclass(frozen=True)
class StepCurves(Table):
    """``evaluate steps``: one row a step size; the columns are the steps."""

    def options(self, parser: argparse.ArgumentParser) -> None:
        super().options(parser)
        parser.add_argument(
            "--data-root", type=Path, default=os.environ.get("DGFLOW_DATA"),
            help="folder of the data sets, without which nothing is chosen (DGFLOW_DATA)",
        )  # fmt: skip

    def run(self, args: argparse.Namespace) -> None:
        repeats, n = whole("repeats", args.repeats, 1, 100), whole("n", args.n, 10, 100_000)
        results = Results(args.out or RESULTS / f"{self.name}.json", self.name)
        for model in self.loaded(args.model, args.device):
            tqdm.write(f"\n{model.title}: FID after so many steps of DGflow (KL), {n:,} samples\n")
            printer = Printer(["η", "", *map(str, MARKS)], args.markdown, 14, 8)
            for eta, found in self.curves(model, results, repeats, n, args.data_root):
                printer.row([f"{eta:g}", "", *(spread(values(found, "fid", step)) for step in MARKS)])

    def curves(
        self, model: Model, results: Results, repeats: int, n: int, root: Path | None
    ) -> Iterator[tuple[float, list[dict[str, float]]]]:
        """Yield step size after step size with its repeats, measuring what ``results`` lacks."""
        measured_against = reference(model.dataset).on(model.device)
        chosen_against = None if root is None else of_training_half(model.dataset, root).on(model.device)
        for eta in ETAS:
            settings = {"digest": model.digest, "n": n, "eta": eta}
            done = results.repeats(f"{model.name} | η = {eta:g} | n = {n}", settings)
            wanted = {str(repeat): (measured_against, repeat) for repeat in range(repeats)}
            if chosen_against is not None:
                wanted["choice"] = (chosen_against, CHOICE_SEED)
            for name, (against, seed) in wanted.items():
                if name not in done:
                    found = curve(model, against, eta, n, seed)
                    done[name] = {key: round(value, 4) for key, value in found.items()}
                    results.save()
            yield eta, [done[str(repeat)] for repeat in range(repeats)]


def values(repeats: list[dict[str, float]], name: str, step: int) -> list[float | None]:
    """A metric of each repeat after ``step`` steps."""
    return [one.get(f"{name} at {step}") for one in repeats]


def of_training_half(dataset: str, root: Path) -> FeatureReference:
    """The reference that choices are made against: images of the training half."""
    images = image_datasets.get(dataset).load(root, train=True)[0]
    rows = torch.randperm(len(images), generator=seeded(0))[:SELECTION_IMAGES]
    return held_against(reference(dataset), images[rows])


TABLE = StepCurves(
    "steps", "image models: FID against the number of steps and their size", kind="image", rows=(),
    collector=IMAGES.collector, models=IMAGES.models, repeats=3, n=2000,
)  # fmt: skip

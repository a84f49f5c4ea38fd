"""FID against steps and step size: how far each image model can follow its own critic.

Every step size is a run of its own, looked at on the way. The best point is chosen on samples held
against the training half, and measured on samples of other seeds, against the test half.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from tqdm import tqdm

from dgflow_core.flow.driver import NonFinite, Run
from dgflow_core.flow.priors import seeded
from dgflow_core.flow.request import whole
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.metrics import FeatureReference, ImageQuality, reference
from dgflow_core.pictures import palette
from dgflow_core.reports.image_table import TABLE as IMAGES
from dgflow_core.reports.kept_results import RESULTS, Printer, Results, spread
from dgflow_core.reports.result_curves import TITLES, Curve, Panel, draw
from dgflow_core.reports.resumable_table import Table
from dgflow_core.training.image_trainer import SELECTION_IMAGES, held_against
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

ETAS = (0.0125, 0.025, 0.05, 0.1, 0.2)
MARKS = (0, 2, 4, 8, 12, 16, 20, 25, 35, 50)
#: The repeat that a choice is made on, and its seed.
CHOICE, CHOICE_SEED = "choice", 1000
#: Of the step sizes' curves, in turn.
LINE_MARKS = ("circle", "square", "diamond", "triangle-up", "x")
KEPT = ("fid", "precision", "recall")
CHUNK = 500


def curve(model: Model, against: FeatureReference, eta: float, n: int, seed: int) -> dict[str, float]:
    """{"fid at 8": …, "precision at 8": …} of ``n`` samples under DGflow (KL), γ = 0.01, in latent space.

    Steps after which a sample was lost to numbers that are not finite are left out.
    """
    qualities = {step: ImageQuality(against) for step in MARKS}
    for index, chunk in enumerate(model.prior.sample(n, seed).split(CHUNK)):
        run = Run(
            model, space="latent", start=chunk, seed=seed * 100_003 + index, divergence="KL", eta=eta,
            gamma=0.01, steps=max(MARKS),
        )  # fmt: skip
        done = -1
        try:
            for frame in run:
                if frame.step in qualities:
                    qualities[frame.step].update(frame.samples)
                done = frame.step
        except NonFinite:
            qualities = {step: quality for step, quality in qualities.items() if step <= done}
    found = {step: quality.compute() for step, quality in qualities.items()}
    return {f"{name} at {step}": numbers[name] for step, numbers in found.items() for name in KEPT}


class Kept(NamedTuple):
    """What is kept of one model: of its step sizes, the repeats measured and the one that chooses."""

    n: int
    measured: dict[float, list[dict[str, float]]]
    choice: dict[float, dict[str, float]]

    def curve(self, eta: float, metric: str) -> dict[float, list[float]]:
        """η × steps → the metric of each repeat, where none was lost."""
        found = {eta * step: values(self.measured[eta], metric, step) for step in MARKS if step}
        return {place: repeats for place, repeats in found.items() if None not in repeats}

    def base(self, metric: str) -> list[float]:
        """The metric of each repeat before any step."""
        return values(next(iter(self.measured.values())), metric, 0)

    def best(self) -> tuple[float, int] | None:
        """The step size and the number of steps of the lowest FID on the samples that choose."""
        tried = [
            (one[f"fid at {step}"], eta, step)
            for eta, one in self.choice.items() for step in MARKS if f"fid at {step}" in one
        ]  # fmt: skip
        return min(tried)[1:] if tried else None

    def panels(self) -> list[Panel]:
        """The curves of every η over η × steps, FID as far up as half above the base's."""
        found = []
        for metric, title in TITLES.items():
            styles = zip(self.measured, palette.SERIES, LINE_MARKS, strict=False)
            lines = [
                Curve(f"η = {eta:g}", colour, "solid", mark, self.curve(eta, metric))
                for eta, colour, mark in styles
            ]
            ends = [place for line in lines for place in line.points]
            level = dict.fromkeys((min(ends), max(ends)), self.base(metric))
            base = Curve("as generated", palette.BASE, "dash", "circle-open", level)
            top = 1.5 * statistics.fmean(self.base("fid")) if metric == "fid" else None
            found.append(Panel(title, [base, *lines], top))
        return found

    def words(self) -> str:
        """What the curves rest on, and which point is best."""
        repeats = len(next(iter(self.measured.values())))
        said = f"{repeats} repeats of {self.n:,} samples; bars are one standard deviation."
        if (best := self.best()) is None:
            return said
        eta, steps = best
        before, after = self.base("fid"), values(self.measured[eta], "fid", steps)
        return (
            f"On other samples η = {eta:g} and {steps} steps were best; on these they take FID from "
            f"{statistics.fmean(before):.1f} to {statistics.fmean(after):.1f}. {said}"
        )


def kept(model: str) -> Kept | None:
    """What is kept of ``model``, of the most samples that it was measured with; None if nothing."""
    mine: dict[int, dict[float, dict]] = {}
    for key, cell in Results(RESULTS / "steps.json", "steps").cells.items():
        if key.split(" | ")[0] == model and "0" in cell["repeats"]:
            mine.setdefault(cell["settings"]["n"], {})[cell["settings"]["eta"]] = cell["repeats"]
    if not mine:
        return None
    n, by_eta = max(mine.items())
    measured = {
        eta: [one for name, one in repeats.items() if name != CHOICE] for eta, repeats in by_eta.items()
    }
    return Kept(n, measured, {eta: repeats[CHOICE] for eta, repeats in by_eta.items() if CHOICE in repeats})


@dataclass(frozen=True)
class StepCurves(Table):
    """``evaluate steps``: one row a step size; the columns are the steps."""

    def options(self, parser: argparse.ArgumentParser) -> None:
        super().options(parser)
        parser.add_argument(
            "--data-root", type=Path, default=os.environ.get("DGFLOW_DATA"),
            help="folder of the data sets, without which nothing is chosen (DGFLOW_DATA)",
        )  # fmt: skip
        parser.add_argument("--picture", type=Path, help="measure nothing: draw what is kept into this file")

    def run(self, args: argparse.Namespace) -> None:
        if args.picture is not None:
            found = {name: one for name in self.models if (one := kept(name))}
            models = {shelf.describe(name)["title"]: one.panels()[:1] for name, one in found.items()}
            draw(args.picture, models, "η × steps", log=True)
            return
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
                wanted[CHOICE] = (chosen_against, CHOICE_SEED)
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

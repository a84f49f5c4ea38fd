"""Image models refined by every method, measured in the features of our classifier.

The shape of the paper's Tables 2, 4 and 11 to 15, with run times as in 9 and 10. The paper's FID is in
Inception features on 50,000 samples: it stands beside ours, and is not the same quantity.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from dgflow_core import engines
from dgflow_core.flow import priors, stopping
from dgflow_core.flow.request import whole
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.datasets.readers import to_unit
from dgflow_core.kinds.images.inception import InceptionFID
from dgflow_core.kinds.images.metrics import ImageQuality, reference
from dgflow_core.kinds.metric import Metric
from dgflow_core.reports.kept_results import RESULTS, Printer, Results, spread
from dgflow_core.reports.resumable_table import Measured, Table, TableRow
from dgflow_core.zoo.model import Model

#: The usual FID, where the user has the network's weights.
INCEPTION = Metric("inception_fid", "FID", "Inception features", "down", 2)


class ImageCollector:
    """Measures images in classifier features, and in Inception's where they are at hand."""

    def __init__(self, model: Model, repeat: int, inception: InceptionFID | None = None):
        self.quality = ImageQuality(reference(model.dataset).on(model.device))
        self.inception = inception

    def update(self, samples: Tensor) -> None:
        self.quality.update(samples)
        if self.inception is not None:
            self.inception.update(samples)

    def compute(self) -> dict[str, float]:
        numbers = self.quality.compute()
        return numbers if self.inception is None else numbers | {INCEPTION.name: self.inception.compute()}


def dgflow(divergence: str, gamma: float, until: str | None = None, steps: int | None = 25) -> TableRow:
    settings = {"divergence": divergence, "eta": 0.1, "gamma": gamma, "steps": steps}
    title = f"DGflow ({divergence}), γ = {gamma:g}"
    if steps != 25:
        title += f", {steps or 'own'} steps"
    if until:
        settings["until"] = until
        title += f", until {until}"
    as_published = steps == 25 and until is None
    return TableRow(title, "dgflow", "latent", settings, divergence if as_published else "")


ROWS = (
    TableRow("Base", None, paper="base"),
    dgflow("KL", 0.01, steps=None),
    dgflow("KL", 0.01),
    dgflow("JS", 0.01),
    dgflow("logD", 0.01),
    TableRow("DOT", "dot", "latent", {"eta": 0.01, "steps": 25, "optimizer": "adam"}, "dot"),
    # the plane's noise of 0.1 would let the prior's pull shrink every code towards 0
    TableRow("DDLS", "ddls", "latent", {"eta": 0.1, "noise_scale": 1.0, "steps": 25}, "ddls"),
    dgflow("KL", 0.0),
    dgflow("JS", 0.0),
    dgflow("logD", 0.0),
    # where to stop: rules for each sample, and the fixed numbers of steps that they compete with
    dgflow("KL", 0.01, "real50"),
    dgflow("KL", 0.01, "real95"),
    dgflow("KL", 0.01, "flat"),
    dgflow("KL", 0.01, steps=8),
    dgflow("KL", 0.01, steps=16),
)

#: Our models → the paper's names of theirs.
PAPER_MODELS = {
    "cifar10/wgan-gp": "WGAN-GP",
    "cifar10/sndcgan-hinge": "SN-DCGAN (hi)",
    "cifar10/sndcgan-wide": "SN-DCGAN (ns)",
    "cifar10/sn-resnet": "SN-ResNet-GAN",
    "cifar10/mmd-gan": "MMDGAN",
    "cifar10/ocfgan-gp": "OCFGAN-GP",
    "cifar10/vae": "VAE",
    "cifar10/glow": "Glow",
}

#: Grown by the flow.
GROWN = (*(f"fashion_mnist/vgrow-{f}" for f in ("kl", "js", "logd", "jeffreys")), "cifar10/vgrow-kl")
#: What the table measures: ladders and energies have tables of their own.
MODELS = (
    *PAPER_MODELS, "cifar10/sndcgan-ns", "cifar10/sndcgan-ns+ratio", "fashion_mnist/sndcgan-r1",
    "fashion_mnist/sndcgan-ns", "fashion_mnist/sndcgan-ns+ratio", "fashion_mnist/wgan-gp",
    "fashion_mnist/vae", *GROWN,
)  # fmt: skip


def versions(model: Model, row: TableRow) -> list[tuple[str, Model]]:
    """The logits to refine with: the model's own, and without its corrector where it has one."""
    if model.corrector is None:
        return [("own critic", model)]
    both = [("corrected", model), ("uncorrected", model.without_corrector())]
    measured_with_corrector = row.settings.get("until") in stopping.LEVELS  # the real logits it waits for
    return both[:1] if row.method is None or measured_with_corrector else both


def gain(base: list[dict[str, float]], refined: list[dict[str, float]]) -> str:
    """How much lower the mean FID of ``refined`` is than that of ``base``, in percent."""
    before, after = (statistics.fmean(values(repeats, "fid")) for repeats in (base, refined))
    return f"{100 * (1 - after / before):+.1f} %"


def values(repeats: list[dict[str, float]], name: str) -> list[float | None]:
    return [one.get(name) for one in repeats]


def real_samples(
    results: Results, repeats: int, root: Path | None, dataset: str, n: int
) -> list[dict[str, float]]:
    """What ``n`` real images of the training half score, draw by draw; measured given a data root."""
    key, settings = f"{dataset} | Real samples | n = {n}", {"dataset": dataset, "n": n}
    if key not in results.cells and root is None:
        return []
    done = results.repeats(key, settings)
    for repeat in range(repeats if root is not None else 0):
        if str(repeat) not in done:
            images = image_datasets.get(dataset).load(root, train=True)[0]
            rows = torch.randperm(len(images), generator=priors.seeded(repeat))[:n]
            quality = ImageQuality(reference(dataset))
            quality.update(to_unit(images[rows]))
            done[str(repeat)] = {name: round(value, 5) for name, value in quality.compute().items()}
            results.save()
    return [done[name] for name in sorted(done, key=int)]


def kept_floor(dataset: str, n: int) -> list[dict[str, float]]:
    """What ``real_samples`` found and ships."""
    return real_samples(Results(RESULTS / "images.json", "images"), 0, None, dataset, n)


#: What ``--summary`` prints of a model: its base, and DGflow (KL) after its own steps and after the paper's.
SUMMARY = ROWS[:3]
SUMMARY_HEADINGS = [
    "model", "logit", "FID (classifier), base", "own steps", "after them", "gain", "after 25 steps", "gain",
    "precision", "recall",
]  # fmt: skip


def summary(model: Model, found: Iterator[Measured]) -> Iterator[list[str]]:
    """One line of text a logit of ``model``, from its rows of ``SUMMARY``."""
    by_logit: dict[str, list] = {}
    for row, logit, repeats in found:
        if row.method is None:
            base = repeats
        else:
            by_logit.setdefault(logit, []).append(repeats)
    for logit, (own, paper) in by_logit.items():
        ends = [
            " → ".join(f"{statistics.fmean(values(one, key)):.2f}" for one in (base, own))
            for key in ("precision", "recall")
        ]
        yield [
            model.title, logit, spread(values(base, "fid")), spread(values(own, "steps")[:1], 0),
            spread(values(own, "fid")), gain(base, own), spread(values(paper, "fid")), gain(base, paper),
            *ends,
        ]  # fmt: skip


@dataclass(frozen=True)
class ImageTable(Table):
    """The table of images: also one line a model, and the usual FID."""

    inception: bool = False

    def columns(self, model: Model) -> dict[str, Metric]:
        return super().columns(model) | ({INCEPTION.name: INCEPTION} if self.inception else {})

    def wanted(self, model: Model) -> set[str]:
        return {INCEPTION.name} if self.inception else set()

    def options(self, parser: argparse.ArgumentParser) -> None:
        super().options(parser)
        parser.add_argument(
            "--inception", type=Path, help="file of Inception-v3 weights: the usual FID is measured as well"
        )
        parser.add_argument(
            "--data-root", type=Path, default=os.environ.get("DGFLOW_DATA"),
            help="folder of the data sets, for --inception and the row of real samples (DGFLOW_DATA)",
        )  # fmt: skip
        parser.add_argument(
            "--summary",
            action="store_true",
            help="one table of all models: base and DGflow (KL), a line each",
        )

    def run(self, args: argparse.Namespace) -> None:
        repeats, n = whole("repeats", args.repeats, 1, 100), whole("n", args.n, 10, 100_000)
        chosen, results = self.chosen(args.row), Results(args.out or RESULTS / "images.json", self.name)
        printer, engine = None, engines.get(args.engine, args.gpus)
        for model in self.loaded(args.model, args.device):
            against, table = reference(model.dataset), self
            if args.inception:
                inception = InceptionFID(args.inception, model.dataset, args.data_root)
                collector = partial(ImageCollector, inception=inception)
                table = replace(self, collector=collector, inception=True)
            draws = partial(real_samples, results, repeats, args.data_root)
            table = replace(table, floor=draws, engine=engine)
            if args.summary:
                printer = printer or Printer(SUMMARY_HEADINGS, args.markdown, 14, 34)
                for line in summary(model, table.measured(model, results, repeats, n, SUMMARY)):
                    printer.row(line)
                continue
            accuracy = f"accuracy {100 * against.accuracy:.1f} %"
            tqdm.write(f"\n{model.title}: {n:,} samples; {against.title}, {accuracy}\n")
            table.write(model, table.measured(model, results, repeats, n, chosen), n, args.markdown)


TABLE = ImageTable(
    "images",
    "image models: base and every method, FID in classifier features",
    kind="image",
    rows=ROWS,
    collector=ImageCollector,
    have=lambda model: {"logits", "neighbours", "subsets"},
    models=MODELS,
    chunk=250,
    versions=versions,
    own={"steps": 25},
    floor=kept_floor,
    lacking=False,
    papers=("2", "4"),
    paper_models=PAPER_MODELS,
    paper_metrics={"fid": "fid"},
    paper_words="paper (Inception)",
    extra_columns={"FID, gain": gain},
)

"""Image models refined by every method, measured in the features of our classifier.

The shape of the paper's Tables 2, 4 and 11 to 15, with run times as in 9 and 10. Samples are
refined and measured a few hundred at a time, so that memory does not grow with their number.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tqdm import tqdm

from dgflow_core.flow import stopping
from dgflow_core.flow.driver import Run, whole
from dgflow_core.kinds.images.inception import InceptionFID
from dgflow_core.kinds.images.metrics import ImageQuality, reference
from dgflow_core.reports.resumable import RESULTS, Printer, Results, Table, spread
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

CHUNK = 250  # samples refined at once


@dataclass(frozen=True)
class Row:
    """One line of the table: ``method`` None is the base; ``steps`` None the model's own number."""

    title: str
    method: str | None
    settings: dict = field(default_factory=dict)


def dgflow(divergence: str, gamma: float, until: str | None = None, steps: int | None = 25) -> Row:
    settings = {"divergence": divergence, "eta": 0.1, "gamma": gamma, "steps": steps}
    title = f"DGflow ({divergence}), γ = {gamma:g}"
    if steps != 25:
        title += f", {steps or 'own'} steps"
    if until:
        settings["until"] = until
        title += f", until {until}"
    return Row(title, "dgflow", settings)


#: Add a row here and it is measured, kept and printed with the rest. All run in latent space.
ROWS = [
    Row("Base", None),
    dgflow("KL", 0.01, steps=None),
    dgflow("KL", 0.01),
    dgflow("JS", 0.01),
    dgflow("logD", 0.01),
    Row("DOT", "dot", {"eta": 0.01, "steps": 25, "optimizer": "adam"}),
    # the plane's noise of 0.1 would let the prior's pull shrink every code towards 0
    Row("DDLS", "ddls", {"eta": 0.1, "noise_scale": 1.0, "steps": 25}),
    dgflow("KL", 0.0),
    dgflow("JS", 0.0),
    dgflow("logD", 0.0),
    # where to stop: rules for each sample, and the fixed numbers of steps that they compete with
    dgflow("KL", 0.01, "real50"),
    dgflow("KL", 0.01, "real95"),
    dgflow("KL", 0.01, "flat"),
    dgflow("KL", 0.01, steps=8),
    dgflow("KL", 0.01, steps=16),
]

#: Metric → (heading, decimals). "fid" and "score" are in classifier features, never Inception's.
METRICS = {
    "fid": ("FID (classifier)", 2),
    "score": ("score (classifier)", 3),
    "kernel": ("kernel distance", 1),
    "precision": ("precision", 3),
    "recall": ("recall", 3),
    "inception_fid": ("FID", 2),
    "logit": ("mean logit", 2),
    "steps": ("mean steps", 1),
    "seconds": ("seconds", 1),
}


HEADINGS = ["method", "logit", *(title for title, _ in METRICS.values()), "FID (classifier), gain"]


def measure(
    model: Model, row: Row, repeat: int, n: int, inception: InceptionFID | None = None
) -> dict[str, float]:
    """One repeat of ``row``: ``n`` samples refined, chunk by chunk, and measured.

    Repeat i starts every row from the same codes (seed i); each chunk has noise of its own. "steps"
    is how many of them a sample took on average: fewer than asked where a rule stopped it.
    """
    quality = ImageQuality(reference(model.dataset))
    codes = model.prior.sample(n, repeat)
    seconds, logit, moves = 0.0, 0.0, 0.0
    for index, chunk in enumerate(codes.split(CHUNK)):
        began = time.monotonic()
        steps = row.settings if row.method else {"steps": 0}
        run = Run(
            model, row.method or "dgflow", space="latent", start=chunk, seed=repeat * 100_003 + index, **steps
        )
        for frame in run:  # only the last frame is kept
            moves += frame.info.get("moving", len(chunk)) if frame.step else 0
        seconds += time.monotonic() - began
        logit += float(frame.logits.sum()) / n
        quality.update(frame.samples)
        if inception is not None:
            inception.update(frame.samples)
    numbers = quality.compute()
    if inception is not None:
        numbers["inception_fid"] = inception.compute()
    numbers |= {"logit": logit, "steps": moves / n, "seconds": seconds}
    return {key: round(value, 5) for key, value in numbers.items()}


def own_steps(model: Model) -> int:
    """After how many steps of DGflow (KL) the model's config says it is best; 25, the paper's, if silent."""
    return model.config.get("quality", {}).get("DGflow(KL)", {}).get("steps", 25)


def versions(model: Model) -> list[tuple[str, Model]]:
    """The logits to refine with: the model's own, and without its corrector where it has one."""
    if model.corrector is None:
        return [("own critic", model)]
    return [("corrected", model), ("uncorrected", model.without_corrector())]


def gain(base: list[float], refined: list[float]) -> str:
    """How much lower the mean of ``refined`` is than that of ``base``, in percent."""
    return f"{100 * (1 - statistics.fmean(refined) / statistics.fmean(base)):+.1f} %"


def measured(
    model: Model,
    results: Results,
    repeats: int,
    n: int,
    rows: Sequence[Row],
    inception: InceptionFID | None = None,
) -> Iterator[tuple[Row, str, list[dict[str, float]]]]:
    """Yield row, logit and its repeats one after the other, measuring what ``results`` lacks."""
    for row in rows:
        if row.settings.get("steps", 0) is None:
            row = replace(row, settings=row.settings | {"steps": own_steps(model)})
        for logit, twin in versions(model)[: 1 if row.method is None else None]:
            if row.settings.get("until") in stopping.LEVELS and twin is not model:
                continue  # real logits were measured with the corrector
            settings = {
                "digest": twin.digest,
                "n": n,
                "method": row.method,
                "space": "latent",
                **row.settings,
            }
            done = results.repeats(f"{model.name} | {row.title} | {logit}", settings)
            for repeat in tqdm(range(repeats), desc=row.title, unit="run", leave=False, disable=None):
                stored = done.get(str(repeat), {})
                if not stored or (inception and "inception_fid" not in stored):
                    done[str(repeat)] = measure(twin, row, repeat, n, inception)
                    results.save()
            yield row, logit, [done[str(repeat)] for repeat in range(repeats)]


def values(repeats: list[dict[str, float]], key: str) -> list[float | None]:
    return [repeat.get(key) for repeat in repeats]


def lines(model: Model, found: Iterator[tuple[Row, str, list[dict[str, float]]]]) -> Iterator[list[str]]:
    """One line of text a row, every metric in a column of its own."""
    base: list[float] = []
    for row, logit, repeats in found:
        fids = values(repeats, "fid")
        if row.method is None:
            base = fids
        cells = [spread(values(repeats, key), digits) for key, (_, digits) in METRICS.items()]
        yield [row.title, logit, *cells, gain(base, fids) if base else "–"]


#: What ``--summary`` prints of a model: its base, and DGflow (KL) after its own steps and after the paper's.
SUMMARY = ROWS[:3]
SUMMARY_HEADINGS = [
    "model", "logit", "FID (classifier), base", "own steps", "after them", "gain", "after 25 steps", "gain",
    "precision", "recall",
]  # fmt: skip


def summary(model: Model, found: Iterator[tuple[Row, str, list[dict[str, float]]]]) -> Iterator[list[str]]:
    """One line of text a logit of ``model``, from its rows of ``SUMMARY``."""
    by_logit: dict[str, list] = {}
    for row, logit, repeats in found:
        if row.method is None:
            base = repeats
        else:
            by_logit.setdefault(logit, []).append(repeats)
    for logit, refined in by_logit.items():
        cells = [spread(values(base, "fid"))]
        for repeats in refined:
            fids = values(repeats, "fid")
            cells += [spread(fids), gain(values(base, "fid"), fids)]
        own = refined[0]
        cells.insert(1, spread(values(own, "steps")[:1], 0))
        for key in ("precision", "recall"):
            ends = (statistics.fmean(values(one, key)) for one in (base, own))
            cells.append(" → ".join(f"{end:.2f}" for end in ends))
        yield [model.title, logit, *cells]


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", action="append", help="an image model; may be given again (all that ship)")
    parser.add_argument("--repeats", type=int, default=5, help="repeats with other seeds, 1 to 100 (5)")
    parser.add_argument("--n", type=int, default=10_000, help="samples a repeat, 10 to 100,000 (10,000)")
    parser.add_argument("--row", action="append", help="the title of a row; may be given again (all rows)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (auto)")
    parser.add_argument(
        "--inception", type=Path, help="file of Inception-v3 weights: the usual FID is measured as well"
    )
    parser.add_argument(
        "--data-root", type=Path, default=os.environ.get("DGFLOW_DATA"),
        help="folder of the data sets, for --inception (the environment variable DGFLOW_DATA)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="JSON file of results (assets/results/images.json)")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument(
        "--summary", action="store_true", help="one table for all models: base and DGflow (KL), a line each"
    )


def run(args: argparse.Namespace) -> None:
    repeats, n = whole("repeats", args.repeats, 1, 100), whole("n", args.n, 10, 100_000)
    titles = [row.title for row in ROWS]
    for title in args.row or ():
        if title not in titles:
            raise ValueError(f"row must be one of {'; '.join(titles)}, not {title!r}.")
    rows = [row for row in ROWS if row.title in (args.row or titles)]
    names = args.model or [name for name in shelf.models() if shelf.describe(name)["kind"] == "image"]
    results, printer = Results(args.out or RESULTS / "images.json", {"table": "images"}), None
    for name in names:
        model = shelf.load(name, args.device)
        if model.kind != "image":
            raise ValueError(f"model must be an image model, not {model.name}.")
        against = reference(model.dataset)
        inception = args.inception and InceptionFID(args.inception, model.dataset, args.data_root)
        found = measured(model, results, repeats, n, SUMMARY if args.summary else rows, inception)
        if args.summary:
            printer = printer or Printer(SUMMARY_HEADINGS, args.markdown, 14, 34)
        else:
            tqdm.write(
                f"\n{model.title}: {n:,} samples; {against.title}, accuracy {100 * against.accuracy:.1f} %\n"
            )
            printer = Printer(HEADINGS, args.markdown)
        for line in (summary if args.summary else lines)(model, found):
            printer.row(line)


TABLE = Table("images", "image models: base and every method, FID in classifier features", options, run)

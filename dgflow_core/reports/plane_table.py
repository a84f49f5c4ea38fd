"""The paper's Table 1: planar samples of one generator, refined by every method."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from dgflow_core.flow.driver import refine, whole
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane.metrics import PlaneSamples
from dgflow_core.kinds.plane.metrics import measure as measure_samples
from dgflow_core.kinds.plane.reference import reference
from dgflow_core.reports.resumable import RESULTS, Printer, Results, Table, spread
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

DEFAULT = "25gaussians/wgan-gp"
#: Seeds of the real samples, apart from those of any training or starting points.
REAL_SEED = 1_000_000


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        title: its name. ``method``, ``space``, ``settings``: the run; method None is the base.
        offset: whether the logit's constant matters; such rows are measured raw and calibrated.
        paper: the paper's numbers on 25 Gaussians, by metric, where they are known.
    """

    title: str
    method: str | None
    space: str = "data"
    settings: dict = field(default_factory=dict)
    offset: bool = False
    paper: dict[str, float] = field(default_factory=dict)


def dgflow(divergence: str, title: str, **more) -> Row:
    settings = {"divergence": divergence, "eta": 0.01, "gamma": 0.01, "steps": 100}
    return Row(f"DGflow ({title})", "dgflow", settings=settings, **more)


#: Add a row here and it is measured, kept and printed with the rest.
ROWS = [
    Row("Base", None, paper={"high_quality": 26.5}),
    Row(
        "DOT", "dot", settings={"eta": 0.01, "steps": 100, "optimizer": "adam"},
        paper={"high_quality": 69.8},
    ),
    Row(
        "DDLS", "ddls", "latent", {"eta": 0.01, "noise_scale": 0.1, "steps": 50},
        paper={"high_quality": 89.3},
    ),
    dgflow("KL", "KL", paper={"high_quality": 89.5, "kde_score": -2893.0}),
    dgflow("JS", "JS", offset=True, paper={"high_quality": 82.6}),
    dgflow("logD", "log D", offset=True, paper={"high_quality": 84.5}),
    # what the paper's table does not have
    Row("Langevin", "langevin", settings={"eta": 0.01, "noise_scale": 0.1, "steps": 50}),
    Row("DRS", "drs", settings={"percentile": 0, "burn_in": 10_000, "steps": 100}),
    Row("MH-GAN", "mhgan", settings={"calibration": "isotonic", "steps": 100}),
    Row("DDLS + MALA", "mala", "latent", {"eta": 0.01, "steps": 100}),
    Row("Exact flow (KL)", "exact", settings={"divergence": "KL", "eta": 0.01, "gamma": 0.0, "steps": 100}),
]  # fmt: skip

#: Metric → (heading, decimals); those a data set does not have are left out.
METRICS = {
    "high_quality": ("% high quality", 1),
    "kde_score": ("KDE score", 0),
    "modes": ("modes", 1),
    "distance": ("sliced W₂", 4),
}


def measure(model: Model, row: Row, repeat: int, n: int) -> dict[str, float]:
    """One repeat of ``row``: ``n`` samples refined and held against ``n`` real ones.

    Repeat i starts every row from the same samples (seed i).
    """
    began = time.monotonic()
    if row.method is None:
        points = model.generate(model.prior.sample(n, repeat))
    else:
        points = refine(model, row.method, n=n, seed=repeat, space=row.space, **row.settings).samples[-1]
    seconds = time.monotonic() - began
    against = reference(model.dataset, REAL_SEED + repeat)
    numbers = measure_samples(PlaneSamples(points[None].cpu().numpy()), against)
    return {**{key: round(float(value), 5) for key, value in numbers.items()}, "seconds": round(seconds, 2)}


def versions(model: Model) -> list[tuple[Row, str, Model]]:
    """Every (row, which logit, model with that logit): "" where the constant does not matter."""
    wanted = []
    for row in ROWS:
        if row.offset:
            wanted += [(row, "calibrated", model), (row, "raw", model.with_offset(0.0))]
        else:
            wanted.append((row, "", model))
    return wanted


def head(metrics: list[str], known: set[str]) -> list[str]:
    cells = ["method", "logit"]
    for key in metrics:
        title = METRICS[key][0]
        cells += [f"{title}, paper", f"{title}, ours"] if key in known else [title]
    return cells


def table(model: Model, results: Results, repeats: int, n: int) -> Iterator[list[str]]:
    """Yield the head and then one row after the other, measuring what ``results`` lacks."""
    planar_modes = plane_datasets.get(model.dataset).modes is not None
    metrics = [key for key in METRICS if planar_modes or key not in ("high_quality", "modes")]
    known = {key for row in ROWS for key in row.paper} if model.dataset == "25gaussians" else set()
    yield head(metrics, known)
    wanted = versions(model)
    with tqdm(total=len(wanted) * repeats, desc="table1", unit="run", leave=False, disable=None) as bar:
        for row, logit, twin in wanted:
            settings = {"method": row.method, "space": row.space, **row.settings}
            done = results.repeats(f"{row.title} {logit}".strip(), settings)
            for repeat in range(repeats):
                if str(repeat) not in done:
                    done[str(repeat)] = measure(twin, row, repeat, n)
                    results.save()
                bar.update()
            line = [row.title, logit or "either"]
            for key in metrics:
                digits = METRICS[key][1]
                if key in known:
                    line.append(f"{row.paper[key]:,.{digits}f}" if key in row.paper else "–")
                line.append(spread([done[str(repeat)][key] for repeat in range(repeats)], digits))
            yield line


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default=DEFAULT, help=f"a 2D model's name or folder ({DEFAULT})")
    parser.add_argument("--repeats", type=int, default=10, help="repeats with other seeds, 1 to 100 (10)")
    parser.add_argument("--n", type=int, default=5000, help="samples of each kind, 10 to 100,000 (5,000)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (auto)")
    parser.add_argument("--out", type=Path, help="JSON file of results (assets/results/table1….json)")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")


def run(args: argparse.Namespace) -> None:
    repeats, n = whole("repeats", args.repeats, 1, 100), whole("n", args.n, 10, 100_000)
    model = shelf.load(args.model, args.device)
    if model.kind != "2d" or model.dataset not in plane_datasets.datasets:
        raise ValueError(f"model must be one of a planar data set, not {model.name}.")
    suffix = "" if args.model == DEFAULT else "-" + args.model.strip("/").replace("/", "-")
    header = {"table": "table1", "model": model.name, "digest": model.digest, "n": n}
    results = Results(args.out or RESULTS / f"table1{suffix}.json", header)
    rows = table(model, results, repeats, n)
    printer = Printer(next(rows), args.markdown)
    for line in rows:
        printer.row(line)


TABLE = Table("table1", "planar data: base and every method, % high quality and KDE score", options, run)

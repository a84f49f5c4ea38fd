"""A ratio that goes stale beside one that does not: image samples along DGflow (KL), measured on the way.

The model's own ratio serves all the way ("stale"), a ladder's rungs take turns ("ladder"), or the critic
goes on learning from the run's own samples and real images ("online", with a data root).
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from dgflow_core.errors import UserError
from dgflow_core.flow.driver import NonFinite, Run
from dgflow_core.pictures import palette
from dgflow_core.reports.image_table import ImageCollector
from dgflow_core.reports.kept_results import RESULTS, Results
from dgflow_core.reports.result_curves import TITLES, Curve, Panel, draw
from dgflow_core.reports.resumable_table import Measured, Table, TableRow
from dgflow_core.training import online
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

#: Ratios, as they are kept → as people read them.
RATIOS = {
    "stale": "stale: one critic all the way", "ladder": "fresh: a ladder of critics",
    "online": "fresh: the critic goes on learning",
}  # fmt: skip
#: Dash and mark of a ratio's curve.
STYLES = {"stale": ("dash", "circle-open"), "ladder": ("solid", "circle"), "online": ("dot", "square")}
MARKS = (0, 2, 4, 6, 8, 12, 16, 25, 35, 50, 75, 100)
#: Twice the paper's η: what the shipped critic knows is used up in 4 such steps as in 8 of the paper's, and a
#: ratio that stays fresh comes further in 25.
SETTINGS = {"divergence": "KL", "eta": 0.2, "gamma": 0.01}


def row(steps: int) -> TableRow:
    title = f"after {steps} steps" if steps else "Base"
    return TableRow(title, "dgflow", "latent", SETTINGS | {"steps": steps})


ROWS = tuple(map(row, MARKS))


def logits(model: Model, row: TableRow) -> list[tuple[str, Model]]:
    return [("stale", model.without_ladder()), ("ladder", model)]


def curves(model: str, metric: str) -> dict[str, dict[int, list[float]]]:
    """What is kept of ``model``: ratio ("stale", …) → step → the metric of each repeat.

    Where a ratio was measured at several numbers of samples, the most of them count.
    """
    cells: dict[tuple[str, int], dict[int, list[float]]] = {}
    for key, cell in Results(RESULTS / "fresh.json", "fresh").cells.items():
        name, _, ratio, _ = key.split(" | ")
        if name == model and (repeats := [one[metric] for one in cell["repeats"].values()]):
            settings = cell["settings"]
            cells.setdefault((ratio, settings["n"]), {})[settings["steps"]] = repeats
    most = dict(sorted(cells))
    return {ratio: cells[ratio, most[ratio]] for ratio in RATIOS if ratio in most}


def panels(model: str) -> list[Panel]:
    """The curves of ``model``: FID as far up as half above the base's, which a stale ratio soon leaves."""
    found = {metric: curves(model, metric) for metric in TITLES}
    top = 1.5 * max(statistics.fmean(points[0]) for points in found["fid"].values())
    return [
        Panel(
            title,
            [
                Curve(RATIOS[ratio], palette.RATIOS[ratio], *STYLES[ratio], points)
                for ratio, points in found[metric].items()
            ],
            top if metric == "fid" else None,
        )
        for metric, title in TITLES.items()
    ]


def measured_how(model: str) -> str:
    """What the curves of ``model`` rest on, in words."""
    cells = Results(RESULTS / "fresh.json", "fresh").cells.items()
    mine = [cell for key, cell in cells if key.startswith(f"{model} | ")]
    counts = sorted({len(cell["repeats"]) for cell in mine})
    repeats = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    n = max(cell["settings"]["n"] for cell in mine)
    return f"{repeats} repeats of {n:,} samples, η = {SETTINGS['eta']:g}, γ = {SETTINGS['gamma']:g}"


def course(
    model: Model, field, repeat: int, n: int, marks: Sequence[int], collector: Callable
) -> dict[int, dict[str, float]]:
    """One run of the ``n`` codes that seed ``repeat`` draws, measured at each of its ``marks``."""
    found, began = {}, time.monotonic()
    run = Run(model, space="latent", field=field, n=n, seed=repeat, steps=max(marks), **SETTINGS)
    try:
        for frame in run:
            if frame.step in marks:
                seconds, quality = time.monotonic() - began, collector(model, repeat)
                quality.update(frame.samples)
                logit = float(frame.logits.mean())
                found[frame.step] = {
                    **quality.compute(),
                    "logit": logit,
                    "steps": frame.step,
                    "seconds": seconds,
                }
    except NonFinite:  # what is left out was lost
        pass
    return found


@dataclass(frozen=True)
class FreshTable(Table):
    """The table of fresh ratios: a line for a step and a ratio, all of one run.

    Attributes:
        root: the data root for the online ratio; None leaves it out.
        rate, learning: of the online critic, and its steps between two moves.
        ratios: which are measured.
    """

    root: Path | None = None
    rate: float = 1e-4
    learning: int = 10
    ratios: tuple[str, ...] = tuple(RATIOS)

    def options(self, parser: argparse.ArgumentParser) -> None:
        super().options(parser)
        parser.add_argument(
            "--data-root", type=Path, default=os.environ.get("DGFLOW_DATA"),
            help="folder of the data sets: the online ratio is measured as well (DGFLOW_DATA)",
        )  # fmt: skip
        parser.add_argument(
            "--critic-rate",
            type=float,
            default=self.rate,
            help=f"Adam's rate of the online critic ({self.rate:g})",
        )
        parser.add_argument(
            "--critic-steps", type=int, default=self.learning,
            help=f"steps of the online critic between two moves ({self.learning})",
        )  # fmt: skip
        parser.add_argument("--picture", type=Path, help="measure nothing: draw what is kept into this file")
        parser.add_argument(
            "--ratio", action="append", choices=self.ratios,
            help="one of these; may be given again (all that can be measured)",
        )  # fmt: skip

    def run(self, args: argparse.Namespace) -> None:
        if args.picture is not None:
            titles = {shelf.describe(name)["title"].partition(" + ")[0]: name for name in self.models}
            draw(args.picture, {title: panels(name) for title, name in titles.items()}, "step")
            return
        if args.engine != "here":
            raise UserError("engine must be here for this table: its critics learn from step to step.")
        own = replace(
            self, root=args.data_root, rate=args.critic_rate, learning=args.critic_steps,
            ratios=tuple(args.ratio or self.ratios),
        )  # fmt: skip
        super(FreshTable, own).run(args)

    def measured(
        self, model: Model, results: Results, repeats: int, n: int, chosen: Sequence[TableRow]
    ) -> Iterator[Measured]:
        marks = [row.settings["steps"] for row in chosen]
        ways = [(*version, None) for version in self.versions(model, chosen[0])]
        if self.root is not None:
            ways.append(("online", model.without_ladder(), self._online))
        for label, judged, field in ways:
            if label not in self.ratios or (label == "ladder" and model.ladder is None):
                continue
            taught = {"rate": self.rate, "learning": self.learning} if field else {}
            cells = {}
            for row in chosen:
                run = {"method": row.method, "space": row.space}
                settings = {"digest": judged.digest, "n": n, **run, **row.settings, **taught}
                key = " | ".join((model.name, row.title, label, f"n = {n}"))
                cells[row.settings["steps"]] = results.repeats(key, settings)
            for repeat in tqdm(range(repeats), desc=label, unit="run", leave=False, disable=None):
                if all(str(repeat) in done for done in cells.values()):
                    continue
                found = course(judged, field and field(judged, repeat), repeat, n, marks, self.collector)
                for step, numbers in found.items():
                    cells[step][str(repeat)] = {name: round(value, 5) for name, value in numbers.items()}
                results.save()
            for row in chosen:
                yield Measured(row, label, [*cells[row.settings["steps"]].values()])

    def _online(self, model: Model, repeat: int) -> online.OnlineField:
        real = online.data(model, self.root)
        return online.OnlineField(model, "latent", real, self.learning, self.rate, repeat)


TABLE = FreshTable(
    "fresh",
    "image models: a stale ratio beside a ladder of critics and an online one, step by step",
    kind="image",
    rows=ROWS,
    collector=ImageCollector,
    have=lambda model: {"logits", "neighbours", "subsets"},
    models=("cifar10/sndcgan-ns+ladder", "cifar10/sn-resnet+ladder", "cifar10/mmd-gan+ladder"),
    n=2000,
    versions=logits,
    lacking=False,
)

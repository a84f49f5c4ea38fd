"""What every table shares: rows, one loop that goes on where it stopped, one writer, the paper's numbers."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from torch import Tensor
from tqdm import tqdm

from dgflow_core import device as devices
from dgflow_core import engines, kinds
from dgflow_core.engines import Engine, Here
from dgflow_core.errors import UserError
from dgflow_core.flow.driver import Run
from dgflow_core.flow.request import whole
from dgflow_core.flow.stopping import LEVELS
from dgflow_core.kinds.metric import Metric, fitting, rows
from dgflow_core.reports import papers
from dgflow_core.reports.kept_results import RESULTS, Printer, Results, spread
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

#: What is known of a repeat beside its kind's metrics.
OF_REPEATS = rows(
    Metric("logit", "Mean logit", "nats", None, 2),
    Metric("steps", "Mean steps", "", None, 1),
    Metric("seconds", "Time", "s", "down", 1),
)


@dataclass(frozen=True)
class TableRow:
    """One line of a table.

    Attributes:
        title: its name. ``method``, ``space``, ``settings``: the run; method None is the base, a setting of
            None the model's own.
        paper: the method's name in the paper's tables, where they have this row.
        offset: whether the logit's constant matters: such rows are measured calibrated and raw as well.
    """

    title: str
    method: str | None
    space: str = "latent"
    settings: Mapping[str, Any] = field(default_factory=dict)
    paper: str = ""
    offset: bool = False


class Measured(NamedTuple):
    """A row measured with one logit: its repeats, {metric: number} each."""

    row: TableRow
    logit: str
    repeats: list[dict[str, float]]


class Collector(Protocol):
    """Takes in refined samples chunk by chunk, and measures them."""

    def update(self, samples: Tensor) -> None: ...

    def compute(self) -> dict[str, float]: ...


@dataclass(frozen=True)
class Table:
    """A table: ``python -m dgflow_core evaluate <name>``.

    Attributes:
        help: one line for the command line. kind: of its models.
        rows: add one here and it is measured, kept and printed with the rest.
        collector: (model, repeat) → what measures the samples of one repeat.
        have: what its models have that metrics may need, see ``Metric.needs``.
        models: measured if none is named; () for all that ship. repeats, n: how many, if not said.
        chunk: samples refined at once; None for all.
        versions: the logits to refine with: (label, model) for a row.
        own: what a model's own settings are where its config does not say what is best for DGflow (KL).
        floor: (data set, n) → what as many real samples score, draw by draw; [] where that is not known.
        lacking: whether repeats that lack a metric are measured again.
        papers: the paper's tables. paper_models, paper_metrics: our names of models and metrics → theirs.
        paper_words: how the paper's numbers differ, over their column.
        extra_columns: after the metrics: heading → (base's repeats, a row's repeats) → text.
        engine: where repeats are measured.
    """

    name: str
    help: str
    kind: str
    rows: Sequence[TableRow]
    collector: Callable[[Model, int], Collector]
    have: Callable[[Model], set[str]] = lambda model: {"logits"}
    models: tuple[str, ...] = ()
    repeats: int = 5
    n: int = 10_000
    chunk: int | None = None
    versions: Callable[[Model, TableRow], list[tuple[str, Model]]] = lambda model, row: [("", model)]
    own: Mapping[str, Any] = field(default_factory=dict)
    floor: Callable[[str, int], list[dict[str, float]]] = lambda dataset, n: []
    lacking: bool = True
    papers: tuple[str, ...] = ()
    paper_models: Mapping[str, str] = field(default_factory=dict)
    paper_metrics: Mapping[str, str] = field(default_factory=dict)
    paper_words: str = "paper"
    extra_columns: Mapping[str, Callable] = field(default_factory=dict)
    engine: Engine = field(default_factory=Here)

    def settings(self, model: Model, row: TableRow) -> dict[str, Any]:
        """The settings of ``row`` for ``model``."""
        own = {**self.own, **model.config.get("quality", {}).get("DGflow(KL)", {})}
        return {name: own[name] if value is None else value for name, value in row.settings.items()}

    def columns(self, model: Model) -> dict[str, Metric]:
        """The metrics that are printed of ``model``, by name."""
        declared = kinds.get(self.kind).metrics
        of_samples = {name: metric for name, metric in declared.items() if not metric.whole_run}
        mine = fitting(of_samples, self.have(model))
        return mine | {name: metric for name, metric in OF_REPEATS.items() if name not in mine}

    def wanted(self, model: Model) -> set[str]:
        """Metrics without which a repeat is measured again."""
        return set(self.columns(model)) if self.lacking else set()

    def options(self, parser: argparse.ArgumentParser) -> None:
        """Add the table's options to a parser."""
        names = ", ".join(self.models) or "all that ship"
        parser.add_argument(
            "--model", action="append", help=f"a model's name or folder; may be given again ({names})"
        )
        parser.add_argument(
            "--repeats", type=int, default=self.repeats,
            help=f"repeats with other seeds, 1 to 100 ({self.repeats})",
        )  # fmt: skip
        parser.add_argument(
            "--n", type=int, default=self.n, help=f"samples a repeat, 10 to 100,000 ({self.n:,})"
        )
        parser.add_argument(
            "--row", action="append", help="the title of a row; may be given again (all rows)"
        )
        parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (auto)")
        parser.add_argument(
            "--out", type=Path, help=f"JSON file of results (assets/results/{self.name}.json)"
        )
        parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
        engines.options(parser)

    def run(self, args: argparse.Namespace) -> None:
        """Measure what is missing and print one table a model.

        Raises:
            UserError: a wrong option; one sentence.
        """
        repeats, n = whole("repeats", args.repeats, 1, 100), whole("n", args.n, 10, 100_000)
        chosen, results = self.chosen(args.row), Results(args.out or RESULTS / f"{self.name}.json", self.name)
        table = replace(self, engine=engines.get(args.engine, args.gpus))
        for model in self.loaded(args.model, args.device):
            tqdm.write(f"\n{model.title}: {n:,} samples, {repeats} repeats\n")
            table.write(model, table.measured(model, results, repeats, n, chosen), n, args.markdown)

    def chosen(self, titles: Sequence[str] | None) -> list[TableRow]:
        """The rows of these titles; all for None."""
        known = {row.title: row for row in self.rows}
        for title in titles or ():
            if title not in known:
                raise UserError(f"row must be one of {'; '.join(known)}, not {title!r}.")
        return [row for row in self.rows if row.title in (titles or known)]

    def loaded(self, names: Sequence[str] | None, device: str = "auto") -> Iterator[Model]:
        """The models to be measured, loaded one after the other."""
        shipped = self.models or [
            name for name in shelf.models() if shelf.describe(name)["kind"] == self.kind
        ]
        for name in names or shipped:
            model = shelf.load(name, device)
            if model.kind != self.kind:
                title = kinds.get(self.kind).title.lower()
                raise UserError(f"model must be one of {title} for this table, not {model.name}.")
            yield model

    def measured(
        self, model: Model, results: Results, repeats: int, n: int, chosen: Sequence[TableRow]
    ) -> Iterator[Measured]:
        """Yield row after row with its repeats, measuring what ``results`` lacks."""
        wanted = self.wanted(model)
        shown: list[tuple] = []
        todo: list[tuple] = []
        homes: list[tuple] = []
        for row in chosen:
            for logit, twin in self.versions(model, row):
                run = self.settings(model, row)
                settings = {"digest": twin.digest, "n": n, "method": row.method, "space": row.space, **run}
                if run.get("until") in LEVELS:  # another band of real logits stops elsewhere
                    settings["level"] = twin.real_logits()[LEVELS[run["until"]]]
                key = " | ".join(filter(None, (model.name, row.title, logit, f"n = {n}")))
                done = results.repeats(key, settings)
                lacking = {one for one in range(repeats) if not wanted <= done.get(str(one), {}).keys()}
                lacking |= {one for one in range(repeats) if str(one) not in done}
                todo += [(twin, row, repeat, n) for repeat in sorted(lacking)]
                homes += [(key, done, lacking)] * len(lacking)
                shown.append((row, logit, done, lacking))
        bare = replace(self, engine=Here(), floor=_no_floor)  # what a repeat needs of a table
        bar = tqdm(total=len(todo), unit="run", leave=False, disable=None)
        with bar, closing(self.engine.run(partial(_repeat, bare), todo)) as arriving:
            for row, logit, done, lacking in shown:
                while lacking:
                    bar.set_description(row.title)
                    number, (found, machine) = next(arriving)
                    key, home, open_ = homes[number]
                    repeat = todo[number][2]
                    home[str(repeat)] = {name: round(value, 5) for name, value in found.items()}
                    results.note_machine(key, machine)
                    open_.discard(repeat)
                    bar.update()
                    results.save()
                yield Measured(row, logit, [done[str(repeat)] for repeat in range(repeats)])

    def write(self, model: Model, found: Iterator[Measured], n: int, markdown: bool) -> None:
        """Print head and rows as they come: mean ± sd of every metric, the paper's number before ours."""
        columns = self.columns(model)
        known = {name for name in columns if any(self.paper(model, row, "", name) for row in self.rows)}
        head = ["method", "logit"]
        for name, metric in columns.items():
            head += [f"{metric.title}, {self.paper_words}"] if name in known else []
            head.append(metric.heading)
        printer = Printer([*head, *self.extra_columns], markdown)
        floor, base = self.floor(model.dataset, n), []
        if floor:
            found = _first(Measured(TableRow("Real samples", None), "", floor), found)
        for row, logit, repeats in found:
            if row.paper == "base":
                base = repeats
            cells = [row.title, logit or "either"]
            for name, metric in columns.items():
                if name in known:
                    paper = self.paper(model, row, logit, name)
                    cells.append("–" if paper is None else _published(paper, metric.decimals))
                cells.append(spread([one.get(name) for one in repeats], metric.decimals))
            extra = self.extra_columns.values()
            printer.row([*cells, *(of(base, repeats) if base else "–" for of in extra)])

    def paper(self, model: Model, row: TableRow, logit: str, metric: str) -> papers.Published | None:
        """The paper's number for a row, where it has one."""
        if not row.paper or metric not in self.paper_metrics or model.name not in self.paper_models:
            return None
        wanted = {"dataset": model.dataset, "model": self.paper_models[model.name], "method": row.paper}
        if "gamma" in row.settings:
            wanted["gamma"] = row.settings["gamma"]
        if model.corrector is not None and row.paper != "base":
            wanted["corrected"] = logit != "uncorrected"
        return papers.find(self.papers, metric=self.paper_metrics[metric], **wanted)


def _first(one: Measured, rest: Iterator[Measured]) -> Iterator[Measured]:
    yield one
    yield from rest


def _published(number: papers.Published, decimals: int) -> str:
    mean = f"{number.mean:,.{decimals}f}"
    return mean if number.sd is None else f"{mean} ± {number.sd:,.{decimals}f}"


def _no_floor(dataset: str, n: int) -> list[dict[str, float]]:
    return []


def _repeat(table: Table, job: tuple[Model, TableRow, int, int]) -> tuple[dict[str, float], str]:
    """What one repeat measured, and the machine that it was measured on."""
    return measure(table, *job), devices.title(job[0].device)


def measure(table: Table, model: Model, row: TableRow, repeat: int, n: int) -> dict[str, float]:
    """One repeat of ``row``: ``n`` samples refined chunk by chunk, so that memory does not grow with them.

    Repeat i starts every row from the same codes (seed i); each chunk has noise of its own. "steps" is how
    many of them a sample took on average: fewer than asked where a rule stopped it.
    """
    collector, codes = table.collector(model, repeat), model.prior.sample(n, repeat)
    settings = table.settings(model, row) if row.method else {"steps": 0}
    seconds = logit = moves = 0.0
    for index, chunk in enumerate(codes.split(table.chunk or n)):
        began = time.monotonic()
        start = chunk if row.space == "latent" else model.generate(chunk)
        seed = repeat * 100_003 + index if table.chunk else repeat
        run = Run(model, row.method or "dgflow", space=row.space, start=start, seed=seed, **settings)
        for frame in run:  # only the last frame is kept
            moves += frame.info.get("moving", len(chunk)) if frame.step else 0
        logit += float(frame.logits.sum()) / n  # waits for the device, so that the time is the work's
        seconds += time.monotonic() - began
        collector.update(frame.samples)
    return {**collector.compute(), "logit": logit, "steps": moves / n, "seconds": seconds}

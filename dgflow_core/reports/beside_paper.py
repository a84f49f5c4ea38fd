"""The paper's tables beside ours: which kept result stands beside which published number, and what both say.

Nothing is measured here: the paper's numbers come from ``assets/results/paper.csv``, ours from the results
that ``evaluate`` keeps beside it.
"""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dgflow_core import kinds
from dgflow_core.flow.divergences import divergences
from dgflow_core.kinds.metric import Metric
from dgflow_core.methods import methods
from dgflow_core.reports import image_table, plane_table, text_table
from dgflow_core.reports.kept_results import RESULTS, Results
from dgflow_core.reports.papers import Published, published
from dgflow_core.reports.resumable_table import OF_REPEATS, Table, TableRow

INCEPTION = "in Inception-v3 features, 50,000 samples (Glow 10,000)"
CLASSIFIER = "in the features of our own small classifier of the same data set"
SCORE = "of our own small classifier's predictions"
PAPER_TIME = "on one RTX 2080 Ti"


@dataclass(frozen=True)
class PaperTable:
    """One table of the paper.

    Attributes:
        number, title: as in the paper. report: our table that measures its rows.
        metrics: the paper's names → ours. theirs, ours: how each side measured, in words.
            Ours is "" for run times: they stand with the machine that they were noted with.
        same: whether both are one quantity. together: one panel for all models, not one each.
        n: of how many samples a repeat of ours stands in it; 0 for the most there are.
    """

    number: str
    title: str
    report: Table
    metrics: Mapping[str, str]
    theirs: str
    ours: str
    same: bool = False
    together: bool = False
    n: int = 0

    def words(self, shown: Sequence[Panel]) -> str:
        """What both sides measured, as Markdown."""
        ours = self.ours or f"on {machines(shown)}"
        said = f"**Paper**: {self.theirs}. **Ours**: {samples(shown)}, {ours}"
        return said + (", on our own model." if self.same else ": **not the paper's quantity**.")

    def data_title(self, dataset: str) -> str:
        known = kinds.get(self.report.kind).datasets
        return known[dataset].title if dataset in known else dataset.replace("_", " ").title()


IMAGE, PLANE, TEXT = image_table.TABLE, plane_table.TABLE, text_table.TABLE
FID, IS, SECONDS = {"fid": "fid"}, {"is": "score"}, {"seconds": "seconds"}
PLANE_METRICS = {"high_quality": "high_quality", "kde_score": "kde_score"}
TABLES = {
    table.number: table
    for table in (
        PaperTable("1", "25 Gaussians", PLANE, PLANE_METRICS, "5,000 samples", "the same metrics", True),
        PaperTable("2", "FID of GANs", IMAGE, FID, INCEPTION, CLASSIFIER),
        PaperTable("3", "Inception score", IMAGE, IS, INCEPTION, SCORE, together=True),
        PaperTable("4", "FID with correctors", IMAGE, FID, INCEPTION, CLASSIFIER),
        PaperTable(
            "5", "Text: JS-4 and JS-6", TEXT, {"js4": "js4", "js6": "js6"}, "10,000 strings",
            "against 10,000 held-out strings of our part of the corpus",
        ),
        PaperTable("8", "Run time, 25 Gaussians", PLANE, SECONDS, f"5,000 samples {PAPER_TIME}", "",
                   same=True, together=True),
        PaperTable("9", "Run time, GANs", IMAGE, SECONDS, f"100 samples {PAPER_TIME}", "",
                   same=True, together=True, n=100),
        PaperTable("10", "Run time with correctors", IMAGE, SECONDS, f"100 samples {PAPER_TIME}", "",
                   same=True, together=True, n=100),
        PaperTable("11", "Inception score of GANs", IMAGE, IS, INCEPTION, SCORE),
        PaperTable("12", "Inception score with correctors", IMAGE, IS, INCEPTION, SCORE),
        PaperTable("13", "FID without noise, γ = 0", IMAGE, FID, INCEPTION, CLASSIFIER),
        PaperTable("14", "Inception score without noise", IMAGE, IS, INCEPTION, SCORE, together=True),
        PaperTable("15", "FID without corrector", IMAGE, FID, INCEPTION, CLASSIFIER),
    )
}  # fmt: skip


class Spread(NamedTuple):
    """A mean and, where there is one, its standard deviation."""

    mean: float
    sd: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


class Ours(NamedTuple):
    """Our result beside one published number.

    Attributes:
        label: what tells it apart from others beside the same number: "ours", "raw", "8 steps".
        model: its name. run: method, space and settings. logit: which logit refined, "" where it is one.
        before, after: the metric of the base and of the refined samples, repeat by repeat; the base has the
            same starting codes, and is () where the table asks for none.
        n: samples of a repeat. floor: what as many real samples score, where that is known.
        on: the machines that measured it, where that was noted.
    """

    label: str
    model: str
    run: dict[str, Any]
    logit: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    n: int
    floor: Spread | None = None
    on: tuple[str, ...] = ()

    @property
    def base(self) -> Spread | None:
        return Spread.of(self.before) if self.before else None

    @property
    def end(self) -> Spread:
        return Spread.of(self.after)


class Row(NamedTuple):
    """A published number with ours. ``base`` is the paper's own base, None where it gives none."""

    method: str
    title: str
    base: Spread | None
    paper: Spread
    ours: tuple[Ours, ...]


@dataclass(frozen=True)
class Panel:
    """What is shown together: one model, or all of a data set, in one metric."""

    dataset: str
    title: str
    metric: Metric
    rows: list[Row] = field(default_factory=list)

    @property
    def measured(self) -> bool:
        return any(row.ours for row in self.rows)

    @property
    def heading(self) -> str:
        """The model and the metric, with its unit where both sides have the same."""
        metric = self.metric
        name = metric.title if metric.unit.startswith("classifier") else metric.heading
        return " · ".join(filter(None, (self.title, name)))

    @property
    def direction(self) -> str:
        return "higher is better" if self.metric.better == "up" else "lower is better"


def gain(base: Spread | None, end: Spread, metric: Metric) -> float | None:
    """How much better ``end`` is than ``base``, in percent of the base's size; None without a base."""
    if base is None or base.mean == 0:
        return None
    sign = 1 if metric.better == "up" else -1
    return sign * 100 * (end.mean - base.mean) / abs(base.mean)


class _Kept:
    """The cells of one report, by model, row and logit."""

    def __init__(self, report: Table):
        self.report = report
        self.floors: dict[tuple[str, int], list[dict[str, float]]] = {}
        self.cells: dict[tuple[str, str], dict[str, dict[int, dict]]] = {}
        for key, cell in Results(RESULTS / f"{report.name}.json", report.name).cells.items():
            model, title, *logit, _ = key.split(" | ")
            logits = self.cells.setdefault((model, title), {})
            logits.setdefault(logit[0] if logit else "", {})[cell["settings"]["n"]] = cell

    def floor(self, model: str, n: int, metric: str) -> Spread | None:
        dataset = model.split("/")[0]
        if (dataset, n) not in self.floors:
            self.floors[dataset, n] = self.report.floor(dataset, n)
        values = [draw[metric] for draw in self.floors[dataset, n] if metric in draw]
        return Spread.of(values) if values else None

    def bases(self, model: str) -> dict[int, dict]:
        title = next(row.title for row in self.report.rows if row.paper == "base")
        return next(iter(self.cells.get((model, title), {}).values()), {})

    def beside(self, number: Published, model: str, metric: str, based: bool, only: int) -> list[Ours]:
        """Our results beside a published number, the one with the paper's own settings first.

        ``only``: of how many samples a repeat; 0 for the most there are.
        """
        found = []
        for row in sorted(self.report.rows, key=lambda row: _at_own_steps(row, number)):
            own_steps = _at_own_steps(row, number)
            if not own_steps and not _as_published(row, number):
                continue
            for logit, cells in self.cells.get((model, row.title), {}).items():
                if (number.corrected is False) != (logit == "uncorrected"):
                    continue
                bases = self.bases(model)
                for n in sorted((n for n in cells if only in (0, n)), reverse=True):
                    before = _numbers(bases[n], metric) if based and n in bases else {}
                    after = _numbers(cells[n], metric)
                    both = [one for one in after if one in before or not based]
                    if both:
                        run = {k: v for k, v in cells[n]["settings"].items() if k not in ("digest", "n")}
                        if any(one.run == run and one.logit == logit for one in found):
                            break  # its own steps are the paper's
                        label = f"{run['steps']} steps" if own_steps else "raw" if logit == "raw" else "ours"
                        old = tuple(before[one] for one in both) if based else ()
                        new, floor = tuple(after[one] for one in both), self.floor(model, n, metric)
                        on = tuple(cells[n].get("on", ()))
                        found.append(Ours(label, model, run, logit, old, new, n, floor, on))
                        break
        return sorted(found, key=lambda one: one.label != "ours")


def _as_published(row: TableRow, number: Published) -> bool:
    return row.paper == number.method and row.settings.get("gamma", number.gamma) == number.gamma


def _at_own_steps(row: TableRow, number: Published) -> bool:
    """The same run but for its steps, which are the model's own."""
    settings = row.settings
    same = (settings.get("divergence"), settings.get("gamma")) == (number.method, number.gamma)
    return same and settings.get("steps", 0) is None and "until" not in settings


def _numbers(cell: dict, metric: str) -> dict[str, float]:
    """repeat → the metric, of the repeats that have it."""
    return {
        repeat: found[metric]
        for repeat, found in cell["repeats"].items()
        if found.get(metric) is not None and math.isfinite(found[metric])
    }


def short(divergence: str) -> str:
    """A divergence in as few letters as the paper's tables have."""
    words = divergences[divergence].title
    return words if len(words) < 8 else divergence


def title(method: str) -> str:
    """A method of the paper's tables, as people read it."""
    if method in divergences:
        return f"DGflow ({short(method)})"
    return methods[method].title if method in methods else method.capitalize()


def panels(number: str) -> list[Panel]:
    """A table of the paper with our results, those that we measured first.

    Raises:
        KeyError: it is none of ``TABLES``.
    """
    table = TABLES[number]
    kept, rows = _Kept(table.report), [row for row in published() if row.table == number]
    names = {(ours.split("/")[0], paper): ours for ours, paper in table.report.paper_models.items()}
    bases = {(r.dataset, r.model, r.metric): Spread(r.mean, r.sd) for r in rows if r.method == "base"}
    refined = {(r.dataset, r.model, r.metric) for r in rows if r.method != "base"}
    mixed = len({row.gamma for row in rows if row.gamma is not None}) > 1
    found: dict[tuple, Panel] = {}
    for row in rows:
        which = row.dataset, row.model, row.metric
        if row.method == "base" and which in refined:
            continue
        ours = names.get((row.dataset, row.model))
        based = which in bases and row.method != "base"
        metric = _metric(table, row.metric)
        beside = kept.beside(row, ours, metric.name, based, table.n) if ours else []
        words = title(row.method) + (f", γ = {row.gamma:g}" if mixed and row.gamma is not None else "")
        if table.together:
            words = row.model if row.method == "base" else f"{row.model}: {words}"
        where = (row.dataset, row.metric) if table.together else which
        panel = found.setdefault(where, Panel(row.dataset, "" if table.together else row.model, metric))
        base, paper = bases[which] if based else None, Spread(row.mean, row.sd)
        panel.rows.append(Row(row.method, words, base, paper, tuple(beside)))
    return sorted(found.values(), key=lambda panel: not panel.measured)


def _metric(table: PaperTable, name: str) -> Metric:
    known = {**OF_REPEATS, **kinds.get(table.report.kind).metrics}
    return known[table.metrics[name]]


def _ours(shown: Sequence[Panel]) -> list[Ours]:
    return [one for panel in shown for row in panel.rows for one in row.ours]


def machines(shown: Sequence[Panel]) -> str:
    """What measured ours, in words."""
    noted = [one.on or ("a machine that was not noted",) for one in _ours(shown)]
    return " and ".join(sorted({machine for on in noted for machine in on})) or "no machine"


def samples(shown: Sequence[Panel]) -> str:
    """How many samples and repeats ours are, in words; "not measured" where none is."""
    ours = _ours(shown)
    if not ours:
        return "not measured"
    counts, repeats = {one.n for one in ours}, {len(one.after) for one in ours}
    return f"{_span(counts)} samples × {_span(repeats)} repeats"


def _span(numbers: set[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def lines(shown: Sequence[Panel]) -> list[dict[str, Any]]:
    """Flat rows of numbers, one for each of ours, or one for a published number that stands alone."""
    found = []
    for panel in shown:
        for row in panel.rows:
            for one in row.ours or (None,):
                found.append(
                    {
                        "Data": panel.dataset,
                        "Model": panel.title,
                        "Metric": panel.metric.title,
                        "Method": row.title,
                        "Paper, base": row.base and row.base.mean,
                        "Paper": row.paper.mean,
                        "Paper, sd": row.paper.sd,
                        "Paper, gain %": gain(row.base, row.paper, panel.metric),
                        "Which of ours": one.label if one else "not measured",
                        "Ours, base": one and one.base and one.base.mean,
                        "Ours": one and one.end.mean,
                        "Ours, sd": one and one.end.sd,
                        "Ours, gain %": one and gain(one.base, one.end, panel.metric),
                        "Real samples": one and one.floor and one.floor.mean,
                        "n": one and one.n,
                        "Repeats": one and len(one.after),
                    }
                )
    return found


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of one shape as CSV; what was not measured is empty."""
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()}
        for row in rows
    )
    return file.getvalue()

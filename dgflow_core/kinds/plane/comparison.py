"""One row of numbers for a finished two-dimensional run, to stand beside those of other runs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from csv import writer

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.metric import Metric
from dgflow_core.kinds.plane.metrics import METRICS, last_step, measure
from dgflow_core.kinds.plane.reference import reference


def row(trajectory: Trajectory, dataset: str) -> dict[str, float]:
    """Every metric that applies to a run, by name: of the samples of its last step, and of the whole run.

    The numbers are those that its curves end with.
    """
    return measure(last_step(trajectory), reference(dataset), whole_run=True)


def columns(rows: Sequence[dict[str, float]]) -> dict[str, Metric]:
    """The metrics that at least one of the runs has, by name."""
    return {name: metric for name, metric in METRICS.items() if any(name in numbers for numbers in rows)}


def markdown(titles: Sequence[str], rows: Sequence[dict[str, float]]) -> str:
    """Runs as a Markdown table."""
    shown = columns(rows)
    lines = [["run", *[metric.heading for metric in shown.values()]], ["---", *["---:"] * len(shown)]]
    for title, numbers in zip(titles, rows, strict=True):
        cells = [
            f"{numbers[name]:,.{metric.decimals}f}" if name in numbers else "–"
            for name, metric in shown.items()
        ]
        lines.append([title, *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def csv(titles: Sequence[str], rows: Sequence[dict[str, float]]) -> str:
    """Runs as comma-separated values, with unrounded numbers."""
    text = io.StringIO()
    table = writer(text, lineterminator="\n")
    table.writerow(["run", *METRICS])
    for title, numbers in zip(titles, rows, strict=True):
        table.writerow([title, *[float(numbers[name]) if name in numbers else "" for name in METRICS]])
    return text.getvalue()

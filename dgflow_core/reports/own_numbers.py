"""Kept results of a report of ours as flat rows: what was measured, mean and standard deviation."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from dgflow_core.reports.beside_paper import Spread
from dgflow_core.reports.kept_results import RESULTS, Results
from dgflow_core.reports.resumable_table import Table


class Line(NamedTuple):
    """What was measured of one run: ``values`` by their headings; ``run`` is {} for samples as they are."""

    values: dict[str, Any]
    run: dict[str, Any]


def lines(report: Table, columns: Mapping[str, str], models: Collection[str] | None = None) -> list[Line]:
    """A line for each kept cell of ``report``: the parts of its key, and the metrics of ``columns``.

    ``models``: their lines alone; None for all.
    """
    found = []
    for key, cell in Results(RESULTS / f"{report.name}.json", report.name).cells.items():
        model, *row, _ = key.split(" | ")
        if models is not None and model not in models:
            continue
        # What has a name in place of a number has chosen, and measures nothing.
        repeats = [one for number, one in cell["repeats"].items() if number.isdigit()]
        line: dict[str, Any] = {"Model": model, "Run": ", ".join(row)}
        for name, heading in columns.items():
            values = [one[name] for one in repeats if _number(one.get(name))]
            spread = Spread.of(values) if values else Spread(math.nan)
            line |= {heading: _rounded(spread.mean), f"{heading}, sd": _rounded(spread.sd)}
        settings = cell["settings"]
        found.append(Line(line | {"n": settings["n"], "Repeats": len(repeats)}, _run(settings)))
    return found


def _run(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of what a cell was measured with, the method and its settings."""
    if settings.get("method", "") is None or settings.get("steps") == 0:
        return {}
    others = ("digest", "n", "space", "recipe")
    return {name: value for name, value in settings.items() if name not in others}


def _number(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _rounded(value: float | None) -> float | None:
    return None if not _number(value) else float(f"{value:.4g}")

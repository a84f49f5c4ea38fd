"""Kept results of a report of ours as flat rows: what was measured, mean and standard deviation."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from dgflow_core.reports.beside_paper import Spread
from dgflow_core.reports.kept_results import RESULTS, Results
from dgflow_core.reports.resumable_table import Table


def lines(
    report: Table, columns: Mapping[str, str], models: Collection[str] | None = None
) -> list[dict[str, Any]]:
    """A row for each kept cell of ``report``: the parts of its key, and the metrics of ``columns``.

    ``models``: their rows alone; None for all.
    """
    found = []
    for key, cell in Results(RESULTS / f"{report.name}.json", report.name).cells.items():
        model, *row, _ = key.split(" | ")
        if models is not None and model not in models:
            continue
        line: dict[str, Any] = {"Model": model, "Run": ", ".join(row)}
        for name, heading in columns.items():
            values = [one[name] for one in cell["repeats"].values() if _number(one.get(name))]
            spread = Spread.of(values) if values else Spread(math.nan)
            line |= {heading: _rounded(spread.mean), f"{heading}, sd": _rounded(spread.sd)}
        found.append(line | {"n": cell["settings"]["n"], "Repeats": len(cell["repeats"])})
    return found


def _number(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _rounded(value: float | None) -> float | None:
    return None if not _number(value) else float(f"{value:.4g}")

"""Results that survive an interruption, and how they are printed."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path

from tqdm import tqdm

from dgflow_core.errors import UserError
from dgflow_core.places import ASSETS

RESULTS = ASSETS / "results"


class Results:
    """Finished repeats in one JSON file, written after each so that a table goes on where it stopped.

    ``cells`` maps a cell's key (model, row, logit, samples) to {"settings": …, "repeats": {"0": {…}, …},
    "on": […]}, the machines that measured it. Cells measured with other settings or weights are dropped.

    Raises:
        UserError: the file holds results of another table, or is not such a file.
    """

    def __init__(self, path: Path, table: str):
        self.path, self.table, self.cells = path, table, {}
        if path.exists():
            try:
                stored = json.loads(path.read_text())
                self.cells, name = stored["cells"], stored["table"]
            except (ValueError, KeyError, TypeError):
                raise UserError(f"out: {path.name!r} is not a file of results.") from None
            if name != table:
                raise UserError(f"out: {path.name!r} holds results of {name}; name another file.")

    def repeats(self, key: str, settings: dict) -> dict[str, dict]:
        """The finished repeats of a cell, by repeat number as text."""
        cell = self.cells.get(key)
        if cell is None or cell["settings"] != settings:
            cell = self.cells[key] = {"settings": settings, "repeats": {}}
        return cell["repeats"]

    def note_machine(self, key: str, machine: str) -> None:
        """Remember that ``machine`` measured a repeat of a cell."""
        cell = self.cells[key]
        cell["on"] = sorted({machine, *cell.get("on", ())})

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.path.with_suffix(".tmp")
        scratch.write_text(json.dumps({"table": self.table, "cells": self.cells}, indent=1) + "\n")
        scratch.replace(self.path)


def spread(values: list[float], digits: int = 1) -> str:
    """Mean ± sample standard deviation; the mean alone for one value, "–" for none."""
    values = [value for value in values if value is not None and math.isfinite(value)]
    if not values:
        return "–"
    text = f"{statistics.fmean(values):,.{digits}f}"
    return text if len(values) < 2 else f"{text} ± {statistics.stdev(values):,.{digits}f}"


class Printer:
    """Prints a table row by row, aligned for the terminal or as Markdown, as rows come."""

    def __init__(self, head: list[str], markdown: bool, cell: int = 18, title: int = 20):
        self.markdown = markdown
        self.widths = [title, 10, *(max(len(title), cell) for title in head[2:])]
        self.row(head)
        if markdown:
            self.row(["---", "---", *["---:"] * (len(head) - 2)])

    def row(self, cells: list[str]) -> None:
        if self.markdown:
            text = f"| {' | '.join(cells)} |"
        else:
            text = "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(cells, self.widths, strict=True))
            )
        tqdm.write(text)

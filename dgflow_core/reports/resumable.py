"""What every table shares: a command, and results that survive an interruption."""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from dgflow_core.places import ASSETS

RESULTS = ASSETS / "results"


@dataclass(frozen=True)
class Table:
    """A table: ``python -m dgflow_core evaluate <name>``.

    Attributes:
        help: one line for the command line.
        options: adds the table's own options to its parser.
        run: computes what is missing and prints the table.
    """

    name: str
    help: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


class Results:
    """Finished repeats in one JSON file, written after each so that a table goes on where it stopped.

    ``header`` says what the numbers were measured on; ``cells`` maps a cell's key to
    {"settings": …, "repeats": {"0": {…}, …}}. Cells measured with other settings are dropped.

    Raises:
        ValueError: the file holds results of another header, or is not such a file.
    """

    def __init__(self, path: Path, header: dict):
        self.path, self.header, self.cells = path, header, {}
        if path.exists():
            try:
                stored = json.loads(path.read_text())
                self.cells = stored.pop("cells")
            except (ValueError, KeyError, AttributeError):
                raise ValueError(f"out: {path.name!r} is not a file of results.") from None
            if {key: stored.get(key) for key in header} != header:
                raise ValueError(
                    f"out: {path.name!r} holds results of another model or sample size; name another file."
                )

    def repeats(self, key: str, settings: dict) -> dict[str, dict]:
        """The finished repeats of a cell, by repeat number as text."""
        cell = self.cells.get(key)
        if cell is None or cell["settings"] != settings:
            cell = self.cells[key] = {"settings": settings, "repeats": {}}
        return cell["repeats"]

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.path.with_suffix(".tmp")
        scratch.write_text(json.dumps({**self.header, "cells": self.cells}, indent=1) + "\n")
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

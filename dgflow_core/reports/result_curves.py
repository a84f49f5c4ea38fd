"""Kept results as curves over repeats: declared once, drawn by pages and for the README."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dgflow_core.reports.beside_paper import Spread

#: What a metric's panel is called.
TITLES = {"fid": "FID, lower is better", "precision": "Precision, higher is better"}
#: Marks by the names that pages know, as Matplotlib calls them.
MARKS = {
    "circle": "o", "circle-open": "o", "square": "s", "diamond": "D", "triangle-up": "^", "x": "X",
}  # fmt: skip
DASHES = {"solid": "-", "dash": "--", "dot": ":"}

#: Models side by side in a picture.
ACROSS = 4


class Curve(NamedTuple):
    """One line of a panel.

    Attributes:
        name: its words. colour, dash, mark: how it is drawn. points: where → the metric of each repeat.
    """

    name: str
    colour: str
    dash: str
    mark: str
    points: Mapping[float, Sequence[float]]


class Panel(NamedTuple):
    """Curves of one metric; ``top`` is how far up they are shown from 0, None for as far as they go."""

    title: str
    curves: Sequence[Curve]
    top: float | None


def draw(path: Path, models: Mapping[str, Sequence[Panel]], x: str, log: bool = False) -> None:
    """Write a picture (.png or .svg): a column for each model, a row for each of its panels.

    Beyond ``ACROSS`` models it goes on below.
    """
    from matplotlib.figure import Figure  # which nobody else here needs

    across, each = min(len(models), ACROSS), max(map(len, models.values()))
    rows = each * math.ceil(len(models) / across)
    picture = Figure(figsize=(4 * across, 2.8 * rows), layout="constrained")
    axes = picture.subplots(rows, across, squeeze=False)
    for axis in axes.flat:
        axis.set_visible(False)
    for place, (title, panels) in enumerate(models.items()):
        row, column = each * (place // across), place % across
        axes[row][column].set_title(title)
        axes[row + len(panels) - 1][column].set_xlabel(x)
        for axis, panel in zip(axes[row:, column], panels, strict=False):
            axis.set_visible(True)
            if column == 0:
                axis.set_ylabel(panel.title)
            _draw(axis, panel, log)
    lines, names = axes[0][0].get_legend_handles_labels()
    picture.legend(lines, names, loc="outside lower center", ncols=len(names), fontsize="small")
    picture.savefig(path, dpi=110)


def _draw(axis: Any, panel: Panel, log: bool) -> None:
    """One panel on Matplotlib's ``axis``."""
    axis.grid(alpha=0.3)
    if log:
        axis.set_xscale("log")
    for curve in panel.curves:
        places = sorted(curve.points)
        spreads = [Spread.of(curve.points[place]) for place in places]
        axis.errorbar(
            places, [spread.mean for spread in spreads], [spread.sd or 0 for spread in spreads],
            color=curve.colour, marker=MARKS[curve.mark], linestyle=DASHES[curve.dash],
            markersize=5, capsize=2, label=curve.name,
        )  # fmt: skip
    if panel.top is not None:
        axis.set_ylim(0, panel.top)

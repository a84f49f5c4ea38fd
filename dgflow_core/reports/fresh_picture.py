"""The kept curves of stale and fresh ratios as one picture, for the README."""

from __future__ import annotations

import statistics
from pathlib import Path

from matplotlib.figure import Figure

from dgflow_core.pictures import palette
from dgflow_core.reports import fresh_table
from dgflow_core.zoo import shelf

METRICS = {"fid": "FID, classifier features", "precision": "precision"}
MARKERS = {"stale": "o", "ladder": "D", "online": "s"}


def draw(path: Path) -> None:
    """Write the curves of every measured model to ``path`` (.png or .svg): FID above, precision below."""
    models = [name for name in fresh_table.TABLE.models if fresh_table.curves(name, "fid")]
    figure = Figure(figsize=(4 * len(models), 5.6), layout="constrained")
    axes = figure.subplots(len(METRICS), len(models), sharex=True, squeeze=False)
    for row, (metric, title) in zip(axes, METRICS.items(), strict=True):
        row[0].set_ylabel(title)
        for axis, model in zip(row, models, strict=True):
            axis.grid(alpha=0.3)
            for ratio, found in fresh_table.curves(model, metric).items():
                steps = sorted(found)
                spread = [statistics.stdev(found[step]) if len(found[step]) > 1 else 0 for step in steps]
                means = [statistics.fmean(found[step]) for step in steps]
                axis.errorbar(
                    steps, means, spread, color=palette.RATIOS[ratio],
                    marker=MARKERS[ratio], markersize=5, capsize=2, label=fresh_table.RATIOS[ratio],
                )  # fmt: skip
    for axis, model in zip(axes[0], models, strict=True):
        axis.set_ylim(0, fresh_table.ceiling(model))
        axis.set_title(shelf.describe(model)["title"].partition(" + ")[0])
    for axis in axes[-1]:
        axis.set_xlabel("step")
    axes[1][0].legend(fontsize="small", loc="center right")
    figure.savefig(path, dpi=110)

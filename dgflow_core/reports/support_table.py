"""Planar sets without modes: how many samples are off the data, how much of the data they miss."""

from __future__ import annotations

from dgflow_core.reports.plane_table import PlaneCollector, have
from dgflow_core.reports.resumable_table import Table, TableRow


def row(divergence: str, space: str, steps: int) -> TableRow:
    settings = {"divergence": divergence, "eta": 0.01, "gamma": 0.01, "steps": steps}
    return TableRow(f"DGflow ({divergence}), {space} space, {steps} steps", "dgflow", space, settings)


TABLE = Table(
    "support",
    "planar sets without modes: samples off the data, data missed, KDE score",
    kind="2d",
    rows=(
        TableRow("Base", None, "data"),
        *(
            row(divergence, space, steps)
            for space in ("data", "latent")
            for steps in (25, 100)
            for divergence in ("KL", "JS", "logD")
        ),
    ),
    collector=PlaneCollector,
    have=have,
    models=("swissroll/wgan-gp", "moons/wgan-gp", "checkerboard/wgan-gp"),
    repeats=5,
    n=2000,
)

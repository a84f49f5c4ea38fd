"""The paper's Table 1: planar samples of one generator, refined by every method."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane.metrics import PlaneSamples, measure
from dgflow_core.kinds.plane.reference import reference
from dgflow_core.reports.resumable_table import Table, TableRow
from dgflow_core.zoo.model import Model

#: Seeds of the real samples, apart from those of any training or starting points.
REAL_SEED = 1_000_000


class PlaneCollector:
    """Measures points against real ones that each repeat draws afresh."""

    def __init__(self, model: Model, repeat: int):
        self.against = reference(model.dataset, REAL_SEED + repeat)
        self.points: list[np.ndarray] = []

    def update(self, samples: Tensor) -> None:
        self.points.append(samples.cpu().numpy())

    def compute(self) -> dict[str, float]:
        return measure(PlaneSamples(np.concatenate(self.points)[None]), self.against)


def dgflow(divergence: str, title: str, offset: bool = False) -> TableRow:
    settings = {"divergence": divergence, "eta": 0.01, "gamma": 0.01, "steps": 100}
    return TableRow(f"DGflow ({title})", "dgflow", "data", settings, divergence, offset)


ROWS = (
    TableRow("Base", None, "data", paper="base"),
    TableRow("DOT", "dot", "data", {"eta": 0.01, "steps": 100, "optimizer": "adam"}, "dot"),
    TableRow("DDLS", "ddls", "latent", {"eta": 0.01, "noise_scale": 0.1, "steps": 50}, "ddls"),
    dgflow("KL", "KL"),
    dgflow("JS", "JS", offset=True),
    dgflow("logD", "log D", offset=True),
    # what the paper's table does not have
    TableRow("Langevin", "langevin", "data", {"eta": 0.01, "noise_scale": 0.1, "steps": 50}),
    TableRow("DRS", "drs", "data", {"percentile": 0, "burn_in": 10_000, "steps": 100}),
    TableRow("MH-GAN", "mhgan", "data", {"calibration": "isotonic", "steps": 100}),
    TableRow("DDLS + MALA", "mala", "latent", {"eta": 0.01, "steps": 100}),
    TableRow(
        "Exact flow (KL)", "exact", "data", {"divergence": "KL", "eta": 0.01, "gamma": 0.0, "steps": 100}
    ),
)


def versions(model: Model, row: TableRow) -> list[tuple[str, Model]]:
    """The logits to refine with: "" where the constant does not matter."""
    return [("calibrated", model), ("raw", model.with_offset(0.0))] if row.offset else [("", model)]


def have(model: Model) -> set[str]:
    """What metrics may need of a model's data set.

    Raises:
        UserError: it is none that the explorer knows.
    """
    if model.dataset not in plane_datasets.datasets:
        raise UserError(f"model must be one of a planar data set, not {model.name}.")
    return reference(model.dataset).has | {"logits"}


TABLE = Table(
    "table1",
    "planar data: base and every method, % high quality and KDE score",
    kind="2d",
    rows=ROWS,
    collector=PlaneCollector,
    have=have,
    models=("25gaussians/wgan-gp",),
    repeats=10,
    n=5000,
    versions=versions,
    papers=("1",),
    paper_models={"25gaussians/wgan-gp": "WGAN-GP"},
    paper_metrics={"high_quality": "high_quality", "kde_score": "kde_score"},
)

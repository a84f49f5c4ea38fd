"""Points of the plane."""

from __future__ import annotations

from dgflow_core.kinds.declaration import Kind, Limits
from dgflow_core.kinds.plane.datasets import datasets
from dgflow_core.kinds.plane.metrics import METRICS

KIND = Kind(
    name="2d",
    title="Points of the plane",
    about="points of the plane, (n, 2)",
    fits=lambda shape: shape == (2,),
    spaces=("data", "latent"),
    metrics=METRICS,
    limits=Limits(n=20_000, steps=1000),
    batch=65_536,
    painter="dgflow_core.pictures.plane_pixels:painter",
    payload="dgflow_core.pictures.packing:pack",
    datasets=datasets,
)

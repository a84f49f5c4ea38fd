"""Metrics of every step of a two-dimensional run, fast enough to follow a slider."""

from __future__ import annotations

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.metric import MetricCurve, curves, fitting
from dgflow_core.kinds.plane import metrics
from dgflow_core.kinds.plane.reference import reference


def per_step(trajectory: Trajectory, dataset: str) -> list[MetricCurve]:
    """Every metric that applies to the data set, against the step, with what as many real points score."""
    seen, against = metrics.every_step(trajectory), reference(dataset)
    return curves(fitting(metrics.METRICS, against.has | seen.has), seen, against, trajectory.n)

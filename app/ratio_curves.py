"""FID and precision along a flow, by how its ratio is kept: stale, a ladder of critics, online."""

from __future__ import annotations

from app import curve_figure
from dgflow_core.reports import fresh_table


def measured(model: str) -> bool:
    """Whether curves of ``model`` are kept."""
    return bool(fresh_table.curves(model, "fid"))


def show(model: str, page: str) -> None:
    """Draw the curves of ``model`` on ``page``."""
    drawn = curve_figure.figure(fresh_table.panels(model), "step")
    words = f"Measured before: {fresh_table.measured_how(model)}; bars are one standard deviation."
    curve_figure.show(drawn, f"{page}.ratio.{model}", words)

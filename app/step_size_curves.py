"""FID and precision of an image model against η × steps, a line for every η."""

from __future__ import annotations

from app import curve_figure
from dgflow_core.reports import step_curves


def measured(model: str) -> bool:
    """Whether curves of ``model`` are kept."""
    return step_curves.kept(model) is not None


def show(model: str, page: str) -> None:
    """Draw the curves of ``model`` on ``page``, and say which η and how many steps were best."""
    kept = step_curves.kept(model)
    curve_figure.show(
        curve_figure.figure(kept.panels(), "η × steps", log=True), f"{page}.steps.{model}", kept.words()
    )

"""A heat map over two settings whose cells can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from dgflow_core.kinds.metric import Metric
from dgflow_core.pictures import palette


class Axis(NamedTuple):
    """One side of the map: its title, and what its cells stand for, in order."""

    title: str
    values: Sequence[Any]


def heatmap(values: np.ndarray, x: Axis, y: Axis, metric: Metric) -> go.Figure:
    """``values`` (len(y), len(x)) as coloured cells; NaN is left blank, the best cell is ringed.

    Bright is good whichever way the metric runs. Cells stand at equal
    distances, labelled with their settings; an invisible marker on each makes it clickable: point number
    j · len(x) + i.
    """
    name, unit, better_up = metric.title, metric.unit, metric.better != "down"
    columns, rows = [_label(value) for value in x.values], [_label(value) for value in y.values]
    figure = go.Figure()
    figure.add_heatmap(
        z=values, x=columns, y=rows, colorscale=_scale(better_up), xgap=2, ygap=2, hoverinfo="skip",
        text=[[_number(value) for value in row] for row in values], texttemplate="%{text}",
        colorbar={  # above, where it takes nothing from the width of the cells, which a phone has little of
            "title": {"text": f"{name} ({unit})", "side": "top", "font": {"size": 15}}, "thickness": 14,
            "orientation": "h", "y": 1, "yanchor": "bottom",
        },
    )  # fmt: skip
    i, j = (grid.ravel() for grid in np.meshgrid(range(len(columns)), range(len(rows))))
    figure.add_scatter(
        x=[columns[k] for k in i], y=[rows[k] for k in j], mode="markers",
        marker={"size": 34, "symbol": "square", "opacity": 0}, showlegend=False,
        text=[_number(value, "not run yet") for value in values.ravel()],
        selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
        hovertemplate=(
            f"{x.title} = %{{x}}<br>{y.title} = %{{y}}<br>{name}: %{{text}}<extra>click to open</extra>"
        ),
    )  # fmt: skip
    if np.isfinite(values).any():
        best = np.nanargmax(values) if better_up else np.nanargmin(values)
        row, column = np.unravel_index(best, values.shape)
        figure.add_scatter(
            x=[columns[column]], y=[rows[row]], mode="markers", hoverinfo="skip", showlegend=False,
            marker={"size": 40, "symbol": "square-open", "color": palette.REFINED, "line": {"width": 3}},
        )  # fmt: skip
    axis = {"type": "category", "showgrid": False, "tickfont": {"size": 14}, "ticks": ""}
    figure.update_xaxes(title={"text": x.title, "font": {"size": 17}}, **axis)
    figure.update_yaxes(title={"text": y.title, "font": {"size": 17}}, **axis)
    figure.update_layout(
        height=560, margin={"l": 10, "r": 10, "t": 10, "b": 10}, font={"size": 15},
        clickmode="event+select", dragmode=False,
    )  # fmt: skip
    return figure


def _scale(better_up: bool) -> list[list]:
    colours = palette.DENSITY if better_up else palette.DENSITY[::-1]
    return [[index / (len(colours) - 1), colour] for index, colour in enumerate(colours)]


def _label(value) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def _number(value: float, missing: str = "") -> str:
    return f"{value:.3g}" if np.isfinite(value) else missing

"""FID and precision along a flow, by how its ratio is kept: stale, a ladder of critics, online."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from dgflow_core.pictures import palette
from dgflow_core.reports import fresh_table
from dgflow_core.reports.beside_paper import Spread

METRICS = {"fid": "FID, lower is better", "precision": "Precision, higher is better"}
#: Dash and marker of a ratio.
STYLES = {"stale": ("dash", "circle-open"), "ladder": ("solid", "circle"), "online": ("dot", "square")}
HEIGHT, SIZE = 320, 14


def measured(model: str) -> bool:
    """Whether curves of ``model`` are kept."""
    return bool(fresh_table.curves(model, "fid"))


def figure(model: str) -> go.Figure:
    """The curves of ``model``, side by side; bars are one standard deviation over repeats."""
    drawn = make_subplots(1, len(METRICS), subplot_titles=list(METRICS.values()), horizontal_spacing=0.14)
    for column, metric in enumerate(METRICS, 1):
        for ratio, found in fresh_table.curves(model, metric).items():
            colour, (dash, symbol) = palette.RATIOS[ratio], STYLES[ratio]
            steps = sorted(found)
            spreads = [Spread.of(found[step]) for step in steps]
            drawn.add_scatter(
                x=steps, y=[spread.mean for spread in spreads], name=fresh_table.RATIOS[ratio],
                mode="lines+markers", legendgroup=ratio, showlegend=column == 1,
                line={"color": colour, "dash": dash, "width": 3},
                marker={"symbol": symbol, "size": 9, "color": colour},
                error_y={"array": [spread.sd or 0 for spread in spreads], "thickness": 1.5, "width": 4},
                hovertemplate="step %{x}: %{y:.3g}", row=1, col=column,
            )  # fmt: skip
    drawn.update_annotations(font_size=SIZE)
    drawn.update_xaxes(title_text="step", title_standoff=4, fixedrange=True, tickfont={"size": SIZE})
    drawn.update_yaxes(fixedrange=True, tickfont={"size": SIZE})
    drawn.update_yaxes(range=[0, fresh_table.ceiling(model)], row=1, col=1)
    drawn.update_layout(
        height=HEIGHT, dragmode=False, font={"size": SIZE}, margin={"l": 44, "r": 12, "t": 32, "b": 76},
        legend={"orientation": "h", "y": -0.2, "x": 0}, hoverlabel={"font": {"size": 15}},
    )  # fmt: skip
    return drawn


def show(model: str, page: str) -> None:
    """Draw the curves of ``model`` on ``page``."""
    st.plotly_chart(
        figure(model), key=f"{page}.ratio.{model}", width="stretch", config={"displayModeBar": False}
    )
    st.caption(f"Measured before: {fresh_table.measured_how(model)}; bars are one standard deviation.")

"""Curves of kept results, panel beside panel; bars are one standard deviation over repeats."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from dgflow_core.reports.beside_paper import Spread
from dgflow_core.reports.result_curves import Panel

HEIGHT, SIZE = 320, 14


def figure(panels: Sequence[Panel], x: str, log: bool = False) -> go.Figure:
    """``panels`` side by side over ``x``, which may grow by factors (``log``)."""
    drawn = make_subplots(
        1, len(panels), subplot_titles=[row.title for row in panels], horizontal_spacing=0.14
    )
    for column, panel in enumerate(panels, 1):
        for curve in panel.curves:
            places = sorted(curve.points)
            spreads = [Spread.of(curve.points[place]) for place in places]
            drawn.add_scatter(
                x=places, y=[spread.mean for spread in spreads], name=curve.name, mode="lines+markers",
                legendgroup=curve.name, showlegend=column == 1,
                line={"color": curve.colour, "dash": curve.dash, "width": 3},
                marker={"symbol": curve.mark, "size": 9, "color": curve.colour},
                error_y={"array": [spread.sd or 0 for spread in spreads], "thickness": 1.5, "width": 4},
                hovertemplate=f"{x} %{{x}}: %{{y:.3g}}", row=1, col=column,
            )  # fmt: skip
        if panel.top is not None:
            drawn.update_yaxes(range=[0, panel.top], row=1, col=column)
    drawn.update_annotations(font_size=SIZE)
    drawn.update_xaxes(title_text=x, title_standoff=4, fixedrange=True, tickfont={"size": SIZE})
    if log:
        drawn.update_xaxes(type="log", dtick=1)  # a number for each factor of ten
    drawn.update_yaxes(fixedrange=True, tickfont={"size": SIZE})
    drawn.update_layout(
        height=HEIGHT, dragmode=False, font={"size": SIZE}, margin={"l": 44, "r": 12, "t": 32, "b": 76},
        legend={"orientation": "h", "y": -0.2, "x": 0}, hoverlabel={"font": {"size": 15}},
    )  # fmt: skip
    return drawn


def show(drawn: go.Figure, key: str, words: str) -> None:
    """Draw a figure, and under it what it rests on."""
    st.plotly_chart(drawn, key=key, width="stretch", config={"displayModeBar": False})
    st.caption(words)

"""Base → refined as dumbbells, the paper's above ours, one colour for each method."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from dgflow_core.pictures import palette
from dgflow_core.reports.beside_paper import Panel, Row, Spread, gain

#: Pixels: of one line, of what stands around the lines, and of the names on the left.
LINE, AROUND, NAMES = 25, 48, 126
SIZE = 14
#: So near the floor, as a share of the picture's width, a number has no room between.
CROWDED = 0.3
COLOURS = dict(zip(("KL", "JS", "logD", "dot", "ddls", "drs", "mhgan"), palette.SERIES, strict=False))


class Line(NamedTuple):
    """One dumbbell: who measured it, from where to where."""

    who: str
    base: Spread | None
    end: Spread | None
    floor: Spread | None = None


def _lines(row: Row) -> Iterator[Line]:
    yield Line("paper", row.base, row.paper)
    for one in row.ours:
        yield Line(one.label, one.base, one.end, one.floor)


def figure(panel: Panel, change: bool = False) -> go.Figure:
    """The dumbbells of ``panel``; ``change``: in percent of the base, so that both sides start at 0."""
    drawn, places, names, y = go.Figure(), [], [], 0
    means = [one.mean for row in panel.rows for line in _lines(row) for one in line[1:] if one]
    reach, digits = max(means) - min(means), decimals(means)
    for row in panel.rows:
        missing = ": ours not measured" if panel.measured and not row.ours else ""
        drawn.add_annotation(
            text=f"<b>{row.title}</b>{missing}", x=0, xref="paper", xanchor="left", xshift=-NAMES + 4, y=y,
            showarrow=False, font={"size": SIZE},
        )  # fmt: skip
        for line in _lines(row):
            y += 1
            gained = gain(line.base, line.end, panel.metric)
            places.append(y)
            names.append(line.who if gained is None else f"{line.who} {_signed(gained)}")
            if not change:
                _draw(drawn, row, line, y, reach, digits)
            elif gained is not None:
                colour = COLOURS.get(row.method, palette.BASE)
                drawn.add_scatter(
                    x=[0, gained], y=[y, y], mode="lines+markers", hoverinfo="skip", showlegend=False,
                    line={"color": colour, "width": _width(line)},
                    marker={
                        "size": [9, 13], "symbol": ["circle-open", _symbol(line)], "color": colour,
                        "opacity": 1,
                    },
                )  # fmt: skip
        y += 1.5 if not row.ours else 1.3
    _lay_out(drawn, places, names, y)
    return drawn


def _draw(drawn: go.Figure, row: Row, line: Line, y: float, reach: float, digits: int) -> None:
    colour = COLOURS.get(row.method, palette.BASE)
    ends = [end for end in (line.base, line.end) if end is not None]
    if len(ends) == 2:
        drawn.add_scatter(
            x=[end.mean for end in ends], y=[y, y], mode="lines", hoverinfo="skip", showlegend=False,
            line={"color": colour, "width": _width(line)},
        )  # fmt: skip
        drawn.add_scatter(
            x=[line.base.mean], y=[y], mode="markers", showlegend=False,
            marker={"size": 10, "symbol": "circle-open", "color": colour, "line": {"width": 2}},
            error_x=_bar(line.base, colour),
            hovertemplate=f"{line.who}, base: {_said(line.base, digits)}<extra></extra>",
        )  # fmt: skip
    if line.floor is not None:
        drawn.add_scatter(
            x=[line.floor.mean], y=[y], mode="markers", showlegend=False,
            marker={"size": 13, "symbol": "line-ns", "line": {"width": 3, "color": palette.REAL_EITHER}},
            hovertemplate=f"as many real samples: {_said(line.floor, digits)}<extra></extra>",
        )  # fmt: skip
    drawn.add_scatter(
        x=[line.end.mean], y=[y], mode="markers", showlegend=False,
        marker={"size": 13, "symbol": _symbol(line), "color": colour}, error_x=_bar(line.end, colour),
        hovertemplate=f"{row.title}, {line.who}: {_said(line.end, digits)}<extra></extra>",
    )  # fmt: skip
    forwards = line.base is None or line.end.mean >= line.base.mean
    if line.floor is not None:
        room = (line.floor.mean - line.end.mean) * (1 if forwards else -1)
        forwards ^= 0 < room < CROWDED * reach
    beyond = (max if forwards else min)(ends, key=lambda one: one.mean)
    drawn.add_scatter(  # beyond the bar
        x=[beyond.mean + (beyond.sd or 0) * (1 if forwards else -1)], y=[y], mode="text",
        text=f"{'   ' if forwards else ''}{_number(line.end.mean, digits)}{'' if forwards else '   '}",
        textposition="middle right" if forwards else "middle left", textfont={"size": SIZE},
        showlegend=False, hoverinfo="skip", cliponaxis=False,
    )  # fmt: skip


def _lay_out(drawn: go.Figure, places: list[float], names: list[str], bottom: float) -> None:
    drawn.update_yaxes(
        tickvals=places, ticktext=names, tickfont={"size": SIZE}, range=[bottom - 0.4, -0.7],
        showgrid=False, zeroline=False, fixedrange=True,
    )  # fmt: skip
    found = [x for trace in drawn.data for x in trace.x]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    reach = high - low or abs(high) or 1.0
    ends = {"left": [low - 0.12 * reach], "right": [high + 0.12 * reach]}
    for trace in drawn.data:
        if trace.mode == "text":  # a number takes room beyond where it stands
            side = trace.textposition.removeprefix("middle ")
            ends[side].append(trace.x[0] + 0.55 * reach * (1 if side == "right" else -1))
    drawn.update_xaxes(
        range=[min(ends["left"]), max(ends["right"])], tickfont={"size": SIZE}, nticks=5, fixedrange=True,
        zeroline=False,
    )  # fmt: skip
    drawn.update_layout(
        height=round(AROUND + LINE * (bottom + 0.3)), dragmode=False, font={"size": SIZE},
        margin={"l": NAMES, "r": 12, "t": 8, "b": 34, "autoexpand": False}, hoverlabel={"font": {"size": 15}},
    )  # fmt: skip


def _symbol(line: Line) -> str:
    return "circle" if line.who == "paper" else "diamond"


def _width(line: Line) -> int:
    return 2 if line.who == "paper" else 5


def _bar(spread: Spread, colour: str) -> dict | None:
    if spread.sd is None:
        return None
    return {"array": [spread.sd], "color": colour, "thickness": 1.5, "width": 5}


def decimals(numbers: Sequence[float]) -> int:
    """After the point, for all of ``numbers`` alike: four digits of the largest, two of the smallest."""
    sizes = [math.floor(math.log10(abs(number))) + 1 for number in numbers if number]
    return max(0, 4 - max(sizes), 2 - min(sizes)) if sizes else 0


def _said(spread: Spread, digits: int) -> str:
    return _number(spread.mean, digits) + ("" if spread.sd is None else f" ± {spread.sd:.2g}")


def _number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}".replace("-", "−")


def _signed(gained: float) -> str:
    return (f"{gained:+.0f} %" if abs(gained) >= 100 else f"{gained:+.1f} %").replace("-", "−")

"""Presets: settings with a lesson, from assets/presets.json."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import streamlit as st

from app.links import Values
from app.words import say
from dgflow_core.pictures.scene import Scene

FILE = Path(__file__).parent.parent / "assets" / "presets.json"


@cache
def of(page: str) -> list[dict]:
    """The presets of a page: title, lesson, and the state that differs from the defaults."""
    return json.loads(FILE.read_text(encoding="utf-8")).get(page, [])


def choose(values: Values) -> str:
    """Draw the page's presets as pills; picking one sets the whole page. Returns its lesson, or ""."""
    state, key, last = st.session_state, f"{values.page}._preset", f"{values.page}._lesson"
    rows = {row["title"]: row for row in of(values.page)}
    if not rows:
        return ""

    def wanted() -> dict:
        row = rows.get(state.get(last), {"state": {}})["state"]
        return {name: row.get(name, p.default) for name, p in values.parameters.items() if not p.browser}

    def apply() -> None:
        if state[key] is None:  # a second click on the same pill, which means no less than the first
            return
        state[last] = state[key]
        state[f"{values.page}._play"] = state.get(f"{values.page}._play", 0) + 1
        values.complaints.clear()
        for name, value in wanted().items():
            values[name] = value

    shown = state.get(last) in rows and all(values[name] == value for name, value in wanted().items())
    state[key] = state[last] if shown else None
    st.pills(
        say("Presets"),
        rows,
        format_func=say,
        key=key,
        on_change=apply,
        label_visibility="collapsed",
        help=say("Each preset shows one thing that goes right or wrong."),
    )
    return say(rows[state[last]]["lesson"]) if shown else ""


#: In a lesson: "{High quality @ last}", a number of a curve at a step ("best", "last" or which); "of panel 2"
#: after it for another panel's; "{best Distance to data}", the step at which a curve is best.
NUMBER = re.compile(
    r"\{(?:best (?P<of>[^}@]+?)|(?P<name>[^}@]+) @ (?P<step>best|last|\d+))(?: of panel (?P<panel>\d))?\}"
)


def told(lesson: str, scene: Scene) -> str:
    """A lesson with its numbers, taken from the curves that stand beside it.

    Raises:
        KeyError, IndexError: the scene has no such curve, panel or step.
    """
    curves = {curve.name: curve for curve in scene.curves}

    def number(found: re.Match) -> str:
        curve = curves[found["of"] or found["name"]]
        values = curve.series[int(found["panel"] or 1) - 1]
        best = int(np.nanargmax(values) if curve.better == "up" else np.nanargmin(values))
        if found["of"]:
            return str(best)
        return f"{values[{'best': best, 'last': -1}.get(found['step']) or int(found['step'])]:.3g}"

    return NUMBER.sub(number, lesson)


def linked(lesson: str) -> str:
    """A lesson whose steps are links that move the player: assets/kit/told.js."""
    return re.sub(rf"\b({say('step')}) (\d+)\b", r"\1 [\2](#step-\2)", lesson)

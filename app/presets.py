"""Presets: settings with a lesson, from assets/presets.json."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import streamlit as st

from app.links import Values

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
        values.complaints.clear()
        for name, value in wanted().items():
            values[name] = value

    shown = state.get(last) in rows and all(values[name] == value for name, value in wanted().items())
    state[key] = state[last] if shown else None
    st.pills(
        "Presets",
        rows,
        key=key,
        on_change=apply,
        label_visibility="collapsed",
        help="Each preset shows one thing that goes right or wrong.",
    )
    return rows[state[last]]["lesson"] if shown else ""

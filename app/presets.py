"""Presets: settings with a lesson, from assets/presets.json."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import streamlit as st

from app import links

FILE = Path(__file__).parent.parent / "assets" / "presets.json"


@cache
def of(page: str) -> list[dict]:
    """The presets of a page: title, lesson, and the state that differs from the defaults."""
    return json.loads(FILE.read_text())[page]


def choose(page: str, parameters: dict[str, links.Parameter]) -> None:
    """Draw the presets as pills; picking one sets the whole page and shows its lesson."""
    rows = {row["title"]: row for row in of(page)}

    def apply() -> None:
        row = rows.get(st.session_state[f"{page}._preset"])
        if row is None:
            return
        links.forget_complaints(page)
        for name, parameter in parameters.items():
            st.session_state[f"{page}.{name}"] = row["state"].get(name, parameter.default)

    st.pills(
        "Presets", rows, key=f"{page}._preset", on_change=apply, label_visibility="collapsed",
        help="Each preset shows one thing that goes right or wrong.",
    )  # fmt: skip
    row = rows.get(st.session_state.get(f"{page}._preset"))
    if row is not None and all(
        st.session_state[f"{page}.{name}"] == row["state"].get(name, parameter.default)
        for name, parameter in parameters.items()
    ):
        st.caption(row["lesson"])

"""The values of widgets, given so that what a person does meanwhile is not undone.

Whenever a script assigns a widget's value, Streamlit sends it to the browser, which then drops what was
pressed or typed since: of an arrow key pressed three times during a run, one press was lost. So a value is
assigned only where the browser does not show it already.
"""

from __future__ import annotations

from typing import Any

import streamlit as st


def assign(key: str, value: Any) -> None:
    """Let ``st.session_state[key]`` be ``value``."""
    state = st.session_state
    if key not in state or type(state[key]) is not type(value) or state[key] != value:
        state[key] = value
        _in_browser().pop(key, None)


def key_of(key: str, *form: Any) -> str:
    """The ``key=`` of a widget about to be drawn, whose value is ``st.session_state[key]``.

    ``form``: what else makes it another widget in the browser, such as the ends of a slider.
    """
    if _in_browser().get(key) != form:
        st.session_state[key] = st.session_state[key]
        _this_run()[key] = form
    return key


def begin() -> None:
    """A run of a page begins; what an interrupted one drew may never have arrived."""
    _this_run().clear()


def finish() -> None:
    """The run is at its end: what it drew is on its way."""
    _in_browser().update(_this_run())


def forget() -> None:
    """Tell the browser all values anew."""
    _in_browser().clear()


def _in_browser() -> dict[str, tuple]:
    """The widgets of which the browser knows the value, with their forms."""
    return st.session_state.setdefault("_in_browser", {})


def _this_run() -> dict[str, tuple]:
    """Those that this run tells it."""
    return st.session_state.setdefault("_this_run", {})

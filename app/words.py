"""The language of whoever looks: a link says it (``lang=de``), the session keeps it, ``say`` speaks it."""

from __future__ import annotations

import threading
from typing import Any

import streamlit as st

from app import widgets
from dgflow_core import languages

#: What links call it.
NAME = "lang"
#: Of the thread that runs a page: a run says a hundred words.
_here = threading.local()


def language() -> str:
    """The language that was chosen last, by a link or by hand; English at first."""
    if not hasattr(_here, "language"):
        settle()
    return _here.language


def settle() -> None:
    """A run of a page begins: look which language its link and its session say."""
    given, state = st.query_params.get(NAME), st.session_state
    if given in languages.languages():
        state["_language"] = given
    _here.language = state.get("_language", "en")


def say(english: str, **values: Any) -> str:
    """``english`` in the person's language, with {values} put in."""
    return languages.said(english, language(), **values) if english else english


def in_link() -> dict[str, str]:
    """What a link says of it: nothing where it is English."""
    return {} if (now := language()) == "en" else {NAME: now}


def choose(other: str) -> None:
    """Speak another language from now on."""
    st.session_state["_language"] = _here.language = other
    if NAME in st.query_params:
        st.query_params[NAME] = other
    widgets.forget()  # a browser knows an option by its title, which is another one now


def control(key: str) -> None:
    """Draw the choice of the language."""
    offered, state = languages.languages(), st.session_state

    def chosen() -> None:
        choose(state[key])
        state["_speaks_anew"] = True

    widgets.assign(key, language())
    st.segmented_control(
        say("Language"), offered, format_func=offered.get, required=True, key=key, on_change=chosen,
        help=say("Of the interface and the lessons. A page that has none of it stays English."),
    )  # fmt: skip
    if state.pop("_speaks_anew", False):
        st.rerun()

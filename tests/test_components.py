"""Mounting components: what is sent to the browser, and what comes back."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page():
    """A page with a wall whose start is another at every rerun, as a click makes it."""
    from types import SimpleNamespace

    import streamlit as st

    from app import components

    state = st.session_state

    def shown(**sent):
        state.setdefault("sent", []).append(sent["data"])
        return SimpleNamespace(state=state.get("returned"))

    original, components._component = components._component, lambda name, language: shown
    try:
        run = state.get("run", b"a run that is long")
        state["result"] = components.wall(run, "page.wall", {"selected": len(state.get("sent", []))})
    finally:
        components._component = original


def test_a_choice_changes_nothing_of_what_is_sent():
    test = AppTest.from_function(page).run().run().run()
    sent = test.session_state["sent"]
    assert len(sent) == 3
    assert len(set(sent)) == 1  # equal messages are sent as a number
    test.session_state["run"] = b"another run"
    test.run()
    assert test.session_state["sent"][-1] != sent[0]


def test_the_state_is_the_browsers_or_else_the_pages():
    test = AppTest.from_function(page).run()
    assert test.session_state["result"] == {"selected": 0}
    test.session_state["returned"] = {"selected": 5}
    assert test.run().session_state["result"] == {"selected": 5}
    test.session_state["returned"] = "not a state"
    assert test.run().session_state["result"] == {"selected": 2}

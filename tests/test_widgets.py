"""What a person does while a page runs stays: a value that the browser shows already is not sent to it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from app import results
from dgflow_core.errors import UserError
from dgflow_core.zoo import shelf
from tests.pages import visit
from tests.text_model import tiny_text


@pytest.fixture
def page(monkeypatch) -> AppTest:
    """The 2D page, which computes nothing here."""

    def refuse(*arguments, **named):
        raise UserError("nothing is computed here.")

    monkeypatch.setattr(results, "trajectory", refuse)
    return visit("flow2d", eta="0.02", n="300")


def sent(test: AppTest) -> set[str]:
    """The settings whose values this run sent to the browser."""
    kinds = (test.slider, test.select_slider, test.selectbox, test.number_input, test.toggle)
    rows = [row for kind in kinds for row in kind]
    return {row.key.removeprefix("flow.") for row in rows if row.proto.set_value}


def test_a_value_is_sent_once_and_again_where_it_changes(page):
    assert {"dgflow.eta", "n", "method"} <= sent(page)
    page.run()
    assert not sent(page)
    page.select_slider(key="flow.dgflow.eta").set_value(0.03).run()
    assert not sent(page)
    assert page.query_params["eta"] == "0.03"
    page.query_params["eta"] = "0.05"
    page.session_state["_page"] = "elsewhere"  # as after a way round another page
    page.run()
    assert sent(page) == {"dgflow.eta"}
    assert page.select_slider(key="flow.dgflow.eta").value == 0.05


def test_a_control_that_was_away_is_given_its_value_again(page):
    page.run()
    page.selectbox(key="flow.method").set_value("dot").run()
    page.run()
    page.selectbox(key="flow.method").set_value("dgflow").run()
    assert "dgflow.eta" in sent(page)
    assert page.select_slider(key="flow.dgflow.eta").value == 0.02


def test_a_slider_that_grew_keeps_its_value_as_it_shrinks():
    def script():
        import streamlit as st

        from app import widgets
        from app.parameters import Whole

        widgets.begin()
        widgets.assign("n", st.session_state.get("n", 900))
        st.text(Whole(1, "n", None, 0, 1000, step=1, slider=(0, 100)).draw("n", st))
        widgets.finish()

    test = AppTest.from_function(script).run()
    assert (test.slider[0].value, test.slider[0].max) == (900, 900)
    test.slider[0].set_value(40).run()
    assert (test.slider[0].value, test.slider[0].max, test.text[0].value) == (40, 100, "40")
    assert test.slider[0].proto.set_value
    test.run()
    assert test.slider[0].value == 40
    assert not test.slider[0].proto.set_value


def test_what_an_interrupted_run_drew_is_sent_again():
    def script():
        import streamlit as st

        from app import widgets

        widgets.begin()
        widgets.assign("on", True)
        st.toggle("On", key=widgets.key_of("on"))
        if st.session_state.setdefault("_whole", False):
            widgets.finish()

    test = AppTest.from_function(script).run()
    assert test.toggle[0].proto.set_value
    test.run()
    assert test.toggle[0].proto.set_value
    test.session_state["_whole"] = True
    test.run()
    test.run()
    assert not test.toggle[0].proto.set_value


def test_a_name_in_another_folder_is_another_model(tmp_path, monkeypatch):
    names = []
    for folder in ("one", "two"):
        shelf.save(tiny_text(), tmp_path / folder / "billion_words" / "wgan-gp")
        monkeypatch.setenv("DGFLOW_PRETRAINED", str(tmp_path / folder))
        names.append(results.model("billion_words/wgan-gp"))
    assert names[0] is not names[1]
    assert results.model("billion_words/wgan-gp") is names[1]

"""What can go wrong: every claim is computed, every knob is one setting, and its link opens that run."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from app import lesson_pictures, navigation
from dgflow_core.lessons.conditions import NUMBER, Condition, told
from dgflow_core.lessons.mishaps import mishaps
from tests.conftest import REPO
from tests.pages import visit

every = pytest.mark.parametrize("name", mishaps())


@every
def test_the_symptom_is_there_and_the_knob_mends_it(name):
    row = mishaps()[name]
    seen = lesson_pictures.compute(row.picture).measured
    assert Condition(row.shows).holds(seen), told(row.cause, seen)
    assert Condition(row.mends).holds(seen), told(row.knob, seen)
    assert not re.search("nan|inf|[{}]", told(row.cause + row.knob, seen))


@every
def test_the_two_runs_differ_in_one_knob(name):
    broken, mended = mishaps()[name].picture.runs
    differ = {key for key in broken if broken[key] != mended[key]} - {"title"}
    assert len(differ - {"eta"}) == 1 or differ == {"eta"}  # pixels have steps of their own
    typed = re.findall(r"\d+(?:\.\d+)?", NUMBER.sub("", mishaps()[name].cause + mishaps()[name].knob))
    assert {float(one) for one in typed} <= {
        value for value in mended.values() if isinstance(value, float | int)
    }


@pytest.mark.parametrize("name", ["explode", "worse", "grain"])
def test_the_page_says_it_and_its_links_open_those_runs(name):
    test = visit("wrong", symptom=name)
    assert not [row for row in test.warning if "link" in row.value]
    words = "\n".join(row.value for row in test.markdown)
    assert "The cause." in words
    assert "The knob." in words
    row = mishaps()[name]
    for run in row.picture.runs if row.picture.show == "flow" else row.picture.runs[1:]:
        page, said = lesson_pictures.place(row.picture, run)
        address = navigation.address(page, **{key: navigation.as_text(value) for key, value in said.items()})
        opened = visit({"flow": "flow2d"}.get(page, page), **dict(parse_qsl(address.partition("?")[2])))
        assert not [row for row in opened.warning if "link" in row.value]
        assert opened.session_state[f"{page}.dgflow.eta"] == run["eta"]


def test_every_page_leads_there():
    test = AppTest.from_file(str(REPO / "streamlit_app.py"), default_timeout=120)
    test.switch_page("app/pages/glossary.py").run()
    links = [link.proto.label for link in test.get("page_link")]
    assert "Something looks wrong?" in links

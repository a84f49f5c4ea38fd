"""The words of the field are explained where they stand."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from app import presets, terms
from tests.conftest import REPO


def test_the_glossary_explains_every_term():
    test = AppTest.from_file(str(REPO / "streamlit_app.py"), default_timeout=120)
    test.switch_page("app/pages/glossary.py").run()
    assert not test.exception
    assert not test.error
    shown = " ".join(words.value for words in test.markdown).lower()
    assert all(meaning.lower() in shown for meaning in terms.TERMS.values())


@pytest.mark.parametrize("word", ["ratio", "stale", "nats", "sliced W₂", "logit", "entropy"])
def test_a_term_is_told_on_hover_where_it_stands(word):
    assert terms.TERMS[word] in terms.hover(f"The {word}, which is not explained here.")
    assert terms.hover("Nothing of the kind, only rations") is None


def test_lessons_that_use_the_ratio_say_what_it_is():
    lessons = [row["lesson"] for page in ("flow", "latent") for row in presets.of(page)]
    assert any("stale" in lesson for lesson in lessons)
    assert all(terms.TERMS["ratio"] in terms.hover(lesson) for lesson in lessons if " ratio " in lesson)

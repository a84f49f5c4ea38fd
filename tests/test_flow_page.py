"""Home and 2D flow through Streamlit's AppTest: every state, every bad link, no traceback."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

import dgflow_core as dg
from app import limits, parameters, pictures, presets, results
from dgflow_core.errors import UserError
from dgflow_core.pictures.picture import paint
from tests.browser import ROOT

PAGE = str(ROOT / "app" / "pages" / "flow2d.py")


def run(**query) -> AppTest:
    test = AppTest.from_file(PAGE, default_timeout=120)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def formula(test: AppTest) -> str:
    return test.markdown[0].value


def test_the_default_page_shows_the_default_rule_and_no_complaint():
    test = run()
    assert not test.warning
    assert not test.error
    assert r"x + 0.01\,\nabla_x d(x)" in formula(test)
    assert test.query_params == {}


def test_a_slider_changes_the_rule_and_the_link():
    test = run()
    test.select_slider(key="flow.dgflow.eta").set_value(0.02).run()
    assert "x + 0.02" in formula(test)
    assert test.query_params["eta"] == "0.02"


@pytest.mark.slow
def test_every_method_and_space_draws():
    from dgflow_core import methods

    test = run(n="100", steps="3")
    for method in methods.values():
        test.selectbox(key="flow.method").set_value(method.name).run()
        assert not test.exception
        assert not test.error
        assert test.query_params.get("method", "dgflow") == method.name


def test_a_link_restores_the_state():
    test = run(method="dot", optimizer="sgd", lipschitz="2.5", n="200", seed="3", model="swissroll/wgan-gp")
    assert test.selectbox(key="flow.dot.optimizer").value == "sgd"
    assert test.session_state["flow.dot.lipschitz"] == 2.5
    assert test.session_state["flow.n"] == 200
    assert "2.5" in formula(test)


def test_a_value_outside_the_slider_but_allowed_is_kept():
    test = run(eta="7.5", n="100", steps="2")
    assert test.session_state["flow.dgflow.eta"] == 7.5
    # nothing is said of the link; that so large a step loses particles may be
    assert all("smaller eta than 7.5" in warning.value for warning in test.warning)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("eta", "-1", "eta must be a number from 1e-06 to 100"),
        ("eta", "nan", "eta must be"),
        ("steps", "1e9", "steps must be"),
        ("n", "999999999", "n must be a whole number from 10 to"),
        ("method", "<script>", "method must be one of dgflow"),
        ("model", "../../etc/passwd", "model must be one of"),
        ("divergence", "KLL", "divergence must be one of KL"),
        ("raw", "yes", "raw must be 0 or 1"),
        ("colour", "red", "'colour' is not a setting of this page"),
    ],
)
def test_a_bad_link_falls_back_with_one_sentence(name, text, words):
    test = run(**{name: text})
    assert len(test.warning) == 1
    assert words in test.warning[0].value
    assert not test.error


def test_too_much_work_is_refused_in_one_sentence():
    test = run(n="20000", steps="1000")
    assert len(test.error) == 1
    sentence = test.error[0].value
    assert "n × steps is too much here" in sentence
    n = int(re.search(r"n = ([\d,]+) with 1,000 steps", sentence).group(1).replace(",", ""))
    model, settings = results.model("25gaussians/wgan-gp"), {"n": n, "steps": 1000, "space": "data"}
    limits.check(model, settings, tabulated=True)
    with pytest.raises(UserError):
        limits.check(model, {**settings, "n": n + 1}, tabulated=True)


@pytest.mark.parametrize("row", presets.of("flow"), ids=lambda row: row["title"])
def test_presets_name_real_settings_and_run(row):
    query = {name.rsplit(".", 1)[-1]: parameters.as_text(value) for name, value in row["state"].items()}
    test = run(**{"n": "200", "steps": "4", **query})
    assert not test.warning
    assert not test.error


def test_choosing_a_preset_sets_the_page_and_shows_its_lesson():
    test = run()
    test.pills(key="flow._preset").set_value("Too large a step").run()
    assert test.session_state["flow.dgflow.eta"] == 0.3
    assert any("jumps over its mode" in words.value for words in test.markdown)


@pytest.mark.parametrize("method", dg.methods)
def test_an_exact_run_is_sketched_and_gives_the_same_page(method, monkeypatch):
    sketched = []
    monkeypatch.setattr(pictures, "PAUSE", 0)
    monkeypatch.setattr(pictures, "TIMES", 0)
    monkeypatch.setattr(pictures, "paint", lambda scene, look: sketched.append(scene) or paint(scene, look))
    test = run(method=method, exact="1", n="50", steps="3", seed="77")
    assert not test.error
    assert not test.exception
    assert any("Logit: exact" in caption.value for caption in test.caption)
    assert [scene.steps for scene in sketched] == [3] * 4  # every frame, the base too


def test_home_shows_the_pages_that_exist():
    test = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()
    assert not test.exception
    assert "See a GAN mend its samples" in test.title[0].value

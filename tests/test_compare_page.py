"""The compare page: slots, links, tables, and the special cases it claims to show."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import dgflow_core as dg
from app import panels, presets
from dgflow_core import pictures as scene
from dgflow_core.kinds.plane import comparison
from tests.pages import visit


def page(**query) -> AppTest:
    return visit("compare", **query)


@pytest.mark.parametrize("text", ["base", "dgflow;data;eta=0.02", "dot;latent;optimizer=sgd;lipschitz=2"])
def test_a_slot_is_what_its_text_says(text):
    assert panels.write(panels.read(text)) == text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "method must be one of"),
        ("dgflow;nowhere", "space of dgflow must be data or latent"),
        ("ddls;data", "space of ddls must be latent"),
        ("dgflow;data;speed=1", "'speed' is not a setting of dgflow"),
        ("dgflow;data;eta=-1", "eta must be a number"),
    ],
)
def test_a_wrong_slot_is_one_sentence_and_the_page_stays(text, words):
    with pytest.raises(ValueError, match=words):
        panels.read(text)
    test = page(p2=text or "x", n="100")
    assert len(test.warning) == 1
    assert not test.error


def test_the_default_page_shows_four_rows_with_every_metric():
    table = page(n="200").dataframe[0].value
    assert list(table["Panel"]) == ["Base", "DGflow (KL)", "DOT", "DDLS"]
    assert {"high_quality", "modes", "kde_score", "distance", "evaluations", "seconds"} <= set(table.columns)
    assert table["high_quality"][1] > table["high_quality"][0] + 50


@pytest.mark.slow
def test_every_method_can_stand_in_a_panel():
    test = page(panels="2", n="100")
    for method in dg.methods.values():
        test.selectbox(key="compare.p2.method").set_value(method.name).run()
        assert not test.exception
        assert not test.error
        assert test.query_params.get("p2", "dgflow;data").startswith(method.name)


@pytest.mark.parametrize("row", presets.of("compare"), ids=lambda row: row["title"])
def test_presets_are_links_in_their_shortest_form(row):
    for name, value in row["state"].items():
        if name.startswith("p") and name != "panels":
            assert panels.write(panels.read(value)) == value


def test_one_step_of_dot_is_one_step_of_dgflow():
    state = next(row for row in presets.of("compare") if row["title"] == "One step of each")["state"]
    model = dg.load("25gaussians/wgan-gp")
    first, second = (dg.refine(model, **panels.read(state[p]).run(100, 0)) for p in ("p1", "p2"))
    assert (first.samples[1] - first.samples[0]).abs().max() > 1e-3
    np.testing.assert_allclose(first.samples[1], second.samples[1], atol=1e-6)
    drawn = scene.difference([first, second], ["DOT", "DGflow"], (-2, 2, -2, 2))
    assert np.abs(drawn.arrows.vectors).max() < 1e-6


def test_tables_say_what_was_measured():
    model = dg.load("25gaussians/wgan-gp")
    run = dg.refine(model, "mala", n=60, steps=4, space="latent")
    row = comparison.row(run, "25gaussians")
    assert 0 <= row["acceptance"] <= 100
    assert row["evaluations"] == 4 * 60
    read = list(csv.DictReader(io.StringIO(comparison.csv(['a "run"'], [row]))))
    assert read[0]["run"] == 'a "run"'
    assert float(read[0]["kde_score"]) == row["kde_score"]
    assert float(read[0]["seconds"]) > 0
    assert comparison.markdown(["x"], [row]).count("\n") == 3

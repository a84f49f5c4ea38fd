"""Pages of images and text begin with a run that lies beside their model: the one they would compute."""

from __future__ import annotations

import numpy as np
import pytest

import dgflow_core as dg
from app import results, wall_runs
from dgflow_core.prepare import first_run
from tests.pages import visit

KEPT = {"images": "fashion_mnist/sndcgan-r1", "text": "billion_words/wgan-gp-wide"}


def settings(model: dg.Model) -> dict:
    return first_run.settings(model.kind)


@pytest.mark.parametrize("name", KEPT.values())
def test_what_is_kept_is_that_run(name):
    model = dg.load(name, device="cpu")
    kept = first_run.read(model, settings(model))
    again = dg.refine(model, **{**settings(model), "steps": 1})
    for step in (0, 1):
        assert np.allclose(kept.positions[step], again.positions[step], atol=1e-3)
        assert np.allclose(kept.logits[step], again.logits[step], atol=1e-2)
    assert kept.ended == "complete"
    assert kept.steps == settings(model)["steps"]
    assert first_run.read(model, {**settings(model), "seed": 1}) is None
    assert first_run.read(model.with_offset(1.0), settings(model)) is None


@pytest.mark.slow
@pytest.mark.parametrize("page", KEPT)
def test_a_page_begins_with_it_and_computes_nothing(page, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a run was begun")

    def nothing(*_):
        raise ValueError("No map here.")

    monkeypatch.setattr(results, "Run", refuse)
    monkeypatch.setattr(wall_runs, "surroundings", nothing)
    results.store.cache_clear()
    test = visit(page)
    results.store.cache_clear()
    assert not test.exception
    assert not test.error

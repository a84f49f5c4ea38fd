"""Sweeps: axes, cells that are kept, and the page that shows them."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import dgflow_core as dg
from app import kept_cells, sweep_session
from dgflow_core.flow.priors import NormalPrior
from dgflow_core.nets.mlp import MLP
from dgflow_core.reports import sweep_grid
from tests.browser import ROOT

DGFLOW = dg.methods["dgflow"]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return dg.Model(
        {"name": "tiny", "dataset": "25gaussians", "kind": "2d"},
        NormalPrior(2),
        MLP([2, 8, 2]),
        MLP([2, 8, 1]),
    )


BASE = {"method": "dgflow", "space": "data", "n": 50, "seed": 0, "divergence": "KL", "steps": 2}


def test_an_axis_spans_its_ends_in_order():
    eta = sweep_grid.axis(DGFLOW, "eta", 0.001, 1.0, 7)
    assert eta.values[0] == 0.001
    assert eta.values[-1] == 1.0
    assert list(eta.values) == sorted(set(eta.values))
    ratios = np.diff(np.log(eta.values))
    assert ratios.std() < 0.02  # by factors
    assert sweep_grid.axis(DGFLOW, "divergence").values[0] == "KL"
    steps = sweep_grid.axis(DGFLOW, "steps", 1, 4, 16).values
    assert steps == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("speed",), "axis must be one of"),
        (("eta", 1.0, 0.1), "the lower end must be below"),
        (("eta", -1.0, 0.1), "eta must be a number"),
        (("eta", 0.1, 1.0, 99), "count must be"),
    ],
)
def test_a_wrong_axis_is_one_sentence(arguments, words):
    with pytest.raises(ValueError, match=words):
        sweep_grid.axis(DGFLOW, *arguments)


def test_both_axes_over_one_setting_are_refused():
    eta = sweep_grid.axis(DGFLOW, "eta")
    with pytest.raises(ValueError, match="different settings"):
        sweep_grid.cells(BASE, eta, eta)


def test_cells_cover_the_grid_once_and_a_stopped_sweep_goes_on(model):
    x, y = sweep_grid.Axis("eta", (0.01, 0.02, 0.03)), sweep_grid.Axis("gamma", (0.0, 0.1))
    todo = sweep_grid.cells(BASE, x, y)
    assert len({sweep_grid.cell_key(model, cell) for cell in todo}) == 6

    finished = {}
    for done in sweep_grid.sweep(model, todo, finished):
        if done == 2:
            break
    assert len(finished) == 2
    kept = {key: dict(value) for key, value in finished.items()}
    list(sweep_grid.sweep(model, todo, finished))
    assert len(finished) == 6
    assert all(finished[key] == value for key, value in kept.items())


def test_a_finer_grid_keeps_what_fits(model):
    gamma = sweep_grid.Axis("gamma", (0.0,))
    finished = {}
    coarse = sweep_grid.axis(DGFLOW, "eta", 0.01, 1.0, 3)
    list(sweep_grid.sweep(model, sweep_grid.cells(BASE, coarse, gamma), finished))
    fine = sweep_grid.axis(DGFLOW, "eta", 0.01, 1.0, 5)
    missing = [
        c for c in sweep_grid.cells(BASE, fine, gamma) if sweep_grid.cell_key(model, c) not in finished
    ]
    assert len(missing) == 2


def test_a_cell_measures_what_the_run_itself_scores(model):
    from dgflow_core.kinds.plane import metrics as planar

    settings = {**BASE, "eta": 0.02, "gamma": 0.0}
    run = dg.refine(model, **settings)
    target = dg.datasets["25gaussians"]
    expected = planar.high_quality(run.samples[-1].numpy(), target.modes, target.std)
    x, y = sweep_grid.Axis("eta", (0.02, 0.5)), sweep_grid.Axis("gamma", (0.0,))
    finished = {sweep_grid.cell_key(model, settings): sweep_grid.measure(model, settings)}
    table = sweep_grid.table(model, BASE, x, y, finished, "high_quality")
    assert table.shape == (1, 2)
    assert table[0, 0] == expected
    assert np.isnan(table[0, 1])


@pytest.mark.filterwarnings("ignore:At step")
def test_a_run_that_explodes_is_a_blank_cell(model):
    steep = model.with_offset(0)
    steep.critic = copy.deepcopy(model.critic)
    steep.critic[-1].bias.fill_(-1e4)  # Pearson's weight 2 exp(−d) overflows
    settings = {**BASE, "divergence": "Pearson", "eta": 100.0, "gamma": 0.0}
    assert np.isnan(sweep_grid.measure(steep, settings)["distance"])


def page(**query) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app" / "pages" / "sweep.py"), default_timeout=200)
    for name, value in query.items():
        test.query_params[name] = value
    return test.run()


@pytest.mark.slow
def test_the_page_runs_a_grid_and_keeps_it():
    test = page(size="2", n="100", steps="3", x="eta", y="gamma")
    assert not test.exception
    assert not test.warning
    test.button[0].click().run()
    assert not test.exception
    assert len(test.session_state["sweep._finished"]) == 4
    assert test.button[0].label == "Finished"
    test.slider(key="sweep.size").set_value(3).run()
    assert test.button[0].label == "Run 5 more"


@pytest.mark.slow
def test_the_page_runs_a_grid_on_an_engine(monkeypatch):
    monkeypatch.setattr(sweep_session, "ENGINE", "processes:1")
    test = page(size="2", n="60", steps="2", x="eta", y="gamma", seed="5")
    test.button[0].click().run()
    assert not test.exception
    assert not test.error
    found = test.session_state["sweep._finished"]
    model, mine = dg.load("25gaussians/wgan-gp", device="cpu"), [key for key in found if '"seed": 5' in key]
    assert len(mine) == 4
    for key in mine:
        assert found[key] == sweep_grid.measure(model, json.loads(key)[1])
    assert kept_cells.read(mine).keys() == set(mine)


def test_the_page_refuses_one_setting_twice():
    test = page(x="eta", y="eta")
    assert "different settings" in test.error[0].value


def test_the_page_begins_with_a_whole_grid_that_ships():
    assert any(button.label == "Finished" for button in page().button)


def test_shipped_cells_are_what_they_say():
    model, cells = dg.load("25gaussians/wgan-gp", device="cpu"), sweep_grid.shipped()
    for key in [*cells][::60]:
        digest, settings = json.loads(key)
        assert digest == model.digest
        again = sweep_grid.measure(model, settings)
        assert again.keys() == cells[key].keys()
        for name, value in again.items():  # another machine's last bits may move a particle or two
            assert cells[key][name] == pytest.approx(value, rel=0.05, abs=0.5), name

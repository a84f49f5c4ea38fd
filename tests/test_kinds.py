"""Kinds and metrics: one declaration each, found wherever it should appear."""

from __future__ import annotations

import numpy as np
import pytest

import dgflow_core as dg
from dgflow_core import kinds
from dgflow_core.errors import UserError
from dgflow_core.kinds.declaration import Kind
from dgflow_core.kinds.metric import Metric
from dgflow_core.kinds.plane import comparison, density, square
from dgflow_core.kinds.plane.metrics import METRICS
from dgflow_core.kinds.plane.per_step import per_step
from dgflow_core.pictures import extent_of
from dgflow_core.reports import sweep_grid


def test_there_are_three_kinds_each_declared_once():
    assert set(kinds.all()) == {"2d", "image", "text"}
    assert all(isinstance(kind, Kind) for kind in kinds.all().values())
    assert all(kind.name == name for name, kind in kinds.all().items())


def test_an_unknown_kind_is_one_sentence():
    with pytest.raises(UserError, match=r"^kind must be one of 2d, image, text, not 'sound'\.$"):
        kinds.get("sound")


def test_the_kind_of_a_model_is_that_of_its_runs(tiny):
    assert kinds.of(tiny) is kinds.get("2d") is kinds.of(dg.refine(tiny, n=3, steps=1))


@pytest.mark.parametrize("name", list(kinds.all()))
def test_a_kinds_declaration_holds_together(name):
    kind = kinds.get(name)
    for method, settings in kind.defaults.items():
        assert set(dg.methods[method].spaces) & set(kind.spaces)
        dg.methods[method].Settings.parse(settings)
    for key, metric in kind.metrics.items():
        assert key == metric.name
        assert metric.title
        assert metric.better in ("up", "down", None)
    assert all(hasattr(kind, part) for part in ("paint", "pack"))


@pytest.mark.parametrize("name", dg.models())
def test_every_shipped_model_is_of_a_kind_that_fits_its_samples(name):
    from dgflow_core.zoo import shelf

    assert shelf.describe(name)["kind"] in kinds.all()


def test_a_metric_is_one_row_and_is_found_everywhere(tiny, monkeypatch):
    spread = Metric(
        "spread", "Spread", "data units", "down", 3, of=lambda seen, against: seen.samples.std((1, 2))
    )
    monkeypatch.setitem(METRICS, "spread", spread)
    run = dg.refine(tiny, n=50, steps=3)
    (curve,) = [curve for curve in per_step(run, "25gaussians") if curve.name == "Spread"]
    assert curve.values.shape == (4,)
    assert curve.unit == "data units"
    row = comparison.row(run, "25gaussians")
    assert row["spread"] == pytest.approx(curve.values[-1])
    assert "Spread, data units" in comparison.markdown(["a"], [row])
    assert "spread" in comparison.csv(["a"], [row]).splitlines()[0]
    assert sweep_grid.metrics("25gaussians")["spread"] is spread
    assert kinds.get("2d").metrics["spread"] is spread


@pytest.mark.parametrize("name", ["25gaussians", "swissroll"])
def test_a_metric_has_one_value_in_curve_table_and_sweep(tiny, name):
    model = dg.Model({**tiny.config, "dataset": name}, tiny.prior, tiny.generator, tiny.critic)
    settings = {"method": "dgflow", "space": "data", "n": 2100, "seed": 0, "steps": 3}
    run = dg.refine(model, **settings)
    row, cell = comparison.row(run, name), sweep_grid.measure(model, settings)
    titles = {metric.title: key for key, metric in METRICS.items()}
    curves = {titles[curve.name]: curve.values[-1] for curve in per_step(run, name)}
    assert set(curves) <= set(cell) <= set(row)
    for key, value in curves.items():
        assert value == pytest.approx(row[key], rel=1e-6)
    for key, value in cell.items():
        assert value == pytest.approx(row[key], rel=1e-6)


def test_metrics_for_modes_and_for_data_without_them():
    with_modes, without = (sweep_grid.metrics(name) for name in ("25gaussians", "moons"))
    assert {"high_quality", "modes"} <= set(with_modes)
    assert {"off_support", "missed"} <= set(without)
    assert not {"high_quality", "modes"} & set(without)
    assert np.all([metric.decimals >= 0 for metric in with_modes.values()])


def test_one_rule_says_how_large_the_square_is(tiny):
    for space, shown, held in (("data", 2.0, 2.3), ("latent", square.SHOWN, square.HELD)):
        kind = tiny.prior.kind
        assert square.shown(tiny, space) == (shown if space == "data" else shown[kind])
        assert density.default_grid(tiny, space).half == pytest.approx(
            held if space == "data" else held[kind]
        )
        assert extent_of(tiny, space)[1] == square.shown(tiny, space)
    unknown = dg.Model({**tiny.config, "dataset": "mine"}, tiny.prior, tiny.generator, tiny.critic)
    assert square.shown(unknown, "data") == square.UNKNOWN
    samples = unknown.generate(unknown.prior.sample(5000, 3)).numpy()
    assert (np.abs(samples) <= square.held(unknown, "data")).mean() > 0.99

"""Tables that the papers have not: ratios stale and fresh, DCD on images, generators grown from seeds."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from app import curve_figure, own_tables, ratio_curves, wall_runs
from dgflow_core.__main__ import main
from dgflow_core.reports import fresh_table, own_numbers
from dgflow_core.reports.kept_results import RESULTS
from tests.browser import ROOT
from tests.pages import visit


def cell(n: int, values: list[float], **settings) -> dict:
    repeats = {str(i): {"fid": value, "precision": 0.5, "score": None} for i, value in enumerate(values)}
    return {"settings": {"n": n, **settings}, "repeats": repeats}


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Some results of a ladder in place of those that ship."""
    cells = {
        "mine/gan | Base | stale | n = 100": cell(100, [20.0, 22.0], steps=0),
        "mine/gan | Base | ladder | n = 100": cell(100, [20.0, 22.0], steps=0),
        "mine/gan | Base | ladder | n = 500": cell(500, [18.0], steps=0),
        "mine/gan | after 4 steps | ladder | n = 500": cell(
            500, [9.0], method="dgflow", space="latent", steps=4
        ),
        "mine/gan | after 8 steps | ladder | n = 500": cell(500, [], steps=8),
    }
    (tmp_path / "fresh.json").write_text(json.dumps({"table": "fresh", "cells": cells}))
    for module in (fresh_table, own_numbers):
        monkeypatch.setattr(module, "RESULTS", tmp_path)


def test_curves_are_those_of_the_most_samples(kept):
    assert fresh_table.curves("mine/gan", "fid") == {
        "stale": {0: [20.0, 22.0]},
        "ladder": {0: [18.0], 4: [9.0]},
    }
    assert fresh_table.curves("other/gan", "fid") == {}
    assert not ratio_curves.measured("other/gan")
    assert fresh_table.measured_how("mine/gan") == "0 to 2 repeats of 500 samples, η = 0.2, γ = 0.01"
    drawn = curve_figure.figure(fresh_table.panels("mine/gan"), "step")
    assert [(list(trace.x), list(trace.y)) for trace in drawn.data[:2]] == [
        ([0], [21.0]),
        ([0, 4], [18.0, 9.0]),
    ]
    assert [trace.showlegend for trace in drawn.data] == [True, True, False, False]


def test_what_is_kept_becomes_flat_rows(kept):
    lines = own_numbers.lines(fresh_table.TABLE, {"fid": "FID", "score": "Score"})
    rows = [line.values for line in lines]
    assert rows[0] == {
        "Model": "mine/gan", "Run": "Base, stale", "FID": 21.0, "FID, sd": 1.414, "Score": None,
        "Score, sd": None, "n": 100, "Repeats": 2,
    }  # fmt: skip
    assert (rows[2]["FID"], rows[2]["FID, sd"]) == (18.0, None)
    assert [line.run for line in lines[2:4]] == [{}, {"method": "dgflow", "steps": 4}]


def test_seeds_of_one_training_are_kept_together(tmp_path, capsys):
    for seed, modes in ((0, 25), (1, 24)):
        folder = tmp_path / str(seed) / "25gaussians" / "vgrow-kl"
        folder.mkdir(parents=True)
        config = {
            "kind": "2d", "seed": seed, "training_seconds": 10.0 + seed, "measurement": {"samples": 50},
            "recipe": {"seed": seed, "iterations": 8, "watch_every": 2, "eta": 0.5},
            "quality": {"base": {"modes": modes, "high_quality": 90.0, "kde_score": -1.0}},
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(config))
    out, folders = tmp_path / "grown.json", [str(tmp_path / "0"), str(tmp_path / "1")]
    assert main(["evaluate", "grown", *folders, "--out", str(out)]) == 0
    assert "24.5 ± 0.7" in capsys.readouterr().out
    ((key, found),) = json.loads(out.read_text())["cells"].items()
    assert key == "25gaussians/vgrow-kl | n = 50"
    assert found["repeats"]["1"] == {"modes": 24, "high_quality": 90.0, "seconds": 11.0, "iterations": 8}
    (tmp_path / "empty").mkdir()
    assert main(["evaluate", "grown", str(tmp_path / "empty"), "--out", str(out)]) == 2
    assert "'empty' has none." in capsys.readouterr().err


@pytest.mark.parametrize("name", own_tables.TABLES)
def test_the_results_page_shows_what_is_kept(name):
    test = visit("paper_tables", table=name)
    assert not test.exception
    assert not test.error
    table = own_tables.TABLES[name]
    cells = json.loads((RESULTS / f"{table.report.name}.json").read_text())["cells"]
    cells = [key for key in cells if table.models is None or key.split(" | ")[0] in table.models]
    assert len(test.dataframe[0].value) == len(cells) > 0
    ways = [link.proto.query_string for link in test.get("page_link") if "model=" in link.proto.query_string]
    curves = len([*filter(table.curves.measured, table.report.models)]) if table.curves else 0
    assert (curves > 0) == (name in ("fresh", "steps"))
    assert len(test.get("plotly_chart")) == curves
    assert len(ways) == curves + len({key.split(" | ")[0] for key in cells})


@pytest.mark.parametrize(
    ("name", "run", "space"),
    [("dcd", "Langevin in pixels", "data"), ("dcd", "Langevin in latent codes", "latent"),
     ("fresh", "after 8 steps", "latent"), ("grown_images", "DGflow (KL)", "latent")],
)  # fmt: skip
def test_a_row_of_ours_leads_to_the_run_that_was_measured(name, run, space, monkeypatch):
    class Asked(Exception):
        pass

    asked = []

    def compute(model, rows, private):
        asked.extend((model.name, row.settings) for row in rows)
        raise Asked

    test, table = visit("paper_tables", table=name), own_tables.TABLES[name]
    rows = zip(
        test.dataframe[0].value["Watch"], own_numbers.lines(table.report, {}, table.models), strict=True
    )
    way, line = next((way, line) for way, line in rows if line.values["Run"].startswith(run))
    page, query = way.split("?")
    assert page == "images"
    monkeypatch.setattr(wall_runs, "compute", compute)
    images = AppTest.from_file(str(ROOT / "app" / "pages" / "images.py"), default_timeout=200)
    for key, value in parse_qsl(query):
        images.query_params[key] = value
    images.run()
    assert not images.warning  # no word of the link is refused
    assert (line.values["Model"], {**line.run, "space": space}) in [
        (model, {key: settings[key] for key in (*line.run, "space")}) for model, settings in asked
    ]

"""The papers' tables: rows of each kind, the paper's numbers, and results that are kept."""

from __future__ import annotations

import csv
import json

import pytest

import dgflow_core as dg
from dgflow_core import kinds, reports
from dgflow_core.kinds.metric import Metric
from dgflow_core.places import ASSETS
from dgflow_core.reports import papers
from dgflow_core.reports.resumable_table import TableRow


def test_the_papers_numbers_are_all_read():
    with (ASSETS / "results" / "paper.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    assert len(papers.published()) == len(lines) - 1 > 200
    assert {len(line) for line in lines} == {9}
    one = papers.find(("1",), dataset="25gaussians", metric="kde_score", method="KL", gamma=0.01)
    assert (one.mean, one.sd) == (-2893, 7)
    assert papers.find(("2",), dataset="cifar10", model="WGAN-GP", method="dot").sd is None
    assert papers.find(("1",), dataset="moons") is None
    corrected = papers.find(("4",), dataset="cifar10", model="VAE", method="KL", corrected=True)
    assert corrected.corrected is True


@pytest.mark.parametrize("name", list(reports.tables))
def test_rows_are_runs_that_their_kind_allows(name):
    table = reports.tables[name]
    assert len({row.title for row in table.rows}) == len(table.rows)
    for row in table.rows:
        if row.method:
            settings = {key: 25 if value is None else value for key, value in row.settings.items()}
            settings.pop("until", None)
            dg.methods[row.method].Settings.parse(settings)
            assert row.space in kinds.get(table.kind).spaces
            assert row.space in dg.methods[row.method].spaces


@pytest.mark.slow
@pytest.mark.parametrize("name", list(reports.tables))
def test_each_table_knows_the_papers_numbers_of_its_rows(name):
    table = reports.tables[name]
    for model in table.paper_models:
        if model not in dg.models():
            continue
        model = dg.load(model, device="cpu")
        found = [
            table.paper(model, row, "", metric)
            for row in table.rows if row.paper for metric in table.paper_metrics
        ]  # fmt: skip
        assert any(found)
        if name == "table1":
            assert all(found)  # base, DOT, DDLS and three divergences, both metrics


MEASURED = [
    name
    for name, table in reports.tables.items()
    if table.rows and (ASSETS / "results" / f"{name}.json").exists()
]


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_kept_can_be_read_and_belongs_to_rows_that_exist(name):
    kept = json.loads((ASSETS / "results" / f"{name}.json").read_text())
    titles = {row.title for row in reports.tables[name].rows}
    for key, cell in kept["cells"].items():
        model, title, *_ = key.split(" | ")
        if title == "Real samples":  # of a data set
            continue
        assert title in titles
        assert model.count("/") == 1
        assert f"n = {cell['settings']['n']}" == key.split(" | ")[-1]
        assert set(cell["settings"]) >= {"digest", "method", "space"}


def test_a_metric_is_one_row_and_is_measured_and_printed(tiny, tmp_path, monkeypatch, capsys):
    table = reports.tables["table1"]
    spread = Metric("spread", "Spread", "data units", "down", 3, of=lambda seen, against: [1.25])
    results = reports.kept_results.Results(tmp_path / "out.json", "table1")
    chosen = [TableRow("Base", None, "data", paper="base")]
    list(table.measured(tiny, results, 2, 20, chosen))
    monkeypatch.setitem(kinds.get("2d").metrics, "spread", spread)
    # repeats that lack it are measured again, the others serve
    table.write(tiny, table.measured(tiny, results, 2, 20, chosen), 20, markdown=True)
    printed = capsys.readouterr()
    printed = printed.out + printed.err
    assert "Spread, data units" in printed
    assert "1.250 ± 0.000" in printed

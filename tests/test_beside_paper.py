"""The paper's numbers beside ours: joins, gains, orderings, and the page that shows them."""

from __future__ import annotations

import csv
import io
import json

import pytest
from streamlit.testing.v1 import AppTest

import dgflow_core as dg
from app import results
from app.dumbbells import decimals, figure
from app.parameters import as_text
from app.run_links import watch
from dgflow_core.errors import UserError
from dgflow_core.flow.stopping import LEVELS
from dgflow_core.kinds.metric import Metric
from dgflow_core.reports import beside_paper, verdicts
from dgflow_core.reports.beside_paper import Ours, Panel, Row, Spread
from dgflow_core.reports.papers import published
from tests.browser import ROOT
from tests.pages import visit

DOWN, UP = Metric("fid", "FID", "", "down", 2), Metric("kde_score", "KDE score", "nats", "up", 0)


def ours(after, before=(40.0, 42.0), label="ours", **run) -> Ours:
    return Ours(label, "cifar10/wgan-gp", run, "own critic", tuple(before), tuple(after), 500)


def row(method, paper, after=(), base=50.0) -> Row:
    measured = (ours(after),) if after else ()
    return Row(method, beside_paper.title(method), Spread(base), Spread(paper, 0.1), measured)


def page(file: str, **query: str) -> AppTest:
    test = visit(file, **query)
    assert not test.warning
    assert not test.error
    return test


def test_gain_is_positive_where_it_is_better():
    assert beside_paper.gain(Spread(50.0), Spread(40.0), DOWN) == pytest.approx(20)
    assert beside_paper.gain(Spread(50.0), Spread(60.0), DOWN) == pytest.approx(-20)
    assert beside_paper.gain(Spread(-8000.0), Spread(-2000.0), UP) == pytest.approx(75)
    assert beside_paper.gain(Spread(20.0), Spread(50.0), UP) == pytest.approx(150)
    assert beside_paper.gain(None, Spread(50.0), UP) is None


def test_spread_is_the_samples():
    assert Spread.of([1.0, 3.0]) == pytest.approx((2.0, 2**0.5))
    assert Spread.of([3.0]) == (3.0, None)


def test_orderings_are_compared_over_the_same_repeats():
    rows = [
        row("dot", 30, (20.0, 20.2)), row("KL", 25, (30.0, 30.2)), row("JS", 28, (10.0, 10.2)),
        # the third repeat, which the others lack, does not count
        row("logD", 29, (9.0, 13.0, 0.0)),
    ]  # fmt: skip
    said = verdicts.verdict(Panel("cifar10", "WGAN-GP", DOWN, rows))
    assert said == (
        "Best f in the paper: KL; here: JS (log D within the spread); it beats DOT in the paper and here."
    )
    agreeing = [row("dot", 20, (5.0, 5.1)), row("KL", 25, (8.0, 8.1)), row("JS", 28, (10.0, 10.2))]
    said = verdicts.verdict(Panel("cifar10", "WGAN-GP", DOWN, agreeing))
    assert said == "Best f in the paper: KL; here too: KL; it beats DOT neither in the paper nor here."


def test_other_numbers_of_samples_are_not_compared():
    rows = [row("dot", 30, (5.0, 5.2)), row("KL", 25, (30.0, 30.2)), row("JS", 28, (10.0, 10.2))]
    rows[0] = rows[0]._replace(ours=(rows[0].ours[0]._replace(n=2000),))
    said = verdicts.verdict(Panel("cifar10", "WGAN-GP", DOWN, rows))
    assert said == "Best f in the paper: KL; here: JS."


def test_a_miss_is_told_with_its_reason(monkeypatch):
    worse = row("JS", 45, (60.0, 62.0))
    own = worse.ours[0]._replace(label="8 steps", after=(30.0, 31.0))
    (said,) = verdicts.misses(Panel("cifar10", "WGAN-GP", DOWN, [worse._replace(ours=(*worse.ours, own))]))
    assert said == (
        "DGflow (JS): 48.8 % worse here, 10.0 % better in the paper. "
        "Too many steps: after 8 it is 25.6 % better."
    )
    spread = row("KL", 45, (41.0, 44.0))
    (said,) = verdicts.misses(Panel("cifar10", "WGAN-GP", DOWN, [spread]))
    assert said.endswith("Less than the spread of its repeats.")
    uncorrected = worse._replace(ours=(worse.ours[0]._replace(logit="uncorrected"),))
    (said,) = verdicts.misses(Panel("cifar10", "WGAN-GP", DOWN, [uncorrected]))
    assert said.endswith("see Table 4, corrected.")
    better_here, worse_there = row("KL", 45, (30.0, 31.0)), row("KL", 55, (60.0, 61.0))
    assert verdicts.misses(Panel("cifar10", "WGAN-GP", DOWN, [better_here, worse_there])) == []
    assert verdicts.misses(Panel("cifar10", "WGAN-GP", UP, [row("KL", 60, (20.0, 20.5))]))
    (said,) = verdicts.misses(Panel("cifar10", "WGAN-GP", DOWN, [worse, better_here]))
    assert said.endswith("We have not found out why.")
    fewer = better_here._replace(ours=(*better_here.ours, own))
    (said,) = verdicts.misses(Panel("cifar10", "WGAN-GP", DOWN, [worse, fewer]))
    assert said.endswith("Probably too many steps: KL, which drifts alike, gains by fewer.")
    quiet = worse.ours[0]._replace(run={"gamma": 0.0})
    noisy = Panel("cifar10", "WGAN-GP", DOWN, [row("KL", 45)._replace(ours=(quiet, own))])
    monkeypatch.setattr(verdicts, "panels", {"2": [noisy]}.get)
    (said,) = verdicts.misses(Panel("cifar10", "WGAN-GP", DOWN, [worse._replace(ours=(quiet,))]))
    assert said.endswith("Probably too many steps: with noise (Table 2) KL gains by fewer.")
    (said,) = verdicts.misses(Panel("cifar10", "Another", DOWN, [worse._replace(ours=(quiet,))]))
    assert said.endswith("We have not found out why.")


def test_every_miss_that_ships_has_a_reason():
    found = [
        said
        for number in beside_paper.TABLES
        for panel in beside_paper.panels(number)
        for said in verdicts.misses(panel)
    ]
    assert found
    assert not [said for said in found if "not found out" in said]


def test_what_was_not_measured_is_said():
    rows = [row("KL", 25, (30.0, 30.2)), row("JS", 28)]
    panel = Panel("cifar10", "WGAN-GP", DOWN, rows)
    assert verdicts.verdict(panel) == "Best f in the paper: KL; here only KL was measured."
    alone = Panel("stl10", "WGAN-GP", DOWN, [row("KL", 25), row("JS", 28)])
    assert verdicts.verdict(alone) == "Best f in the paper: KL; here none was measured."
    assert beside_paper.samples([alone]) == "not measured"
    assert not alone.measured
    lines = beside_paper.lines([alone])
    assert [line["Which of ours"] for line in lines] == ["not measured"] * 2
    assert lines[0]["Ours"] is None
    texts = [note.text for note in figure(panel).layout.annotations]
    assert texts == ["<b>DGflow (KL)</b>", "<b>DGflow (JS)</b>: ours not measured"]


def test_a_result_stands_beside_the_number_with_its_settings(tmp_path, monkeypatch):
    """By hand: base and two runs of one model, with and without corrector, at two sample counts."""
    run = {"method": "dgflow", "space": "latent", "divergence": "KL", "eta": 0.1, "gamma": 0.01, "steps": 25}

    def cell(n, fids, **settings):
        repeats = {str(i): {"fid": fid} for i, fid in enumerate(fids)}
        return {"settings": {"digest": "0", "n": n, **settings}, "repeats": repeats}

    base = {"method": None, "space": "latent"}
    name = "DGflow (KL), γ = 0.01"
    cells = {
        "cifar10/vae | Base | corrected | n = 500": cell(500, [100.0, 104.0, 90.0], **base),
        f"cifar10/vae | {name} | corrected | n = 500": cell(500, [80.0, 82.0], **run),
        f"cifar10/vae | {name} | uncorrected | n = 500": cell(500, [95.0], **run),
        # without a base of as many samples, it stands beside nothing
        f"cifar10/vae | {name} | corrected | n = 2000": cell(2000, [10.0], **run),
        f"cifar10/vae | {name}, own steps | corrected | n = 500": cell(500, [70.0], **run | {"steps": 12}),
        f"cifar10/vae | {name}, until real50 | corrected | n = 500": cell(500, [1.0], **run),
    }
    (tmp_path / "images.json").write_text(json.dumps({"table": "images", "cells": cells}))
    monkeypatch.setattr(beside_paper, "RESULTS", tmp_path)

    def found(table):
        panel = next(
            one for one in beside_paper.panels(table) if (one.dataset, one.title) == ("cifar10", "VAE")
        )
        return next(one for one in panel.rows if one.method == "KL")

    corrected = found("4")
    assert (corrected.base.mean, corrected.paper.mean) == (129.5, 116.0)
    assert [one.label for one in corrected.ours] == ["ours", "12 steps"]
    assert corrected.ours[0].before == (100.0, 104.0)
    assert corrected.ours[0].after == (80.0, 82.0)
    assert corrected.ours[1].after == (70.0,)
    (uncorrected,) = found("15").ours
    assert uncorrected.after == (95.0,)
    assert uncorrected.before == (100.0,)
    assert watch("image", uncorrected).values["corrector"] is False


@pytest.mark.parametrize(("number", "n"), [("8", 5000), ("9", 100), ("10", 100)])
def test_run_times_are_of_as_many_samples_as_the_papers_on_one_machine_that_is_named(number, n):
    shown = beside_paper.panels(number)
    mine = [one for panel in shown for row in panel.rows for one in row.ours]
    assert mine
    assert {one.n for one in mine} == {n}
    (machine,) = {one.on for one in mine}
    assert len(machine) == 1
    assert f"on {machine[0]}" in beside_paper.TABLES[number].words(shown)


def test_a_machine_that_was_not_noted_is_not_made_up():
    known, unknown = ours((30.0,))._replace(on=("one", "two")), ours((30.0,))
    panel = Panel("cifar10", "WGAN-GP", DOWN, [row("KL", 25, (1.0,))._replace(ours=(known, unknown))])
    assert beside_paper.machines([panel]) == "a machine that was not noted and one and two"


@pytest.mark.parametrize(("number", "metric"), [("2", "fid"), ("4", "fid"), ("5", "js4"), ("5", "js6")])
def test_as_many_real_samples_stand_beside_ours(number, metric):
    shown = [one for one in beside_paper.panels(number) if one.measured and one.metric.name == metric]
    assert shown
    for panel in shown:
        mine = [one for row in panel.rows for one in row.ours]
        for one in mine:
            draws = beside_paper.TABLES[number].report.floor(panel.dataset, one.n)
            assert one.floor == Spread.of([draw[metric] for draw in draws if metric in draw])
            assert one.floor.mean < one.end.mean
        ticks = [trace.x[0] for trace in figure(panel).data if trace.marker.symbol == "line-ns"]
        assert ticks == [one.floor.mean for one in mine]
        lines = beside_paper.lines([panel])
        assert [line["Real samples"] for line in lines if line["n"]] == ticks


@pytest.mark.parametrize(("floor", "side"), [(1.0, "middle left"), (12.0, "middle right")])
def test_a_number_keeps_away_from_the_real_samples_beside_it(floor, side):
    measured = ours((20.0, 20.2))._replace(floor=Spread(floor))
    one = row("KL", 25.0, (20.0, 20.2))._replace(ours=(measured,))
    *_, label = (
        trace for trace in figure(Panel("cifar10", "WGAN-GP", DOWN, [one])).data if trace.mode == "text"
    )
    assert label.textposition == side
    assert label.x[0] > 41 if side == "middle right" else label.x[0] < 20


@pytest.mark.parametrize("number", list(beside_paper.TABLES))
def test_the_numbers_of_a_picture_are_written_alike(number):
    for panel in beside_paper.panels(number):
        labels = [trace.text.strip() for trace in figure(panel).data if trace.mode == "text"]
        assert len({len(label.partition(".")[2]) for label in labels}) == 1, labels


@pytest.mark.parametrize(
    ("numbers", "digits"),
    [([8.571, 11.13], 2), ([129.5, 1.03], 1), ([-8788.0, -2639.1], 0), ([0.0951, 0.3154], 4),
     ([0.02, 40.0], 3), ([0.0, 5.0], 3), ([0.0], 0)],
)  # fmt: skip
def test_a_picture_writes_four_digits_of_its_largest_number_and_two_of_its_smallest(numbers, digits):
    assert decimals(numbers) == digits


@pytest.mark.parametrize("number", list(beside_paper.TABLES))
def test_every_published_number_is_shown_once(number):
    shown = beside_paper.panels(number)
    refined = [one for panel in shown for one in panel.rows]
    rows = [one for one in published() if one.table == number]
    bases = [one for one in rows if one.method == "base"]
    as_start = {(one.base.mean, one.base.sd) for one in refined if one.base}
    alone = [one for one in bases if (one.mean, one.sd) not in as_start]
    assert len(refined) == len(rows) - len(bases) + len(alone)
    lines = list(csv.DictReader(io.StringIO(beside_paper.as_csv(beside_paper.lines(shown)))))
    assert len(lines) == sum(max(1, len(one.ours)) for one in refined)
    for panel in shown:
        for change in (False, True):
            assert figure(panel, change).layout.height > 60


@pytest.mark.slow
@pytest.mark.parametrize("report", ["table1", "images", "text", "fresh", "dcd"])
def test_what_is_kept_was_measured_on_the_weights_that_ship(report):
    cells = json.loads((ROOT / "assets" / "results" / f"{report}.json").read_text())["cells"]
    for name in {key.split(" | ")[0] for key in cells if " | Real samples | " not in key}:
        model = dg.load(name, device="cpu")
        twins = model.with_offset(0.0), model.without_corrector(), model.without_ladder()
        digests = {one.digest for one in (model, *twins)}
        mine = {cell["settings"]["digest"] for key, cell in cells.items() if key.startswith(f"{name} | ")}
        assert mine <= digests, name
        for key, cell in cells.items():
            until = cell["settings"].get("until")
            if key.startswith(f"{name} | ") and until in LEVELS:
                assert cell["settings"]["level"] == model.real_logits()[LEVELS[until]], key


@pytest.mark.parametrize("number", ["1", "2", "3", "5", "10"])
def test_the_page_shows_a_table(number):
    test = page("paper_tables", table=number)
    shown = beside_paper.panels(number)
    assert len(test.get("plotly_chart")) == len(shown)
    table = test.dataframe[0].value
    assert len(table) == len(beside_paper.lines(shown))
    measured = table["Which of ours"] != "not measured"
    assert table["Watch"][measured].str.contains("model=").all()
    assert table["Watch"][~measured].isna().all()
    assert ("not the paper's quantity" in test.markdown[0].value) != beside_paper.TABLES[number].same
    captions = "".join(caption.value for caption in test.caption)
    said = [one for panel in shown for one in verdicts.misses(panel)]
    assert all(one in captions for one in said)
    assert bool(said) == (number == "2")


CASES = {
    "2d": ("1", "flow2d", "flow", "raw", {"raw": True, "space": "data", "n": 5000, "method": "dgflow"}),
    "image": ("15", "images", "images", "ours", {"corrector": False, "method": "dgflow", "dgflow.steps": 25}),
    "text": ("5", "text", "text", "8 steps", {"model": "billion_words/wgan-gp-wide", "panels": 1}),
}


@pytest.mark.parametrize("kind", CASES)
def test_a_link_opens_the_run_that_it_claims(kind, monkeypatch):
    number, file, state, label, expected = CASES[kind]
    found = next(
        one
        for panel in beside_paper.panels(number)
        for row in panel.rows
        for one in row.ours
        if one.label == label and row.method in ("JS", "KL")
    )
    asked = {}

    def refuse(model, run, *rest, **named):
        asked.update(run)
        raise UserError("nothing is computed here.")

    for name in ("trajectory", "image_run", "text_run"):
        monkeypatch.setattr(results, name, refuse)
    there = watch(kind, found)
    assert there.page == state
    test = AppTest.from_file(str(ROOT / "app" / "pages" / f"{file}.py"), default_timeout=200)
    for name, value in there.values.items():
        test.query_params[name] = as_text(value)
    test.run()
    assert not test.warning  # no word of the link is refused
    for name, value in (expected | {"model": found.model}).items():
        assert test.session_state[f"{state}.{name}"] == value
    assert {name: asked[name] for name in found.run} == found.run

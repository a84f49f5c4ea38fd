"""FID against steps and their size: what is measured, what chooses, and the picture."""

from __future__ import annotations

import json

import pytest
from PIL import Image

import dgflow_core as dg
from app import curve_figure
from app import step_size_curves as picture
from dgflow_core.__main__ import main
from dgflow_core.flow.driver import NonFinite, Run
from dgflow_core.kinds.images.metrics import ImageQuality, reference
from dgflow_core.reports import own_numbers, step_curves
from dgflow_core.reports.kept_results import spread

MODEL = "fashion_mnist/sndcgan-ns"


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Two step sizes, three marks, results in a folder of their own."""
    monkeypatch.setattr(step_curves, "ETAS", (0.1, 0.2))
    monkeypatch.setattr(step_curves, "MARKS", (0, 1, 2))
    monkeypatch.setattr(step_curves, "of_training_half", lambda dataset, root: reference(dataset))
    for module in (step_curves, own_numbers):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    return tmp_path / "steps.json"


def evaluate(out, root: str) -> None:
    given = ["--model", MODEL, "--n", "20", "--repeats", "2", "--device", "cpu", "--data-root", root]
    assert main(["evaluate", "steps", *given, "--out", str(out)]) == 0


def test_every_step_size_is_measured_on_the_way_and_once(short, capsys, monkeypatch):
    evaluate(short, "somewhere")
    printed = capsys.readouterr().out
    cells = json.loads(short.read_text())["cells"]
    assert list(cells) == [f"{MODEL} | η = {eta} | n = 20" for eta in (0.1, 0.2)]
    assert list(cells[f"{MODEL} | η = 0.1 | n = 20"]["repeats"]) == ["0", "1", "choice"]

    model = dg.load(MODEL, device="cpu")
    start = model.prior.sample(20, 1)
    settings = {"divergence": "KL", "eta": 0.2, "gamma": 0.01, "steps": 2}
    *_, last = Run(model, space="latent", start=start, seed=100_003, **settings)
    quality = ImageQuality(reference("fashion_mnist"))
    quality.update(last.samples)
    found = step_curves.kept(MODEL).curve(0.2, "fid")[0.4]
    assert found[1] == pytest.approx(quality.compute()["fid"], rel=1e-3)
    assert spread(found) in printed

    monkeypatch.setattr(step_curves, "curve", None)  # nothing is measured twice
    evaluate(short, "somewhere")


def test_the_best_point_is_chosen_apart_from_what_is_measured(short):
    measured = {f"fid at {step}": 50.0 - step for step in (0, 1, 2)}
    measured |= {f"precision at {step}": 0.5 for step in (0, 1, 2)}
    choice = measured | {"fid at 1": 3.0}
    lost = {name: value for name, value in measured.items() if not name.endswith("2")}
    cells = {
        f"{MODEL} | η = 0.1 | n = 20": {"n": 20, "eta": 0.1, "repeats": [measured, measured, choice]},
        f"{MODEL} | η = 0.2 | n = 20": {"n": 20, "eta": 0.2, "repeats": [measured, lost, measured]},
        f"{MODEL} | η = 0.1 | n = 10": {"n": 10, "eta": 0.1, "repeats": [choice, choice, choice]},
    }
    names = ("0", "1", "choice")
    cells = {
        key: {
            "settings": {"n": cell["n"], "eta": cell["eta"]},
            "repeats": dict(zip(names, cell["repeats"], strict=True)),
        }
        for key, cell in cells.items()
    }
    short.write_text(json.dumps({"table": "steps", "cells": cells}))
    kept = step_curves.kept(MODEL)
    assert kept.n == 20
    assert kept.best() == (0.1, 1)
    assert kept.curve(0.1, "fid") == {0.1: [49.0, 49.0], 0.2: [48.0, 48.0]}
    assert kept.curve(0.2, "fid") == {0.2: [49.0, 49.0]}  # a repeat was lost at the second step
    assert step_curves.kept("mine/gan") is None
    assert not picture.measured("mine/gan")
    drawn = curve_figure.figure(kept.panels(), "η × steps", log=True)
    fids = [trace for trace in drawn.data if trace.showlegend]
    assert [trace.name for trace in fids] == ["as generated", "η = 0.1", "η = 0.2"]
    assert [list(trace.y) for trace in fids] == [[50.0, 50.0], [49.0, 48.0], [49.0]]
    assert main(["evaluate", "steps", "--picture", str(short.with_suffix(".png"))]) == 0
    assert Image.open(short.with_suffix(".png")).size == (440, 308)
    lines = own_numbers.lines(step_curves.TABLE, {"fid at 2": "FID, 2 steps"})
    assert [(line.values["Repeats"], line.run) for line in lines] == [
        (2, {"eta": 0.1}), (2, {"eta": 0.2}), (2, {"eta": 0.1})
    ]  # fmt: skip
    assert lines[0].values["FID, 2 steps"] == 48.0


def test_steps_after_a_loss_are_left_out(short, monkeypatch):
    model = dg.load(MODEL, device="cpu")

    def lost(*args, **settings):
        frames = iter(Run(*args, **settings))
        yield next(frames)
        yield next(frames)
        raise NonFinite("lost")

    monkeypatch.setattr(step_curves, "Run", lost)
    found = step_curves.curve(model, reference("fashion_mnist"), 0.1, 20, 0)
    assert {name for name in found if name.startswith("fid")} == {"fid at 0", "fid at 1"}

"""The command line: what it prints, writes and refuses. ``main`` is called as ``python -m`` calls it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace

import imageio.v2 as imageio
import pytest
import torch

import dgflow_core as dg
from dgflow_core import cli, device, reports, training
from dgflow_core.flow.driver import Recorder
from dgflow_core.training.recipes.planar_gan import PlanarTrainer, PlanarWGANGP
from dgflow_core.zoo import shelf
from tests.conftest import REPO


@pytest.fixture
def model(tiny, tmp_path, monkeypatch):
    """A shipped model in a root of its own, in a folder of its own."""
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(tmp_path / "pretrained"))
    monkeypatch.chdir(tmp_path)
    quality = {"quality": {"base": {"high_quality": 12.5}}}
    shelf.save(tiny, tmp_path / "pretrained" / "25gaussians" / "tiny", tiny.config | quality)
    return "25gaussians/tiny"


def run(*argv: str) -> int:
    try:
        return cli.main(list(argv))
    except SystemExit as stop:  # argparse leaves this way
        return stop.code


def refused(capsys, *argv: str) -> str:
    """The one sentence that a wrong command line gets."""
    assert run(*argv) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.strip().endswith(".")
    return said.err


COMMANDS = """

models
refine
train
evaluate
evaluate table1
bench
prepare
prepare tables
prepare features
prepare neighbours
prepare held-out-text"""


@pytest.mark.parametrize("command", [line.split() for line in COMMANDS.splitlines()[1:]], ids=" ".join)
def test_help(command, capsys):
    assert run(*command, "--help") == 0
    assert "usage: python -m dgflow_core" in capsys.readouterr().out


def test_models(model, capsys):
    assert run("models") == 0
    out = capsys.readouterr().out
    assert model in out
    assert "high_quality 12.5" in out


@pytest.mark.parametrize("name", list(dg.methods))
def test_a_methods_settings_are_its_options(name, capsys):
    assert run("refine", "--method", name, "--help") == 0
    words = " ".join(capsys.readouterr().out.split())
    for field, info in dg.methods[name].Settings.model_fields.items():
        assert f"--{field.replace('_', '-')} " in words
        assert info.description.split()[0] in words


def test_refine_is_refine(model, tmp_path, capsys):
    code = run("refine", model, "--method", "dot", "--n", "30", "--steps", "4", "--seed", "3",
               "--eta", "0.02", "--lipschitz", "2", "--optimizer", "sgd", "--device", "cpu",
               "--out", "run.npz", "--out", "run.json", "--out", "run.png", "--size", "240")  # fmt: skip
    assert code == 0
    assert capsys.readouterr().out.split() == ["run.npz", "run.json", "run.png"]
    t = dg.Trajectory.load(tmp_path / "run.npz")
    m = dg.load(model, device="cpu")
    same = dg.refine(m, "dot", n=30, steps=4, seed=3, eta=0.02, lipschitz=2.0, optimizer="sgd")
    assert torch.equal(t.positions, same.positions)
    assert t.settings == same.settings
    assert json.loads((tmp_path / "run.json").read_text())["settings"] == t.settings
    assert imageio.imread(tmp_path / "run.png").shape[0] == 240


def test_refine_names_its_file(model, tmp_path):
    assert run("refine", model, "--n", "5", "--steps", "1", "--raw") == 0
    assert (tmp_path / "25gaussians-tiny_dgflow-KL_eta0.01_gamma0.01_steps1_seed0_raw.npz").exists()


def test_refine_takes_a_folder_and_a_latent_space(model, tmp_path):
    folder = str(tmp_path / "pretrained" / model)
    assert run("refine", folder, "--method", "ddls", "--n", "5", "--steps", "2", "--noise-scale", "0",
               "--out", "run.npz") == 0  # fmt: skip
    assert dg.Trajectory.load("run.npz").settings["space"] == "latent"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "command"),
        (["dance"], "invalid choice: 'dance'"),
        (["refine"], "MODEL"),
        (["refine", "MODEL", "--eta", "1e9"], "eta must be a number from 1e-06 to 100, not '1e9'."),
        (["refine", "MODEL", "--eta", "lots"], "eta must be a number"),
        (["refine", "MODEL", "--divergence", "TV"], "divergence must be one of KL, JS"),
        (["refine", "MODEL", "--lipschitz", "1"], "unrecognized arguments: --lipschitz 1"),
        (["refine", "MODEL", "--method", "sgld"], "method must be one of dgflow"),
        (["refine", "MODEL", "--method"], "--method"),
        (["refine", "MODEL", "--n", "0"], "n must be a whole number from 1"),
        (["refine", "MODEL", "--n", "few"], "--n"),
        (["refine", "MODEL", "--out", "run.avi"], "path must end in one of gif"),
        (["refine", "MODEL", "--out", "no/where.gif"], "folder that exists"),
        (["refine", "MODEL", "--size", "5"], "size must be from 240 to 1920"),
        (["refine", "MODEL", "--device", "abacus"], "device must be one of auto"),
        (["refine", "nobody/nothing"], "model must be one of 25gaussians/tiny"),
        (["train", "nothing"], "recipe must be one of"),
        (["train", "25gaussians/wgan-gp", "--iterations", "0"], "iterations must be from 1"),
        (["train", "25gaussians/wgan-gp", "--data-root", "no/where"], "data-root must be a folder"),
        (["evaluate"], "table"),
        (["evaluate", "table9"], "invalid choice"),
        (["bench", "--browser=yes"], "--browser"),
        (["prepare"], "artefact"),
        (["prepare", "features", "mnist"], "dataset must be one of"),
        (["prepare", "neighbours", "mnist"], "mnist"),
        (["prepare", "tables", "nobody/nothing"], "model must be one of"),
        (["evaluate", "table1", "--repeats", "0"], "repeats must be a whole number from 1 to 100"),
        (["evaluate", "table1", "--model", "nothing"], "model must be one of"),
    ],
)
def test_wrong_command_lines_get_one_sentence(model, capsys, argv, words):
    argv = [model if word == "MODEL" else word for word in argv]
    if "refine" in argv and "--out" not in argv and "--size" in argv:
        argv += ["--out", "run.gif"]
    assert words in refused(capsys, *argv)


@pytest.mark.training
def test_train_writes_a_model_and_goes_on(model, tmp_path, monkeypatch, capsys):
    small = PlanarWGANGP(name="25gaussians/small", title="Small", dataset="25gaussians", hidden=8, batch=16)
    monkeypatch.setitem(training.recipes, small.name, small)
    assert run("train", "--list") == 0
    assert "25gaussians/small" in capsys.readouterr().out
    assert run("train", small.name, "--iterations", "1", "--device", "cpu") == 0
    assert run("train", small.name, "--iterations", "2", "--device", "cpu") == 0
    log = (tmp_path / "runs" / small.name / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["iteration"] for line in log] == [1, 2]
    assert "25gaussians/small" in dg.models()
    assert dg.load("25gaussians/small").config["recipe"]["iterations"] == 2


@pytest.mark.slow
def test_table1_prints_keeps_and_goes_on(model, tmp_path, monkeypatch, capsys):
    quick = replace(reports.tables["table1"], rows=reports.tables["table1"].rows[:6])  # the paper's
    monkeypatch.setitem(reports.tables, "table1", replace(quick, paper_models={model: "WGAN-GP"}))
    argv = ["evaluate", "table1", "--model", model, "--n", "40", "--out", "table.json"]
    assert run(*argv, "--repeats", "1") == 0
    first = capsys.readouterr().out
    for words in (
        "Base",
        "DOT",
        "DDLS",
        "DGflow (JS)",
        "raw",
        "calibrated",
        "69.8",
        "89.3",
        "-2,893",
        "26.5",
    ):
        assert words in first
    kept = json.loads((tmp_path / "table.json").read_text())
    assert run(*argv, "--repeats", "2", "--markdown") == 0
    grown = json.loads((tmp_path / "table.json").read_text())
    for key, cell in kept["cells"].items():
        assert grown["cells"][key]["repeats"]["0"] == cell["repeats"]["0"]
        assert len(grown["cells"][key]["repeats"]) == 2
        assert grown["cells"][key]["on"] == [device.title(device.pick())]
    out = capsys.readouterr().out.splitlines()
    out = [line for line in out if line.startswith("|")]
    assert out[1].startswith("| --- | --- | ---: |")
    assert all(line.count("|") == out[0].count("|") for line in out)
    assert "±" in out[-1]
    # what is kept is not measured again
    with monkeypatch.context() as patched:
        patched.setattr(reports.resumable_table, "measure", lambda *_: pytest.fail("measured again"))
        assert run(*argv, "--repeats", "2") == 0
    # nor mixed with what was measured on something else
    monkeypatch.setitem(reports.tables, "table1", replace(quick, rows=quick.rows[:1]))
    assert run(*argv[:5], "50", *argv[6:], "--repeats", "1") == 0
    both = json.loads((tmp_path / "table.json").read_text())["cells"]
    assert both.items() >= grown["cells"].items()
    assert len(both) == len(grown["cells"]) + 1
    (tmp_path / "table.json").write_text('{"table": "text", "cells": {}}')
    assert run(*argv) == 2
    assert "holds results of text" in capsys.readouterr().err


def test_ctrl_c_keeps_what_was_done(model, tmp_path, monkeypatch, capsys):
    """A real signal, while the run is under way."""

    class Impatient(Recorder):
        def add(self, frame):
            super().add(frame)
            if frame.step == 3:
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(cli, "Recorder", Impatient)
    before = signal.getsignal(signal.SIGINT)
    assert run("refine", model, "--n", "20", "--steps", "10000", "--out", "run.npz") == 130
    assert "Stopped after step 3 of 10000; what was done is kept." in capsys.readouterr().err
    t = dg.Trajectory.load(tmp_path / "run.npz")
    assert (t.steps, t.ended) == (3, "stopped")
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.training
def test_ctrl_c_in_training_leaves_a_checkpoint(model, tmp_path, monkeypatch, capsys):
    small = PlanarWGANGP(name="25gaussians/small", title="Small", dataset="25gaussians", hidden=8, batch=16)
    monkeypatch.setitem(training.recipes, small.name, small)
    step = PlanarTrainer.step

    def impatient(self, iteration):
        if iteration == 2:
            signal.raise_signal(signal.SIGINT)
        return step(self, iteration)

    monkeypatch.setattr(PlanarTrainer, "step", impatient)
    assert run("train", small.name, "--device", "cpu") == 130
    assert "goes on from here" in capsys.readouterr().err
    kept = torch.load(tmp_path / "runs" / small.name / "checkpoint.pt", weights_only=True)
    assert kept["iteration"] == 2


@pytest.mark.slow
def test_it_starts_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "dgflow_core", "refine", "nobody/nothing"],
        cwd=REPO, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("model must be one of")
    assert done.stderr.count("\n") == 1

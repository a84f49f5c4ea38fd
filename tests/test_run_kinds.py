"""A run knows what its samples are; nothing has to guess it from their shape."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import dgflow_core as dg
from dgflow_core.kinds.text import transcript
from tests.text_model import LETTERS, tiny_text
from tests.toys import image_model


@pytest.fixture(scope="module")
def models(tiny):
    from dgflow_core.nets.sndcgan import SNDCGANGenerator

    return {"2d": tiny, "image": image_model("Toy", SNDCGANGenerator(4, 1, 2)), "text": tiny_text()}


@pytest.mark.parametrize("kind", ["2d", "image", "text"])
def test_a_run_says_its_kind_and_keeps_it_in_a_file(models, kind, tmp_path):
    run = dg.refine(models[kind], n=3, steps=1, space="latent")
    assert run.kind == kind
    assert dg.Trajectory.load(run.save(tmp_path / "run.npz")).kind == kind


@pytest.mark.parametrize("kind", ["2d", "image", "text"])
def test_a_file_written_before_runs_had_a_kind_can_be_read(models, kind, tmp_path):
    run = dg.refine(models[kind], n=3, steps=1, space="latent")
    with np.load(run.save(tmp_path / "run.npz")) as file:
        arrays = dict(file)
    header = json.loads(arrays.pop("header").tobytes())
    assert header.pop("kind") == kind
    header["version"] = 1
    np.savez(tmp_path / "old.npz", header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    assert dg.Trajectory.load(tmp_path / "old.npz").kind == kind


def test_a_transcript_is_of_text_and_so_are_its_samples(models):
    told = transcript.transcribe(dg.refine(models["text"], n=3, steps=1, space="latent"), LETTERS)
    assert told.kind == "text"
    assert told.trajectory(models["text"]).kind == "text"


def test_samples_shaped_like_text_are_no_text_where_the_run_says_otherwise():
    run = dg.Trajectory(torch.zeros(2, 1, 4), torch.zeros(2, 1, 3, len(LETTERS)), torch.zeros(2, 1), {})
    with pytest.raises(ValueError, match="must hold text"):
        transcript.transcribe(run, LETTERS)

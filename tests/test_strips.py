"""Exports of images: one sample's strip, a grid of runs, a contact sheet; in every format that is drawn."""

from __future__ import annotations

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from PIL import Image

import dgflow_core as dg
from dgflow_core.kinds.images.datasets.readers import to_bytes
from dgflow_core.nets.sndcgan import SNDCGANGenerator
from tests.toys import image_model


@pytest.fixture(scope="module")
def runs():
    torch.manual_seed(0)
    model = image_model("Toy GAN", SNDCGANGenerator(4, 1, 2))
    return [dg.refine(model, n=5, steps=steps, space="latent", eta=5.0) for steps in (6, 3)]


def near(shown: np.ndarray, sample: torch.Tensor) -> float:
    """How far a square of a picture is from a sample (C, H, W), in grey levels."""
    small = Image.fromarray(shown).resize((32, 32), Image.Resampling.BOX)
    return float(np.abs(np.asarray(small.convert("L")).astype(int) - to_bytes(sample)[0].numpy()).mean())


def test_a_strip_shows_base_now_end_and_the_film(runs, tmp_path):
    run, painter = runs[0], dg.export.paint(runs[0], sample=3)
    for step in (0, 4, 6):
        picture = painter.frame(step)
        assert picture.shape == (painter.height, painter.width, 3)
        inner = 6  # inside the coloured edge
        for index, at in enumerate((0, step, run.steps)):
            x, y = painter.margin + index * (painter.large + painter.gap), painter.top
            square = picture[y + inner : y + painter.large - inner, x + inner : x + painter.large - inner]
            assert near(square, run.samples[at, 3]) < 12
    film = painter.film
    assert (film[0], film[-1], len(film)) == (0, 6, 9)
    frames = iio.imread(dg.export.gif(run, tmp_path / "s.gif", sample=3, size=240), index=None)
    assert len(frames) == 7
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 0.3
    video = iio.imread(dg.export.mp4(run, tmp_path / "s.mp4", sample=3, size=240))
    assert len(video) == 7
    saved = iio.imread(dg.export.png(run, tmp_path / "s.png", sample=3))
    assert np.array_equal(saved, painter.frame(3))  # three different steps: base, half way, end


def test_a_grid_has_a_row_a_run_and_short_runs_rest(runs, tmp_path):
    painter = dg.export.paint(runs, rows=True, titles=["six", "three"])
    assert painter.steps == 6
    picture = painter.frame(6)
    for row, run in enumerate(runs):
        for column in range(5):
            x = painter.margin + painter.gutter + column * (painter.side + painter.gap)
            y = painter.top + row * (painter.side + painter.gap)
            square = picture[y : y + painter.side, x : x + painter.side]
            assert near(square, run.samples[-1, column]) < 8
    frames = iio.imread(dg.export.gif(runs, tmp_path / "g.gif", rows=True, size=240), index=None)
    assert len(frames) == 7


def test_a_contact_sheet_holds_every_sample(runs, tmp_path):
    picture = iio.imread(dg.export.png(runs[0], tmp_path / "w.png"))
    painter = dg.export.paint(runs[0])
    for index in range(5):
        row, column = divmod(index, painter.columns)
        y, x = painter.top + row * painter.cell[1], painter.left + column * painter.cell[0]
        square = picture[y : y + painter.cell[1] - painter.gap, x : x + painter.cell[0] - painter.gap]
        assert near(square, runs[0].samples[-1, index]) < 1


@pytest.mark.parametrize("sample", [5, -1, True, "0"])
def test_a_sample_that_is_not_there_is_one_sentence(runs, sample):
    with pytest.raises(ValueError, match=r"^sample must be a whole number from 0 to 4, not .*\.$"):
        dg.export.paint(runs[0], sample=sample)


def test_too_many_rows_are_one_sentence(runs):
    with pytest.raises(ValueError, match=r"^what must be 1 to 12 runs, not 13\.$"):
        dg.export.paint([runs[1]] * 13, rows=True)

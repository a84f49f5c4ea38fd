"""Exports: as many frames as steps, the first base, the last refined, readable, and never half written."""

from __future__ import annotations

import itertools
import json
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import partial

import imageio.v2 as imageio
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageColor

import dgflow_core as dg
from dgflow_core import pictures as scene
from dgflow_core.fields.table import TabulatedField
from dgflow_core.pictures import palette, plane_pixels
from dgflow_core.pictures.formats import gif
from dgflow_core.pictures.plane_scene import Composition

STEPS = 100


@pytest.fixture(scope="module")
def run(tiny) -> dg.Trajectory:
    """A run of 101 frames whose particles move visibly."""
    return dg.refine(tiny, n=300, steps=STEPS, eta=0.05, gamma=0.05)


@pytest.fixture(scope="module")
def short(tiny) -> dg.Trajectory:
    return dg.refine(tiny, n=60, steps=4, eta=0.1)


@pytest.fixture(scope="module")
def latent(tiny) -> dg.Trajectory:
    return dg.refine(tiny, "ddls", space="latent", n=60, steps=3)


def images(channels: int = 3, n: int = 10, steps: int = 2, seed: int = 0) -> dg.Trajectory:
    """A run of an image model, made by hand."""
    samples = torch.rand(steps + 1, n, channels, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    settings = {
        "method": "dgflow",
        "divergence": "KL",
        "eta": 0.1,
        "gamma": 0.0,
        "seed": 0,
        "space": "latent",
    }
    return dg.Trajectory(
        torch.zeros(steps + 1, n, 4), samples, torch.zeros(steps + 1, n), settings, kind="image"
    )


def near(picture: np.ndarray, colour: str, by: int = 24) -> int:
    """How many pixels are about this colour."""
    return int((np.abs(picture[..., :3].astype(int) - ImageColor.getrgb(colour)).max(-1) <= by).sum())


@pytest.mark.slow
def test_gif_has_one_frame_a_step_from_base_to_refined(run, tiny, tmp_path):
    path = dg.export.gif(run, tmp_path / "run.gif", model=tiny, size=320, fps=20)
    frames = imageio.mimread(path, memtest=False)
    assert len(frames) == STEPS + 1
    assert all((a != b).any() for a, b in itertools.pairwise(frames))
    painter = dg.export.paint(run, model=tiny, size=320)
    for step in (0, 50, STEPS):  # what is read back is what was drawn, but for the palette
        apart = np.abs(frames[step][..., :3].astype(int) - painter.frame(step))
        assert apart.mean() < 4
    # base alone at first, refined at the end: beyond what the legend shows of either
    assert near(frames[0], palette.REFINED) < 0.5 * near(frames[-1], palette.REFINED)
    assert near(frames[-1], palette.BASE) < 0.5 * near(frames[0], palette.BASE)


@pytest.mark.slow
def test_a_gif_of_101_frames_takes_less_than_five_seconds_of_a_core(tmp_path):
    """The 2D page's own picture at 640 pixels; fewer frames, of which each costs the same."""
    model = dg.load("25gaussians/wgan-gp")
    picture = scene.compose(
        [dg.refine(model, n=2000, steps=15)], model, Composition(), partial(TabulatedField, model)
    )
    began = time.thread_time()
    dg.export.gif(picture, tmp_path / "timed.gif")
    assert (time.thread_time() - began) * 101 / 16 < 5 * 1.5, "what is done once counts six times here"


def test_gif_timing(short, tmp_path):
    path = dg.export.gif(short, tmp_path / "run.gif", size=240, fps=12)
    with Image.open(path) as file:
        assert file.n_frames == 5
        assert file.info["loop"] == 0
        lengths = []
        for index in range(5):
            file.seek(index)
            lengths.append(file.info["duration"])
    assert all(80 <= length <= 90 for length in lengths[:-1])
    assert lengths[-1] >= 1000 + 80


@given(count=st.integers(1, 400), fps=st.floats(1, 60))
@settings(max_examples=60, deadline=None)
def test_gif_durations_add_up(count, fps):
    lengths = gif._durations(count, fps)
    assert len(lengths) == count
    assert all(length % 10 == 0 and length >= 20 for length in lengths)
    assert sum(lengths) - gif.HOLD == pytest.approx(1000 * count / min(fps, 50), abs=10)


@pytest.mark.parametrize("size", [240, 301])
def test_mp4_plays_every_step_at_its_rate(short, tmp_path, size):
    path = dg.export.mp4(short, tmp_path / "run.mp4", size=size, fps=10)
    with imageio.get_reader(path) as video:
        meta = video.get_meta_data()
        frames = [*iter(video.iter_data())]
    assert len(frames) == 5
    assert meta["fps"] == pytest.approx(10)
    assert meta["duration"] == pytest.approx(0.5, abs=0.02)
    assert frames[0].shape[0] % 2 == 0
    assert frames[0].shape[1] % 2 == 0
    assert abs(frames[0].shape[0] - size) <= 1
    drawn = dg.export.paint(short, size=size).frame(4)
    assert np.abs(frames[4].astype(int) - drawn).mean() < 6


def test_png_is_the_frame(short, tiny, tmp_path):
    path = dg.export.png(short, tmp_path / "run.png", model=tiny, size=300)
    assert np.array_equal(imageio.imread(path), dg.export.paint(short, model=tiny, size=300).frame(4))
    first = imageio.imread(dg.export.png(short, tmp_path / "first.png", model=tiny, size=300, step=0))
    assert not np.array_equal(imageio.imread(path), first)


def test_svg_is_vectors_with_text(short, tiny, tmp_path):
    path = dg.export.svg(short, tmp_path / "run.svg", model=tiny)
    root = ET.parse(path).getroot()
    words = " ".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))
    for expected in ("DGflow (KL)", "step 4 / 4", "x₁ (data units)", "logit d(x) (nats)", "refined samples"):
        assert expected in words
    assert len(list(root.iter("{http://www.w3.org/2000/svg}use"))) >= 60
    fonts = [node.get("style", "") for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert all("sans-serif" in style for style in fonts)  # for readers without our font


def test_html_stands_alone(short, tiny, tmp_path):
    text = dg.export.html(short, tmp_path / "run.html", model=tiny).read_text()
    assert text.startswith("<!doctype html>")
    assert "src=" not in text.replace("script-src", "").replace("img-src", "")
    assert "DGflow (KL)" in text
    curves = scene.compose([short], tiny).curves
    assert [curve.name for curve in curves][:2] == ["High quality", "Modes covered"]
    assert len(curves[0].series[0]) == 5


def test_dots_lie_where_the_particles_are():
    """One particle in a corner of an empty scene: the dot is there and nowhere else."""
    positions = np.array([[[0.0, 0.0]], [[0.5, -0.5]]], np.float32)
    one = scene.Scene((scene.Panel((-1, 1, -1, 1), positions=positions),), 1, layers=("refined",))
    painter = plane_pixels.Painter(one, 400)
    box = painter.boxes[0]
    picture = painter.frame(1)[box.y : box.y + box.h, box.x : box.x + box.w].astype(int)
    reds = np.argwhere(picture[..., 0] - picture[..., 1] > 60)
    centre = reds.mean(0) + 0.5
    np.testing.assert_allclose(centre, [0.75 * box.h, 0.75 * box.w], atol=1.5)
    assert np.ptp(reds, axis=0).max() < 12


def test_stamp_does_not_depend_on_order_and_clips():
    rng = np.random.default_rng(0)
    points = rng.uniform(-5, 45, (500, 2)).astype(np.float32)
    points[:3] = [[np.nan, 1], [np.inf, 2], [1e30, 3]]
    one, two = np.zeros((40, 40), np.float32), np.zeros((40, 40), np.float32)
    plane_pixels.stamp(one, points, 2.0, 0.5)
    plane_pixels.stamp(two, points[::-1], 2.0, 0.5)
    np.testing.assert_allclose(one, two, atol=1e-5)
    assert (one <= 0).all()
    alone = np.zeros((9, 9), np.float32)
    plane_pixels.stamp(alone, np.array([[4.5, 4.5]], np.float32), 2.0, 0.5)
    assert 1 - np.exp(alone[4, 4]) == pytest.approx(0.5, abs=1e-6)
    assert alone[0, 0] == 0


def test_a_latent_run_shows_codes_and_samples(latent, tiny):
    painter = dg.export.paint(latent, model=tiny)
    assert [panel.title for panel in painter.scene.panels] == ["Latent codes z", "Samples g(z)"]
    assert painter.width > 1.5 * painter.height
    np.testing.assert_array_equal(painter.scene.panels[0].positions, latent.positions)
    np.testing.assert_array_equal(painter.scene.panels[1].positions, latent.samples)
    assert dg.export.paint(latent).frame(3).shape[2] == 3


def test_runs_side_by_side_share_axes_and_rest_at_their_end(short, run, latent, tiny, tmp_path):
    painter = dg.export.paint([short, run, latent], model=tiny, titles=["A", "B", "C"], size=240)
    panels = painter.scene.panels
    assert [panel.title for panel in panels] == ["A", "B", "C"]
    assert len({panel.extent for panel in panels}) == 1
    assert painter.steps == STEPS
    box = painter.boxes[0]
    part = np.s_[box.y : box.y + box.h, box.x : box.x + box.w]
    assert np.array_equal(painter.frame(4)[part], painter.frame(90)[part])
    path = dg.export.gif([short, short], tmp_path / "two.gif", titles=["one", "two"], size=240)
    assert len(imageio.mimread(path, memtest=False)) == 5


def test_a_scene_can_be_exported_as_it_is(short, tiny, tmp_path):
    made = scene.compose([short], tiny)
    picture = imageio.imread(dg.export.png(made, tmp_path / "scene.png", size=300))
    assert picture.shape[0] == 300


def test_maps_that_move_are_drawn_anew(short):
    values = np.stack([np.full((8, 8), step, np.float32) for step in range(5)])
    moving = scene.Map(values, "density", kind="density")
    panel = scene.Panel((-1, 1, -1, 1), map=moving, positions=short.positions.numpy())
    painter = plane_pixels.Painter(scene.Scene((panel,), 4, layers=("map",)), 240)
    box = painter.boxes[0]
    middles = [painter.frame(step)[box.y + box.h // 2, box.x + box.w // 2].tolist() for step in (0, 2, 4)]
    assert middles[0] != middles[1] != middles[2]


@pytest.mark.parametrize("layers", [(), ("paths", "refined"), ("real",), ("map", "arrows")])
@pytest.mark.parametrize("dark", [False, True])
def test_layers_and_grounds(short, tiny, layers, dark):
    everything = dg.export.paint(short, model=tiny, size=240, dark=dark).frame(4)
    painter = dg.export.paint(short, model=tiny, size=240, dark=dark, layers=layers)
    some = painter.frame(4)
    assert (everything.mean() < 128) == dark
    assert everything.shape[0] == some.shape[0]
    legend = some[-20:-4]  # below the axes: no colour of a map can stand for a layer there
    for name in ("real", "base", "refined"):
        assert (near(legend, painter.tones.hex[name], 12) > 5) == (name in layers), name


@pytest.mark.parametrize("channels", [1, 3])
def test_a_wall_of_images(channels, tmp_path):
    t = images(channels)
    frames = imageio.mimread(dg.export.gif(t, tmp_path / "wall.gif", size=300), memtest=False)
    assert len(frames) == 3
    picture = imageio.imread(dg.export.png(t, tmp_path / "wall.png", size=300))
    painter = dg.export.paint(t, size=300)
    x, y, factor = painter.left, painter.top, painter.factor
    tile = picture[y : y + 8 * factor : factor, x : x + 8 * factor : factor, :3]
    expected = ((t.samples[-1][0] + 1) * 127.5).round().byte().permute(1, 2, 0).expand(8, 8, 3)
    np.testing.assert_array_equal(tile, expected)
    with imageio.get_reader(dg.export.mp4([t, t], tmp_path / "wall.mp4", size=240)) as video:
        assert video.count_frames() == 3


def test_images_have_no_svg_or_html(tmp_path):
    with pytest.raises(ValueError, match="save images as png"):
        dg.export.svg(images(), tmp_path / "wall.svg")
    with pytest.raises(ValueError, match="save images as gif or mp4"):
        dg.export.html(images(), tmp_path / "wall.html")


@pytest.mark.parametrize("form", ["gif", "mp4"])
def test_progress_and_stop(short, tmp_path, form):
    seen = []
    path = tmp_path / f"run.{form}"
    getattr(dg.export, form)(short, path, size=240, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 5) for done in range(1, 6)]
    path.unlink()
    calls = iter([False, False, True])
    assert getattr(dg.export, form)(short, path, size=240, stop=lambda: next(calls)) is None
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_survives_a_stopped_export(short, tmp_path):
    path = tmp_path / "run.gif"
    path.write_bytes(b"old")
    assert dg.export.gif(short, path, size=240, stop=lambda: True) is None
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 239}, "size must be from 240 to 1920 pixels, not 239"),
        ({"size": 1921}, "size must be from 240 to 1920"),
        ({"size": "big"}, "size must be from 240 to 1920"),
        ({"fps": 0}, "fps must be from 1 to 60 frames a second, not 0"),
        ({"fps": 61}, "fps must be from 1 to 60"),
        ({"fps": float("nan")}, "fps must be from 1 to 60"),
        ({"titles": ["a", "b"]}, "titles must be 1, one for each run, not 2"),
        ({"map": "heat"}, "map must be 'logit', 'ratio'"),
    ],
)
def test_wrong_options_get_one_sentence(short, tiny, tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        dg.export.gif(short, tmp_path / "run.gif", model=tiny, **options)
    assert list(tmp_path.iterdir()) == []


def test_wrong_paths_and_steps(short, tmp_path):
    with pytest.raises(ValueError, match="path must end in one of gif, mp4"):
        dg.export.gif(short, tmp_path / "run.avi")
    with pytest.raises(ValueError, match="path must be in a folder that exists"):
        dg.export.gif(short, tmp_path / "nowhere" / "run.gif")
    with pytest.raises(ValueError, match="step must be a whole number from 0 to 4, not 5"):
        dg.export.png(short, tmp_path / "run.png", step=5)
    with pytest.raises(ValueError, match="what must be 1 to 4 runs, not 5"):
        dg.export.gif([short] * 5, tmp_path / "run.gif")
    with pytest.raises(ValueError, match="all of one kind"):
        dg.export.gif([short, images()], tmp_path / "run.gif")


def test_a_gif_too_large_for_memory_is_refused(tiny, tmp_path):
    long = dg.Trajectory(torch.zeros(1000, 1, 2), torch.zeros(1000, 1, 2), torch.zeros(1000, 1), {})
    with pytest.raises(ValueError, match="too much for a GIF; choose a smaller size, or mp4"):
        dg.export.gif(long, tmp_path / "run.gif", size=1920)


def test_write_picks_by_suffix(short, tmp_path):
    for suffix in set(dg.export.FORMATS) - {"csv"}:  # which is for text
        path = dg.export.write(short, tmp_path / f"run.{suffix}", size=240, fps=10, dark=True)
        assert path.stat().st_size > 200
    again = json.loads((tmp_path / "run.json").read_text())
    assert again["settings"] == short.settings
    assert again["provenance"] == short.provenance
    assert torch.equal(dg.Trajectory.load(tmp_path / "run.npz").positions, short.positions)


def test_file_names_say_what_is_inside(short, latent):
    named = replace(short, provenance={**short.provenance, "model": "25gaussians/wgan-gp"})
    assert dg.export.filename(named, "gif") == (
        "25gaussians-wgan-gp_dgflow-KL_eta0.1_gamma0.01_steps4_seed0_raw.gif"
    )
    assert "latent" in dg.export.filename(latent, ".npz")
    odd = dg.Trajectory(short.positions, short.samples, short.logits, {}, {"model": "../../etc/a b\n<c>"})
    name = dg.export.filename(odd, "gif")
    assert "/" not in name
    assert " " not in name
    assert not name.startswith(".")

"""What is on screen is what is saved; nothing is written before it is wanted; runs can be run again."""

from __future__ import annotations

import errno
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import dgflow_core as dg
from app import components, export_menu, pictures
from dgflow_core import pictures as scenes
from dgflow_core.__main__ import main
from dgflow_core.errors import UserError
from dgflow_core.pictures import formats, order
from dgflow_core.pictures.image_wall import Wall
from dgflow_core.pictures.picture import paint
from dgflow_core.pictures.sheet import Look
from tests.browser import ROOT

PAGES = ROOT / "app" / "pages"


@pytest.fixture
def offered(monkeypatch):
    """What pages give to their stage and to their export, by the key of either."""
    seen: dict[str, list] = {}
    popover = export_menu.popover

    def exported(shown, key):
        seen["saved"] = [shown]
        popover(shown, key)

    monkeypatch.setattr(export_menu, "popover", exported)
    mount = components.mount

    def mounted(name, packed, *more, **place):
        seen.setdefault("stage", []).append(packed)
        return mount(name, packed, *more, **place)

    monkeypatch.setattr(components, "mount", mounted)
    return seen


def visit(name: str, **query: str) -> AppTest:
    test = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=200)
    for key, value in query.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception
    return test


def export(name: str, **query: str) -> AppTest:
    """A page whose choices for the export are open."""
    test = visit(name, **query)
    assert "flow._format" not in test.session_state  # nothing of it is drawn before
    test.session_state["flow._export"] = True
    return test.run()


@pytest.mark.parametrize(
    ("name", "query", "panels", "kinds"),
    [
        ("flow2d", {"n": "60", "steps": "3", "map": "ratio"}, 1, {"ratio"}),
        ("compare", {"panels": "2", "n": "100", "difference": "1"}, 3, {"logit"}),
        ("latent", {"n": "500", "steps": "3", "exact": "0"}, 3, {"density"}),
    ],
)
def test_the_scene_that_is_saved_is_the_one_on_screen(name, query, panels, kinds, offered):
    visit(name, **query)
    (scene,) = offered["saved"]
    assert scenes.pack(scene) == offered["stage"][-1]  # byte for byte
    assert len(scene.panels) == panels
    assert {panel.map.kind for panel in scene.panels if panel.map} == kinds
    assert paint(scene, Look(size=240)).frame(scene.steps).shape[0] == 240
    if name == "compare":
        assert scene.panels[-1].arrows.label == "second − first"


def test_choosing_a_format_writes_nothing_until_it_is_wanted(monkeypatch):
    written = []
    save = dg.Trajectory.save
    monkeypatch.setattr(dg.Trajectory, "save", lambda run, path: written.append(path) or save(run, path))
    test = export("flow2d", n="60", steps="3")
    test.selectbox(key="flow._format").set_value("npz").run()
    test.run()
    assert not test.exception
    assert not written
    test.button(key="flow._make").click().run()
    assert len(written) == 1


def test_a_full_disk_is_one_sentence_and_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def full(run, path):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(dg.Trajectory, "save", full)
    test = export("flow2d", n="60", steps="3")
    test.selectbox(key="flow._format").set_value("npz").run()
    test.button(key="flow._make").click().run()
    assert not test.exception
    assert [error.value for error in test.error] == [
        "path 'picture.npz' could not be written: No space left on device."
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_for_temporary_files_is_one_sentence(monkeypatch, tmp_path):
    test = export("flow2d", n="60", steps="3")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    test.button(key="flow._make").click().run()
    assert not test.exception
    assert "could not be written here: No such file or directory." in test.error[0].value


def test_an_unknown_option_is_named(tiny, tmp_path):
    run = dg.refine(tiny, n=5, steps=1)
    for save in (dg.export.gif, dg.export.write):
        with pytest.raises(UserError, match="'colour' is not an option"):
            save(run, tmp_path / "run.gif", colour="red")
    with pytest.raises(UserError, match="'fps' is not an option of png"):
        dg.export.png(run, tmp_path / "run.png", fps=3)
    assert list(tmp_path.iterdir()) == []


def test_a_video_too_large_is_refused_before_anything_is_drawn(monkeypatch, tmp_path):
    long = dg.Trajectory(torch.zeros(1001, 1, 2), torch.zeros(1001, 1, 2), torch.zeros(1001, 1), {})
    monkeypatch.setattr(scenes.plane_pixels.Painter, "frame", None)
    with pytest.raises(UserError, match="too much for a MP4; choose a smaller size"):
        dg.export.mp4(long, tmp_path / "run.mp4", size=1920)


@pytest.mark.parametrize("raw", [False, True])
def test_a_run_of_the_app_runs_again_from_its_settings(raw, offered, tmp_path):
    visit("flow2d", n="60", steps="5", raw=str(int(raw)))
    run = offered["saved"][0].runs[0]
    again = json.loads(dg.export.settings_json(run))["again"]
    assert (again["raw"], again["field"]) == (raw, "tabulated")
    out = tmp_path / "again.npz"
    assert main([*shlex.split(again["command"])[3:], "--device", "cpu", "--out", str(out)]) == 0
    saved = dg.Trajectory.load(out)  # the NPZ says the same as the JSON
    assert torch.equal(saved.positions, run.positions)
    assert (saved.provenance["raw"], saved.provenance["field"]) == (raw, "tabulated")


def test_starting_points_of_ones_own_cannot_be_run_again(tiny):
    run = dg.refine(tiny, steps=1, start=np.zeros((3, 2), np.float32))
    assert json.loads(dg.export.settings_json(run))["again"]["command"] is None


def test_a_wall_is_saved_in_the_order_it_hangs():
    samples = torch.linspace(-1, 1, 4)[None, :, None, None, None].expand(2, 4, 1, 8, 8)
    logits = torch.tensor([[0.0, 0, 0, 0], [1, 3, -1, 2]])
    run = dg.Trajectory(torch.zeros(2, 4, 3), samples, logits, {"method": "dgflow"}, kind="image")
    wall = Wall((run,), order="improved")
    assert wall.hung(run) == order.ranked(logits, "improved") == [1, 3, 0, 2]
    painter = paint(wall, Look(size=300))
    frame, (wide, tall) = painter.frame(1), painter.cell
    shades = [
        frame[
            painter.top + tall * (i // painter.columns) + 3,
            painter.left + wide * (i % painter.columns) + 3,
            0,
        ]
        for i in range(4)
    ]
    assert shades == [85, 255, 0, 170]
    with pytest.raises(UserError, match="order must be one of drawn"):
        paint(replace(wall, order="loud"), Look())


@pytest.mark.slow
def test_a_format_is_one_file(tmp_path):
    """In a copy: one more file, and the exports, the command line and the popover have it."""
    shutil.copytree(ROOT / "dgflow_core", tmp_path / "dgflow_core")
    for name in ("assets", "pretrained"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "dgflow_core" / "pictures" / "formats" / "webp.py").write_text(
        "from PIL import Image\n"
        "from dgflow_core.pictures.formats.declaration import Format\n"
        "from dgflow_core.pictures.picture import paint\n"
        "def write(picture, path, look, watch):\n"
        "    Image.fromarray(paint(picture, look).frame(look.at(picture))).save(path)\n"
        "FORMAT = Format('webp', 'WebP picture', 'image/webp', write, options=('size', 'dark', 'step'))\n"
    )
    code = (
        "import dgflow_core as dg\n"
        "from dgflow_core.pictures import formats\n"
        "t = dg.refine(dg.load('25gaussians/wgan-gp', device='cpu'), n=5, steps=1)\n"
        "assert dg.export.webp(t, 'a.webp', size=240, step=0).stat().st_size > 100\n"
        "assert dg.export.filename(t, 'webp').endswith('.webp')\n"
        "assert 'webp' in formats.of(dg.pictures.compose([t]))\n"
        "from dgflow_core.__main__ import main\n"
        "assert main(['refine', '25gaussians/wgan-gp', '--n', '5', '--steps', '1', '--out', 'b.webp']) == 0\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b.webp").exists()


def test_every_option_of_a_format_has_a_control():
    assert {name for one in formats.formats.values() for name in one.options} <= set(export_menu.OPTIONS)
    assert pictures.Composition().map in pictures.MAPS

"""The stage in real Chromium: what a person sees and does, read from its state and its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dgflow_core import pictures as scene
from dgflow_core.pictures import palette
from tests.browser import ROOT, launch, serve

pytestmark = pytest.mark.browser

EXTENT = (-2.0, 2.0, -2.0, 2.0)
PLAYER = "Object.values(globalThis.__dgflow.player)[0]"
DRAWN = "() => Object.values(globalThis.__dgflow?.player ?? {})[0]?.root.dataset.drawnAt"


@pytest.fixture(scope="module")
def chromium():
    with launch() as browser:
        yield browser


@pytest.fixture
def show(chromium, tmp_path: Path):
    """Open the page of a scene; any error in the page fails the test."""
    contexts, errors = [], []

    def open_page(one: scene.Scene, **options):
        path = tmp_path / "scene.html"
        path.write_text(scene.html(one, "A page"), encoding="utf-8")
        context = chromium.new_context(
            **{"viewport": {"width": 1100, "height": 700}, "offline": True} | options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(path.as_uri())
        page.wait_for_function(DRAWN)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def state(page, name: str):
    return page.evaluate(f"name => {PLAYER}.root.dataset[name]", name)


def still(**options) -> dict:
    """Options of a page that does not play by itself."""
    return {"reduced_motion": "reduce", **options}


def line(steps: int = 10, **panel) -> scene.Panel:
    """Three particles on their way from the left to the right."""
    x = np.linspace(-1, 1, steps + 1)[:, None]
    y = np.array([[-1.0, 0.0, 1.0]])
    positions = np.stack(np.broadcast_arrays(x, y), axis=-1)
    return scene.Panel(EXTENT, positions=positions, logits=np.broadcast_to(x, (steps + 1, 3)), **panel)


def pixel(page, x: float, y: float, panel: int = 0) -> list[int]:
    """The colour drawn at (x, y) in data units."""
    return page.evaluate(
        f"""([x, y, panel]) => {{
            const {{ view }} = {PLAYER};
            const box = view.boxes[panel];
            const at = [box.pixelX(x), box.pixelY(y)].map((side) => Math.round(side * view.ratio));
            return [...view.context.getImageData(...at, 1, 1).data.slice(0, 3)];
        }}""",
        [x, y, panel],
    )


def near(colour: list[int], wanted: str, tolerance: int = 60) -> bool:
    rgb = [int(wanted[i : i + 2], 16) for i in (1, 3, 5)]
    return max(abs(a - b) for a, b in zip(colour, rgb, strict=True)) <= tolerance


def test_it_starts_at_the_base_plays_once_and_stops(show):
    page = show(scene.Scene((line(20),), 20, fps=1))
    assert state(page, "playing") == "true"
    assert int(state(page, "step")) < 10
    page.evaluate(f"() => {{ {PLAYER}.playback.rate = 40; }}")
    page.wait_for_function(f"() => {PLAYER}.root.dataset.playing === 'false'", timeout=20_000)
    assert (state(page, "step"), state(page, "steps")) == ("20", "20")


def test_who_wants_no_motion_sees_the_end(show):
    page = show(scene.Scene((line(),), 10), **still())
    assert (state(page, "playing"), state(page, "step")) == ("false", "10")


def test_dots_stand_where_the_particles_are(show):
    page = show(scene.Scene((line(),), 10), **still())
    page.get_by_role("button", name="Base").click()
    assert near(pixel(page, 1, 0), palette.REFINED)
    assert not near(pixel(page, -1, 0), palette.REFINED)
    page.get_by_role("button", name="To the start").click()
    assert near(pixel(page, -1, 0), palette.REFINED)
    page.get_by_role("button", name="Refined").click()
    page.get_by_role("button", name="Base").click()
    assert near(pixel(page, -1, 0), palette.BASE, 130)  # half transparent over the panel
    assert not near(pixel(page, 1, 0), palette.REFINED)


def test_up_is_up_and_maps_lie_as_their_rows_say(show):
    rows = np.repeat(np.linspace(-1, 1, 8)[:, None], 8, axis=1)  # row 0, the lowest, looks generated
    panel = scene.Panel(EXTENT, map=scene.Map(rows, "d", range=(-1, 1)))
    page = show(scene.Scene((panel,), 0), **still(color_scheme="light"))
    assert near(pixel(page, 0, 1.9), palette.LOGIT_LIGHT[-1], 12)
    assert near(pixel(page, 0, -1.9), palette.LOGIT_LIGHT[0], 12)
    assert page.evaluate(
        f"() => {{ const [box] = {PLAYER}.view.boxes; return box.pixelY(1) < box.pixelY(-1); }}"
    )
    assert page.evaluate(
        f"() => {{ const [box] = {PLAYER}.view.boxes; return box.pixelX(1) > box.pixelX(-1); }}"
    )


def test_the_browser_reads_what_python_packed(show):
    rng = np.random.default_rng(0)
    positions = rng.uniform(-2.5, 2.5, (6, 40, 2))
    positions[3, 5] = np.nan
    page = show(scene.Scene((scene.Panel(EXTENT, positions=positions),), 5), **still())
    for step in (0, 3, 5):
        page.evaluate(f"step => {PLAYER}.playback.go(step)", step)
        shown = page.evaluate(f"() => [...{PLAYER}.view.frame.points[0]].map(String)")
        shown = np.array([float(one.replace("Infinity", "inf")) for one in shown]).reshape(-1, 2)
        wanted = np.where(
            positions[step] > 2, np.inf, np.where(positions[step] < -2, -np.inf, positions[step])
        )
        np.testing.assert_allclose(shown, wanted, atol=1e-4)


def test_particles_outside_are_ticks_on_the_frame(show):
    positions = np.array([[[5.0, 0.3]], [[5.0, 0.3]]])
    page = show(scene.Scene((scene.Panel(EXTENT, positions=positions),), 1), **still())
    page.get_by_role("button", name="Base").click()
    coloured = f"""([x, y]) => {{
        const {{ view }} = {PLAYER};
        const box = view.boxes[0];
        const {{ data }} = view.context.getImageData(box.pixelX(x) - 6, box.pixelY(y) - 3, 6, 6);
        return data.filter((value, i) => i % 4 === 0 && value - data[i + 2] > 40).length;
    }}"""
    assert 2 <= page.evaluate(coloured, [2, 0.3]) <= 12  # a short red line at the frame
    assert page.evaluate(coloured, [1.7, 0.3]) == 0
    page.get_by_role("button", name="Refined").click()
    assert page.evaluate(coloured, [2, 0.3]) == 0


def test_transport_by_button_key_and_scrub_bar(show):
    page = show(scene.Scene((line(),), 10), **still())
    stage = page.locator(".stage")
    stage.focus()
    for key, step in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 10)):
        page.keyboard.press(key)
        assert state(page, "step") == str(step)
    page.get_by_label("Step", exact=True).fill("7")
    assert state(page, "step") == "7"
    page.get_by_role("button", name="One step back").click()
    assert state(page, "step") == "6"
    stage.focus()
    page.keyboard.press("Space")
    assert state(page, "playing") == "true"
    page.keyboard.press("Space")
    assert state(page, "playing") == "false"
    page.get_by_role("button", name="Loop").click()
    page.get_by_label("Speed").select_option("4")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1500)  # ten steps at 96 a second: round several times
    assert state(page, "playing") == "true"


def test_keys_change_the_speed_and_the_layers(show):
    page = show(scene.Scene((line(),), 10), **still())
    page.get_by_role("group", name="Animated picture").focus()
    page.keyboard.press("]")
    assert page.get_by_label("Speed").input_value() == "2"
    page.keyboard.press("[")
    page.keyboard.press("[")
    assert page.get_by_label("Speed").input_value() == "0.5"
    base = page.get_by_role("button", name="Base")
    before = base.get_attribute("aria-pressed")
    page.keyboard.press("?")
    assert page.get_by_role("note", name="Keys").is_visible()
    page.keyboard.press("?")
    assert not page.get_by_role("note", name="Keys").is_visible()
    page.keyboard.press("1")  # the first chip: a scene without a map, arrows and real data begins with Base
    assert base.get_attribute("aria-pressed") != before


def test_who_does_not_see_the_picture_is_told_what_happened(show):
    curve = scene.Curve("High quality", (np.linspace(20, 90, 11),), "%", "up")
    page = show(scene.Scene((line(),), 10, (curve,)), **still())
    words = "3 particles after 10 steps. High quality 90 %, 20 % before"
    assert page.get_by_role("img", name=words).count() == 1
    told = page.locator(".announced")
    assert told.inner_text() == ""
    page.evaluate(f"() => {{ {PLAYER}.playback.rate = 100; }}")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"() => {PLAYER}.root.dataset.playing === 'false'", timeout=20_000)
    assert told.text_content() == words


def test_a_particle_tells_about_itself_in_every_panel_and_can_be_pinned(show):
    page = show(scene.Scene((line(title="A"), line(title="B")), 10), **still())
    place = page.evaluate(
        f"""() => {{
            const {{ view }} = {PLAYER};
            const bounds = view.canvas.getBoundingClientRect();
            return [bounds.left + view.boxes[1].pixelX(1) + 3, bounds.top + view.boxes[1].pixelY(0) - 2];
        }}"""
    )
    page.mouse.move(*place)
    tip = page.locator(".tip")
    assert tip.inner_text().split("\n") == ["particle 1", "(1, 0)", "d = 1, at the start −1"]
    assert page.evaluate(f"() => {PLAYER}.paths.map((path) => path.length)") == [22, 22]
    page.mouse.click(*place)
    page.mouse.move(5, 5)
    assert "pinned" in tip.inner_text()
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_curves_stand_on_the_axis_of_the_scrub_bar(show):
    curves = tuple(scene.Curve(name, (np.linspace(0, 100, 11),), "%", "up") for name in ("Quality", "Modes"))
    page = show(scene.Scene((line(), line()), 10, tuple(
        scene.Curve(one.name, one.series * 2, one.unit, one.better) for one in curves
    )), **still())  # fmt: skip
    chart = page.locator(".chart canvas").bounding_box()
    scrub = page.get_by_label("Step", exact=True).bounding_box()
    left, right = page.evaluate(f"() => [{PLAYER}.chart.left, {PLAYER}.chart.right]")
    thumb = 16
    assert scrub["x"] + thumb / 2 == pytest.approx(chart["x"] + left, abs=1.5)
    assert scrub["x"] + scrub["width"] - thumb / 2 == pytest.approx(chart["x"] + right, abs=1.5)
    page.mouse.click(chart["x"] + (left + right) / 2, chart["y"] + chart["height"] / 2)
    assert state(page, "step") == "5"
    page.get_by_role("button", name="Modes").click()
    pressed = page.get_by_role("button", name="Modes").get_attribute("aria-pressed")
    assert (pressed == "true") == (
        "Modes" in page.evaluate(f"() => {PLAYER}.chart.curves.map((one) => one.name)")
    )


def test_the_picture_can_be_saved(show, tmp_path):
    page = show(scene.Scene((line(),), 10, title="Two moons"), **still())
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save picture").click()
    assert waiting.value.suggested_filename == "two-moons-step-10.png"
    waiting.value.save_as(tmp_path / "saved.png")
    assert (tmp_path / "saved.png").read_bytes().startswith(b"\x89PNG")


def test_it_follows_a_change_of_theme(show):
    page = show(scene.Scene((line(),), 10), **still(color_scheme="light"))
    corner = f"() => [...{PLAYER}.view.context.getImageData(0, 0, 1, 1).data.slice(0, 3)]"
    assert near(page.evaluate(corner), palette.LIGHT["paper"], 1)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(1000)
    assert near(page.evaluate(corner), palette.DARK["paper"], 1)


@pytest.mark.parametrize(
    "panel",
    [
        scene.Panel(EXTENT),
        scene.Panel(EXTENT, positions=np.full((1, 3, 2), np.nan), logits=np.full((1, 3), np.nan)),
        scene.Panel(EXTENT, positions=np.zeros((1, 0, 2)), real=np.zeros((0, 2))),
        scene.Panel(EXTENT, map=scene.Map(np.full((4, 4), np.nan), "d")),
        scene.Panel(EXTENT, arrows=scene.Arrows(np.zeros((1, 2)), np.zeros((1, 2)))),
    ],
)
def test_scenes_with_little_in_them_are_drawn(show, panel):
    page = show(scene.Scene((panel,), 0, (scene.Curve("Empty", (np.array([np.nan]),)),)))
    assert (state(page, "step"), state(page, "steps"), state(page, "playing")) == ("0", "0", "false")


def test_five_thousand_particles_are_drawn_within_a_frame(show):
    rng = np.random.default_rng(0)
    start = rng.normal(size=(1, 5000, 2))
    positions = np.clip(start + 0.01 * rng.normal(size=(31, 5000, 2)).cumsum(0), -2, 2)
    panel = scene.Panel(EXTENT, positions=positions, map=scene.Map(rng.normal(size=(96, 96)), "d"))
    page = show(scene.Scene((panel,), 30), **still())
    best = page.evaluate(
        f"""() => {{
            const player = {PLAYER};
            const once = (k) => {{
                const from = performance.now();
                player.playback.at = (k * 1.37) % 30;
                player.draw();
                return performance.now() - from;
            }};
            return Math.min(...Array.from({{ length: 60 }}, (_, k) => once(k)));
        }}"""
    )
    assert best < 1000 / 60


SCRIPT = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
import streamlit as st
from app.components import stage
from dgflow_core import pictures as scene

steps = st.slider("steps", 10, 100, 40)
t = np.linspace(-1, 1, steps + 1)
positions = np.stack([np.stack([t, t], 1), np.stack([t, -t], 1)], 1)
stage(scene.Scene((scene.Panel((-2, 2, -2, 2), positions=positions),), steps), key="stage")
"""


def test_in_the_app_new_data_take_the_place_of_old_without_a_new_canvas(chromium, tmp_path):
    script = tmp_path / "page.py"
    script.write_text(SCRIPT.format(root=str(ROOT)))
    with serve(script) as address:
        page = chromium.new_page(reduced_motion="reduce")
        page.goto(address)
        page.wait_for_function(DRAWN, timeout=60_000)
        page.evaluate(f"() => {{ window.before = {PLAYER}.view.canvas; {PLAYER}.setLayer('paths', true); }}")

        def move(key: str) -> None:
            run = state(page, "runKey")
            page.get_by_role("slider", name="steps").press(key)
            page.wait_for_function(f"run => {PLAYER}.root.dataset.runKey !== run", arg=run, timeout=20_000)

        move("ArrowRight")
        assert (state(page, "step"), state(page, "steps")) == (
            "41",
            "41",
        )  # who stands at the end stays there
        page.evaluate(f"() => {PLAYER}.playback.go(20)")
        move("End")
        assert (state(page, "step"), state(page, "steps")) == ("49", "100")  # 20 of 41, as a share
        assert page.evaluate(f"() => window.before === {PLAYER}.view.canvas && window.before.isConnected")
        assert page.evaluate(f"() => {PLAYER}.view.layers.paths")
        page.evaluate(f"() => {{ {PLAYER}.playback.loop = true; {PLAYER}.playback.play(); }}")
        move("ArrowLeft")
        assert state(page, "playing") == "true"
        page.close()

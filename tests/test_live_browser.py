"""The live simulation in real Chromium; what its methods compute is in test_methods_browser_form.py."""

from __future__ import annotations

import numpy as np
import pytest

from dgflow_core.fields.table import TabulatedField
from dgflow_core.pictures import live_world as live
from dgflow_core.pictures.live_page import live_html
from tests import browser


@pytest.fixture(scope="module")
def chromium():
    with browser.launch() as running:
        yield running


# ---- the canvas ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(tiny, tmp_path_factory):
    """The live page of a small model, on disk."""
    fields = {space: TabulatedField(tiny, space, size=129, keep=False) for space in ("data", "latent")}
    file = tmp_path_factory.mktemp("live") / "live.html"
    file.write_text(live_html(tiny, live.pack(tiny, fields)), encoding="utf-8")
    return file


@pytest.fixture
def canvas(chromium, exported):
    """The exported page, opened from disk with the network off."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, offline=True)
    page = context.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: request.url.startswith("http") and problems.append(request.url))
    page.goto(exported.as_uri())
    page.locator(".stage.live[data-fps]").wait_for(timeout=60_000)
    yield page
    assert problems == []
    context.close()


def points(page) -> np.ndarray:
    return np.array(page.evaluate("[...__dgflow.live.live.main.sim.points]")).reshape(-1, 2)


def until(page, expression: str, seconds: float = 60) -> None:
    """Wait for a condition; Playwright's own way would need the page's policy to allow eval."""
    for _ in range(int(seconds / 0.1)):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"never true: {expression}")


def move(page, setting: str, share: float) -> None:
    page.locator(f"input[data-setting={setting}]").evaluate(
        "(input, share) => { input.value = share; input.dispatchEvent(new Event('input')); }", share
    )


def test_exported_page_plays_and_measures(canvas):
    stage = canvas.locator(".stage.live")
    assert stage.get_attribute("data-playing") == "true"
    until(canvas, "Number(document.querySelector('.stage.live').dataset.step) > 5")
    runs = canvas.evaluate(
        "(() => { const l = __dgflow.live.live; return [l.main.sim.n, l.now.quality, l.now.logit]; })()"
    )
    assert runs[0] == 5000
    assert 0 <= runs[1] <= 100
    assert np.isfinite(runs[2])


def test_settings_act_on_the_step_under_way(canvas):
    canvas.get_by_role("button", name="Pause").click()
    before = points(canvas)
    move(canvas, "gamma", 0.0)
    move(canvas, "eta", 0.0)
    slow = points(canvas)
    move(canvas, "eta", 1.0)
    fast = points(canvas)
    start = np.array(canvas.evaluate("[...__dgflow.live.live.main.before.points]")).reshape(-1, 2)
    assert not np.allclose(before, slow)
    # without noise a step is η times the drift: a thousand times the η, a thousand times the way
    np.testing.assert_allclose(fast - start, 1000 * (slow - start), rtol=1e-6, atol=1e-9)
    until(canvas, "document.querySelector('.stage.live').dataset.responseMs !== undefined")
    assert "∇" in canvas.locator(".rule").inner_text()
    assert "1" in canvas.locator(".rule b").first.inner_text()


def test_methods_and_spaces_change_while_it_runs(canvas):
    canvas.get_by_role("radio", name="DDLS").click()
    assert canvas.evaluate("__dgflow.live.live.choice.space") == "latent"
    assert canvas.get_by_role("radio", name="Data").is_disabled()
    assert canvas.evaluate("__dgflow.live.live.view.boxes.length") == 2
    canvas.get_by_role("radio", name="DOT").click()
    canvas.get_by_role("radio", name="Data").click()
    assert "‖" in canvas.locator(".rule").inner_text()
    assert canvas.evaluate("__dgflow.live.live.link()") == {"method": "dot"}


def test_arrows_follow_the_divergence(canvas):
    lengths = """(() => {
      const v = __dgflow.live.live.panels[0].arrows.vectors;
      return Array.from({length: v.length / 2}, (_, i) => Math.hypot(v[2 * i], v[2 * i + 1]));
    })()"""
    plain = np.array(canvas.evaluate(lengths))
    canvas.locator("select[data-setting=divergence]").select_option("JS")
    weighted = np.array(canvas.evaluate(lengths))
    assert np.all(weighted <= plain + 1e-9)
    assert weighted.max() < plain.max()


def test_single_steps_and_drops(canvas):
    canvas.get_by_role("button", name="Pause").click()
    step = int(canvas.locator(".stage.live").get_attribute("data-step"))
    canvas.get_by_role("button", name="One step").click()
    until(canvas, f"document.querySelector('.stage.live').dataset.step === '{step + 1}'")
    box = canvas.locator(".picture canvas").bounding_box()
    x, y = box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.4
    canvas.mouse.move(x, y)
    canvas.mouse.down()
    canvas.mouse.move(x + 60, y + 30, steps=6)
    canvas.mouse.up()
    count = canvas.evaluate("__dgflow.live.live.drops.sim.n")
    assert count > 14
    here = canvas.evaluate("[...__dgflow.live.live.drops.before.points.slice(0, 2)]")
    aimed = canvas.evaluate(
        """([clientX, clientY]) => {
          const place = __dgflow.live.live.view.locate({ clientX, clientY });
          return [place.x, place.y];
        }""",
        [x, y],
    )
    assert np.hypot(here[0] - aimed[0], here[1] - aimed[1]) < 0.3
    canvas.get_by_role("button", name="Remove dropped").click()
    assert canvas.evaluate("__dgflow.live.live.drops.sim.n") == 0


@pytest.mark.slow
def test_endless_mode_keeps_a_steady_flow(canvas):
    canvas.locator(".after select").select_option("endless")
    canvas.evaluate("__dgflow.live.live.choice.speed = 240")
    until(canvas, "Number(document.querySelector('.stage.live').dataset.step) > 150")
    ages = np.array(canvas.evaluate("[...__dgflow.live.live.main.sim.age]"))
    assert ages.max() <= 101
    assert len(np.unique(ages)) > 50


def test_page_is_small_and_names_no_address(exported):
    text = exported.read_text()
    assert len(text) < 6_000_000
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text


def test_layers_and_keys_are_those_of_the_other_players(canvas):
    stage = canvas.locator(".stage.live")
    layers = stage.locator(".head [data-layer]")
    assert set(layers.all_inner_texts()) <= {"Map", "Arrows", "Real", "Base", "Refined", "Paths", ""}
    stage.focus()
    before = layers.first.get_attribute("aria-pressed")
    canvas.keyboard.press("1")
    assert layers.first.get_attribute("aria-pressed") != before
    speed = "__dgflow.live.live.choice.speed"
    assert canvas.evaluate(speed) == 24
    canvas.keyboard.press("]")
    assert canvas.evaluate(speed) == 40
    canvas.keyboard.press("[")
    canvas.keyboard.press("[")
    assert canvas.evaluate(speed) == 16
    assert "16 steps/s" in stage.locator(".speedbox").inner_text()
    canvas.keyboard.press(" ")
    assert stage.get_attribute("data-playing") == "false"

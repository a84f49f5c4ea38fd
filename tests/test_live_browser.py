"""The flow in JavaScript, held against the flow in Python, in real Chromium."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from dgflow_core import methods
from dgflow_core import pictures as scene
from dgflow_core.fields.table import TabulatedField
from dgflow_core.flow.divergences import divergences
from dgflow_core.pictures import live_world as live
from dgflow_core.pictures.live_page import live_html
from tests import browser

STEPS = 100


@pytest.fixture(scope="module")
def chromium():
    with browser.launch() as running:
        yield running


@pytest.fixture(scope="module")
def page(chromium):
    """An empty page that knows unpack.js and sim.js."""
    page = chromium.new_page()
    page.add_script_tag(content=scene.script("unpack", "sim"))
    yield page
    page.close()


def quantised(field: TabulatedField) -> tuple[TabulatedField, list]:
    """The field as the browser gets it, in double precision here."""
    channels = [live._quantised(channel) for channel in field.table.numpy()]
    rows = [
        np.float32(row["range"][0] + row["codes"] * ((row["range"][1] - row["range"][0]) / 65535))
        for row in channels
    ]
    field.table = torch.from_numpy(np.stack(rows)).double()
    return field, channels


CASES = [
    *(("dgflow", space, {"divergence": key}) for space in ("data", "latent") for key in divergences),
    # DOT with K well below |∇d|: where it only trembles around its start, the direction of x − y is decided
    # by rounding, in Python as well.
    *(
        ("dot", space, {"optimizer": name, "lipschitz": 0.001, "eta": 0.0005})
        for space in ("data", "latent")
        for name in ("adam", "sgd")
    ),
    ("ddls", "latent", {}),
]


@pytest.fixture(scope="module")
def fields(tiny):
    return {
        space: quantised(TabulatedField(tiny, space, size=129, keep=False)) for space in ("data", "latent")
    }


@pytest.mark.parametrize(("method", "space", "changes"), CASES)
def test_javascript_follows_python(page, tiny, fields, method, space, changes):
    field, channels = fields[space]
    row = methods.get(method)
    quiet = {name: 0.0 for name in ("gamma", "noise_scale") if name in row.Settings.model_fields}
    settings = row.Settings.parse({"eta": 0.02, **quiet, **changes})
    z = tiny.prior.sample(200, 3)
    start = (z if space == "latent" else tiny.generate(z)).double()

    state = row.init(field, start, settings)
    for _ in range(STEPS):
        state = row.step(field, state, settings, None)

    world = {
        "offset": tiny.logit_offset, "prior": tiny.prior.kind,
        "lipschitz": {space: state.info.get("lipschitz", 1.0)},
    }  # fmt: skip
    packed = {"size": field.size, "half": field.half, "space": space, "channels": [
        {"codes": channel["codes"].ravel().tolist(), "range": channel["range"]} for channel in channels
    ]}  # fmt: skip
    found = page.evaluate(
        """([packed, world, start, method, settings, steps]) => {
          const sim = new Sim(makeTable(packed), world, start.length / 2);
          sim.place(start);
          for (let i = 0; i < steps; i++) STEPS[method](sim, settings, new Random(1));
          return [...sim.points, ...sim.samples, ...sim.logits];
        }""",
        [packed, world, start.ravel().tolist(), method, json.loads(settings.model_dump_json()), STEPS],
    )
    expected = torch.cat([state.points.ravel(), state.at.sample.ravel(), state.at.logit])
    assert (start - state.points).abs().max() > 0.01  # something moved
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-3)


def test_noise_is_standard_normal_and_seeded(page):
    draws = np.array(
        page.evaluate(
            "() => { const r = new Random(7); return Array.from({length: 40000}, () => r.normal()); }"
        )
    )
    again = page.evaluate(
        "() => { const r = new Random(7); return Array.from({length: 5}, () => r.normal()); }"
    )
    other = page.evaluate(
        "() => { const r = new Random(8); return Array.from({length: 5}, () => r.normal()); }"
    )
    assert draws[:5].tolist() == again != other
    assert abs(draws.mean()) < 0.02
    assert abs(draws.std() - 1) < 0.02
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.02
    assert abs((np.abs(draws) < 1).mean() - 0.6827) < 0.01


def test_high_quality_is_the_metric_of_the_core(page):
    from dgflow_core.kinds.plane import datasets as plane_datasets
    from dgflow_core.kinds.plane import metrics as planar

    target = plane_datasets.get("25gaussians")
    points = target.sample(2000, 1) + np.random.default_rng(0).normal(0, 0.04, (2000, 2)).astype(np.float32)
    found = page.evaluate(
        "([p, n, modes, std]) => highQuality(p, n, modes, std)",
        [points.ravel().tolist(), 2000, target.modes.ravel().tolist(), float(target.std)],
    )
    assert found == pytest.approx(planar.high_quality(points, target.modes, target.std), abs=1e-6)
    assert 5 < found < 95


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
    return np.array(page.evaluate("[...__dgflowLive.live.main.sim.points]")).reshape(-1, 2)


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
        "(() => { const l = __dgflowLive.live; return [l.main.sim.n, l.now.quality, l.now.logit]; })()"
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
    start = np.array(canvas.evaluate("[...__dgflowLive.live.main.before.points]")).reshape(-1, 2)
    assert not np.allclose(before, slow)
    # without noise a step is η times the drift: a thousand times the η, a thousand times the way
    np.testing.assert_allclose(fast - start, 1000 * (slow - start), rtol=1e-6, atol=1e-9)
    until(canvas, "document.querySelector('.stage.live').dataset.responseMs !== undefined")
    assert "∇" in canvas.locator(".rule").inner_text()
    assert "1" in canvas.locator(".rule b").first.inner_text()


def test_methods_and_spaces_change_while_it_runs(canvas):
    canvas.get_by_role("radio", name="DDLS").click()
    assert canvas.evaluate("__dgflowLive.live.choice.space") == "latent"
    assert canvas.get_by_role("radio", name="Data").is_disabled()
    assert canvas.evaluate("__dgflowLive.live.view.boxes.length") == 2
    canvas.get_by_role("radio", name="DOT").click()
    canvas.get_by_role("radio", name="Data").click()
    assert "‖" in canvas.locator(".rule").inner_text()
    assert canvas.evaluate("__dgflowLive.live.link()") == {"method": "dot"}


def test_arrows_follow_the_divergence(canvas):
    lengths = """(() => {
      const v = __dgflowLive.live.panels[0].arrows.vectors;
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
    count = canvas.evaluate("__dgflowLive.live.drops.sim.n")
    assert count > 14
    here = canvas.evaluate("[...__dgflowLive.live.drops.before.points.slice(0, 2)]")
    aimed = canvas.evaluate(
        """([clientX, clientY]) => {
          const place = __dgflowLive.live.view.locate({ clientX, clientY });
          return [place.x, place.y];
        }""",
        [x, y],
    )
    assert np.hypot(here[0] - aimed[0], here[1] - aimed[1]) < 0.3
    canvas.get_by_role("button", name="Remove dropped").click()
    assert canvas.evaluate("__dgflowLive.live.drops.sim.n") == 0


def test_endless_mode_keeps_a_steady_flow(canvas):
    canvas.locator(".after select").select_option("endless")
    canvas.evaluate("__dgflowLive.live.choice.speed = 240")
    until(canvas, "Number(document.querySelector('.stage.live').dataset.step) > 150")
    ages = np.array(canvas.evaluate("[...__dgflowLive.live.main.sim.age]"))
    assert ages.max() <= 101
    assert len(np.unique(ages)) > 50


def test_page_is_small_and_names_no_address(exported):
    text = exported.read_text()
    assert len(text) < 6_000_000
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text

"""How large pictures are, from the phone to the lecture hall: measured in Chromium."""

from __future__ import annotations

import numpy as np
import pytest

from dgflow_core import pictures as scene
from tests.browser import launch

pytestmark = pytest.mark.browser

EXTENT = (-2.0, 2.0, -2.0, 2.0)
PHONE, TABLET, PROJECTOR = (390, 844), (820, 1180), (1024, 576)
LAPTOP, HALL = (1366, 768), (1920, 1080)
SEEN = """() => {
    const { view, chart, root } = Object.values(globalThis.__dgflow.player)[0];
    const parts = ".head > *, .head .chip, .deck > *, .transport > *, .metrics > .chip";
    const visible = (one) => one.offsetWidth && getComputedStyle(one).visibility !== "hidden";
    const shown = [...root.querySelectorAll(parts)].filter((one) => visible(one) && !one.closest(".menu"));
    const outer = root.getBoundingClientRect();
    const outside = ({ left, right, bottom }) =>
        left < outer.left - 1 || right > outer.right + 1 || bottom > outer.bottom + 1;
    const chips = [...root.querySelectorAll(".head .chips > .chip")].filter(visible);
    const texts = shown.filter((one) => one.textContent);
    return {
        sides: view.boxes.flatMap((box) => [box.w, box.h]),
        picture: view.width * view.height,
        chart: chart.width * chart.height || 0,
        type: [
            ...Object.values(view.type),
            ...texts.map((one) => parseFloat(getComputedStyle(one).fontSize)),
        ],
        cut: shown.filter((one) => outside(one.getBoundingClientRect())).map((one) => one.className),
        rows: new Set(chips.map((one) => Math.round(one.getBoundingClientRect().top))).size,
        across: document.documentElement.scrollWidth - innerWidth,
    };
}"""


def scenes(count: int) -> scene.Scene:
    """``count`` panels with everything in them that takes room."""
    rng = np.random.default_rng(0)
    walk = rng.normal(0, 0.7, (11, 50, 2))
    panels = tuple(
        scene.Panel(
            EXTENT, title="" if count == 1 else f"Method {i}",
            positions=walk, real=walk[0], logits=walk[..., 0],
            map=scene.Map(rng.normal(size=(8, 8)), "logit d(x)", unit="nats"),
            arrows=scene.Arrows(walk[0], walk[1], "∇d"),
        )
        for i in range(count)
    )  # fmt: skip
    curves = tuple(
        scene.Curve(name, (np.linspace(0, 1, 11),) * count)
        for name in ("High-quality samples", "Sliced distance", "Modes that were found", "Mean logit")
    )
    return scene.Scene(panels, 10, curves, title="A scene")


@pytest.fixture(scope="module")
def chromium():
    with launch() as browser:
        yield browser


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_picture_is_the_largest_thing_at_every_size(chromium, tmp_path, count):
    path = tmp_path / "scene.html"
    path.write_text(scene.html(scenes(count), "A page"), encoding="utf-8")
    page = chromium.new_page(reduced_motion="reduce")
    for width, height in (PHONE, TABLET, PROJECTOR, LAPTOP, HALL):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(path.as_uri())
        page.wait_for_function("() => Object.values(globalThis.__dgflow.player)[0]?.root.dataset.drawnAt")
        page.wait_for_timeout(150)  # rows of chips are measured after the layout
        seen = page.evaluate(SEEN)
        where = f"{count} panels at {width} × {height}: {seen}"
        least = 320 if width > PHONE[0] else 300  # a phone: the full width less margins
        assert min(seen["sides"]) >= least, where
        assert seen["picture"] > seen["chart"], where
        assert (seen["cut"], seen["rows"]) == ([], 1), where
        assert seen["across"] <= 0, where
        assert min(seen["type"]) >= (14 if width == HALL[0] else 12), where
    page.close()


def test_what_finds_no_room_waits_behind_more(chromium, tmp_path):
    path = tmp_path / "scene.html"
    path.write_text(scene.html(scenes(1), "A page"), encoding="utf-8")
    page = chromium.new_page(reduced_motion="reduce", viewport={"width": PHONE[0], "height": PHONE[1]})
    page.goto(path.as_uri())
    paths = page.get_by_role("button", name="Paths")
    assert not paths.is_visible()
    page.locator(".head .more").click()
    paths.click()
    assert paths.get_attribute("aria-pressed") == "true"
    assert paths.is_visible()
    page.keyboard.press("Escape")
    assert not paths.is_visible()
    page.set_viewport_size({"width": HALL[0], "height": HALL[1]})
    paths.wait_for(state="visible")
    page.close()

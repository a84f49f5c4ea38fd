"""The 2D flow page in real Chromium: a slider, the player, and a GIF that is what it says."""

from __future__ import annotations

import io
import re

import imageio.v3 as iio
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser import launch

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(address):
    with launch() as browser:
        yield address, browser


@pytest.fixture
def page(site):
    _, browser = site
    page = browser.new_page(viewport={"width": 1366, "height": 768}, accept_downloads=True)
    page.set_default_timeout(120_000)
    yield page
    page.close()


def open_stage(page, address: str, query: str = ""):
    page.goto(f"{address}/flow{query}")
    stage = page.locator(".stage[data-run-key]")
    expect(stage).to_be_visible(timeout=180_000)
    return stage


def test_a_slider_redraws_in_place_and_the_player_plays(site, page):
    address, _ = site
    stage = open_stage(page, address, "?n=500&steps=40")
    stage.evaluate("element => { element.marked = true }")
    before = stage.get_attribute("data-run-key")

    slider = page.get_by_role("slider", name=re.compile("step size"))
    slider.focus()
    slider.press("ArrowRight")
    expect(stage).not_to_have_attribute("data-run-key", before)
    assert stage.evaluate("element => element.marked === true"), "the stage was mounted anew"
    expect(page).to_have_url(re.compile("eta="))

    page.get_by_role("button", name=re.compile("start", re.I)).first.click()
    expect(stage).to_have_attribute("data-step", "0")
    page.get_by_role("button", name=re.compile("^play", re.I)).first.click()
    expect(stage).to_have_attribute("data-step", "40")
    assert not page.locator("[data-testid=stException]").count()


def test_a_gif_of_every_step_downloads_in_three_clicks(site, page):
    address, _ = site
    open_stage(page, address, "?n=500")
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="Make the file").click()
    with page.expect_download(timeout=240_000) as waiting:
        page.get_by_role("button", name=re.compile("^.*Download")).click()
    download = waiting.value
    assert download.suggested_filename.endswith(".gif")
    assert "dgflow" in download.suggested_filename
    frames = iio.imread(io.BytesIO(download.path().read_bytes()), index=None, extension=".gif")
    assert len(frames) == 101
    assert frames[0].shape[0] == 640
    assert np.abs(frames[0].astype(int) - frames[-1].astype(int)).mean() > 0.5


def test_a_divider_shows_before_and_after_and_is_dragged_and_moved_by_keys(site, page):
    address, _ = site
    stage = open_stage(page, address, "?n=500&steps=20&step=20")
    divider = stage.get_by_role("slider", name="Divider between before and after")
    expect(divider).to_be_hidden()
    stage.focus()
    page.keyboard.press("d")
    expect(divider).to_be_visible()
    shown = """() => {
        const { view } = Object.values(globalThis.__dgflow.player)[0];
        const [{ x, y, w, h }] = view.boxes;
        const count = (from, to) => {
            const where = [x + from * w, y, (to - from) * w, h].map((side) => Math.round(side * view.ratio));
            const { data } = view.context.getImageData(...where);
            const away = (i) => Math.hypot(...view.theme.refined.map((one, k) => data[i + k] - one));
            let found = 0;
            for (let i = 0; i < data.length; i += 4) found += away(i) < 40;
            return found;
        };
        return { cut: view.cut, left: count(0, 0.45), right: count(0.55, 1), all: count(0, 1) };
    }"""
    half = stage.evaluate(shown)
    assert half["cut"] == 0.5
    assert half["left"] < 0.05 * half["right"], "refined samples stand right of it alone"
    box = divider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    dragged = stage.evaluate(shown)
    assert dragged["cut"] < 0.3
    assert dragged["all"] > 1.2 * half["all"]
    divider.focus()
    page.keyboard.press("ArrowRight")
    assert stage.evaluate(shown)["cut"] > dragged["cut"]
    page.keyboard.press("d")
    expect(divider).to_be_hidden()
    assert stage.evaluate(shown)["left"] > 0.5 * stage.evaluate(shown)["right"]


def test_a_bad_link_is_one_sentence_on_a_page_that_works(site, page):
    address, _ = site
    open_stage(page, address, "?eta=much&n=500&steps=10")
    expect(page.get_by_text("In the link, eta must be a number")).to_have_count(1)


def test_an_exact_run_can_be_stopped_and_keeps_its_frames(site, page):
    address, _ = site
    page.goto(f"{address}/flow?exact=1&n=5000&steps=250")
    stop = page.get_by_role("button", name="Stop").and_(page.locator("[data-testid=stMain] button"))
    page.get_by_text(re.compile(r"Exact step [2-9]")).wait_for(timeout=180_000)
    stop.click()
    expect(page.get_by_text(re.compile("Stopped at step"))).to_be_visible()
    stage = page.locator(".stage[data-run-key]")
    expect(stage).to_be_visible()
    assert 1 <= int(stage.get_attribute("data-steps")) < 250

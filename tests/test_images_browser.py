"""The images page in real Chromium, on a toy model: run, play, scrub, select, sort, change, export."""

from __future__ import annotations

import io
import os
import time

import pytest
import torch
from PIL import Image

from dgflow_core import zoo
from dgflow_core.models.sndcgan import SNDCGANGenerator
from dgflow_core.models.vae import DCGANDecoder
from tests.browser import launch, serve
from tests.toys import image_model

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

WAIT = 60_000


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("pretrained") / "fashion_mnist"
    zoo.save(image_model("Toy GAN", SNDCGANGenerator(4, 1, 2)), root / "sndcgan-ns")
    zoo.save(image_model("Toy VAE", DCGANDecoder(4, 1, 2), corrector=True), root / "vae")
    before = os.environ.get("DGFLOW_PRETRAINED")
    os.environ["DGFLOW_PRETRAINED"] = str(root.parent)
    try:
        with serve() as address, launch() as browser:
            opened = browser.new_page(viewport={"width": 1366, "height": 768}, accept_downloads=True)
            opened.address = address
            yield opened
    finally:
        os.environ.pop("DGFLOW_PRETRAINED")
        if before is not None:
            os.environ["DGFLOW_PRETRAINED"] = before


def visit(page, query: str = "") -> dict:
    page.goto(f"{page.address}/images{query}")
    return settled(page)


def settled(page) -> dict:
    """What the wall says about itself once it has played to its end."""
    page.wait_for_selector(".wall[data-playing='false']", timeout=WAIT)
    return page.locator(".wall").evaluate("wall => ({...wall.dataset})")


def until(page, condition) -> dict:
    """The wall's state once ``condition`` holds for it."""
    for _ in range(200):
        said = page.locator(".wall").evaluate("wall => ({...wall.dataset})")
        if condition(said):
            return said
        time.sleep(0.1)
    pytest.fail(f"the wall never got there: {said}")


def test_a_run_plays_to_its_last_step(page):
    said = visit(page)
    assert said["step"] == said["steps"] == "25"
    width, height = page.locator("canvas.grid").evaluate("c => [c.clientWidth, c.clientHeight]")
    assert width == height > 300  # 8 × 8 samples


def test_scrubbing_sorting_and_selecting_do_not_compute_again(page):
    run = visit(page, "?n=16")["runKey"]
    page.locator("input.scrub").fill("7")
    assert until(page, lambda said: said["step"] == "7")["playing"] == "false"
    page.get_by_role("button", name="Most improved").click()
    page.locator("canvas.grid").click(position={"x": 80, "y": 20})
    said = until(page, lambda said: said["order"] == "improved" and said["selected"] != "0")
    chosen = said["selected"]
    assert said["runKey"] == run
    assert "Exact step" not in page.locator("body").inner_text()
    page.wait_for_url(f"**/images?*sample={chosen}*", timeout=WAIT)
    assert "order=improved" in page.url
    # the first in this order has risen at least as much as the second
    page.locator("canvas.grid").press("ArrowLeft")
    rise = float(page.locator(".caption").inner_text().split("logit ")[1].split(" ")[0].replace("−", "-"))
    page.locator("canvas.grid").press("ArrowRight")
    next_rise = float(
        page.locator(".caption").inner_text().split("logit ")[1].split(" ")[0].replace("−", "-")
    )
    assert rise >= next_rise


def test_a_link_brings_its_state_back(page):
    said = visit(page, "?method=dot&steps=5&n=9&order=harmed&sample=3")
    assert (said["steps"], said["order"], said["selected"]) == ("5", "harmed", "3")
    page.wait_for_url("**/images?method=dot*", timeout=WAIT)


def test_views_show_other_pixels(page):
    visit(page, "?steps=10&eta=1&n=9")
    shots = []
    for name in ("Refined", "Base", "Change"):
        page.get_by_role("button", name=name, exact=True).click()
        until(page, lambda said: said["playing"] == "false")
        page.wait_for_timeout(300)
        shots.append(page.locator("canvas.grid").evaluate("c => c.toDataURL()"))
    assert len(set(shots)) == 3


def test_a_bad_link_is_said_in_a_sentence(page):
    visit(page, "?steps=100000&model=nonsense&n=4")
    words = page.locator("body").inner_text()
    assert "steps must be a whole number from 0 to 200" in words
    assert "model must be one of" in words


def test_the_corrector_can_be_switched_off(page):
    with_corrector = visit(page, "?model=fashion_mnist/vae&n=9&steps=3")["runKey"]
    without = visit(page, "?model=fashion_mnist/vae&n=9&steps=3&corrector=0")["runKey"]
    assert with_corrector != without


def test_a_gif_has_a_frame_a_step(page):
    visit(page, "?n=9&steps=4")
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="Make the file").click()
    button = page.get_by_role("button", name="Download")
    button.wait_for(timeout=WAIT)
    with page.expect_download(timeout=WAIT) as download:
        button.click()
    with open(download.value.path(), "rb") as file:
        picture = Image.open(io.BytesIO(file.read()))
    assert picture.format == "GIF"
    assert picture.n_frames == 5

"""The images page in real Chromium, on toy models: run, scrub, select, sort, grid, map, export, hand in."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import time

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from playwright.sync_api import expect

from dgflow_core.kinds.images.metrics import DETAILS, TENSORS
from dgflow_core.kinds.images.neighbours import INDEX
from dgflow_core.nets.sndcgan import SNDCGANGenerator
from dgflow_core.nets.vae import DCGANDecoder
from dgflow_core.places import PRETRAINED
from dgflow_core.zoo import shelf
from tests.browser import WAIT, launch, serve
from tests.toys import image_model

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("pretrained") / "fashion_mnist"
    shelf.save(image_model("Toy GAN", SNDCGANGenerator(4, 1, 2)), root / "sndcgan-ns")
    shelf.save(image_model("Toy VAE", DCGANDecoder(4, 1, 2), corrector=True), root / "vae")
    for name in (DETAILS, TENSORS, INDEX):  # the shipped features and index, for the map
        shutil.copy(PRETRAINED / "fashion_mnist" / name, root / name)
    shelf.save(image_model("My GAN", SNDCGANGenerator(4, 1, 4)), root.parent.parent / "mine")
    before = os.environ.get("DGFLOW_PRETRAINED")
    os.environ["DGFLOW_PRETRAINED"] = str(root.parent)
    try:
        with serve() as address, launch() as browser:
            opened = browser.new_page(viewport={"width": 1366, "height": 768}, accept_downloads=True)
            opened.address, opened.mine = address, root.parent.parent / "mine"
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
    page.wait_for_selector(".wall[data-playing='false']:visible", timeout=WAIT)
    return page.locator(".wall:visible").first.evaluate("wall => ({...wall.dataset})")


def until(page, condition) -> dict:
    """The wall's state once ``condition`` holds for it."""
    for _ in range(WAIT // 100):
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
    said = visit(page, "?n=16")
    run, first = said["runKey"], said["selected"]
    page.locator("input.scrub").fill("7")
    assert until(page, lambda said: said["step"] == "7")["playing"] == "false"
    page.get_by_role("button", name="Most improved").click()
    second = page.locator("canvas.grid").evaluate("c => 0.375 * c.clientWidth")  # of four in a row
    page.locator("canvas.grid").click(position={"x": second, "y": 20})
    said = until(page, lambda said: said["order"] == "improved" and said["selected"] != first)
    chosen = said["selected"]
    assert said["runKey"] == run
    assert "Exact step" not in page.locator("body").inner_text()
    page.wait_for_url(lambda url: f"sample={chosen}" in url and "order=improved" in url, timeout=WAIT)
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


def test_a_link_says_where_a_person_stopped(page):
    visit(page, "?n=9&steps=6&eta=1")
    scrub = page.locator("input.scrub")
    scrub.focus()
    scrub.press("ArrowLeft")
    page.get_by_role("button", name="Change", exact=True).click()
    page.wait_for_url(lambda url: "shown=change" in url and "step=5" in url, timeout=WAIT)
    said = visit(page, "?n=9&steps=6&eta=1&shown=change&step=5")
    assert (said["step"], said["playing"]) == ("5", "false")
    assert page.get_by_role("button", name="Change", exact=True).get_attribute("aria-pressed") == "true"


def test_views_show_other_pixels(page):
    visit(page, "?steps=10&eta=1&n=9")
    grid, shots = page.locator("canvas.grid"), []
    for name in ("Refined", "Base", "Change"):
        page.get_by_role("button", name=name, exact=True).click()
        until(page, lambda said: grid.evaluate("c => c.toDataURL()") not in shots)
        shots.append(grid.evaluate("c => c.toDataURL()"))


def test_a_bad_link_is_said_in_a_sentence(page):
    visit(page, "?steps=300&model=nonsense&n=4")
    words = page.locator("body").inner_text()
    assert "steps must be at most 200 here, not 300" in words
    assert "model must be one of" in words


def test_the_corrector_can_be_switched_off(page):
    with_corrector = visit(page, "?model=fashion_mnist/vae&n=9&steps=3")["runKey"]
    without = visit(page, "?model=fashion_mnist/vae&n=9&steps=3&corrector=0")["runKey"]
    assert with_corrector != without


def export_gif(page) -> list[np.ndarray]:
    """The frames of the GIF that the page's export makes."""
    page.get_by_role("button", name="Make the file").click()
    button = page.get_by_role("button", name="Download")
    button.wait_for(timeout=WAIT)
    with page.expect_download(timeout=WAIT) as download:
        button.click()
    with open(download.value.path(), "rb") as file:
        picture = Image.open(io.BytesIO(file.read()))
        assert picture.format == "GIF"
        return [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(picture)]


def test_a_gif_of_the_wall_has_a_frame_a_step(page):
    visit(page, "?n=9&steps=4&eta=5")
    page.get_by_role("button", name="Export").click()
    frames = export_gif(page)
    assert len(frames) == 5
    assert np.abs(frames[0] - frames[4]).mean() > 0.5
    most = page.evaluate("""() => {
        const wall = Object.values(globalThis.__dgflow.wall)[0];
        const rises = Array.from({ length: wall.n }, (_, i) => wall.logit(4, i) - wall.logit(0, i));
        return rises.indexOf(Math.max(...rises));
    }""")
    assert page.locator(".wall").get_attribute("data-selected") == str(most), "it opens on the most improved"


def test_a_gif_of_a_strip_follows_the_selected_sample(page):
    visit(page, "?n=9&steps=4&eta=5&sample=2")
    page.get_by_role("button", name="Export").click()
    page.get_by_text("Sample 3 over the steps").click()
    frames = export_gif(page)
    assert len(frames) == 5
    wide, high = frames[0].shape[1], frames[0].shape[0]
    assert wide > 1.5 * high
    assert (
        np.abs(frames[0] - frames[4])[:, wide // 3 : 2 * wide // 3].mean() > 0.5
    )  # the middle picture moves
    assert np.abs(frames[0] - frames[4])[high // 5 : high // 2, : wide // 4].mean() < 3  # the base does not


def test_changing_the_method_runs_it(page):
    before = visit(page, "?n=4&steps=3")["runKey"]
    page.get_by_role("combobox", name="Method").click()
    page.get_by_role("option", name="DOT", exact=True).click()
    after = until(page, lambda said: said.get("runKey", before) != before)
    assert '"method": "dot"' in after["runKey"]
    page.wait_for_url("**/images?method=dot*", timeout=WAIT)


def test_a_click_sends_no_pictures_again(page):
    received = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(len(data))))
    visit(page, "?n=9&steps=12&eta=5")
    until(page, lambda said: said["around"] == "map")
    page.wait_for_timeout(2000)
    first = sum(received)
    assert first > 100_000  # the component and the run came through here
    received.clear()
    for place in (300, 150):
        page.locator("canvas.grid").click(position={"x": place, "y": place})
    page.get_by_role("button", name="Most improved").click()
    page.wait_for_url("**/images?*order=improved*", timeout=WAIT)
    page.wait_for_timeout(2000)
    assert received  # the page was run again
    assert sum(received) < 60_000 < first


def test_the_map_shows_another_picture_and_has_a_link(page):
    visit(page, "?n=9&steps=3&eta=5")
    until(page, lambda said: said["around"] == "map")
    chart = page.locator(".right canvas:visible").first
    logits = chart.evaluate("c => c.toDataURL()")
    film = page.locator("canvas.film").evaluate("c => c.clientHeight")
    page.get_by_role("button", name="Map of features").click()
    until(page, lambda said: said["pane"] == "map" and said["playing"] == "false")
    here = chart.evaluate("c => c.toDataURL()")
    assert here != logits
    first = page.locator(".wall").get_attribute("data-selected")
    at = {"x": 300, "y": 300} if first == "0" else {"x": 8, "y": 8}
    page.locator("canvas.grid").click(position=at)
    until(page, lambda said: said["selected"] != first)
    until(page, lambda said: chart.evaluate("c => c.toDataURL()") != here)  # another path
    page.wait_for_url("**/images?*pane=map*", timeout=WAIT)
    assert film > 300  # with room for the nearest training images


def test_a_grid_scrubs_all_its_rows_together(page):
    said = visit(page, "?view=grid&over=eta&steps=4&eta=5")
    assert said["steps"] == "4"
    grid = page.locator("canvas.grid")
    shots = []
    for step in ("0", "4"):
        page.locator("input.scrub").fill(step)
        until(page, lambda said, step=step: said["step"] == step)
        shots.append(rows_of(grid, 5))
    assert all((row == shots[0][0]).all() for row in shots[0])  # the same samples in every row
    assert sum(np.abs(row - shots[1][0]).mean() > 1 for row in shots[1][1:]) >= 3
    assert not page.get_by_role("button", name="Most improved").is_visible()
    grid.press("ArrowDown")
    until(page, lambda said: said["selected"] == "8")
    assert page.locator(".caption").inner_text().startswith("η = 1.5, sample 1")


def rows_of(canvas, count: int) -> list[np.ndarray]:
    """The pictures of a grid, row by row, without names, bars and frames."""
    data = canvas.evaluate("c => c.toDataURL()").split(",")[1]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)
    high = picture.shape[0] // count
    return [picture[row * high + 6 : (row + 1) * high - 10, 260:] for row in range(count)]


def test_a_stopping_rule_marks_the_samples_that_rest(page):
    visit(page, "?n=16&steps=12&eta=1&until=flat")
    page.get_by_text("of 12 steps on average").first.wait_for(timeout=WAIT)
    page.get_by_role("button", name="Highest logit").click()
    captions = []
    for _ in range(8):
        captions.append(page.locator(".caption").inner_text())
        page.locator("canvas.grid").press("ArrowRight")
        page.wait_for_timeout(150)
    assert any(re.search(r"stops at step \d+$", caption) for caption in captions)


def test_an_own_model_is_handed_in_and_a_bad_one_refused(page):
    before = visit(page, "?n=4&steps=2")["runKey"]
    page.get_by_role("button", name="Your own model").click()
    files = [page.mine / "config.json", page.mine / "weights.safetensors"]
    page.locator("input[type=file]").set_input_files(files)
    after = until(page, lambda said: said.get("runKey", before) != before)["runKey"]
    expect(page.get_by_text("In use: My GAN")).to_be_visible(timeout=WAIT)
    bad = [
        {"name": "config.json", "mimeType": "application/json", "buffer": files[0].read_bytes()},
        {"name": "weights.safetensors", "mimeType": "application/octet-stream", "buffer": b"no weights"},
    ]
    for _ in range(2):
        page.get_by_role("button", name="Remove").first.click()
    page.locator("input[type=file]").set_input_files(bad)
    expect(page.get_by_text("weights.safetensors is not a safetensors file")).to_be_visible(timeout=WAIT)
    assert settled(page)["runKey"] == after  # the good one is still in use


def test_a_raw_pair_is_handed_in_examined_mended_refined_and_exported(page, tmp_path):
    from tests.test_published_layouts import mimicry

    generator, critic = mimicry([8] * 4, 4, [(4, True), (4, True), (4, False), (4, False)])
    with torch.no_grad():
        critic.l5.bias += 60  # as a WGAN's critic, whose constant means nothing
    torch.save({"model_state_dict": generator.state_dict(), "global_step": 9}, tmp_path / "netG.pth")
    torch.save(
        {f"module.{key}": value.half() for key, value in critic.state_dict().items()}, tmp_path / "netD.pth"
    )
    page.goto(f"{page.address}/images?n=9&steps=4&eta=5")
    page.wait_for_selector(".wall[data-playing='false']:visible", timeout=4 * WAIT)
    before = settled(page)["runKey"]
    page.get_by_role("button", name="Your own model").click()
    page.locator("input[type=file]").set_input_files([tmp_path / "netD.pth", tmp_path / "netG.pth"])
    expect(page.get_by_text("In use: netG")).to_be_visible(timeout=4 * WAIT)
    for _ in range(240):
        if (first := settled(page)["runKey"]) != before:
            break
        time.sleep(0.5)
    assert first != before
    page.keyboard.press("Escape")
    card = page.locator("[class*='st-key-card']")
    expect(card.get_by_text("What we found about your model")).to_be_visible(timeout=4 * WAIT)
    expect(card.get_by_text("weights were float16")).to_be_visible()
    if os.environ.get("DGFLOW_SHOTS"):
        page.screenshot(path=os.environ["DGFLOW_SHOTS"] + "/card.png")
    card.get_by_role("button", name="Calibrate the offset").click()
    expect(card.get_by_text("Nothing stands in the way any more")).to_be_visible(timeout=4 * WAIT)
    for _ in range(240):  # a busy machine is slow, not wrong
        if settled(page)["runKey"] not in (first, before):
            break
        time.sleep(0.5)
    assert settled(page)["runKey"] not in (first, before)
    page.get_by_role("button", name="Export").click()
    frames = export_gif(page)
    assert len(frames) == 5
    assert np.abs(frames[0] - frames[4]).mean() > 0.1


def test_the_selected_picture_opens_large_before_and_after(page):
    first = visit(page, "?n=8&steps=2")
    grid, large = page.locator("canvas.grid:visible"), page.get_by_role("dialog")
    grid.focus()
    page.keyboard.press("Enter")
    expect(large).to_be_visible()
    sides = [large.locator("canvas").nth(i).bounding_box() for i in (0, 1)]
    assert min(side[length] for side in sides for length in ("width", "height")) > 560
    assert sides[0]["x"] + sides[0]["width"] < sides[1]["x"]
    assert all(side["x"] >= 0 and side["x"] + side["width"] <= 1366 for side in sides)
    draws = "canvases => canvases.map(one => one.toDataURL())"
    before, after = large.locator("canvas").evaluate_all(draws)
    assert before != after
    page.keyboard.press("Home")
    expect(large).to_contain_text("step 0")
    page.keyboard.press(" ")
    expect(large).to_contain_text("step 2")
    page.keyboard.press("Home")
    assert len(set(large.locator("canvas").evaluate_all(draws))) == 1
    page.keyboard.press("ArrowLeft" if int(first["selected"]) else "ArrowRight")
    expect(large).not_to_contain_text(f"Sample {int(first['selected']) + 1}:")
    assert large.locator("canvas").evaluate_all(draws)[0] != before
    page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    expect(grid).to_be_focused()
    page.keyboard.press("Enter")
    large.get_by_role("button", name="Close").click()
    expect(large).to_be_hidden()

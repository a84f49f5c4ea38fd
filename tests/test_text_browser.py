"""The text page in real Chromium, on a toy model: play, scrub, sort, words, panels, walk, paste, export."""

from __future__ import annotations

import io
import os
import time

import pytest
from PIL import Image

from tests.browser import WAIT, launch, serve
from tests.text_model import WORDS, shelve

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
QUICK = "p1=dgflow;latent;eta=0.5;steps=8"
MARKUP = "<img src=x onerror=\"document.title='run'\"> <script>document.title='run'</script> 🙂 the cat sat"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    before = os.environ.get("DGFLOW_PRETRAINED")
    os.environ["DGFLOW_PRETRAINED"] = str(shelve(tmp_path_factory.mktemp("shelf")))
    try:
        with serve() as address, launch() as browser:
            opened = browser.new_page(viewport={"width": 1366, "height": 768}, accept_downloads=True)
            opened.address, opened.broken = address, []
            opened.on("pageerror", lambda error: opened.broken.append(str(error)))
            yield opened
    finally:
        os.environ.pop("DGFLOW_PRETRAINED")
        if before is not None:
            os.environ["DGFLOW_PRETRAINED"] = before


def visit(page, query: str = QUICK) -> dict:
    page.goto(f"{page.address}/text?{query}")
    return until(page, lambda said: said.get("playing") == "false" and "step" in said)


def state(page) -> dict:
    reader = page.locator(".reader").first
    reader.wait_for(timeout=WAIT)
    return reader.evaluate("reader => ({...reader.dataset})")


def until(page, condition) -> dict:
    """The reader's state once ``condition`` holds for it."""
    said = {}
    for _ in range(WAIT // 100):
        said = state(page)
        if condition(said):
            return said
        time.sleep(0.1)
    pytest.fail(f"the reader never got there: {said}")


def strings(page, panel: int = 0) -> list[str]:
    """The strings as they stand in the list, from top to bottom."""
    return page.locator(".reader").first.evaluate(
        """(reader, panel) => [...reader.querySelectorAll(".row")].map(
            row => row.querySelectorAll("code")[panel].textContent)""",
        panel,
    )


def count(page, selector: str) -> int:
    return page.locator(".reader").first.locator(f".list {selector}").count()


def test_a_run_plays_from_base_to_its_last_step_and_marks_changes(page):
    said = visit(page)
    assert said["step"] == said["steps"] == "8"
    last = strings(page)
    assert len(last) == 64
    assert all(len(string) == 32 for string in last)
    changed = count(page, "i.since")
    page.locator("input.scrub").fill("0")
    until(page, lambda said: said["step"] == "0")
    first = strings(page)
    assert count(page, "i.since") == count(page, "i.fresh") == 0
    differing = sum(a != b for a, b in zip("".join(first), "".join(last), strict=True))
    assert changed == differing > 0
    page.get_by_role("button", name="One step on").click()
    until(page, lambda said: said["step"] == "1")
    assert count(page, "i.fresh") == count(page, "i.since")
    assert page.broken == []


def test_scrubbing_sorting_and_choosing_do_not_compute_again(page):
    run = visit(page)["runKey"]
    page.locator("input.scrub").fill("3")
    assert until(page, lambda said: said["step"] == "3")["playing"] == "false"
    drawn = strings(page)
    page.get_by_label("Order of the strings").select_option("improved")
    page.locator(".row").nth(2).click()
    said = until(page, lambda said: said["order"] == "improved" and said["selected"] != "0")
    assert said["runKey"] == run
    assert sorted(strings(page)) == sorted(drawn) != strings(page)
    whole = (f"selected={said['selected']}", "order=improved", "step=3")
    page.wait_for_url(lambda url: all(part in url for part in whole), timeout=WAIT)
    # the first in this order has risen at least as much as the second
    rises = []
    for row in (0, 1):
        page.locator(".row").nth(row).click()
        number = page.locator(".row").nth(row).locator(".number").inner_text()
        page.get_by_text(f"string {number} of 64").wait_for(timeout=WAIT)
        words = page.locator(".filmhead, .right .caption").first.inner_text()
        rises.append(float(words.split("logit ")[1].split(" ")[0].replace("−", "-")))
    assert rises[0] >= rises[1]


def test_a_link_brings_its_state_back(page):
    said = visit(page, f"{QUICK}&n=12&view=words&order=final&selected=4&step=5")
    assert (said["step"], said["view"], said["order"], said["selected"]) == ("5", "words", "final", "4")
    assert count(page, ".row") == 12


def test_words_of_the_corpus_are_marked(page):
    visit(page, "n=100&p1=dgflow;latent;steps=2")
    assert count(page, "i.t10") == 0
    page.get_by_role("button", name="Words", exact=True).click()
    until(page, lambda said: said["view"] == "words")
    marked = page.locator(".reader").evaluate(
        """reader => [...reader.querySelectorAll(".list code")].flatMap(line =>
            [...line.children].map(cell => cell.classList.contains("t10") ? cell.textContent : " ")
                .join("").split(" ").filter(Boolean))"""
    )
    assert marked
    assert {word.lower() for word in marked} <= {word.lower() for word in WORDS}


def test_panels_start_from_the_same_strings(page):
    visit(page, "n=10&panels=3&p1=base&p2=dgflow;latent;eta=1;steps=5&p3=dot;latent;eta=0.1;steps=5&step=0")
    assert strings(page, 0) == strings(page, 1) == strings(page, 2)
    page.locator("input.scrub").fill("5")
    until(page, lambda said: said["step"] == "5")
    base, flow, dot = (strings(page, panel) for panel in range(3))
    assert base != flow != dot != base
    assert page.locator(".heads b").all_inner_texts() == ["Base", "DGflow (KL)", "DOT"]


def test_a_walk_begins_and_ends_at_its_strings(page):
    visit(page, f"{QUICK}&n=10&walk=1&first=3&last=7&step=8")
    page.locator(".reader.walk .row").nth(11).wait_for(timeout=WAIT)
    own = strings(page)
    way = page.locator(".reader.walk code.line").all_text_contents()
    assert way[0] == own[2]
    assert way[11] == own[6]


def test_speed_and_keys(page):
    visit(page)
    page.get_by_label("Speed").select_option("0.5")
    page.get_by_role("button", name="Play", exact=True).click()
    until(page, lambda said: said["playing"] == "true")
    page.get_by_label("Speed").select_option("4")
    began = time.monotonic()
    until(page, lambda said: said["playing"] == "false" and said["step"] == "8")
    assert time.monotonic() - began < 8
    page.locator(".list").press("ArrowLeft")
    until(page, lambda said: said["step"] == "7")
    page.locator(".list").press("ArrowDown")
    assert until(page, lambda said: said["selected"] == "1")


def test_a_pasted_text_is_never_run(page):
    visit(page, "p1=dgflow;latent;steps=1")
    title = page.title()
    page.get_by_text("Compare with a text of your own").click()
    page.get_by_role("textbox", name="Your text").fill(MARKUP)
    page.get_by_role("textbox", name="Your text").press("Control+Enter")
    page.get_by_text("characters that the model does not know became").wait_for(timeout=WAIT)
    page.wait_for_timeout(500)
    assert page.title() == title
    assert page.locator("img[src='x']").count() == 0
    page.get_by_role("textbox", name="Your text").fill("short")
    page.get_by_role("textbox", name="Your text").press("Control+Enter")
    page.get_by_text("text must have at least 32 characters").wait_for(timeout=WAIT)
    assert page.broken == []


def test_a_gif_and_an_offline_page_can_be_saved(page, tmp_path):
    visit(page, "n=8&p1=dgflow;latent;eta=0.5;steps=4")
    for form, label in (("gif", "GIF · animated GIF"), ("html", "HTML · web page that plays offline")):
        page.get_by_role("button", name="Export").click()
        if form != "gif":
            page.get_by_role("combobox", name="Format").click()
            page.get_by_text(label).click()
        page.get_by_role("button", name="Make the file").click()
        button = page.get_by_role("button", name="Download")
        button.wait_for(timeout=WAIT)
        with page.expect_download(timeout=WAIT) as download:
            button.click()
        download.value.save_as(tmp_path / f"run.{form}")
        page.keyboard.press("Escape")
    with Image.open(io.BytesIO((tmp_path / "run.gif").read_bytes())) as picture:
        assert picture.n_frames == 5
    offline = page.context.browser.new_page()
    asked = []
    offline.on("request", lambda request: asked.append(request.url))
    offline.goto((tmp_path / "run.html").as_uri())
    offline.wait_for_selector(".reader[data-playing='false'][data-step='4']", timeout=WAIT)
    assert offline.locator(".row").count() == 8
    assert [url for url in asked if not url.startswith("file:")] == []
    offline.close()

"""Room for the picture, on a phone, a projector at 125 % and a large screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import launch

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

#: A phone, a projector at 125 %, a large screen; every_page looks at the sizes between them, too.
SIZES = [(390, 844), (1024, 576), (1920, 1080)]


@pytest.fixture(scope="module")
def site(address):
    with launch() as browser:
        yield address, browser


def open_page(site, path: str, width: int, height: int):
    address, browser = site
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(120_000)
    page.goto(f"{address}/{path}")
    stage = page.locator(".stage[data-run-key]")
    expect(stage).to_be_visible(timeout=180_000)
    return page, stage


def box(locator) -> dict:
    found = locator.bounding_box()
    assert found is not None
    return found


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_what_stands_above_the_picture_is_low_and_whole(site, width, height):
    page, stage = open_page(site, "flow?n=300&steps=20", width, height)
    assert box(stage)["y"] <= 180, "the head of the page pushes the picture down"
    export = page.get_by_role("button", name="Export")
    assert box(export)["height"] < 50, "the word is broken over lines"
    link = page.get_by_role("button", name="Link")
    for button in (export, link):
        assert box(button)["x"] >= 0
        assert box(button)["x"] + box(button)["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1024, 576)])
@pytest.mark.parametrize("path", ["flow?n=300&steps=20", "compare?n=200"])
def test_choosing_a_preset_moves_nothing(site, path, width, height):
    page, stage = open_page(site, path, width, height)
    before, run = box(stage), stage.get_attribute("data-run-key")
    preset = page.locator(".st-key-head [data-testid=stButtonGroup] button").nth(1)
    preset.click()
    expect(stage).not_to_have_attribute("data-run-key", run)
    expect(page.locator(".st-key-lesson p")).to_be_visible()
    assert box(stage)["y"] == before["y"]
    page.close()


def test_a_phone_shows_the_picture_before_the_words(site):
    page, stage = open_page(site, "", 390, 844)
    assert box(stage)["y"] < box(page.get_by_role("heading", name="See a GAN mend"))["y"]
    page.close()

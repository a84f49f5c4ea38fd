"""What a link says of a player, numbers in lessons that move it, and presets that play."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import launch

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(address):
    with launch() as browser:
        yield address, browser


@pytest.fixture
def opened(site):
    address, browser = site
    pages = []

    def open_page(path: str):
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(120_000)
        page.goto(path if path.startswith("http") else f"{address}/{path}")
        stage = page.locator(".stage[data-run-key]")
        expect(stage).to_be_visible(timeout=180_000)
        pages.append(page)
        return page, stage

    yield open_page
    for page in pages:
        page.close()


@pytest.mark.parametrize("path", ["flow?n=300&steps=20", "compare?n=200"])
def test_a_copied_link_shows_the_same_step_layers_and_speed(opened, path):
    page, stage = opened(f"{path}&step=7&layers=real,refined,map&speed=2")
    expect(stage).to_have_attribute("data-step", "7")
    expect(stage.get_by_role("combobox", name="Speed")).to_have_value("2")
    expect(stage.get_by_role("button", name="Base", exact=True)).to_have_attribute("aria-pressed", "false")
    stage.get_by_role("button", name="One step on").click()
    expect(page).to_have_url(re.compile("step=8"))
    page.get_by_role("button", name="Link").click()
    code = page.locator("[data-testid=stCode]")
    expect(code).to_contain_text("step=8")
    other, again = opened(code.inner_text().replace("\n", "").strip())
    expect(again).to_have_attribute("data-step", "8")
    expect(again.get_by_role("combobox", name="Speed")).to_have_value("2")
    expect(again.get_by_role("button", name="Base", exact=True)).to_have_attribute("aria-pressed", "false")
    expect(other.get_by_role("button", name="Base", exact=True)).to_be_visible()


def test_a_preset_plays_from_base_to_refined_and_its_numbers_move_the_player(opened):
    page, stage = opened("flow?n=300&steps=20&step=20")
    stage.evaluate("""(stage) => {
        stage.seen = [];
        new MutationObserver(() => stage.seen.push(Number(stage.dataset.step)))
            .observe(stage, { attributes: true, attributeFilter: ["data-step"] });
    }""")
    page.locator(".st-key-head").get_by_text("Swiss roll").click()
    expect(stage).to_have_attribute("data-steps", "100")
    expect(stage).to_have_attribute("data-step", "100")
    seen = stage.evaluate("(stage) => stage.seen")
    assert min(seen) <= 10, seen
    assert len(set(seen)) > 10, seen

    page.locator(".st-key-head").get_by_text("Stale ratio too long").click()
    told = page.locator(".st-key-lesson a[href*='#step-']").first
    expect(told).to_be_visible()
    step = re.search(r"\d+$", told.get_attribute("href"))[0]
    expect(stage).to_have_attribute("data-step", "100")
    told.click()
    expect(stage).to_have_attribute("data-step", step)
    expect(page).to_have_url(re.compile(rf"step={step}$"))

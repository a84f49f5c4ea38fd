"""Back undoes the last settled change and Forward redoes it; links hold under a base path and in a frame."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import launch, serve

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

START = "flow?n=300&steps=20"


@pytest.fixture(scope="module")
def browser():
    with launch() as browser:
        yield browser


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    page.set_default_timeout(120_000)
    yield page
    page.close()


def shown(page, says: str):
    """The page is still, its address says ``says``."""
    expect(page.locator(".stage[data-run-key]")).to_be_visible(timeout=180_000)
    expect(page).to_have_url(re.compile(f"{says}$"))


def test_back_undoes_a_burst_a_choice_and_a_preset_and_forward_redoes_them(address, page):
    page.goto(f"{address}/{START}")
    shown(page, "steps=20")
    slider = page.get_by_role("slider", name=re.compile("step size"))
    at_first = slider.get_attribute("aria-valuetext") or slider.get_attribute("aria-valuenow")

    page.wait_for_timeout(1100)
    slider.focus()
    for _ in range(6):  # slower than the control waits, faster than a run: none is lost
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(250)
    expect(page).to_have_url(re.compile("eta=0.1&"))
    expect(slider).to_be_focused()
    after_burst = page.url
    page.wait_for_timeout(1500)
    page.get_by_role("radio", name="Latent", exact=True).click()
    expect(page).to_have_url(re.compile("space=latent"))
    page.wait_for_timeout(1500)
    page.locator(".st-key-head").get_by_text("Too large a step").click()
    expect(page).to_have_url(re.compile("eta=0.3&"))
    page.wait_for_timeout(1500)

    page.go_back()
    expect(page.get_by_role("radio", name="Latent", exact=True)).to_be_checked()
    expect(page).to_have_url(re.compile("space=latent"))
    page.go_back()
    expect(page.get_by_role("radio", name="Data", exact=True)).to_be_checked()
    expect(page).to_have_url(after_burst)
    page.go_back()
    expect(page).to_have_url(re.compile("steps=20$"))
    expect(slider).to_have_attribute(
        "aria-valuetext" if slider.get_attribute("aria-valuetext") else "aria-valuenow", at_first
    )
    page.go_forward()
    expect(page).to_have_url(after_burst)
    page.wait_for_timeout(1500)
    expect(page).to_have_url(after_burst)


#: Pages, and what of them a person can change: sliders, lists, presets.
PAGES = {
    "flow?n=300&steps=20": (".stage[data-run-key]", ("slider", "select", "preset")),
    "compare?n=200": (".stage[data-run-key]", ("slider", "select", "preset")),
    "latent?n=500&steps=10&exact=0": (".stage[data-run-key]", ("slider", "select", "preset")),
    "images?n=8&steps=2": (".wall[data-run-key]", ("slider", "select", "preset")),
    "text?model=billion_words/wgan-gp&n=8&p1=dgflow;latent;steps=2": (
        ".reader[data-run-key]",
        ("slider", "select", "preset"),
    ),
    "sweep": (".js-plotly-plot .main-svg", ("slider", "select")),
    "live?n=300": (".stage.live[data-fps]", ("slider", "select")),
}


def controls(page):
    return page.locator(".stage.live .settings" if "live" in page.url else "[data-testid=stSidebar]")


def first_slider(page):
    return controls(page).locator("[role=slider]:visible, input[type=range]:visible").first


def change(page, what: str) -> None:
    """Move the first slider, choose the next row of the first list, or another preset."""
    sidebar = controls(page)
    if what == "preset":
        page.locator(".st-key-head [data-testid=stButtonGroup] button").last.click()
    elif what == "slider":
        first_slider(page).focus()
        page.keyboard.press("ArrowRight")
    elif "live" in page.url:
        sidebar.locator("select").first.press("ArrowDown")
    else:
        sidebar.get_by_role("combobox").first.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")


@pytest.mark.parametrize("path", PAGES)
def test_back_and_forward_go_through_each_change_of_a_page(address, page, path):
    ready, kinds = PAGES[path]
    page.goto(f"{address}/{path}")
    page.locator(ready).first.wait_for()
    page.wait_for_timeout(500)
    seen = [page.url]
    says = "aria-valuetext" if first_slider(page).get_attribute("aria-valuetext") else "aria-valuenow"
    at_first = first_slider(page).get_attribute(says)
    for what in kinds:
        page.wait_for_timeout(1100)
        change(page, what)
        expect(page, what).not_to_have_url(seen[-1])
        page.wait_for_timeout(400)  # a choice may change what else the link says
        seen.append(page.url)
    for url in reversed(seen[:-1]):
        page.go_back()
        expect(page).to_have_url(url)
        page.wait_for_timeout(250)
        expect(page).to_have_url(url)
    expect(first_slider(page)).to_have_attribute(says, at_first)
    for url in seen[1:]:
        page.go_forward()
        expect(page).to_have_url(url)
        page.wait_for_timeout(250)
        expect(page).to_have_url(url)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_under_a_base_path_in_a_frame_the_link_is_whole(browser):
    with serve(options=("--server.baseUrlPath", "lab/dgflow")) as address:
        page = browser.new_page(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
        page.set_default_timeout(120_000)
        page.set_content(f'<iframe src="{address}/lab/dgflow/{START}" width="1300" height="700"></iframe>')
        frame = page.frame_locator("iframe")
        expect(frame.locator(".stage[data-run-key]")).to_be_visible(timeout=180_000)
        frame.get_by_role("button", name="Link").click()
        expect(frame.locator("[data-testid=stCode]")).to_contain_text(f"{address}/lab/dgflow/{START}")
        expect(frame.get_by_alt_text("QR code of the link")).to_be_visible()
        page.close()

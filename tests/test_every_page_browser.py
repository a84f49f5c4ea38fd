"""Every page: the picture first at each size, nothing cut or overprinted, axe, and the keyboard."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import ROOT, launch

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PHONE, TABLET, PROJECTOR = (390, 844), (820, 1180), (1024, 576)
LAPTOP, HALL = (1366, 768), (1920, 1080)
#: Each page with little to compute: its address, and what is there when its picture is.
PAGES = {
    "home": ("", ".stage[data-run-key]"),
    "lessons": ("lessons", ".stage[data-run-key]"),
    "flow": ("flow?n=300&steps=20", ".stage[data-run-key]"),
    "live": ("live?n=300", ".stage.live[data-fps]"),
    "live_samples": ("live-images?n=4", ".stage.samples[data-state=ready]"),
    "draw": ("draw", ".stage.brush canvas"),
    "grow": ("grow", ".stage[data-run-key]"),
    "latent": ("latent?n=500&steps=10", ".stage[data-run-key]"),
    "compare": ("compare?n=200", ".stage[data-run-key]"),
    "sweep": ("sweep?seed=1", ".js-plotly-plot .main-svg"),
    "images": ("images?n=16&steps=4", ".wall[data-run-key]"),
    "text": ("text?n=8&steps=4", ".reader[data-run-key]"),
    "results": ("results", ".js-plotly-plot .main-svg"),
    "wrong": ("wrong", ".stage[data-run-key]"),
    "glossary": ("glossary", "[data-testid=stMain] h1"),
}
#: What a page is for: what the focus says when it is there.
MAIN = {
    "home": "Play", "lessons": "higher on the bridges", "flow": "Play", "live": "Play",
    "live_samples": "Play", "draw": "Train",
    "latent": "Play", "compare": "Play",
    "sweep": "Run the grid", "images": "Play", "text": "Play", "results": "Table",
    "glossary": "See them move", "grow": "Play", "wrong": "My particles explode",
}  # fmt: skip
FOCUSED = """() => {
    let one = document.activeElement;
    while (one.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
    const label = one.labels?.[0]?.textContent ?? "";
    return one.getAttribute("aria-label") ?? (one.textContent.trim() || label.trim());
}"""
#: Marks what has had the focus; and what a keyboard should reach in the page and its sidebar, but did not.
MARK = "() => addEventListener('focusin', (event) => event.composedPath()[0].setAttribute('data-walked', ''))"
MISSED = """() => {
    const places = document.querySelectorAll("[data-testid=stMain], [data-testid=stSidebar]");
    const able = "a[href], button, input, select, textarea, summary, [tabindex]";
    const checked = (one) => one.type === "radio" && !one.checked;
    return [...places].flatMap((place) => [...place.querySelectorAll(able)])
        .filter((one) => one.tabIndex >= 0 && !one.disabled && !checked(one))
        .filter((one) => !one.closest("[inert], dialog:not([open])"))
        .filter((one) => one.checkVisibility({ visibilityProperty: true }) && one.getClientRects().length)
        .filter((one) => !one.hasAttribute("data-walked"))
        // within a group arrows lead on
        .filter((one) => !one.closest("[role=toolbar], [role=radiogroup]")?.querySelector("[data-walked]"))
        .map((one) => one.outerHTML.slice(0, 120));
}"""
WITHOUT_PICTURE = ("glossary",)
SEEN = (ROOT / "tests" / "js" / "seen.js").read_text(encoding="utf-8").split("\n", 1)[1]
#: How many tabs from the picture's page start its main control may lie.
TABS = 10
#: More tabs than any page has controls.
AROUND = 150


@pytest.fixture(scope="module")
def site(address):
    with launch() as browser:
        yield address, browser


@pytest.fixture(scope="module", params=PAGES)
def page(site, request):
    """Each page in turn, opened once, at rest."""
    (address, browser), (path, ready) = site, PAGES[request.param]
    page = browser.new_page(viewport=size(LAPTOP), reduced_motion="reduce")
    page.set_default_timeout(120_000)
    page.goto(f"{address}/{path}")
    page.locator(ready).first.wait_for()
    page.locator("[data-testid=stAppRunningIcon]").wait_for(state="detached")
    page.wait_for_timeout(500)
    page.called = request.param
    yield page
    page.close()


def size(window: tuple[int, int]) -> dict[str, int]:
    return dict(zip(("width", "height"), window, strict=True))


def test_the_picture_comes_first_and_nothing_is_cut_at_every_size(page):
    wrong = {}
    for window in (PHONE, TABLET, PROJECTOR, LAPTOP, HALL):
        page.set_viewport_size(size(window))
        for _ in range(12):  # it comes to rest within a moment; a busy machine takes longer
            page.wait_for_timeout(250)
            wrong[window] = list(complaints(page.evaluate(SEEN), window, page.called))
            if not wrong[window]:
                del wrong[window]
                break
    assert not wrong, page.called


def complaints(seen: dict, window: tuple[int, int], called: str):
    """What is wrong with a page at the size of a window."""
    width, _ = window
    for fault in ("outside", "cut", "over"):
        if seen[fault]:
            yield fault, seen[fault][:5]
    if seen["across"] > 0:
        yield "scrolls sideways by", seen["across"]
    if window == HALL and seen["small"]:
        yield "small", seen["small"][:5]
    if window == HALL and seen["canvas"] is not None and seen["canvas"] < 14:
        yield "small on the canvas", seen["canvas"]
    if called in WITHOUT_PICTURE:
        return
    if sum(one["width"] * one["height"] for one in seen["pictures"]) <= seen["largest"]:
        yield "something is larger than the picture", seen["largest"]
    least = 320 if width > PHONE[0] else PHONE[0] - 50
    if any(min(one.values()) < least for one in seen["pictures"]):
        yield "small picture", seen["pictures"]
    if seen["sides"] and min(seen["sides"]) < (320 if width > PHONE[0] else PHONE[0] - 80):
        yield "small panel", seen["sides"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_of_ours(page, theme):
    page.set_viewport_size(size(LAPTOP))
    page.emulate_media(color_scheme=theme)
    page.wait_for_timeout(400)
    found = [
        f"{rule['id']}: {node['html'][:160]} {node['any'][0]['message'][:160] if node['any'] else ''}"
        for rule in Axe().run(page).response["violations"]
        for node in rule["nodes"]
    ]
    assert not found, page.called


def test_the_main_control_is_within_ten_tabs(page):
    """From where the page begins, past the navigation: Play, or what the page asks to be pressed."""
    page.set_viewport_size(size(LAPTOP))
    page.locator("[data-testid=stMainBlockContainer]").evaluate(
        "(block) => { block.tabIndex = -1; block.focus(); block.removeAttribute('tabindex'); }"
    )
    walked = []
    for _ in range(TABS):
        page.keyboard.press("Tab")
        walked.append(page.evaluate(FOCUSED))
    assert any(MAIN[page.called] in where for where in walked), " · ".join(walked)


def test_a_keyboard_reaches_everything_and_is_caught_nowhere(page):
    """Tab after tab, from the page's start until the focus leaves it: no control is passed over."""
    page.set_viewport_size(size(LAPTOP))
    page.evaluate(MARK)
    page.locator("body").evaluate(
        "(body) => { body.tabIndex = -1; body.focus(); body.removeAttribute('tabindex'); }"
    )
    left = False
    for _ in range(AROUND):
        page.keyboard.press("Tab")
        left = page.evaluate("() => document.activeElement === document.body")
        if left:
            break
    assert left, f"{page.called}: caught at {page.evaluate(FOCUSED)}"
    assert not page.evaluate(MISSED), page.called

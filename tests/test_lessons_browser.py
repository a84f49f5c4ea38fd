"""All lessons in Chromium, from the first to the last, by keyboard alone; what the browser keeps of them."""

from __future__ import annotations

import pytest

from tests.browser import opened
from tests.test_course import LESSONS, REACHED

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

#: How many tabs from the top of the page anything may lie.
TABS = 60
FOCUSED = """() => {
    let one = document.activeElement;
    while (one.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
    const chooses = ["radio", "range"].includes(one.type) || one.getAttribute("role") === "slider";
    return chooses && Boolean(one.closest("[class*='st-key-lessons-%s']"));
}"""


@pytest.fixture(scope="module")
def page(address):
    with opened(address, "lessons", 60_000) as page:
        page.emulate_media(reduced_motion="reduce")
        yield page


def tab_to(page, name: str) -> None:
    """Press Tab until the focus is in the control ``name``."""
    for _ in range(TABS):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED % name):
            return
    raise AssertionError(f"{name} was not reached by {TABS} tabs")


def from_the_top(page) -> None:
    page.locator("[data-testid=stMainBlockContainer]").evaluate(
        "(block) => { block.tabIndex = -1; block.focus(); block.removeAttribute('tabindex'); }"
    )


def arrived(page, slug: str, part: str) -> None:
    page.locator(f".keeper[data-at='{slug} {part}']").wait_for(state="attached")


def test_every_lesson_is_gone_through_by_keyboard(page):
    for slug, lesson in LESSONS.items():
        arrived(page, slug, "ask")
        from_the_top(page)
        tab_to(page, "answer")
        page.keyboard.press("Space")
        page.locator(".st-key-lesson_on button:enabled").first.wait_for()
        page.keyboard.press("PageDown")
        arrived(page, slug, "reveal")
        page.get_by_text("To take home.").wait_for()
        page.keyboard.press("PageDown")
        arrived(page, slug, "try")
        page.get_by_text("Not yet.").wait_for()
        pairs = zip(lesson.attempt.controls, lesson.attempt.start, REACHED[slug], strict=True)
        for place, (_, start, wanted) in enumerate(pairs, 1):
            if wanted == start:
                continue
            from_the_top(page)
            tab_to(page, f"c{place}")
            for _ in range(abs(wanted - start)):
                page.keyboard.press("ArrowRight" if wanted > start else "ArrowLeft")
                page.wait_for_timeout(150)
        page.get_by_text("Reached.").wait_for()
        page.keyboard.press("PageDown")


def test_the_browser_keeps_what_was_reached(page):
    page.wait_for_function("JSON.parse(localStorage['dgflow.lessons'] ?? '{}').passed?.length === 9")
    page.reload()
    page.wait_for_function("document.querySelector('.st-key-lesson_bar input')?.value.endsWith('✓')")


def test_b_makes_the_screen_black_and_page_up_goes_back(page):
    arrived(page, "09_limits", "try")
    page.keyboard.press("b")
    page.locator(".blackout").wait_for()
    page.keyboard.press("b")
    page.locator(".blackout").wait_for(state="detached")
    page.keyboard.press("PageUp")
    page.wait_for_url("**/lessons?lesson=08_borrowed*")


def test_the_mathematics_unfolds_with_the_code_that_runs(page):
    page.goto(f"{page.url.partition('?')[0]}?lesson=08_borrowed")
    arrived(page, "08_borrowed", "ask")
    page.wait_for_timeout(2000)  # what the browser kept has been told, and the page has run once more
    assert page.url.endswith("?lesson=08_borrowed"), "a link holds where ticks are told"
    page.get_by_text("The mathematics").click()
    shown = page.locator("[data-testid=stCode]").first
    shown.wait_for()
    assert "def logit(" in shown.inner_text()

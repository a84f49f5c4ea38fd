"""The second language in Chromium: what components show, tell and draw on canvases has no English in it."""

from __future__ import annotations

import re

import pytest

from dgflow_core import languages
from tests.browser import launch
from tests.test_languages import ENGLISH, sentences

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

#: Keeps every text that is drawn on a canvas.
DRAWN = """(() => {
    globalThis.drawn = new Set();
    const fill = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
        drawn.add(String(text));
        return fill.call(this, text, ...rest);
    };
})()"""
#: All texts of the page, its components' own trees included, with titles and labels; formulas left out.
SEEN = """() => {
    const found = new Set(drawn);
    const look = (node) => {
        if (node.nodeType === Node.TEXT_NODE) found.add(node.textContent.trim());
        if (/^(SCRIPT|STYLE|NOSCRIPT|annotation)$/.test(node.tagName)) return;
        if (node.dataset?.testid === "stIconMaterial" || node.classList?.contains("katex")) return;
        const told = ["title", "aria-label", "placeholder", "alt"];
        for (const name of told) found.add(node.getAttribute?.(name) ?? "");
        for (const one of [...node.childNodes, ...(node.shadowRoot?.childNodes ?? [])]) look(one);
    };
    look(document.querySelector("[data-testid=stMain]"));
    const bar = document.querySelector("[data-testid=stSidebar]");
    if (bar) look(bar);
    return [...found].filter(Boolean);
}"""
#: Words of Streamlit's own, which it has in English alone.
STREAMLIT = re.compile(r"^Help for |^Selected .+\. .+|^Fullscreen$|^Link to heading$|stSidebar")
VISITS = {
    "home": "",
    "flow": "flow",
    "lesson": "lessons?lesson=03_weights&part=1&answer=1",
    "images": "lessons?lesson=06_codes&part=1&answer=3",
}


@pytest.fixture(scope="module")
def window(address):
    with launch() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
        page.add_init_script(DRAWN)
        yield address, page


@pytest.mark.parametrize("language", [one for one in languages.languages() if one != "en"])
@pytest.mark.parametrize("visit", VISITS)
def test_components_speak_the_language(window, visit, language):
    address, page = window
    path = VISITS[visit]
    page.goto(f"{address}/{path}{'&' if '?' in path else '?'}lang={language}")
    page.locator("[data-run-key]").first.wait_for(timeout=60_000)
    page.wait_for_function("drawn.size > 5")
    page.wait_for_timeout(500)
    known = languages.catalogue(language)
    seen = page.evaluate(SEEN)
    assert len(seen) > 40
    for text in seen:
        if STREAMLIT.search(text):
            continue
        assert known.get(text, text) == text, text
        rest = sentences(text)
        assert not ENGLISH.search(rest) or not re.search("[A-Za-z]{3}", rest), text


def test_a_person_changes_the_language(window):
    address, page = window
    page.goto(f"{address}/flow?eta=0.02")
    page.get_by_text("η · step size").wait_for()
    page.get_by_role("button", name="Link", exact=True).click()
    page.get_by_role("button", name="Deutsch").or_(page.get_by_role("radio", name="Deutsch")).click()
    page.get_by_text("η · Schrittweite").wait_for()
    page.get_by_text("Karte", exact=True).first.wait_for()
    page.wait_for_url(lambda url: "lang=de" in url and "eta=0.02" in url)

"""The browser's half of the bench: the app itself, in headless Chromium (needs playwright)."""

from __future__ import annotations

import re
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dgflow_core.bench import flowing, server
from dgflow_core.errors import UserError

WINDOW = {"width": 1366, "height": 768}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WAIT = 300_000


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium, as playwright knows it.

    Raises:
        UserError: Chromium or playwright is missing.
    """
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        raise UserError("browser needs Chromium and the package playwright (requirements-dev.txt).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def run(seconds: float = 6.0, releases: int = 20) -> dict[str, Any]:
    """Frames a second of the live canvas with 5,000 particles, and the 2D page's answer to a slider.

    Raises:
        UserError: Chromium or playwright is missing.
    """
    began = time.perf_counter()
    with chromium() as browser, server.app() as served:
        page = browser.new_page(viewport=WINDOW)
        page.set_default_timeout(WAIT)
        first = _first_picture(page, served.address, began)
        live = _live(page, served.address, seconds)
        samples = flowing.run(page, served.address, seconds)
        return {**first, **live, "samples": samples, **_slider(page, served.address, releases)}


def _first_picture(page, address: str, began: float) -> dict[str, Any]:
    """Seconds from the start of the server to the first picture of the 2D page in a new browser."""
    page.goto(f"{address}/flow")
    page.locator(".stage[data-run-key]").wait_for()
    return {"first_picture_s": time.perf_counter() - began}


def _live(page, address: str, seconds: float) -> dict[str, Any]:
    """The live page in its endless mode, so that nothing rests."""
    page.goto(f"{address}/live?after=endless")
    stage = page.locator(".stage.live[data-fps]")
    stage.wait_for()
    page.wait_for_timeout(2000)
    rates = []
    for _ in range(int(seconds * 2)):
        page.wait_for_timeout(500)
        rates.append(float(stage.get_attribute("data-fps")))
    slider = stage.locator("input[data-setting=eta]")
    answers = []
    for value in (0.3, 0.5, 0.7, 0.4, 0.6):
        slider.evaluate("(input, v) => { input.value = v; input.dispatchEvent(new Event('input')); }", value)
        page.wait_for_timeout(250)
        answers.append(float(stage.get_attribute("data-response-ms")))
    return {
        "particles": 5000, "window": f"{WINDOW['width']} × {WINDOW['height']}",
        "fps": statistics.median(rates),
        "fps_all": rates, "response_ms": statistics.median(answers),
    }  # fmt: skip


def _slider(page, address: str, releases: int) -> dict[str, Any]:
    """Milliseconds from the release of the noise slider to the first drawing of the new run.

    Always to the right, so that every release asks for a run that nobody has seen yet.
    """
    page.goto(f"{address}/flow")
    stage = page.locator(".stage[data-run-key]")
    stage.wait_for()
    page.wait_for_timeout(6000)  # the first picture plays to its end
    page.evaluate("() => addEventListener('keyup', () => { window.__released = performance.now(); }, true)")
    thumb = page.get_by_role("slider", name=re.compile("noise factor"))
    times = []
    for _ in range(releases + 2):
        stage.evaluate(
            """(stage) => {
              const before = stage.dataset.runKey;
              window.__drawn = new Promise((done) => new MutationObserver((_, watch) => {
                if (stage.dataset.runKey === before) return;
                watch.disconnect();
                done(Number(stage.dataset.drawnAt) - window.__released);
              }).observe(stage, { attributes: true, attributeFilter: ["data-drawn-at"] }));
            }"""
        )
        thumb.focus()
        thumb.press("ArrowRight")
        times.append(page.evaluate("() => window.__drawn"))
        page.wait_for_timeout(400)
    times = times[2:]  # the first ones warm caches
    ranked = sorted(times)
    return {
        "slider_ms": times, "slider_median_ms": statistics.median(times),
        "slider_p95_ms": ranked[min(len(ranked) - 1, round(0.95 * (len(ranked) - 1)))],
    }  # fmt: skip

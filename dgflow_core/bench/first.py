"""How long the first visitor of a page waits for its picture: each time a server that has just started."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from typing import NamedTuple

from dgflow_core.bench import browser, server
from dgflow_core.errors import UserError

#: Each page: its path, and what is there when its picture is drawn.
STAGE, PLOT = ".stage[data-drawn-at]", ".js-plotly-plot .main-svg"
PICTURES = {
    "home": ("", STAGE),
    "flow": ("flow", STAGE),
    "live": ("live", ".stage.live[data-fps]"),
    "draw": ("draw", ".stage.brush canvas"),
    "latent": ("latent", STAGE),
    "grow": ("grow", STAGE),
    "compare": ("compare", STAGE),
    "sweep": ("sweep", PLOT),
    "images": ("images", ".wall[data-run-key]"),
    "text": ("text", ".reader[data-run-key]"),
    "results": ("results", PLOT),
}  # fmt: skip


class First(NamedTuple):
    """One first visit: seconds until its picture, and core-seconds of the server until then."""

    seconds: float
    cores: float


def run(pages: Iterable[str] = (), repeats: int = 5) -> dict[str, list[First]]:
    """First visits of pages (all of them where none is named), in a browser that is open already.

    Raises:
        UserError: a page is not known; Chromium or playwright is missing.
    """
    pages = list(pages) or list(PICTURES)
    for page in pages:
        if page not in PICTURES:
            raise UserError(f"page must be one of {', '.join(PICTURES)}, not {page!r}.")
    with browser.chromium() as chromium:
        return {page: [_visit(chromium, *PICTURES[page]) for _ in range(repeats)] for page in pages}


def _visit(chromium, path: str, ready: str) -> First:
    with server.app() as served:
        page = chromium.new_page(viewport=browser.WINDOW)
        page.set_default_timeout(browser.WAIT)
        try:
            began, used = time.perf_counter(), served.seconds()
            page.goto(f"{served.address}/{path}", wait_until="commit")
            page.locator(ready).first.wait_for()
            return First(time.perf_counter() - began, served.seconds() - used)
        finally:
            page.close()


def table(found: dict[str, list[First]]) -> str:
    """One line a page: the median of its visits, all of them, and what the server computed."""
    lines = []
    for page, visits in found.items():
        seconds = [visit.seconds for visit in visits]
        cores = statistics.median(visit.cores for visit in visits)
        each = ", ".join(f"{value:.1f}" for value in seconds)
        lines.append(f"{page:<8} {statistics.median(seconds):5.1f} s   ({each}; {cores:.1f} core-seconds)")
    return "\n".join(lines)

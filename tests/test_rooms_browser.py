"""A class in Chromium: a phone whose connection breaks comes back by itself; a lecturer may reload."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute

from tests.browser import launch

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

FIRST, SECOND = "01_logit", "02_arrows"


class Line:
    """The websocket of a page, which may be cut: while it is, nobody is let through."""

    def __init__(self, page: Page):
        self.cut, self.ends = False, []
        page.route_web_socket("**/_stcore/stream", self._through)

    def _through(self, end: WebSocketRoute) -> None:
        if self.cut:
            end.close()
            return
        self.ends += [end, end.connect_to_server()]

    def break_off(self) -> None:
        self.cut = True
        for end in self.ends:
            end.close()
        self.ends.clear()


@pytest.fixture(scope="module")
def room(address) -> Iterator[tuple[Browser, str, Page, str]]:
    """A browser, the server's address, a lecturer's page, and the code of the room that was opened there."""
    with launch() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
        page.goto(f"{address}/lessons")
        arrived(page, FIRST)
        page.get_by_role("button", name="Class").click()
        page.get_by_role("button", name="Open a room").click()
        code = page.get_by_role("heading", name=re.compile("^[A-Z]{6}$")).inner_text()
        page.keyboard.press("Escape")
        yield browser, address, page, code


def arrived(page: Page, slug: str) -> None:
    page.locator(f".keeper[data-at='{slug} ask']").wait_for(state="attached", timeout=60_000)


def go_to(page: Page, slug: str, button: str) -> None:
    page.locator(f".st-key-lesson_{button} button").first.click()
    arrived(page, slug)


def test_a_phone_whose_connection_broke_comes_back_by_itself(room):
    browser, address, lecturer, code = room
    phone = browser.new_page(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    line = Line(phone)
    phone.goto(f"{address}/lessons?room={code}")
    arrived(phone, FIRST)
    line.break_off()
    go_to(lecturer, SECOND, "next")
    phone.wait_for_timeout(500)
    assert phone.locator(f".keeper[data-at='{FIRST} ask']").count()  # what it last saw stays
    line.cut = False
    arrived(phone, SECOND)
    go_to(lecturer, FIRST, "back")
    arrived(phone, FIRST)  # and is pushed on
    phone.close()


def test_a_lecturer_who_reloads_keeps_the_room(room):
    browser, address, lecturer, code = room
    phone = browser.new_page(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    phone.goto(f"{address}/lessons?room={code}")
    arrived(phone, FIRST)
    lecturer.reload()
    lecturer.get_by_role("button", name=code).wait_for()
    go_to(lecturer, SECOND, "next")
    arrived(phone, SECOND)
    go_to(lecturer, FIRST, "back")
    stranger = browser.new_context().new_page()  # another browser, without the key
    stranger.goto(f"{address}/lessons")
    arrived(stranger, FIRST)
    stranger.wait_for_timeout(500)
    assert not stranger.get_by_role("button", name=code).count()
    phone.close()

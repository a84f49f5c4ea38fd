"""The compare page in real Chromium: panels, one scrubber, a GIF of all, the table as a file."""

from __future__ import annotations

import io
import re

import imageio.v3 as iio
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser import launch

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_panels_share_a_scrubber_and_everything_downloads(address):
    with launch() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768}, accept_downloads=True)
        page.set_default_timeout(120_000)
        page.goto(f"{address}/compare?panels=3&n=200&p2=dgflow;data;steps=12&p3=dot;data;steps=12")
        stage = page.locator(".stage[data-run-key]")
        expect(stage).to_have_attribute("data-steps", "12")
        before = stage.get_attribute("data-run-key")

        page.get_by_role("radio", name="2", exact=True).or_(
            page.get_by_role("button", name="2", exact=True)
        ).click()
        expect(stage).not_to_have_attribute("data-run-key", before)
        expect(page).to_have_url(re.compile("panels=2"))
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")

        with page.expect_download() as waiting:
            page.get_by_role("button", name=re.compile("Table as CSV")).click()
        table = waiting.value.path().read_text()
        assert table.splitlines()[0].startswith("run,")
        assert len(table.splitlines()) == 3

        page.get_by_role("button", name="Export").click()
        page.get_by_role("button", name="Make the file").click()
        with page.expect_download() as waiting:
            page.get_by_role("button", name=re.compile("Download ·")).click()
        frames = iio.imread(io.BytesIO(waiting.value.path().read_bytes()), index=None, extension=".gif")
        assert len(frames) == 13
        assert np.abs(frames[0].astype(int) - frames[-1].astype(int)).mean() > 0.2

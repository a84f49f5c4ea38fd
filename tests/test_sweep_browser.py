"""The sweep page in real Chromium: run a grid, leave and come back, click a cell."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_a_grid_runs_survives_a_page_change_and_a_cell_opens_its_run(address):
    with opened(address, "sweep?size=4&n=1900") as page:  # so many that the grid is at work for seconds
        page.get_by_role("button", name="Run the grid").click()
        expect(page.get_by_test_id("stMain").get_by_role("button", name="Stop")).to_be_visible()
        page.get_by_role("link", name="Home").first.click()
        expect(page.get_by_role("heading", name="See a GAN mend its samples")).to_be_visible()
        page.get_by_role("link", name="Sweep").first.click()
        expect(page.get_by_role("button", name="Finished")).to_be_visible()

        # Third column, second row from below: what opens must be that cell's run.
        box = page.locator(".nsewdrag").first.bounding_box()
        page.mouse.click(box["x"] + box["width"] * 2.5 / 4, box["y"] + box["height"] * 2.5 / 4)
        expect(page).to_have_url(re.compile(r"/flow\?"))
        stage = page.locator(".stage[data-run-key]")
        expect(stage).to_have_attribute("data-steps", "50")
        expect(page).to_have_url(re.compile("eta=0.1&"))
        expect(page).to_have_url(re.compile("gamma=0.0667"))
        expect(page).to_have_url(re.compile("n=1900"))

"""The latent density page in real Chromium: densities move, a setting redraws in place, spaces switch."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_densities_move_and_settings_redraw_in_place(address):
    with opened(address, "latent?n=500&steps=20") as page:
        stage = page.locator(".stage[data-run-key]")
        expect(stage).to_have_attribute("data-steps", "20")
        expect(page.get_by_text("least at step")).to_have_count(2)
        stage.evaluate("element => { element.marked = true }")
        before = stage.get_attribute("data-run-key")

        main = page.get_by_test_id("stMain")
        main.get_by_role("button", name=re.compile("start", re.I)).first.click()
        expect(stage).to_have_attribute("data-step", "0")
        main.get_by_role("button", name=re.compile("^play", re.I)).first.click()
        expect(stage).to_have_attribute("data-step", "20")

        page.get_by_text("Exact flow beside it").click()
        expect(stage).not_to_have_attribute("data-run-key", before)
        expect(page.get_by_text("least at step")).to_have_count(1)
        assert stage.evaluate("element => element.marked === true"), "the stage was mounted anew"

        between = stage.get_attribute("data-run-key")
        page.get_by_test_id("stSidebar").get_by_text("Samples g(z)").click()
        expect(stage).not_to_have_attribute("data-run-key", between)
        expect(page).to_have_url(re.compile("show=data"))
        assert not page.get_by_test_id("stException").count()

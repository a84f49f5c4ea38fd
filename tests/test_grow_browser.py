"""Growing a generator in real Chromium: a recorded growth at once, a live one that stops and ends."""

from __future__ import annotations

import subprocess
import time

import pytest
import torch
from playwright.sync_api import expect

from dgflow_core import training
from dgflow_core.training import loop
from dgflow_core.zoo import shelf
from tests.browser import launch, serve

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SMALL = {"iterations": 2, "hidden": 8, "batch": 8, "pool": 2, "moves": 2, "finish_samples": 20, "settling": 1}


@pytest.fixture
def stocked(tmp_path, monkeypatch):
    """A folder of models with one small growth."""
    recipe = training.get("8gaussians/vgrow-kl").model_copy(update=SMALL)
    shelf.save(loop.train(recipe, tmp_path / "run", torch.device("cpu")), tmp_path / recipe.name)
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(tmp_path))


def growing() -> bool:
    """Whether a process grows somewhere."""
    found = subprocess.run(["pgrep", "-f", "dgflow_core.training.grown"], capture_output=True)
    return found.returncode == 0


def test_a_growth_plays_and_another_is_trained_live(stocked):
    with serve() as address, launch() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(120_000)
        page.goto(f"{address}/grow?dataset=8gaussians")
        stage = page.locator(".stage[data-run-key]")
        expect(stage).to_have_attribute("data-steps", "5")  # two loops of two moves
        recorded = stage.get_attribute("data-run-key")
        expect(page.locator(".count")).to_contain_text("loop")

        page.get_by_role("button", name="Grow it live").click()
        expect(page.get_by_text("Growing KL")).to_be_visible()
        expect(stage).to_have_attribute("data-run-key", "live")  # frames while it trains
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Recorded")).to_be_visible()
        expect(stage).not_to_have_attribute("data-run-key", "live")
        assert stage.get_attribute("data-run-key") != recorded
        assert int(stage.get_attribute("data-steps")) >= 5  # what there was is on the scrubber
        page.get_by_role("button", name="Recorded").click()
        expect(stage).to_have_attribute("data-run-key", recorded)

        page.get_by_role("button", name="Grow it live").click()
        expect(page.get_by_text("Growing KL")).to_be_visible()
        assert growing()
        page.close()
        until = time.monotonic() + 60
        while growing() and time.monotonic() < until:
            time.sleep(0.5)
        assert not growing()  # nobody watches any more

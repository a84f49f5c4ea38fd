"""Drawing: what ink becomes, the server's limits, and the whole way in real Chromium."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from app import drawing
from dgflow_core.kinds.plane.drawn_points import HALF, SIDE, Drawing, shape
from dgflow_core.kinds.plane.metrics import off_support, sliced_wasserstein
from dgflow_core.kinds.plane.reference import PlaneReference
from dgflow_core.prepare import demonstration
from dgflow_core.training import drawn
from tests.browser import ROOT, launch

DOT = "0" * (SIDE * 20 + 30) + "f" + "0" * (SIDE**2 - SIDE * 20 - 31)


def test_samples_lie_where_the_ink_is():
    points = Drawing.parse(DOT).sample(500, 3)
    unit = 2 * HALF / SIDE
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points, Drawing.parse(DOT).sample(500, 3))
    assert (np.floor((points[:, 0] + HALF) / unit + 1e-4) == 30).mean() > 0.99
    assert (np.floor((HALF - points[:, 1]) / unit + 1e-4) == 20).mean() > 0.99
    assert points.std(0).min() > unit / 4


def test_twice_the_ink_twice_the_samples():
    ink = np.zeros((SIDE, SIDE))
    ink[10, 10], ink[80, 80] = 10, 5
    points = Drawing(ink).sample(3000, 0)
    assert (points[:, 0] < 0).mean() == pytest.approx(2 / 3, abs=0.03)


@pytest.mark.parametrize("code", ["", "0" * SIDE**2, "g" * SIDE**2, "f" * (SIDE**2 - 1), "F" * SIDE**2])
def test_a_wrong_drawing_is_one_sentence(code):
    with pytest.raises(ValueError, match=r"^drawing must .*\.$"):
        Drawing.parse(code)


@pytest.mark.parametrize("iterations", [0, 49, 601, 10**9])
def test_the_server_keeps_its_limits(iterations):
    with pytest.raises(ValueError, match=r"iterations must be from 50 to 600 here"):
        drawing.start(DOT, iterations)


def test_the_server_says_when_it_is_busy():
    taken = [drawing.places().acquire(blocking=False) for _ in range(drawing.TOGETHER)]
    try:
        with pytest.raises(ValueError, match="try again in a minute"):
            drawing.start(DOT, 200)
    finally:
        for held in taken:
            if held:
                drawing.places().release()


@pytest.mark.slow
def test_the_process_reports_and_stops():
    process = subprocess.Popen([sys.executable, "-m", "dgflow_core.training.drawn"], cwd=ROOT, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    process.stdin.write(json.dumps({"drawing": DOT, "iterations": 600, "seconds": 60}) + "\n")
    process.stdin.flush()
    first = json.loads(process.stdout.readline())
    assert (first["stage"], first["iteration"]) == ("game", 1)
    assert len(first["samples"]) == 1600
    rows = [first]
    while "packed" not in rows[-1]:
        if rows[-1]["iteration"] == 1:  # each stage is ended as soon as it begins
            process.stdin.write("stop\n")
            process.stdin.flush()
        rows.append(json.loads(process.stdout.readline()))
    stages = [row["stage"] for row in rows[:-1]]
    assert stages == sorted(stages)
    assert set(stages) == {"game", "ratio"}
    assert max(row["iteration"] for row in rows[:-1]) < 600
    assert rows[-1]["before"].keys() == rows[-1]["after"].keys() == {"off", "distance"}
    process.stdin.close()
    process.wait(60)


def test_the_critic_alone_learns_where_the_ink_is_not():
    trainer = drawn.trainer(Drawing.parse(DOT), 50)
    trainer.begin_alone()
    for k in range(60):
        trainer.alone(k / 60)
    ink = torch.from_numpy(Drawing.parse(DOT).sample(200, 1))
    with torch.no_grad():
        on, beside = trainer.critic(ink).mean(), trainer.critic(trainer.generator(torch.randn(200, 2))).mean()
    assert on > beside + 0.5


def test_the_demonstration_is_what_it_says():
    """Recorded from a real training: refined samples lie on the heart, at least twice as often as before."""
    heart, frames, refined = demonstration.read(drawing.DEMONSTRATION)
    np.testing.assert_array_equal(heart.ink, shape("Heart").ink)
    against = PlaneReference(heart)
    before, after = off_support(frames[[refined, -1]], against)
    assert after <= before / 2
    near, far = sliced_wasserstein(frames[[-1, refined]], against)
    assert near < far


@pytest.mark.browser
@pytest.mark.timeout(600)
def test_draw_train_stop_and_refine(address):
    with launch() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(180_000)
        page.goto(f"{address}/draw")
        page.get_by_test_id("stButton").get_by_role("button", name="Train").click()
        expect(page.get_by_text("drawing must have some ink")).to_be_visible()
        canvas = page.locator(".stage.brush")
        playing = canvas.get_attribute("data-frame")
        expect(canvas).not_to_have_attribute("data-frame", playing)  # a demonstration, until somebody paints
        page.get_by_role("button", name="Heart").click()
        page.wait_for_timeout(1500)
        page.get_by_test_id("stButton").get_by_role("button", name="Train").click()
        expect(page.get_by_text("The game on your drawing")).to_be_visible()
        expect(page.get_by_text("Iteration ")).to_be_visible()
        page.get_by_role("button", name="Stop here and refine").click()
        expect(page.get_by_text("The critic learns the ratio")).to_be_visible()
        page.get_by_role("button", name="Stop here and refine").click()
        stage = page.locator(".stage.live[data-fps]")
        expect(stage).to_be_visible(timeout=240_000)
        # A calibrated critic gives its own samples a mean of exp(d) of 1; the flow then moves them.
        first = stage.get_attribute("data-logit")
        assert -20 < float(first) < 20
        expect(stage).not_to_have_attribute("data-logit", first)
        page.get_by_role("button", name="Draw again").click()
        expect(page.locator(".stage.brush canvas")).to_be_visible()
        assert not page.locator("[data-testid=stException]").count()

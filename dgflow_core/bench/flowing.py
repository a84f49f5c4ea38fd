"""Images and strings flowing in the browser: steps a second, frames a second, and when a knob acts."""

from __future__ import annotations

import statistics
from typing import Any

#: What flows, and how many of it.
MODELS, N = ("cifar10/sndcgan-ns", "billion_words/wgan-gp"), 16


def run(page, address: str, seconds: float) -> list[dict[str, Any]]:
    """A row for each of ``MODELS`` on the app's page of live images, as fast as it goes."""
    return [_flows(page, address, name, seconds) for name in MODELS]


def _flows(page, address: str, name: str, seconds: float) -> dict[str, Any]:
    page.goto(f"{address}/live-images?model={name}&n={N}&speed=40")
    stage = page.locator(".samples[data-state=ready][data-rate]")
    stage.wait_for()
    page.wait_for_timeout(4000)  # what the browser compiles as it goes is compiled
    steps, frames = [], []
    for _ in range(int(seconds * 2)):
        page.wait_for_timeout(500)
        steps.append(float(stage.get_attribute("data-rate")))
        frames.append(float(stage.get_attribute("data-fps")))
    lags = []
    for value in (0.3, 0.5, 0.7):
        stage.locator("input[data-setting=eta]").evaluate(
            "(input, v) => { input.value = v; input.dispatchEvent(new Event('input')); }", value
        )
        page.wait_for_timeout(1000)
        lags.append(int(stage.get_attribute("data-lag")))
    return {
        "model": name, "n": N, "steps_per_s": statistics.median(steps), "fps": statistics.median(frames),
        "least_fps": min(frames), "steps_until_a_knob_acts": max(lags),
    }  # fmt: skip

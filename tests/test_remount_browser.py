"""A page may take a component away and put it back while it plays: it goes on, and ends where it should.

React does so when a neighbour on the page waits for its code: what is shown is hidden, unmounted and mounted.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import dgflow_core as dg
from dgflow_core import pictures
from dgflow_core.kinds.text.transcript import Transcript
from dgflow_core.nets.sndcgan import SNDCGANGenerator
from dgflow_core.pictures import image_wall, text_payload
from dgflow_core.pictures.browser_bundle import Document
from tests.browser import launch
from tests.toys import image_model

pytestmark = pytest.mark.browser

LAST = "component({ data, parentElement, setStateValue });"
STEPS = 4


def player() -> bytes:
    x = np.linspace(-1, 1, STEPS + 1)[:, None, None].repeat(2, 2)
    panel = pictures.Panel((-2.0, 2.0, -2.0, 2.0), positions=x, logits=x[..., 0])
    return pictures.pack(pictures.Scene((panel,), STEPS, fps=10))


def wall() -> bytes:
    torch.manual_seed(0)
    model = image_model("Toy GAN", SNDCGANGenerator(4, 1, 2))
    return image_wall.pack(model, [dg.refine(model, n=4, steps=STEPS)], "a run")


def reader() -> bytes:
    symbols = torch.zeros(STEPS + 1, 2, 3, dtype=torch.uint8)
    logits = torch.zeros(STEPS + 1, 2)
    run = Transcript(logits[..., None], symbols, torch.full_like(symbols, 255), logits, "ab", {})
    return text_payload.pack([run], ["a run"], key="a run")


@pytest.fixture(scope="module")
def chromium():
    with launch() as browser:
        yield browser


@pytest.fixture(params=[player, wall, reader])
def shown(request, chromium, tmp_path):
    """A page on which ``mount()`` shows a component and returns what takes it away; and what it made."""
    name = request.param.__name__
    text = Document(name, request.param()).html()
    assert text.count(LAST) == 1
    file = tmp_path / "page.html"
    file.write_text(text.replace(LAST, f"globalThis.mount = () => {LAST}"), encoding="utf-8")
    page = chromium.new_page()
    page.goto(file.as_uri())
    page.wait_for_function("() => globalThis.mount")
    yield page, f"Object.values(globalThis.__dgflow.{name})[0]"
    page.close()


def test_what_played_goes_on_after_it_was_taken_away(shown):
    page, one = shown
    assert page.evaluate(
        f"async () => {{ const away = mount(); await new Promise((go) => setTimeout(go, 150)); "
        f"const before = {one}.playback.playing; away(); mount(); return before && {one}.playback.playing; }}"
    )
    page.wait_for_function(f"() => !{one}.playback.playing")
    assert page.evaluate(f"() => {one}.playback.at") == STEPS
    assert page.evaluate(f"() => {one}.root.dataset.playing") == "false"


def test_a_mount_that_is_taken_back_late_leaves_the_newer_one(shown):
    """Streamlit starts a mount, gets newer content before that is done, and then takes the first one back."""
    page, one = shown
    assert page.evaluate(
        f"() => {{ const first = mount(); const second = mount(); first(); "
        f"const there = {one}.root.childElementCount; second(); return there > 0 && {one} === undefined; }}"
    )


def test_an_older_mount_that_comes_late_and_is_taken_back_gives_way_to_the_newer_one(shown):
    """Streamlit's mounts run side by side: the one with the older content may be done last."""
    page, one = shown
    assert page.evaluate(
        f"() => {{ const newer = mount(); const was = {one}; let loads = 0; const load = was.load; "
        f"was.load = function (...content) {{ loads++; load.apply(this, content); }}; "
        f"const older = mount(); older(); const there = was.root.childElementCount; "
        f"const kept = {one} === was; newer(); return [there > 0, kept, loads, {one} === undefined]; }}"
    ) == [True, True, 2, True]

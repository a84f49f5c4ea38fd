"""What a run costs is known before it starts: counted by its method, said in one sentence where too much."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace

import pytest

import dgflow_core as dg
from app import export_menu, limits
from dgflow_core.errors import UserError
from dgflow_core.fields.network import ExactField
from dgflow_core.flow import price
from dgflow_core.flow.driver import Run
from dgflow_core.pictures import formats
from dgflow_core.pictures.formats import declaration
from dgflow_core.pictures.picture import Choice, picture_of
from dgflow_core.pictures.sheet import Look


class Counting(ExactField):
    """Counts the points at which it is asked."""

    asked = 0

    def evaluate(self, points):
        self.asked += len(points)
        return super().evaluate(points)


@pytest.mark.parametrize("name", list(dg.methods))
def test_no_method_asks_for_more_than_it_says(tiny, name):
    method = dg.methods[name]
    space = method.spaces[0]
    field, n = Counting(tiny, space), 40
    values = method.Settings.parse({"steps": 6})
    said = method.work(values, n)
    for _ in Run(tiny, name, n=n, steps=6, space=space, field=field):
        pass
    assert n * 7 <= field.asked <= said.evaluated
    assert said.evaluated <= 2 * field.asked


def test_burn_in_and_fresh_ratios_have_their_price(tiny):
    def seconds(**settings) -> float:
        return price.seconds(tiny, {"n": 100, "steps": 10, **settings})

    assert seconds(method="drs", burn_in=100_000) > 5 * seconds(method="drs", burn_in=100)
    assert seconds(method="exact", eta=10, bandwidth=0.01) > 20 * seconds(method="exact", eta=1e-4)
    assert seconds(method="mhgan") > seconds(method="dgflow")
    assert seconds(space="latent") > seconds()
    assert price.seconds(tiny, {"n": 100, "steps": 10}, tabulated=True) > 0


@pytest.mark.slow
def test_the_price_is_near_what_the_clock_says():
    import torch

    model, before = dg.load("25gaussians/wgan-gp", device="cpu"), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        took = []
        for _ in range(3):
            began = time.thread_time()
            dg.refine(model, n=2000, steps=10)
            took.append(time.thread_time() - began)
    finally:
        torch.set_num_threads(before)
    assert 0.1 < price.seconds(model, {"n": 2000, "steps": 10}) / min(took) < 10


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "mhgan", "n": 20_000, "steps": 160},
        {"method": "drs", "n": 100, "steps": 10, "burn_in": 1_000_000},
        {"method": "exact", "n": 20_000, "steps": 100, "eta": 100},
        {"method": "dgflow", "n": 20_000, "steps": 100, "space": "latent"},
    ],
)
def test_too_long_a_run_is_one_sentence_that_says_what_fits(settings, monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 20)
    model = dg.load("25gaussians/wgan-gp", device="cpu")
    settings = {"space": "data", **settings}
    with pytest.raises(UserError, match=r"this run would take [\d,]+ s, at most 20 s fit") as said:
        limits.check(model, settings)
    for n, steps in re.findall(r"n = ([\d,]+) with ([\d,]+) steps", str(said.value)):
        n, steps = (int(part.replace(",", "")) for part in (n, steps))
        limits.check(model, {**settings, "n": n, "steps": steps})
        with pytest.raises(UserError):
            limits.check(model, {**settings, "n": n + 1, "steps": steps})


def test_too_long_an_export_is_one_sentence_before_anything_is_drawn(monkeypatch):
    said, drawn = [], []
    monkeypatch.setattr(export_menu.st, "error", lambda words, icon: said.append(words))
    monkeypatch.setattr(export_menu, "_make", lambda *given: drawn.append(1))
    monkeypatch.setattr(limits, "SECONDS", 60)
    picture = SimpleNamespace()
    painter = SimpleNamespace(steps=1000, width=1086, height=1080)
    monkeypatch.setattr(declaration, "paint", lambda picture, look: painter)
    assert export_menu._wait(picture, formats.get(".mp4"), {"size": 1080}) is None
    assert not drawn
    assert said == [
        "MP4 is too much here: this file would take 80 s, at most 60 s fit; "
        "choose a smaller height, or fewer steps."
    ]
    limits.check_export(picture, formats.get(".png"), Look(size=1080))
    painter.width = painter.height = 360
    limits.check_export(picture, formats.get(".mp4"), Look(size=360))


def test_the_price_of_a_file_counts_its_frames(tiny):
    def seconds(steps: int, size: int) -> float:
        picture = picture_of(dg.refine(tiny, n=5, steps=steps), Choice(model=tiny))
        return formats.get(".gif").seconds(picture, Look(size=size))

    assert seconds(5, 240) == pytest.approx(2 * seconds(2, 240))
    assert seconds(2, 720) > 2 * seconds(2, 240)


@pytest.mark.slow
def test_defaults_of_every_model_are_affordable():
    for name in dg.models():
        model = dg.load(name, device="cpu")
        n = {"2d": 5000}.get(model.kind, 64)
        limits.check(model, {"n": n, "steps": 25, "space": "latent"})

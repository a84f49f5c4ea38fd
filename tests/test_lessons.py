"""Every lesson is true of the very run that its preset starts; its numbers are that run's."""

from __future__ import annotations

import re
from functools import cache

import pytest
from streamlit.testing.v1 import AppTest

import dgflow_core as dg
from app import panels, presets
from tests.conftest import REPO

FILES = {"flow": "flow2d", "compare": "compare", "latent": "latent", "grow": "grow"}
LESSONS = [(page, row["title"]) for page in FILES for row in presets.of(page)]


@cache
def lesson(page: str, title: str) -> str:
    """What the page says under its preset, with the run's numbers."""
    test = AppTest.from_file(str(REPO / "app" / "pages" / f"{FILES[page]}.py"), default_timeout=300)
    test.run()
    test.pills(key=f"{page}._preset").set_value(title).run()
    assert not test.exception
    assert not test.error
    start = next(row["lesson"] for row in presets.of(page) if row["title"] == title).split("{")[0]
    words = next(words.value for words in test.markdown if words.value.startswith(start))
    assert not re.search(r"\bstep \d", words), "a step that is told moves the player"
    return re.sub(r"\[(\d+)\]\(#step-\1\)", r"\1", words)


def numbers(page: str, title: str) -> list[float]:
    """The numbers that the run put into a lesson, in its order."""
    template = next(row["lesson"] for row in presets.of(page) if row["title"] == title)
    pattern = "([-0-9.e]+)".join(re.escape(words) for words in re.split(r"\{[^}]*\}", template))
    found = re.fullmatch(pattern, lesson(page, title))
    assert found, lesson(page, title)
    return [float(text) for text in found.groups()]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "title"), LESSONS)
def test_every_number_of_a_lesson_comes_from_its_run(page, title):
    assert "{" not in lesson(page, title)
    numbers(page, title)


def test_the_flow_lessons_are_true():
    before, after, _ = numbers("flow", "Mend the bridges")
    assert before < 30
    assert after > 99
    large, start = numbers("flow", "Too large a step")
    assert large < start
    first, best, step, missed, missed_before = numbers("flow", "Stale ratio too long")
    assert best < 0.9 * first
    assert 1 <= step < 50
    assert missed > 5 * missed_before
    assert numbers("flow", "JS on a raw critic")[0] < 85
    assert 60 < numbers("flow", "In latent space")[0] < 90
    assert 60 < numbers("flow", "DOT holds back")[0] < 90
    off, less, far, near = numbers("flow", "Swiss roll")
    assert less < off / 4
    assert near < far


def test_the_comparing_lessons_are_true():
    dgflow, dot, ddls = numbers("compare", "Side by side")
    assert dgflow > max(dot, ddls)
    rejection, chain, flow = numbers("compare", "Move or choose")
    assert flow > 3 * max(rejection, chain)


def test_the_latent_lessons_are_true():
    step, stale, fresh = numbers("latent", "Overshoot")
    assert fresh < stale
    noisy_step, noisy = numbers("latent", "Noise helps")
    assert abs(noisy_step - step) <= 1
    assert noisy < stale
    for title in ("Swiss roll", "In data space"):
        step, stale, fresh = numbers("latent", title)
        assert step < 50
        assert fresh < stale


def test_the_growing_lessons_are_true():
    modes, quality = numbers("grow", "Loop after loop")
    assert modes == 25
    assert quality > 80
    assert min(numbers("grow", "Four f, one start")) > 75
    off, less, missed = numbers("grow", "A curve, no modes")
    assert less < off / 10
    assert missed < 2


def test_the_default_run_mends_all_but_how_many_each_mode_gets():
    """With as many particles drawn from each mode, the same run is near the data."""
    import numpy as np

    from dgflow_core.fields.table import TabulatedField
    from dgflow_core.kinds.plane.metrics import sliced_wasserstein
    from dgflow_core.kinds.plane.reference import PlaneReference

    model, against = dg.load("25gaussians/wgan-gp"), PlaneReference(dg.datasets["25gaussians"])
    field, modes = TabulatedField(model, "data"), np.asarray(against.modes)

    def refined(**settings) -> np.ndarray:
        return dg.refine(model, n=2000, seed=0, field=field, **settings).samples[-1].numpy()

    def squares(points) -> np.ndarray:
        return np.square(points[:, None] - modes).sum(2)

    points, draw = refined(), np.random.default_rng(0)
    nearest = squares(points).argmin(1)
    even = np.concatenate([points[draw.choice(np.flatnonzero(nearest == k), 80)] for k in range(len(modes))])
    assert sliced_wasserstein(even[None], against)[0] < sliced_wasserstein(points[None], against)[0] / 3

    still = squares(refined(gamma=0.0, steps=200)).min(1)
    spread = np.sqrt(np.mean(still[still < (4 * against.target.std) ** 2]) / 2)
    assert spread < 0.9 * against.target.std, "without noise, modes are narrower than the data"


def panel_runs(title: str, *names: str, **others) -> list:
    """The runs of some panels of a preset of Compare, from the same 500 samples."""
    state = next(row["state"] for row in presets.of("compare") if row["title"] == title)
    model = dg.load("25gaussians/wgan-gp")
    return [dg.refine(model, **{**panels.read(state[name]).run(500, 0), **others}) for name in names]


def test_f_decides_who_moves():
    kl, js, log_d = panel_runs("f decides who moves", "p2", "p3", "p4", steps=1, gamma=0.0)
    far = [(run.positions[1] - run.positions[0]).norm(dim=1) for run in (kl, js, log_d)]
    looks_real = kl.logits[0] > kl.logits[0].median()
    for moved, more in ((far[1], looks_real), (far[2], ~looks_real)):
        share = moved / far[0].clamp_min(1e-9)  # beside KL, which moves everybody alike
        assert share[more].mean() > 1.2 * share[~more].mean()


def test_one_step_of_dot_is_one_step_of_dgflow():
    flow, dot = panel_runs("One step of each", "p1", "p2")
    assert (flow.positions[-1] - dot.positions[-1]).abs().max() < 1e-4
    assert (flow.positions[-1] - flow.positions[0]).abs().max() > 1e-3


def test_ddls_is_dgflow_with_the_pull_of_the_prior():
    flow, ddls = panel_runs("DDLS is DGflow + prior", "p1", "p2", steps=1)
    pull, start = ddls.positions[1] - flow.positions[1], flow.positions[0]
    strength = (-(pull * start).sum() / (start * start).sum()).item()
    assert strength > 0
    assert (pull + strength * start).abs().max() < 1e-3 * start.abs().max()

"""The lessons of Images and Text are true of the runs that their presets start, with fewer samples."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

import dgflow_core as dg
from app import panels, presets, variations
from app.pages import images, text
from dgflow_core.flow.driver import Run
from dgflow_core.flow.latent_walk import walk_through
from dgflow_core.kinds.text.metrics import per_step, reference
from dgflow_core.kinds.text.transcript import Transcriber, Transcript
from dgflow_core.prepare import first_run


def preset(page: str, title: str) -> dict:
    return next(row["state"] for row in presets.of(page) if row["title"] == title)


def begun(name: str):
    """The run that a page begins with."""
    model = dg.load(name, device="cpu")
    return first_run.read(model, first_run.settings(model.kind))


# ---- images ---------------------------------------------------------------------------------


def wall(title: str, n: int = 12) -> dg.Trajectory:
    """The run of a preset, with ``n`` pictures."""
    state = preset("images", title)
    model = dg.load(state.get("model", images.declared()["model"].default), device="cpu")
    model = model if state.get("corrector", True) else model.without_corrector()
    own = {name.removeprefix("dgflow."): value for name, value in state.items() if name.startswith("dgflow.")}
    return dg.refine(model, n=n, seed=0, space="latent", **{**images.KIND.defaults["dgflow"], **own})


def moved(run: dg.Trajectory) -> np.ndarray:
    """How far each picture moved: the mean difference of its pixels, (n,)."""
    return (run.samples[-1] - run.samples[0]).flatten(1).abs().mean(1).numpy()


def edges(pictures) -> float:
    """The mean difference between neighbouring pixels: little where all is blur."""
    return float((pictures[..., 1:] - pictures[..., :-1]).abs().mean())


def broken_ones_are_mended():
    run = begun("fashion_mnist/sndcgan-r1")
    order = run.logits[0].numpy().argsort()
    bad, good = moved(run)[order[:16]].mean(), moved(run)[order[-16:]].mean()
    assert 0.4 < good / bad < 0.6, "good pictures move about half as far"
    assert (run.logits[-1] > run.logits[0]).float().mean() > 0.9


@cache
def vae(corrected: bool) -> dg.Trajectory:
    return wall("A VAE, mended" if corrected else "No corrector")


def blur_gets_edges():
    run = vae(True)
    assert edges(run.samples[-1]) > 1.15 * edges(run.samples[0])


def a_borrowed_critic_mends_less():
    base, mended, less = (
        edges(run.samples[step]) for run, step in ((vae(True), 0), (vae(True), -1), (vae(False), -1))
    )
    assert less - base < 0.5 * (mended - base)
    assert moved(vae(False)).mean() < 0.6 * moved(vae(True)).mean()


def good_ones_grow_hard():
    run = wall("Past its time", 16)
    model = dg.load("cifar10/sndcgan-ns")
    assert model.config["quality"]["DGflow(KL)"]["steps"] == 8, "best after about 8 steps"
    good = run.logits[0].numpy().argsort()[-8:]
    hard = [float((run.samples[step][good].abs() > 0.9).float().mean()) for step in (8, 25, 40, 80)]
    assert hard == sorted(hard)
    assert hard[-1] > 2 * hard[0]


def the_wall_turns_white():
    run = wall("Too large a step", 16)
    away = run.positions.norm(dim=-1).mean(1)
    assert away[-1] > 1.5 * away[0], "far out of the prior"
    white = [float((run.samples[step] > 0.9).float().mean()) for step in (0, -1)]
    assert white[1] > 5 * white[0]


@cache
def grid(title: str) -> list[dg.Trajectory]:
    """The runs of a preset's rows."""
    state = preset("images", title)
    model, name = dg.load(state["model"], device="cpu"), state.get("method", "dgflow")
    own = {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
    settings = {**images.KIND.defaults[name], **own, "method": name, "space": "latent", "seed": 0}
    rows = variations.rows(state["over"], settings, model, {})
    return [dg.refine(row.model or model, **row.settings) for row in rows]


def pixels_get_grain():
    codes, pixels = grid("Pixels or codes")
    before = edges(pixels.samples[0])
    assert edges(pixels.samples[-1]) > 2 * before
    assert edges(codes.samples[-1]) < 1.5 * before
    assert pixels.logits[-1].mean() > 2 * codes.logits[-1].mean(), "the critic is delighted"


def a_fresh_logit_stays():
    stale, fresh = grid("A ratio that stays fresh")
    hard = [
        [float((run.samples[step].abs() > 0.9).float().mean()) for step in (8, 25, 50)]
        for run in (stale, fresh)
    ]
    assert hard[0] == sorted(hard[0])
    assert hard[0][-1] > 1.5 * hard[1][-1]
    assert stale.logits[-1].mean() > 3
    assert abs(fresh.logits[-1].mean()) < 1


# ---- text -----------------------------------------------------------------------------------


def transcripts(title: str, n: int, **others) -> list[Transcript]:
    """The run of each panel of a preset, with ``n`` strings."""
    state = preset("text", title)
    model = dg.load(state.get("model", text.MODEL), device="cpu")
    made = []
    for number in range(1, state.get("panels", 1) + 1):
        panel = panels.read(state.get(f"p{number}", text.PANELS[number - 1]), text.GROUND)
        recorder = Transcriber(Run(model, **{**panel.run(n, 0), **others}))
        for frame in recorder.run:
            recorder.add(frame)
        made.append(recorder.trajectory())
    return made


def kept(run: Transcript, step: int = 0) -> float:
    """The share of letters at the end that were the same at ``step``."""
    return float((run.symbols[step] == run.symbols[-1]).float().mean())


def reach(run: Transcript) -> np.ndarray:
    """The mean length of the codes at every step."""
    return run.positions.norm(dim=-1).mean(1).numpy()


def curves(run: Transcript) -> dict[str, np.ndarray]:
    """What was measured at every step, by its title."""
    return {curve.name: curve.values for curve in per_step(run, reference("billion_words"))}


def half_becomes_two_of_three():
    run = begun(text.MODEL)
    assert (run.settings["gamma"], run.settings["eta"], run.steps) == (0, 1, 8)
    known, js4 = (curves(run)[name] for name in ("Known words", "JS-4"))
    assert 40 < known[0] < 50
    assert 67 < known[-1] < 75
    assert js4[-1] < js4[0] - 0.1


def small_steps_mend_words():
    (run,) = transcripts("The paper's steps", 64)
    assert (run.settings["gamma"], run.settings["eta"], run.steps) == (0, 0.1, 50)
    known, js4 = (curves(run)[name] for name in ("Known words", "JS-4"))
    assert known[-1] > known[0] + 5
    assert js4[-1] < js4[0] - 0.05


def two_keep_most_letters():
    dgflow, dot, ddls = transcripts("Side by side", 12)
    assert min(kept(dgflow), kept(dot)) > 0.65
    assert kept(ddls) < 0.3


def f_sets_the_pace():
    tilts = []
    for run in transcripts("f sets the pace", 24, steps=4):
        far = (run.positions[-1] - run.positions[0]).norm(dim=1)
        tilts.append(np.corrcoef(far, run.logits[0])[0, 1])
    assert abs(tilts[0]) < 0.3
    assert tilts[1] > 0.3
    assert tilts[2] < -0.3


def large_steps_settle_at_once():
    (run,) = transcripts("Large steps", 12)
    assert kept(run, 5) > 0.95
    assert reach(run)[-1] > 1.5 * reach(run)[0]


def noise_changes_most_letters():
    (noisy,), (calm,) = transcripts("Much noise", 12), transcripts("The paper's steps", 12)
    assert kept(noisy) < 0.5 < kept(calm)


def codes_shrink():
    (run,) = transcripts("DDLS shrinks", 24)
    assert reach(run)[-1] < 0.25 * reach(run)[0]
    js = curves(run)["JS-4"]
    assert js[-1] > js.min() + 0.02


def the_whole_way_mends():
    run = begun(text.MODEL)
    walk = walk_through(dg.load(text.MODEL), run, 0, 1)
    assert walk.n == 12
    assert (walk.logits[-1] > walk.logits[0]).float().mean() > 0.9


CLAIMS = {
    "images": {
        "Mend broken pictures": broken_ones_are_mended,
        "A VAE, mended": blur_gets_edges,
        "No corrector": a_borrowed_critic_mends_less,
        "Past its time": good_ones_grow_hard,
        "Too large a step": the_wall_turns_white,
        "Pixels or codes": pixels_get_grain,
        "A ratio that stays fresh": a_fresh_logit_stays,
    },
    "text": {
        "Mend the words": half_becomes_two_of_three,
        "The paper's steps": small_steps_mend_words,
        "Side by side": two_keep_most_letters,
        "f sets the pace": f_sets_the_pace,
        "Large steps": large_steps_settle_at_once,
        "Much noise": noise_changes_most_letters,
        "DDLS shrinks": codes_shrink,
        "A walk": the_whole_way_mends,
    },
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "title"), [(page, row["title"]) for page in CLAIMS for row in presets.of(page)]
)
def test_what_the_lesson_says_is_true(page, title):
    CLAIMS[page][title]()


def test_every_page_with_presets_has_its_lessons_tested():
    pages = json.loads(presets.FILE.read_text(encoding="utf-8"))
    assert set(pages) == {"flow", "compare", "latent", "grow", *CLAIMS}  # the first four: test_lessons.py

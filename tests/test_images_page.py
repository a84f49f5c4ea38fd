"""The images page through Streamlit's AppTest: views, stopping rules, links, and how often it computes."""

from __future__ import annotations

import pytest
import torch
from streamlit.testing.v1 import AppTest

import dgflow_core as dg
from app import results, variations
from dgflow_core.flow import stopping
from dgflow_core.flow.driver import Run
from dgflow_core.nets.ladder import CriticLadder
from dgflow_core.nets.sndcgan import SNDCGANGenerator
from dgflow_core.nets.vae import DCGANDecoder
from dgflow_core.zoo import shelf
from tests import pages
from tests.browser import ROOT
from tests.toys import image_model

PAGE = str(ROOT / "app" / "pages" / "images.py")


@pytest.fixture(autouse=True)
def stocked(tmp_path, monkeypatch):
    """Two toy models in place of those that ship."""
    torch.manual_seed(0)
    root = tmp_path / "pretrained" / "fashion_mnist"
    shelf.save(image_model("Toy GAN", SNDCGANGenerator(4, 1, 2)), root / "sndcgan-ns")
    shelf.save(image_model("Toy VAE", DCGANDecoder(4, 1, 2), corrector=True), root / "vae")
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(root.parent))


@pytest.fixture
def runs(monkeypatch):
    """Every run that was started, as its settings."""
    started = []
    iterate = Run.__iter__

    def counted(run):
        started.append(run.settings | {"space": run.space})
        return iterate(run)

    monkeypatch.setattr(Run, "__iter__", counted)
    return started


def visit(**query) -> AppTest:
    return pages.visit("images", **{"n": "4", "steps": "3", **query})


@pytest.mark.slow
def test_display_choices_compute_nothing_again(runs):
    test = visit(seed="71")
    assert len(runs) == 1
    for name, value in (
        ("order", "improved"),
        ("sample", 3),
        ("pane", "map"),
        ("shown", "base"),
        ("step", 2),
    ):
        test.session_state[f"images.{name}"] = value
        test.run()
        assert not test.exception
    assert len(runs) == 1
    test.session_state["images.seed"] = 72
    test.run()
    assert len(runs) == 2


@pytest.mark.slow
@pytest.mark.parametrize("what", [what for what in variations.OVER if what != "ratio"])
def test_a_grid_has_a_row_for_every_value(what, runs):
    seed = 730 + list(variations.OVER).index(what)  # the grids share a run, which is computed once
    test = visit(view="grid", over=what, seed=str(seed))
    assert not test.error
    assert {run["n"] for run in runs} == {variations.COLUMNS}
    assert {run["seed"] for run in runs} == {seed}
    values = [run.get(what, "steps") for run in runs]
    assert len(values) == len(set(values)) >= (2 if what == "space" else 4)
    others = [{k: v for k, v in run.items() if k != what} for run in runs]
    assert what == "method" or all(other == others[0] for other in others)
    assert test.query_params["view"] == "grid"
    again = len(runs)
    test.run()
    assert len(runs) == again


@pytest.mark.slow
def test_a_grid_over_the_ratio_follows_one_critic_and_a_ladder(tmp_path, runs):
    model = image_model("Toy ladder", SNDCGANGenerator(4, 1, 2))
    ladder = CriticLadder([0.1], 1, 2)
    with torch.no_grad():
        for value in ladder.parameters():
            value.mul_(2)
    model.config["ladder"] = {"architecture": "critic_ladder", "arguments": ladder.arguments}
    parts = model.generator, model.critic
    laddered = dg.Model(model.config, model.prior, *parts, device="cpu", ladder=ladder)
    shelf.save(laddered, tmp_path / "pretrained" / "fashion_mnist" / "sndcgan-ns+ladder")
    test = visit(model="fashion_mnist/sndcgan-ns+ladder", view="grid", over="ratio", seed="75")
    assert not test.error
    assert not test.exception
    store = results.store()
    kept = [store.get(name) for name in store.names()]
    stale, fresh = (run for run in kept if getattr(run, "settings", {}).get("seed") == 75)
    assert torch.equal(stale.samples[1], fresh.samples[1])  # the first move is the shipped critic's
    assert not torch.equal(stale.samples[3], fresh.samples[3])
    assert len(runs) == 2


@pytest.mark.slow
def test_the_rows_of_a_grid_start_from_the_same_samples():
    from dgflow_core.pictures.image_wall import side_by_side

    test = visit(view="grid", over="eta", seed="74")
    assert not test.exception
    store = results.store()
    kept = [store.get(name) for name in store.names()]
    kept = [run for run in kept if getattr(run, "n", 0) == variations.COLUMNS]
    kept = [run for run in kept if run.settings["seed"] == 74]
    samples, logits = side_by_side(kept)
    assert samples.shape[:2] == logits.shape == (4, len(kept) * variations.COLUMNS)
    start = samples[0].unflatten(0, (len(kept), variations.COLUMNS))
    assert all(torch.equal(start[0], row) for row in start)


def test_a_shorter_run_rests_on_its_last_frame():
    from dgflow_core.pictures.image_wall import side_by_side

    model = dg.load("fashion_mnist/sndcgan-ns", device="cpu")
    long, short = (dg.refine(model, n=2, steps=steps, space="latent") for steps in (4, 1))
    samples, logits = side_by_side([long, short])
    assert torch.equal(samples[:2, 2:], short.samples)
    for step in (2, 3, 4):
        assert torch.equal(samples[step, 2:], short.samples[1])
        assert torch.equal(logits[step, 2:], short.logits[1])


@pytest.mark.slow
@pytest.mark.parametrize("rule", [rule for rule in stopping.TITLES if rule != "steps"])
def test_every_stopping_rule_has_its_link_and_says_its_steps(rule, runs):
    test = visit(until=rule, steps="6")
    assert runs[-1]["until"] == rule
    assert test.query_params["until"] == rule
    assert any("of 6 steps on average" in caption.value for caption in test.caption)


@pytest.mark.slow
def test_rules_that_cannot_be_followed_are_not_offered(runs):
    test = visit(model="fashion_mnist/vae", corrector="0", until="real50")
    assert "until" not in runs[-1]  # without its corrector nobody knows the logits of real images
    assert test.selectbox(key="images.until").options == ["after all N steps", "when steps stop paying"]
    test = visit(method="drs", until="flat")
    assert not test.error
    assert "until" not in runs[-1]


BAD_LINKS = """
until=never: until must be one of steps
view=film: view must be one of wall, grid
over=gamma: over must be one of method
pane=9: pane must be one of logits, map
model=own/../../etc: model must be one of
model=own/upload: model must be one of
sample=-2: sample must be a whole number
"""


@pytest.mark.slow
@pytest.mark.parametrize("link", BAD_LINKS.strip().splitlines())
def test_bad_links_are_said_in_a_sentence(link):
    said, words = link.split(": ", 1)
    assert words in visit(**dict([said.split("=")])).warning[0].value

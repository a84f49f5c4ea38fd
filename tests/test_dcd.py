"""Critics that go on from a WGAN-GP: contrastive divergence and the density ratio."""

from __future__ import annotations

import pytest
import torch

import dgflow_core as dg
from dgflow_core import training
from dgflow_core.kinds.plane import metrics as planar
from dgflow_core.training import loop
from dgflow_core.zoo import shelf


def small(tiny, tmp_path, name: str, **changes):
    shelf.save(tiny, tmp_path / "base", tiny.config | {"dataset": "25gaussians"})
    recipe = training.get(name)
    return recipe.model_copy(
        update={"base": str(tmp_path / "base"), "iterations": 4, "batch": 16, "watch_samples": 30, **changes}
    )


@pytest.mark.parametrize("name", ["25gaussians/dcd", "25gaussians/ratio"])
def test_only_the_critic_learns_and_a_stopped_run_goes_on_exactly(tiny, tmp_path, name):
    recipe = small(tiny, tmp_path, name)
    whole = recipe.trainer(torch.device("cpu"), None)
    list(loop.TrainingRun(recipe, whole, tmp_path / "whole"))
    first = recipe.trainer(torch.device("cpu"), None)
    for iteration, _ in loop.TrainingRun(recipe, first, tmp_path / "parts"):
        if iteration == 2:
            break
    second = recipe.trainer(torch.device("cpu"), None)
    list(loop.TrainingRun(recipe, second, tmp_path / "parts"))
    for a, b in zip(whole.critic.parameters(), second.critic.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(whole.critic[0].weight, tiny.critic[0].weight)
    z = tiny.prior.sample(10, 0)
    assert torch.equal(whole.model().generate(z), tiny.generate(z))


def test_the_ratio_critic_learns_to_tell_real_from_generated(tiny, tmp_path):
    recipe = small(tiny, tmp_path, "25gaussians/ratio", batch=256, learning_rate=3e-3)
    trainer = recipe.trainer(torch.device("cpu"), None)
    losses = [trainer.step(i)["critic_loss"] for i in range(1, 81)]
    assert losses[-1] < losses[0] - 0.1


def test_shipped_dcd_shares_its_generator_and_improves_the_base():
    critic, base_model = dg.load("25gaussians/dcd"), dg.load("25gaussians/wgan-gp")
    z = base_model.prior.sample(100, 0)
    assert torch.equal(critic.generate(z), base_model.generate(z))
    target = dg.datasets["25gaussians"]
    run = dg.refine(critic, "langevin", n=500)
    before, after = (planar.high_quality(run.samples[k].numpy(), target.modes, target.std) for k in (0, -1))
    assert after > before + 30

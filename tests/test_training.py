"""Training: a few iterations, a checkpoint, and going on exactly where it stopped."""

from __future__ import annotations

import json
import math

import pytest
import torch

import dgflow_core as dg
from dgflow_core import training
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.training import loop
from dgflow_core.training.recipes.planar_gan import PlanarTrainer, PlanarWGANGP, gradient_penalty
from dgflow_core.zoo import shelf

CPU = torch.device("cpu")


def recipe(iterations: int, **changes) -> PlanarWGANGP:
    return PlanarWGANGP(
        name="25gaussians/test", title="Test", dataset="25gaussians", iterations=iterations, hidden=16,
        batch=32, **changes,
    )  # fmt: skip


def weights(model: dg.Model) -> list[torch.Tensor]:
    return [v for net in (model.generator, model.critic) for v in net.state_dict().values()]


def test_two_iterations_make_a_model_that_can_be_kept(tmp_path):
    m = loop.train(recipe(2), tmp_path / "run", CPU)
    log = [json.loads(line) for line in (tmp_path / "run" / loop.LOG).read_text().splitlines()]
    assert log[-1]["iteration"] == 2
    for name in ("wasserstein", "logit_real", "logit_fake", "base_high_quality", "refined_high_quality"):
        assert math.isfinite(log[-1][name])
    again = dg.load(shelf.save(m, tmp_path / "model"), device="cpu")
    assert all(torch.equal(a, b) for a, b in zip(weights(m), weights(again), strict=True))
    assert again.config["recipe"]["iterations"] == 2
    assert set(again.config["quality"]) == {"base", "DGflow(KL)"}
    assert again.config["seed"] == 0
    assert dg.calibration_offset(again, 5000) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("after", [1, 2, 4])
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, after):
    whole = loop.train(recipe(5), tmp_path / "whole", CPU)
    calls = iter([False] * (after - 1) + [True] * 10)
    torch.manual_seed(99)  # nothing may hang on what was drawn before
    assert loop.train(recipe(5), tmp_path / "parts", CPU, stop=lambda: next(calls)) is None
    parts = loop.train(recipe(5), tmp_path / "parts", CPU)
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(parts), strict=True))
    assert whole.logit_offset == parts.logit_offset


def test_a_finished_run_is_only_finished_again(tmp_path):
    one = loop.train(recipe(2), tmp_path / "run", CPU)
    two = loop.train(recipe(2), tmp_path / "run", CPU)
    assert one.digest == two.digest


def test_a_failure_within_an_iteration_is_not_kept(tmp_path):
    """What is saved is the last whole iteration, not the half of one."""
    trainer = recipe(9).trainer(CPU, None)
    descend, calls = trainer.descend, []

    def fail(*args):
        calls.append(args)
        if len(calls) == 9:  # in the midst of the second iteration
            raise KeyboardInterrupt
        return descend(*args)

    trainer.descend = fail
    with pytest.raises(KeyboardInterrupt):
        for _ in loop.steps(recipe(9), trainer, tmp_path / "run", save_every=1):
            pass
    assert torch.load(tmp_path / "run" / loop.CHECKPOINT, weights_only=True)["iteration"] == 1


def test_another_recipes_checkpoint_is_refused(tmp_path):
    loop.train(recipe(1), tmp_path / "run", CPU)
    with pytest.raises(ValueError, match="run folder 'run' holds a checkpoint of another recipe"):
        loop.train(recipe(1, penalty=10.0), tmp_path / "run", CPU)


def test_seeds_differ(tmp_path):
    one, two = (loop.train(recipe(1, seed=seed), tmp_path / str(seed), CPU) for seed in (0, 1))
    assert one.digest != two.digest


def test_training_learns_something():
    """A few dozen iterations bring the generator's scale nearer to the data's."""
    trainer = PlanarTrainer(recipe(40, learning_rate=1e-3), plane_datasets.get("25gaussians"), CPU)
    target = float(plane_datasets.get("25gaussians").sample(2000, 0).std())

    def gap():
        m = trainer.model()
        return abs(float(m.generate(m.prior.sample(2000, 0)).std()) - target)

    before = gap()
    for iteration in range(1, 41):
        trainer.step(iteration)
    assert gap() < 0.8 * before


def test_gradient_penalty_of_a_linear_critic():
    """For d(x) = a·x the penalty is (‖a‖ − 1)²."""
    critic = torch.nn.Linear(2, 1, bias=False)
    critic.weight.data = torch.tensor([[3.0, 4.0]])
    value = gradient_penalty(critic, torch.randn(8, 2), torch.randn(8, 2), torch.Generator().manual_seed(0))
    assert float(value.detach()) == pytest.approx(16)


def test_recipes_are_named_like_models():
    for name, row in training.recipes.items():
        assert name == row.name
        assert name.count("/") == 1
        assert row.iterations >= 1
    with pytest.raises(ValueError, match="recipe must be one of"):
        training.get("nothing")

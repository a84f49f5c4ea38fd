"""Training of text models: each phase moves its own networks, and a resumed run ends the same."""

from __future__ import annotations

import json
import random

import pytest
import torch

import dgflow_core as dg
from dgflow_core.kinds.text import corpus as text
from dgflow_core.training import loop
from dgflow_core.training.recipes import character_gan
from dgflow_core.training.recipes.character_gan import CharacterGAN
from dgflow_core.zoo import shelf

CPU = torch.device("cpu")
RECIPE = CharacterGAN(
    name="billion_words/test", title="Test", dataset="billion_words", iterations=7, decoder_iterations=2,
    critic_iterations=1, game_iterations=3, critic_steps=2, dim=4, width=8, blocks=1, batch=8,
    watch_samples=20, finish_samples=20,
)  # fmt: skip


@pytest.fixture
def root(tmp_path):
    rng = random.Random(0)
    words = ["flow", "gradient", "of", "a", "ratio", "moves", "every", "string", "towards", "data"]
    lines = (" ".join(rng.choices(words, k=12)) for _ in range(60))
    (tmp_path / "billion_words").mkdir()
    (tmp_path / "billion_words" / "all.txt").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def weights(net: torch.nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten() for value in net.state_dict().values()])


def test_each_phase_moves_its_own_networks(root):
    trainer = RECIPE.trainer(CPU, root)
    seen = []
    for iteration in range(1, 8):
        before = [weights(net) for net in (trainer.generator, trainer.critic, trainer.encoder)]
        numbers = trainer.step(iteration)
        after = [weights(net) for net in (trainer.generator, trainer.critic, trainer.encoder)]
        seen.append([not torch.equal(a, b) for a, b in zip(before, after, strict=True)])
        assert ("cross_entropy" in numbers) == (iteration <= 2)
    alone, game = [False, True, False], [True, True, False]
    assert seen[:4] == [[True, False, True]] * 2 + [alone, game]
    assert seen[4:] == [game, game, alone]


def test_the_critic_ends_against_the_generator_that_ships(root):
    trainer = RECIPE.trainer(CPU, root)
    apart = []
    for iteration in range(1, 8):
        trainer.step(iteration)
        apart.append(not torch.equal(weights(trainer.generator), weights(trainer.average.module)))
    assert apart == [
        False,
        False,
        False,
        False,
        True,
        False,
        False,
    ]  # at first an average is what it averages


@pytest.mark.slow
def test_a_finished_model_is_calibrated_measured_and_loads(root):
    made = loop.train(RECIPE, root / "run", CPU, root)
    log = [json.loads(line) for line in (root / "run" / loop.LOG).read_text().splitlines()]
    assert 0 < log[-1]["js4"] <= 1
    again = dg.load(shelf.save(made, root / "model"), device="cpu")
    assert again.sample_shape == (text.LENGTH, len(again.config["alphabet"]))
    assert set(again.config["quality"]) >= {"base", "DGflow(KL)"}
    refined, chosen = again.config["quality"]["DGflow(KL)"], again.config["selection"]["steps"]
    assert refined["eta"] == chosen["eta"] in character_gan.SIZES
    assert refined["steps"] == chosen["steps"] in range(1, character_gan.MOST + 1)
    assert chosen["seed"] != again.config["measurement"]["seed"]
    assert 0 < again.config["quality"]["base"]["js6"] <= 1
    assert dg.calibration_offset(again, 4000) == pytest.approx(0, abs=0.1)
    levels = list(again.config["real_logits"].values())
    assert levels == sorted(levels)


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 3, 4, 6])
def test_a_resumed_run_ends_with_the_same_bits(root, after):
    whole = loop.train(RECIPE, root / "whole", CPU, root)
    calls = iter([False] * (after - 1) + [True] * 10)
    assert loop.train(RECIPE, root / "parts", CPU, root, stop=lambda: next(calls)) is None
    assert loop.train(RECIPE, root / "parts", CPU, root).digest == whole.digest

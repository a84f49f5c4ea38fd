"""Training: a few iterations, a checkpoint, and going on exactly where it stopped."""

from __future__ import annotations

import ast
import json
import math
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest
import torch

import dgflow_core as dg
from dgflow_core import reports, training
from dgflow_core.cli import main
from dgflow_core.errors import UserError
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane.drawn_points import SIDE
from dgflow_core.reports.step_curves import CHOICE_SEED
from dgflow_core.training import drawn as drawing_process
from dgflow_core.training import loop, network_trainer, shipping, together
from dgflow_core.training.adversarial import frozen, gradient_penalty
from dgflow_core.training.network_trainer import averaged
from dgflow_core.training.recipes.image_gan import ImageGAN
from dgflow_core.training.recipes.planar_gan import PlanarTrainer, PlanarWGANGP
from dgflow_core.zoo import shelf

CPU = torch.device("cpu")
REPO = Path(__file__).resolve().parent.parent


def recipe(iterations: int, **changes) -> PlanarWGANGP:
    return PlanarWGANGP(
        name="25gaussians/test", title="Test", dataset="25gaussians", iterations=iterations, hidden=16,
        batch=32, watch_samples=50, finish_samples=100, **changes,
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
    assert again.config["measurement"]["samples"] == again.config["recipe"]["finish_samples"] == 100
    assert again.config["measurement"]["seed"] not in (shipping.STATE_SEED, shipping.STEPS_SEED)
    assert again.config["selection"] == {"note": "nothing was chosen: the last state ships"}
    assert dg.calibration_offset(again, 5000) == pytest.approx(0, abs=0.1)


@pytest.mark.slow
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
        for _ in loop.TrainingRun(recipe(9), trainer, tmp_path / "run", save_every=1):
            pass
    assert torch.load(tmp_path / "run" / loop.CHECKPOINT, weights_only=True)["iteration"] == 1


def test_another_recipes_checkpoint_is_refused(tmp_path):
    loop.train(recipe(1), tmp_path / "run", CPU)
    with pytest.raises(ValueError, match="run folder 'run' holds a checkpoint of another recipe"):
        loop.train(recipe(1, penalty=10.0), tmp_path / "run", CPU)


def test_more_iterations_are_what_a_fresh_run_gives_and_fewer_are_refused(tmp_path):
    loop.train(recipe(2), tmp_path / "run", CPU)
    more, fresh = loop.train(recipe(5), tmp_path / "run", CPU), loop.train(recipe(5), tmp_path / "fresh", CPU)
    assert more.digest == fresh.digest
    assert more.config["recipe"] == fresh.config["recipe"]
    with pytest.raises(UserError, match=r"iterations: run folder 'run' has done 5 already"):
        loop.train(recipe(3), tmp_path / "run", CPU)


class Falling:
    """A trainer whose rate hangs on how many iterations there are; it learns nothing else."""

    def __init__(self, recipe: ImageGAN):
        self.recipe, self.rates = recipe, []

    def step(self, iteration):
        self.rates.append(self.recipe.rate_factor(iteration))
        return {}

    def state(self):
        return {"rates": self.rates}

    def restore(self, state):
        self.rates = state["rates"]

    def watch(self, iteration, folder):
        return {}


def test_other_iterations_are_refused_where_rates_hang_on_them(tmp_path):
    short, long = (
        ImageGAN(name="a/b", title="", dataset="cifar10", iterations=n, critic_share=0.2) for n in (10, 20)
    )
    assert [short.rate_factor(i) for i in range(1, 11)] != [long.rate_factor(i) for i in range(1, 11)]
    list(loop.TrainingRun(short, Falling(short), tmp_path / "run"))
    for other in (long, short.model_copy(update={"iterations": 11})):
        with pytest.raises(UserError, match=r"^iterations: run folder 'run' was begun for 10, and the rates"):
            loop.TrainingRun(other, Falling(other), tmp_path / "run")
    again = Falling(short)
    assert loop.TrainingRun(short, again, tmp_path / "run").iteration == 10
    assert again.rates == [short.rate_factor(i) for i in range(1, 11)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda saved: saved.pop("layout"), "checkpoint of another version"),
        (lambda saved: saved["trainer"].pop("schedules"), None),  # this trainer has none
        (lambda saved: saved["trainer"].pop("networks"), "checkpoint of other networks"),
        (lambda saved: saved["trainer"]["networks"]["critic"].popitem(), "checkpoint of other networks"),
    ],
)
def test_a_checkpoint_of_an_older_trainer_is_one_sentence(tmp_path, change, words):
    loop.train(recipe(1), tmp_path / "run", CPU)
    path = tmp_path / "run" / loop.CHECKPOINT
    saved = torch.load(path, weights_only=True)
    change(saved)
    torch.save(saved, path)
    if words is None:
        assert loop.train(recipe(1), tmp_path / "run", CPU) is not None
        return
    with pytest.raises(UserError, match=words):
        loop.train(recipe(1), tmp_path / "run", CPU)


def test_a_damaged_checkpoint_is_one_sentence(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / loop.CHECKPOINT).write_bytes(b"nothing of ours")
    with pytest.raises(UserError, match=r"^run folder 'run': checkpoint.pt is damaged"):
        loop.train(recipe(1), tmp_path / "run", CPU)


def test_seconds_add_up_over_the_times_a_run_is_begun(tmp_path, monkeypatch):
    clock = iter(range(0, 10**6, 2))  # every look at it is two seconds later
    monkeypatch.setattr(loop.time, "monotonic", lambda: next(clock))
    calls = iter([False, True])
    assert loop.train(recipe(4), tmp_path / "run", CPU, stop=lambda: next(calls)) is None
    made = loop.train(recipe(4), tmp_path / "run", CPU)
    log = [json.loads(line) for line in (tmp_path / "run" / loop.LOG).read_text().splitlines()]
    assert made.config["training_seconds"] == log[-1]["seconds"] == 8


def test_no_repeat_of_a_table_begins_with_samples_that_a_choice_was_made_on():
    most = 100  # repeats, from seed 0
    assert min(shipping.STATE_SEED, shipping.STEPS_SEED, shipping.MEASUREMENT_SEED, CHOICE_SEED) >= most
    with pytest.raises(UserError, match=f"repeats must be a whole number from 1 to {most}"):
        reports.tables["images"].run(Namespace(repeats=most + 1, n=10))


@pytest.mark.parametrize("name", [name for name in shelf.models() if "/" in name])
def test_every_config_tells_recipe_time_seed_data_selection_and_measurement_apart(name):
    config = shelf.describe(name)
    assert {"recipe", "seed", "data", "quality", "selection", "measurement"} <= config.keys()
    assert config["recipe"]["seed"] == config["seed"]
    seconds = config["training_seconds"]  # None: made before it was noted
    assert seconds is None or seconds > 0
    assert config["selection"].keys() & {"note", "steps", "iteration", "what"}
    assert {"samples", "seed"} <= config["measurement"].keys() or "seeds" in config["measurement"]


def test_a_longer_run_stretches_every_phase():
    short = training.get("cifar10/vae")
    long = short.lasting(2 * short.iterations)
    assert (long.iterations, long.generator_iterations) == (
        2 * short.iterations,
        2 * short.generator_iterations,
    )
    assert long.model_copy(update={n: getattr(short, n) for n in (*short.counts, "watch_every")}) == short
    assert recipe(10).lasting(3).watch_every == 75
    critic_first = {
        name: training.get(f"cifar10/{name}").lasting(6000).critic_first
        for name in ("sndcgan-wide", "wgan-gp")
    }
    assert critic_first == {"sndcgan-wide": 800, "wgan-gp": 0}


@pytest.mark.slow
def test_a_run_of_so_many_seconds_has_as_many_iterations_as_fit(tmp_path):
    loop.train(recipe(1), tmp_path / "warm", CPU)
    began = time.monotonic()
    model = loop.train(recipe(10**6), tmp_path / "run", CPU, seconds=3)
    assert time.monotonic() - began < 30  # measuring the finished model included
    planned = model.config["recipe"]["iterations"]
    done = model.config.get("iterations_done", planned)
    assert 10 < planned < 10**6
    assert 1 <= done <= planned
    again = loop.train(recipe(10**6), tmp_path / "run", CPU, seconds=3)  # it goes on with its own number
    assert again.config["recipe"]["iterations"] == planned


class Waiting(PlanarWGANGP):
    after: tuple[str, ...] = ()

    def needs(self) -> tuple[str, ...]:
        return self.after


def test_recipes_that_need_others_wait_for_them_and_fail_with_them(tmp_path):
    """Each process here writes its name and time; the one called bad fails."""
    line = (
        "import sys, time; print(sys.argv[1:], flush=True); time.sleep(0.3);"
        f"open(r'{tmp_path}/ends', 'a').write(sys.argv[1] + ' '); sys.exit('bad' in sys.argv[1])"
    )

    def one(name: str, *after: str) -> Waiting:
        return Waiting(name=name, title=name, dataset="25gaussians", iterations=1, after=after)

    rows = [one("a/late", "a/first"), one("a/first"), one("a/bad"), one("a/lost", "a/bad")]
    crew = together.Crew(rows, [sys.executable, "-c", line], tmp_path / "logs")
    crew.run(60)
    ends = (tmp_path / "ends").read_text().split()
    assert ends.index("a/first") < ends.index("a/late")
    assert "a/lost" not in ends
    assert sorted(crew.failed) == ["a/bad", "a/lost"]
    seconds = {row: _seconds(tmp_path / "logs" / f"a+{row}.log") for row in ("first", "late")}
    assert seconds["first"] == round(60 * together.FIRST)
    assert seconds["first"] < seconds["late"] <= 60 * (1 - together.LAST)


def _seconds(log: Path) -> int:
    return int(ast.literal_eval(log.read_text())[-1])


def test_several_recipes_need_a_time(capsys):
    assert main(["train", "25gaussians/wgan-gp", "moons/wgan-gp"]) == 2
    assert "several recipes at once need --seconds" in capsys.readouterr().err
    assert main(["train", "moons/wgan-gp", "--seconds", "0"]) == 2
    assert "seconds must be from 1 to 1,000,000" in capsys.readouterr().err


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_replayed_iteration_draws_anew_and_learns():
    trainer = training.get("25gaussians/wgan-gp").trainer(torch.device("cuda"), None)
    drawn_numbers = network_trainer.Replay(lambda: {"draw": torch.randn(3, device="cuda")})
    assert not torch.equal(drawn_numbers()["draw"].clone(), drawn_numbers()["draw"])
    before = trainer.step(1)["critic_loss"].item()
    assert trainer.step(2)["critic_loss"].item() != before


@pytest.mark.parametrize("able", [True, False])
def test_bfloat16_is_for_processors_that_have_it(able, monkeypatch):
    found = lambda: {"avx2": True, "avx512_bf16": able}  # noqa: E731
    monkeypatch.setattr(torch.cpu, "get_capabilities", found, raising=False)
    layer, x = torch.nn.Linear(2, 2), torch.ones(1, 2)
    with network_trainer.products(torch.device("cpu"), half=True):
        assert layer(x).dtype == (torch.bfloat16 if able else torch.float32)
    with network_trainer.products(torch.device("cpu"), half=False):
        assert layer(x).dtype == torch.float32


def test_the_average_forgets_what_it_began_with_and_then_follows_its_decay():
    layer = torch.nn.Linear(1, 1, bias=False)
    average, weights = averaged(layer, 0.5), []
    for k in range(1, 31):
        layer.weight.data.fill_(float(k))
        average.update_parameters(layer)
        weights.append(average.module.weight.item())
    expected = [1.0]
    for k in range(2, 31):
        decay = min(0.5, k / (k + 10))
        expected.append(decay * expected[-1] + (1 - decay) * k)
    assert weights == pytest.approx(expected)
    assert layer.weight.item() == 30


def test_frozen_networks_pass_gradients_on_and_keep_their_own():
    layer, x = torch.nn.Linear(2, 1), torch.randn(3, 2, requires_grad=True)
    with frozen(layer):
        layer(x).sum().backward()
    assert x.grad is not None
    assert layer.weight.grad is None
    assert layer.weight.requires_grad


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
        assert row.dataset == name.split("/")[0]
    with pytest.raises(ValueError, match="recipe must be one of"):
        training.get("nothing")


def drawn(*lines: str) -> subprocess.CompletedProcess:
    """The process that Draw starts, given these lines and then the end of its input."""
    return subprocess.run(
        [sys.executable, "-m", "dgflow_core.training.drawn"],
        input="".join(lines), capture_output=True, text=True, timeout=120, cwd=REPO,
    )  # fmt: skip


@pytest.mark.slow
def test_the_process_of_a_drawing_ends_when_whoever_asked_is_gone():
    ink = "9" * SIDE**2
    request = json.dumps({"drawing": ink, "iterations": 10**6, "seconds": 3600}) + "\n"
    for more in ((), ("stop\n",)):  # while it trains, and while it packs what it has
        done = drawn(request, *more)
        assert done.returncode == drawing_process.GONE
        assert "packed" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("request_", ["nonsense", json.dumps({"drawing": "", "iterations": 5, "seconds": 5})])
def test_a_request_that_cannot_be_served_is_one_sentence(request_):
    done = drawn(request_ + "\n")
    assert (done.returncode, done.stdout) == (drawing_process.WRONG, "")
    assert len(done.stderr.strip().splitlines()) == 1

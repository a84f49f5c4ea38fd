"""Generators grown by the flow, ladders of critics, and ratios that are kept fresh."""

from __future__ import annotations

import base64
import itertools
import json

import numpy as np
import pytest
import torch

import dgflow_core as dg
from dgflow_core import training
from dgflow_core.cli import main
from dgflow_core.flow import priors
from dgflow_core.flow.priors import seeded
from dgflow_core.pictures import growth_scene
from dgflow_core.pictures.picture import paint
from dgflow_core.pictures.sheet import Look
from dgflow_core.training import grown, loop, online
from dgflow_core.training.growing import GrowingTrainer, moved
from dgflow_core.training.growth_record import FILE, GrowthRecord
from dgflow_core.zoo import shelf
from tests.test_image_models import quick, root, stocked  # noqa: F401  fixtures

CPU = torch.device("cpu")
PLANE = {
    "iterations": 4, "hidden": 8, "batch": 8, "pool": 2, "moves": 3, "fit_batch": 8, "watch_samples": 20,
    "finish_samples": 20, "settling": 2,
}  # fmt: skip
IMAGES = {
    "iterations": 3, "width": 2, "batch": 4, "watch_samples": 8, "finish_samples": 8, "marks": (1, 2),
}  # fmt: skip
GROWN = {"dim": 4, "pool": 2, "moves": 2, "passes": 1, "last_passes": 2, "fit_batch": 4, "settling": 2}


def recipe(name: str, **changes):
    return training.get(name).model_copy(update=changes)


def in_parts(made, folder, data=None) -> dg.Model:
    """Stopped after every iteration."""
    for index in range(made.iterations):
        torch.manual_seed(99 + index)  # nothing may hang on what was drawn before
        model = loop.train(made, folder, CPU, data, stop=lambda: True)
    return model


@pytest.mark.parametrize("divergence", dg.divergences)
def test_the_pool_moves_as_dgflow_in_data_space_does(tiny, divergence):
    x = tiny.generate(tiny.prior.sample(50, 0))
    ours = moved(tiny.differentiable_logit, x, divergence, 0.02)
    assert torch.equal(ours, x + 0.02 * dg.drift(tiny, x, divergence))
    theirs = dg.refine(tiny, start=x, steps=1, divergence=divergence, eta=1e-5, gamma=0.0)
    assert torch.allclose(
        moved(tiny.differentiable_logit, x, divergence, 1e-5), theirs.positions[1], rtol=0, atol=1e-7
    )
    assert moved(tiny.differentiable_logit, 10 * x, divergence, 0.02, bound=1.0).abs().max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["25gaussians/vgrow-kl", "moons/vgrow-jeffreys"])
def test_vgrow_in_the_plane_stops_and_goes_on_exactly(name, tmp_path):
    made = recipe(name, **PLANE)
    whole, parts = loop.train(made, tmp_path / "whole", CPU), in_parts(made, tmp_path / "parts")
    assert whole.digest == parts.digest
    assert dg.load(shelf.save(whole, tmp_path / "model"), device="cpu").digest == whole.digest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("cifar10/vgrow-logd", GROWN),
        ("cifar10/sndcgan-ns+ladder", {"starts": (1, 2), "pool": 8, "iterations": 4}),
        ("cifar10/sndcgan-ns+ladder", {"starts": (0, 2), "pool": 8, "iterations": 4, "width": 3}),
        ("cifar10/dcd-latent", {}),
    ],
)
def test_image_recipes_stop_and_go_on_exactly(name, own, root, stocked, tmp_path):  # noqa: F811
    made = recipe(name, **IMAGES | own)
    whole, parts = loop.train(made, tmp_path / "whole", CPU, root), in_parts(made, tmp_path / "p", root)
    assert whole.digest == parts.digest
    again = dg.load(shelf.save(whole, tmp_path / "model"), device="cpu")
    assert again.digest == whole.digest
    assert (
        dg.refine(again, n=2, steps=3, eta=0.1, space="latent").settings
        == dg.refine(whole, n=2, steps=3, eta=0.1, space="latent").settings
    )


@pytest.fixture
def laddered(root, stocked):  # noqa: F811
    name = "cifar10/sndcgan-ns+ladder"
    made = recipe(name, **IMAGES | {"starts": (1, 2), "eta": 0.1, "pool": 8, "iterations": 4, "rate": 0.1})
    shelf.save(loop.train(made, stocked / "run", CPU, root), stocked / name)
    return dg.load(name, device="cpu")


@pytest.mark.slow
def test_a_flow_climbs_the_ladder(laddered):
    """The logit of each frame, and the move to the next, are its rung's."""
    settings = {"eta": 0.1, "gamma": 0.0, "space": "latent"}
    ladder = sum(part.nbytes for part in laddered.ladder.parameters())
    assert laddered.nbytes == laddered.without_ladder().nbytes + ladder  # what the server counts
    run = dg.refine(laddered, n=3, steps=4, **settings)
    judges = [laddered.without_ladder(), *(laddered.judged_by(rung) for rung in laddered.ladder.rungs)]
    for step, rung in enumerate((0, 1, 2, 2, 2)):
        assert torch.allclose(run.logits[step], judges[rung].logit(run.samples[step]), atol=1e-5)
        if step < 4:
            next_ = run.positions[step] + 0.1 * dg.drift(judges[rung], run.positions[step], space="latent")
            assert torch.allclose(run.positions[step + 1], next_, atol=1e-6)
    stale = dg.refine(laddered.without_ladder(), n=3, steps=4, **settings)
    assert torch.equal(stale.positions[1], run.positions[1])
    assert not torch.equal(stale.positions[2], run.positions[2])
    with pytest.raises(ValueError, match="until must be 'steps'"):
        dg.refine(laddered, n=2, steps=2, until="flat", **settings)


@pytest.mark.slow
def test_an_online_ratio_learns_between_moves_and_repeats(laddered, root):  # noqa: F811
    model = laddered.without_ladder()

    def run(rate):
        field = online.OnlineField(model, "latent", online.data(model, root), steps=2, rate=rate)
        return dg.refine(model, n=6, steps=3, eta=0.1, gamma=0.0, space="latent", field=field)

    first, again, still = run(1e-2), run(1e-2), run(1e-9)
    stale = dg.refine(model, n=6, steps=3, eta=0.1, gamma=0.0, space="latent")
    assert torch.equal(first.positions, again.positions)
    assert torch.equal(first.positions[1], stale.positions[1])  # the first move is the model's own
    assert torch.allclose(still.positions, stale.positions, atol=1e-5)
    assert not torch.allclose(first.logits[3], stale.logits[3], atol=1e-3)


@pytest.mark.slow
def test_the_table_of_fresh_ratios_measures_one_run_on_the_way(laddered, root, tmp_path, capsys):  # noqa: F811
    out = tmp_path / "fresh.json"
    command = [
        "evaluate",
        "fresh",
        "--model",
        laddered.name,
        "--repeats",
        "2",
        "--n",
        "10",
        "--device",
        "cpu",
    ]
    rows = ["--row", "Base", "--row", "after 4 steps", "--data-root", str(root), "--out", str(out)]
    assert main([*command, *rows]) == 0
    cells = json.loads(out.read_text())["cells"]
    assert {key.split(" | ")[2] for key in cells} == {"stale", "ladder", "online"}
    assert all(len(cell["repeats"]) == 2 for cell in cells.values())
    base = [
        cells[f"{laddered.name} | Base | {way} | n = 10"]["repeats"]["0"]["fid"]
        for way in ("stale", "online")
    ]
    assert base[0] == base[1]


@pytest.mark.slow
def test_a_growth_is_recorded_without_changing_it_and_ships_beside_the_weights(tmp_path):
    made = recipe("25gaussians/vgrow-js", **PLANE)
    plain = made.trainer(CPU, None)
    for iteration in range(1, 5):  # the core's own outer loop, nobody watching
        GrowingTrainer.learn(plain, iteration, seeded(made.seed + 1, iteration))
    model = loop.train(made, tmp_path / "run", CPU)
    for a, b in zip(plain.average.module.parameters(), model.generator.parameters(), strict=True):
        assert torch.equal(a.half().float(), b)
    shelf.save(model, tmp_path / "model")
    record = GrowthRecord.read((tmp_path / "model" / FILE).read_bytes())
    assert record.moves == [0, 1, 2, 3] * 4
    assert record.loops[::4] == [1, 2, 3, 4]
    scene = growth_scene.compose([record], np.zeros((5, 2), np.float32), "Grown")
    assert [panel.title for panel in scene.panels] == [*growth_scene.WORDS.values()]
    assert scene.names[5] == "loop 2, move 1"
    first = scene.panels[1].positions
    assert np.array_equal(first[0], scene.panels[0].positions[0])  # particles start as samples
    assert np.array_equal(first[0], first[3])  # and the generator stands still while they move
    assert {curve.name for curve in scene.curves} >= {"Critic's loss", "High quality"}
    short = growth_scene.thinned(record, 8)
    assert [*dict.fromkeys(short.loops)] == [1, 4]
    assert len(short.numbers["misfit"]) == 2
    four = growth_scene.compose([record, short], np.zeros((5, 2), np.float32), "Grown")
    assert len(four.panels) == 2


@pytest.mark.slow
def test_a_growth_is_drawn_with_its_arrows_turning(tmp_path):
    model = loop.train(recipe("moons/vgrow-kl", **PLANE | {"iterations": 1}), tmp_path / "run", CPU)
    scene = growth_scene.compose(
        [GrowthRecord.read(model.beside[FILE])], np.zeros((5, 2), np.float32), "Grown"
    )
    painter = paint(scene, Look(size=240, layers=("arrows",)))
    assert painter.called(3) == "loop 1, move 3"
    box = painter.boxes[0]
    frames = [painter.frame(step)[box.y : box.y + box.h, box.x : box.x + box.w] for step in (0, 3, 0)]
    assert not np.array_equal(frames[0], frames[1])
    assert np.array_equal(frames[0], frames[2])


@pytest.mark.slow
def test_the_process_of_the_page_grows_in_turns_until_it_is_stopped():
    request = grown.Request(dataset="moons", divergences=("KL", "JS"), seconds=60)
    rows, stop = [], []
    for row in grown.grow(request, lambda: bool(stop)):
        rows.append(row)
        if len(rows) == 2:
            stop.append(True)
    assert [row["divergence"] for row in rows] == ["KL", "JS"]
    first, second = (GrowthRecord.read(base64.b64decode(row["record"])) for row in rows)
    assert np.array_equal(first.samples[0], second.samples[0])  # from the same start
    assert first.loops == [1] * 6
    first.extend(first)
    assert len(first.maps) == 12


AIM = torch.tensor([1.0, -0.5])


class Bowl(torch.nn.Module):
    """A logit that is a quadratic: log μ/ρ of Gaussians exactly."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        torch.nn.init.zeros_(self.layer.weight)
        torch.nn.init.zeros_(self.layer.bias)

    def forward(self, x):
        return self.layer(torch.cat([x, x**2], 1)).squeeze(1)


class Standing(GrowingTrainer):
    """A generator of N(0, I) that stands still; the data are N(AIM, I)."""

    def __init__(self, made):
        super().__init__(made, CPU)
        self.generator, self.critic = torch.nn.Identity(), Bowl()
        self.optimizers = {"critic": torch.optim.Adam(self.critic.parameters(), lr=0.0)}

    def real(self, n, rng):
        return torch.randn(n, 2, generator=rng) + AIM

    def codes(self, n, rng):
        return torch.randn(n, 2, generator=rng)


@pytest.mark.slow
def test_with_the_generator_standing_still_it_is_the_exact_flow():
    """Fresh, both go to AIM · (1 − (1 − η)^k), within 0.2 of each other in sliced W₂; stale, far past it."""
    eta, moves = 0.1, 14
    made = recipe(
        "25gaussians/vgrow-kl", eta=eta, moves=moves, batch=500, pool=3, fit_batch=1500, critic_steps=8,
        critic_rate=0.02, penalty=0.0,
    )  # fmt: skip
    pools = list(itertools.islice(Standing(made).outer_loop(1, seeded(3)), moves + 1))
    start, grown_to = pools[0].particles, pools[-1].particles

    ratio = Bowl()
    ratio.layer.weight.data[0, :2], ratio.layer.bias.data[0] = AIM, -float(AIM @ AIM) / 2
    config = {"title": "Gaussian", "kind": "2d", "dataset": "gaussian"}
    model = dg.Model(config, priors.make("normal", 2), torch.nn.Identity(), ratio, device="cpu")
    exact = dg.refine(model, "exact", start=start, eta=eta, gamma=0.0, steps=moves).samples[-1]
    stale = dg.refine(model, start=start, eta=eta, gamma=0.0, steps=moves).samples[-1]

    def apart(a, b):
        angles = torch.arange(8) * torch.pi / 8
        along = torch.stack([angles.cos(), angles.sin()])
        return float(((a @ along).sort(0).values - (b @ along).sort(0).values).square().mean().sqrt())

    assert apart(grown_to, exact) < 0.2
    assert torch.allclose(grown_to.mean(0), AIM * (1 - (1 - eta) ** moves), atol=0.2)
    assert apart(stale, exact) > 0.5


def test_with_batch_norm_a_pool_is_fitted_in_the_batches_it_was_made_in():
    """Particles that have not moved leave nothing to fit, unless other batches judge them."""
    misfits = []
    for together in (True, False):
        made = recipe("25gaussians/vgrow-kl", batch=8, pool=3, fit_batch=8, together=together)
        trainer = Standing(made)
        trainer.generator = torch.nn.BatchNorm1d(2)
        trainer.optimizers["generator"] = torch.optim.SGD(trainer.generator.parameters(), lr=0.0)
        misfits.append(float(trainer._fit(trainer.pool(seeded(1)), 2, 0.0, seeded(2))))
    assert misfits[0] == 0 < misfits[1]


def test_a_move_without_end_stops_at_the_bound():
    """Jeffreys' weight 1 + eᵈ overflows where a young critic is very sure."""
    x = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    there = moved(lambda x: 200 * x[:, 0] ** 2, x, "Jeffreys", 0.1, bound=3.0)
    assert torch.equal(there, torch.tensor([[3.0, 0.0], [0.0, 0.0]]))
    certain = moved(lambda x: 200 + 0 * x[:, 0], x, "Jeffreys", 0.1, bound=3.0)  # ∞ · 0
    assert torch.equal(certain, x)

"""The eight kinds of image generator: architectures, their folding, and recipes of a few steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import dgflow_core as dg
from dgflow_core import training
from dgflow_core.flow.priors import make
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.inception import InceptionFID
from dgflow_core.kinds.images.metrics import precision_recall
from dgflow_core.nets import glow
from dgflow_core.nets.folding import fold
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator, SNDCGANGenerator
from dgflow_core.nets.snresnet import SNResNetDiscriminator, SNResNetGenerator
from dgflow_core.prepare import image_features
from dgflow_core.training import loop
from dgflow_core.training.recipes import image_gan, vector_gan
from dgflow_core.training.recipes import normalizing_flow as glow_training
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

CPU = torch.device("cpu")
TINY = {"iterations": 4, "width": 2, "batch": 4, "watch_samples": 8, "finish_samples": 8, "marks": (1, 2)}
HALVES = {"generator_iterations": 2, "corrector_batch": 4}
RECIPES = {
    "cifar10/sndcgan-hinge": {"dim": 4, "iterations": 3, "critic_share": 0.34},
    "cifar10/wgan-gp": {"dim": 4, "iterations": 3, "critic_share": 0.34},
    "cifar10/sn-resnet": {"dim": 4, "iterations": 2},
    "cifar10/mmd-gan": {"dim": 4, "critic_width": 2, **HALVES},
    "cifar10/ocfgan-gp": {"dim": 4, "critic_width": 2, **HALVES},
    "cifar10/vae": {"dim": 4, **HALVES},
    "cifar10/glow": {"depth": 1, **HALVES},
}


# Architectures


def stirred(network: nn.Module) -> nn.Module:
    """With batch norms that do something."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, 0.3)
            nn.init.normal_(layer.bias)
    return network


@pytest.mark.slow
def test_snresnet_folds_to_the_same_function():
    torch.manual_seed(0)
    network = stirred(SNResNetGenerator(8, 3, 4, batch_norm=True))
    for _ in range(20):
        network(torch.randn(32, 8) * 2 + 1)
    plain, z = fold(network), torch.randn(5, 8)
    assert torch.allclose(plain(z), network.eval()(z), atol=1e-5)
    assert plain(z).shape == (5, 3, 32, 32)
    assert plain.state_dict().keys() == SNResNetGenerator(8, 3, 4).state_dict().keys()
    network.train()
    assert not torch.allclose(plain(z), network(z), atol=1e-2)

    critic, x = SNResNetDiscriminator(3, 4, spectral_norm=True), torch.randn(5, 3, 32, 32)
    for _ in range(3):
        critic(x)
    folded = fold(critic)
    assert torch.allclose(folded(x), critic.eval()(x), atol=1e-5)
    assert folded(x).shape == (5,)


def test_snresnet_at_the_papers_widths():
    with torch.device("meta"):
        generator, critic = SNResNetGenerator(128, 3, 256), SNResNetDiscriminator(3, 128)
    assert generator[0].weight.shape == (4096, 128)
    convolutions = [layer for layer in critic.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 10  # two a block, and shortcuts where the side is halved
    assert {layer.out_channels for layer in convolutions} == {128}


@pytest.fixture
def flow():
    torch.manual_seed(0)
    flow = glow_training.Flow(channels=3, side=32, levels=3, depth=2, width=6)
    flow(torch.rand(16, 3, 32, 32) * 2 - 1)  # sets the activation norms
    with torch.no_grad():
        for value in flow.parameters():
            value += 0.03 * torch.randn_like(value)
    return flow


@pytest.mark.slow
def test_folded_glow_inverts_the_trained_flow(flow):
    x = torch.rand(8, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        z, log_det = flow(x)
    plain = glow_training.fold(flow)
    assert z.shape == (8, 3072)
    assert log_det.shape == (8,)
    assert torch.allclose(plain(z), x, atol=1e-4)
    assert plain(3 * z).abs().max() <= 1


@pytest.mark.slow
def test_glow_stays_finite_where_no_image_is(flow):
    plain, z = glow_training.fold(flow), 1e4 * torch.randn(8, 3072)
    for step in plain.scales.modules():
        if isinstance(step, glow.Step):
            step.network[-1].bias[1::2] -= 200  # scales that underflow to 0
    z.requires_grad_(True)
    x = plain(z)
    x.sum().backward()
    assert torch.isfinite(x).all()
    assert torch.isfinite(z.grad).all()


def test_glows_determinant_is_that_of_its_jacobian():
    torch.manual_seed(0)
    small = glow_training.Flow(channels=1, side=4, levels=1, depth=2, width=4).double()
    x = torch.rand(6, 1, 4, 4, dtype=torch.double)
    small(x)
    with torch.no_grad():
        for value in small.parameters():
            value += 0.2 * torch.randn_like(value)
    _, log_det = small(x)
    jacobian = torch.autograd.functional.jacobian(lambda one: small(one)[0].flatten(), x[:1])
    assert torch.linalg.slogdet(jacobian.reshape(16, 16))[1] == pytest.approx(log_det[0].item(), abs=1e-6)


def test_glows_scales_share_out_every_pixel():
    layout = glow.scales(3, 32, 3)
    assert [shape for _, shape in layout] == [(48, 4, 4), (12, 8, 8), (6, 16, 16)]
    assert sum(np.prod(shape) for _, shape in layout) == 3 * 32**2


def test_sndcgan_at_48_pixels():
    generator, critic = SNDCGANGenerator(8, 3, 4, side=48), SNDCGANDiscriminator(3, 4, side=48)
    out = generator(torch.randn(2, 8))
    assert out.shape == (2, 3, 48, 48)
    assert critic(out).shape == (2,)
    assert generator[0].out_features == 8 * 4 * 6 * 6


# STL-10


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A data root with made-up STL-10 in its binary format, and CIFAR-10 in class folders."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("data")
    binary = folder / "stl10_binary"
    binary.mkdir()
    rng = np.random.default_rng(0)
    for half, n in (("train", 40), ("test", 20)):
        # each image: three planes, each stored column by column; the red plane grows to the right
        pixels = rng.integers(0, 256, (n, 3, 96, 96), dtype=np.uint8)
        pixels[:, 0] = np.arange(96, dtype=np.uint8)[:, None]
        pixels.tofile(binary / f"{half}_X.bin")
        (np.arange(n) % 10 + 1).astype(np.uint8).tofile(binary / f"{half}_y.bin")
    (binary / "class_names.txt").write_text("\n".join(image_datasets.get("stl10").classes))
    for half, n in (("train", 16), ("test", 16)):
        for index in range(n):
            place = folder / "cifar10" / half / f"class{index % 10}"
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(place / f"{index}.png")
    return folder


@pytest.mark.parametrize(("name", "side"), [("stl10", 48), ("stl10_32", 32)])
def test_stl10_is_read_from_its_binary_format(name, side, root):
    target = image_datasets.get(name)
    pictures, labels = target.load(root, train=False)
    assert target.side == side
    assert pictures.shape == (20, 3, side, side)
    assert pictures.dtype == torch.uint8
    assert labels.tolist() == [index % 10 for index in range(20)]
    across = pictures[0, 0].float().mean(0)  # averages of 96 / side neighbouring columns
    wanted = np.arange(96).reshape(side, -1).mean(1)
    assert np.allclose(across.numpy(), wanted, atol=0.51)


def test_a_root_without_stl10_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"^data_root must hold STL-10 .*does not\.$"):
        image_datasets.get("stl10").load(tmp_path)


# Recipes


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(image_features, "BATCH", 8)


@pytest.fixture
def stocked(root, tmp_path, monkeypatch, quick):
    """A folder of models with CIFAR-10 features and two GANs that lend their critic."""
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(tmp_path))
    image_features.train("cifar10", root, tmp_path / "cifar10", epochs=1, limit=16)
    generator, critic = SNDCGANGenerator(4, 3, 2), SNDCGANDiscriminator(3, 2)
    config = {
        "title": "Toy", "kind": "image", "dataset": "cifar10", "prior": {"kind": "normal", "dim": 4},
        "generator": {"architecture": "sndcgan_generator", "arguments": generator.arguments},
        "critic": {"architecture": "sndcgan_discriminator", "arguments": critic.arguments},
    }  # fmt: skip
    for lender in ("sndcgan-ns", "sndcgan-wide"):
        shelf.save(Model(config, make("normal", 4), generator, critic), tmp_path / "cifar10" / lender)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_every_kind_trains_resumes_saves_loads_and_refines(name, root, stocked):
    recipe = training.get(name).model_copy(update={**TINY, **RECIPES[name]})
    model = loop.train(recipe, stocked / "run", CPU, root)
    for _ in range(recipe.iterations):  # stopped after every iteration
        resumed = loop.train(recipe, stocked / "halves", CPU, root, stop=lambda: True)
    assert resumed.digest == model.digest
    z = model.prior.sample(3, 0)

    shelf.save(model, stocked / name)
    loaded = dg.load(name)
    assert torch.equal(loaded.generate(z), model.generate(z))
    assert (loaded.corrector is not None) == ("generator_iterations" in RECIPES[name])
    assert loaded.config["recipe"]["iterations"] == recipe.iterations
    run = dg.refine(loaded, n=4, steps=2, eta=0.1, gamma=0.0, space="latent", seed=1)
    assert run.samples.shape == (3, 4, 3, 32, 32)
    assert torch.isfinite(run.samples).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cifar10/mmd-gan", "cifar10/ocfgan-gp", "cifar10/vae", "cifar10/glow"])
def test_correctors_start_from_the_lent_critic_and_leave_the_generator_alone(name, root, stocked):
    recipe = training.get(name).model_copy(update={**TINY, **RECIPES[name]})
    trainer = recipe.trainer(CPU, root)
    x = torch.randn(3, 3, 32, 32)
    for iteration in (1, 2):
        trainer.step(iteration)
    assert trainer.corrector is None
    z = torch.randn(3, trainer.prior.dim)
    before = trainer.shipped()(z)
    trainer.begin_corrector()
    assert torch.equal(trainer.corrector(x), trainer.lender.critic(x))
    numbers = trainer.step(3)
    assert {"corrector_loss", "logit_lender", "logit_own"} <= numbers.keys()
    assert not torch.equal(trainer.corrector(x), trainer.lender.critic(x))
    assert torch.equal(trainer.final(z), before)


@pytest.mark.slow
def test_a_generator_trains_before_the_critic_it_is_corrected_by(root, stocked):
    """A run stopped before its corrector begins goes on with the critic that is lent by then."""
    recipe = training.get("cifar10/vae").model_copy(update={**TINY, **RECIPES["cifar10/vae"]})
    for iteration, _ in loop.TrainingRun(recipe, recipe.trainer(CPU, root), stocked / "run"):
        if iteration == 2:
            break
    generator, critic = SNDCGANGenerator(4, 3, 2), SNDCGANDiscriminator(3, 2)
    config = shelf.load("cifar10/sndcgan-ns").config
    shelf.save(Model(config, make("normal", 4), generator, critic), stocked / "cifar10" / "sndcgan-ns")
    trainer, x = recipe.trainer(CPU, root), torch.randn(3, 3, 32, 32)
    run = iter(loop.TrainingRun(recipe, trainer, stocked / "run"))
    assert next(run)[0] == 3
    assert torch.allclose(trainer.corrector(x), critic(x), atol=0.02)  # one step of SGD away
    before = [value.clone() for value in trainer.corrector.parameters()]
    run.close()  # saves the corrector, which a later run then goes on from
    again = recipe.trainer(CPU, root)
    next(iter(loop.TrainingRun(recipe, again, stocked / "run")))
    assert any(not torch.equal(a, b) for a, b in zip(before, again.corrector.parameters(), strict=True))
    assert all(
        torch.allclose(a, b, atol=0.02) for a, b in zip(before, again.corrector.parameters(), strict=True)
    )


def test_rates_fall_to_nothing_over_the_second_half():
    recipe = image_gan.ImageGAN(name="a/b", title="", dataset="cifar10", iterations=100)
    assert [recipe.rate_factor(i) for i in (1, 51)] == [1, 1]
    assert recipe.rate_factor(76) == pytest.approx(0.5)
    assert recipe.rate_factor(100) == pytest.approx(0.02)
    assert recipe.model_copy(update={"decay": False}).rate_factor(100) == 1
    halves = recipe.model_copy(update={"critic_share": 0.2})
    assert [halves.rate_factor(i) for i in (40, 81, 90)] == [1, 1, 1]
    assert halves.rate_factor(80) == pytest.approx(0.025)
    assert halves.rate_factor(100) == pytest.approx(0.1)


@pytest.mark.slow
def test_the_critic_goes_on_against_the_generator_as_it_ships(root, stocked):
    recipe = training.get("cifar10/sndcgan-ns").model_copy(
        update={**TINY, "dim": 4, "iterations": 3, "critic_share": 0.67}
    )
    trainer, z = recipe.trainer(CPU, root), torch.randn(3, 4)
    trainer.step(1)
    game = trainer.model()
    trainer.best = kept = {"score": 1.0}
    trainer.step(2)
    assert trainer.best is kept  # which state is best is asked across all phases
    after = trainer.model()
    assert torch.equal(game.generate(z), after.generate(z))
    x = game.generate(z)
    assert not torch.allclose(game.logit(x), after.logit(x), atol=1e-4)


@pytest.mark.slow
def test_a_critic_twice_as_wide_as_it_was_meets_a_generator_that_stands_still_at_first(root, stocked):
    recipe = training.get("cifar10/sndcgan-wide").model_copy(
        update={
            **TINY, "dim": 4, "width": 4, "generator_start": None, "critic_start": "cifar10/sndcgan-ns",
            "critic_first": 2, "critic_share": 0.25,
        }
    )  # fmt: skip
    trainer = recipe.trainer(CPU, root)
    assert [trainer.phase(i) for i in (1, 2, 3, 4)] == ["critic first", "critic first", "game", "critic"]
    weights = {name: [one.clone() for one in net.parameters()] for name, net in trainer.networks.items()}

    def moved(name):
        now = trainer.networks[name].parameters()
        return not all(map(torch.equal, weights[name], now))

    trainer.step(1)
    assert moved("critic")
    trainer.step(2)
    assert not any(map(moved, ("generator", "average")))
    trainer.step(3)
    assert all(map(moved, ("generator", "average")))


@pytest.mark.slow
def test_stl10_trains_at_48_pixels(root, tmp_path, monkeypatch, quick):
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(tmp_path))
    image_features.train("stl10", root, tmp_path / "stl10", epochs=1, limit=20)
    recipe = training.get("stl10/sndcgan-ns").model_copy(update={**TINY, "critic_share": 0.25, "dim": 4})
    model = loop.train(recipe, tmp_path / "run", CPU, root)
    shelf.save(model, tmp_path / "stl10" / "toy")
    assert dg.load("stl10/toy").sample_shape == (3, 48, 48)


# Losses and metrics


def test_mmd_and_characteristic_function_distance_match_their_formulas():
    torch.manual_seed(0)
    real, fake = torch.randn(5, 3), torch.randn(5, 3) + 1

    def k(x, y):
        return sum(np.exp(-float(((x - y) ** 2).sum()) / (2 * s**2)) for s in (1, 2, 4, 8))

    within = sum(k(a[i], a[j]) for a in (real, fake) for i in range(5) for j in range(5) if i != j) / 20
    across = sum(k(x, y) for x in real for y in fake) / 25
    assert float(vector_gan.mmd(real, fake)) == pytest.approx(within - 2 * across, abs=1e-5)

    def bounded(x, low, high):
        squared = float(((x[0] - x[1]) ** 2).sum())
        return sum(np.exp(-min(max(squared, low), high) / (2 * s**2)) for s in (1, 2, 4, 8))

    pairs = [(i, j) for i in range(5) for j in range(5) if i != j]
    apart = np.mean([bounded((real[i], real[j]), 0, 4) for i, j in pairs])
    close = np.mean([bounded((fake[i], fake[j]), 0.25, np.inf) for i, j in pairs])
    assert float(vector_gan.repulsion(real, fake)) == pytest.approx(apart - close, abs=1e-5)

    t = torch.randn(4, 3)
    waves = [torch.exp(1j * (one @ t.T)).mean(0) for one in (real, fake)]
    expected = ((waves[0] - waves[1]).abs() ** 2).mean()
    assert float(vector_gan.ecfd(real, fake, t)) == pytest.approx(float(expected), abs=1e-6)
    assert float(vector_gan.ecfd(real, real, t)) == 0


def test_precision_and_recall_by_hand():
    torch.manual_seed(0)
    real = torch.randn(400, 2)
    assert precision_recall(real, real) == (1.0, 1.0)
    assert precision_recall(real, real + 100) == (0.0, 0.0)
    # one corner of the data: every sample is like the data, most of the data is like no sample
    precision, recall = precision_recall(real, real[(real > 0.5).all(1)].repeat(20, 1)[:400] + 1e-4)
    assert precision > 0.95
    assert recall < 0.2
    # the data and as much of nonsense: half are like the data, all of the data is covered
    precision, recall = precision_recall(real, torch.cat([real[:200], 50 + 9 * torch.randn(200, 2)]))
    assert precision == 0.5
    assert recall > 0.9
    with pytest.raises(ValueError, match="more than 3 samples"):
        precision_recall(real[:3], real)


def test_inception_weights_are_never_downloaded(tmp_path):
    with pytest.raises(ValueError, match=r"^inception must name a file"):
        InceptionFID(tmp_path / "none.pth", "cifar10")
    (tmp_path / "other.pth").write_bytes(b"no weights")
    with pytest.raises(ValueError, match="is not a file of weights"):
        InceptionFID(tmp_path / "other.pth", "cifar10")


@pytest.mark.slow
def test_width_is_one_flag(root, stocked, tmp_path, capsys, monkeypatch):
    from dgflow_core.__main__ import main

    small = training.get("cifar10/sndcgan-ns").model_copy(update={**TINY, "dim": 4})
    monkeypatch.setitem(training.recipes, small.name, small)
    folders = ["--data-root", str(root), "--runs-dir", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
    command = ["train", "cifar10/sndcgan-ns", "--iterations", "1", "--device", "cpu", *folders]
    assert main([*command, "--width", "3"]) == 0
    model = dg.load(tmp_path / "out" / "cifar10" / "sndcgan-ns")
    assert model.config["generator"]["arguments"]["width"] == model.config["recipe"]["width"] == 3
    assert main([*command, "--width", "1"]) == 2
    assert "width must be from 2 to 1,024" in capsys.readouterr().err
    assert main(["train", "25gaussians/wgan-gp", "--width", "8"]) == 2
    assert "width does not apply to 25gaussians/wgan-gp" in capsys.readouterr().err

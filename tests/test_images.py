"""Image models: data, architectures, folding, recipes, metrics, and what ships."""

from __future__ import annotations

import argparse
import gzip
import json
import struct
import zipfile
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import scipy.linalg
import torch
from PIL import Image

import dgflow_core as dg
from dgflow_core import reports, training
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.datasets import readers as image_data
from dgflow_core.kinds.images.metrics import FeatureReference, ImageQuality, frechet, reference
from dgflow_core.nets.classifier import Classifier
from dgflow_core.nets.folding import fold, unfold
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator, SNDCGANGenerator, widened
from dgflow_core.nets.vae import DCGANDecoder
from dgflow_core.prepare import image_features
from dgflow_core.training import adversarial, image_trainer, loop, shipping
from dgflow_core.training.image_trainer import held_against
from dgflow_core.training.recipes.autoencoder import negative_elbo
from dgflow_core.training.shipping import settled
from dgflow_core.zoo import shelf

SHIPPED = [name for name in dg.models() if shelf.describe(name)["kind"] == "image"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A data root in the published formats, with 600 made-up pictures a half."""
    folder = tmp_path_factory.mktemp("data")
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for half in ("train", "t10k"):
        pixels = rng.integers(0, 256, (600, 28, 28), dtype=np.uint8)
        labels = rng.integers(0, 10, 600, dtype=np.uint8)
        with gzip.open(raw / f"{half}-images-idx3-ubyte.gz", "wb") as file:
            file.write(struct.pack(">IIII", 0x803, *pixels.shape) + pixels.tobytes())
        (raw / f"{half}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 600) + labels.tobytes())
    (folder / "cifar10").mkdir()
    with zipfile.ZipFile(folder / "cifar10" / "train.zip", "w") as archive:
        for index, name in enumerate(("cat/0001.png", "airplane/0002.png")):
            stream = BytesIO()
            Image.fromarray(np.full((32, 32, 3), 100 + index, np.uint8)).save(stream, "png")
            archive.writestr(name, stream.getvalue())
    return folder


@pytest.fixture
def shipped_features(root, tmp_path, monkeypatch):
    """An empty folder of models that holds a feature network of the made-up pictures."""
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(tmp_path))
    image_features.train("fashion_mnist", root, tmp_path / "fashion_mnist", epochs=1, limit=256)
    return tmp_path


# Data


def test_fashion_mnist_is_padded_to_32(root):
    pictures, labels = image_datasets.get("fashion_mnist").load(root, train=False)
    assert pictures.shape == (600, 1, 32, 32)
    assert pictures.dtype == torch.uint8
    assert len(labels) == 600
    assert pictures[:, :, :2].sum() == 0
    assert pictures[:, :, 2:30, 2:30].float().mean() == pytest.approx(127.5, abs=1)


def test_cifar10_is_read_from_its_archive(root):
    pictures, labels = image_datasets.get("cifar10").load(root)
    assert pictures.shape == (2, 3, 32, 32)
    assert labels.tolist() == [0, 1]
    assert pictures[labels == 0].unique().tolist() == [101]


@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10"])
def test_a_root_without_the_data_is_one_sentence(name, tmp_path, monkeypatch):
    monkeypatch.delenv("DGFLOW_DATA", raising=False)
    for wrong in (tmp_path, None):
        with pytest.raises(ValueError, match=r"^data_root must "):
            image_datasets.get(name).load(wrong)
    with pytest.raises(ValueError, match="dataset must be one of"):
        image_datasets.get("nonsense")


def test_bytes_and_units_are_inverse():
    every = torch.arange(256, dtype=torch.uint8)
    unit = image_data.to_unit(every)
    assert (unit.min(), unit.max()) == (-1, 1)
    assert torch.equal(image_data.to_bytes(unit), every)


def test_contact_sheet_lays_rows_out_in_order():
    pictures = torch.linspace(-1, 1, 5).reshape(5, 1, 1, 1).expand(5, 1, 4, 6)
    sheet = image_data.contact_sheet(pictures, 3)
    assert sheet.shape == (8, 18, 3)
    assert sheet[0, ::6, 0].tolist() == image_data.to_bytes(pictures[:3, 0, 0, 0]).tolist()
    assert sheet[4:, 12:].max() == 0


# Architectures


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("make", [SNDCGANGenerator, DCGANDecoder])
def test_shapes(make, channels):
    generator, critic = make(16, channels, 4), SNDCGANDiscriminator(channels, 4)
    out = generator(torch.randn(3, 16))
    assert out.shape == (3, channels, 32, 32)
    assert out.abs().max() <= 1
    assert critic(out).shape == (3,)


def test_papers_width_has_the_papers_layers():
    with torch.device("meta"):
        critic, generator = SNDCGANDiscriminator(3, 64), SNDCGANGenerator(128, 3, 64)
    widths = [layer.out_channels for layer in critic if isinstance(layer, torch.nn.Conv2d)]
    assert widths == [64, 128, 128, 256, 256, 512, 512]
    assert [layer.weight.shape[:2] for layer in generator if hasattr(layer, "weight")] == [
        (8192, 128), (512, 256), (256, 128), (128, 64), (3, 64),
    ]  # fmt: skip


@pytest.mark.parametrize("make", [SNDCGANGenerator, DCGANDecoder])
def test_folded_batch_norm_computes_the_same(make):
    torch.manual_seed(0)
    network = make(8, 3, 4, batch_norm=True)
    for layer in network:
        if hasattr(layer, "running_mean"):
            torch.nn.init.normal_(layer.weight, 1, 0.3)
            torch.nn.init.normal_(layer.bias)
    for _ in range(5):
        network(torch.randn(32, 8) * 2 + 1)
    plain, z = fold(network), torch.randn(5, 8)
    network.eval()
    assert torch.allclose(plain(z), network(z), atol=1e-5)
    assert plain.state_dict().keys() == make(8, 3, 4).state_dict().keys()
    network.train()
    assert not torch.allclose(plain(z), network(z), atol=1e-2)


def test_folded_spectral_norm_computes_the_same_and_leaves_the_original_alone():
    torch.manual_seed(0)
    network, x = SNDCGANDiscriminator(1, 4, spectral_norm=True), torch.randn(5, 1, 32, 32)
    for _ in range(3):
        network(x)
    plain = fold(network)
    assert torch.allclose(plain(x), network.eval()(x), atol=1e-6)
    for layer in plain:
        if hasattr(layer, "weight"):
            # one power iteration a pass estimates the norm from below
            assert 0.99 < torch.linalg.matrix_norm(layer.weight.flatten(1), 2) < 1.6
    network.train()(x).sum().backward()


def test_unfolded_networks_compute_what_was_folded_and_learn_again():
    torch.manual_seed(0)
    plain, z = SNDCGANGenerator(8, 1, 4), torch.randn(64, 8)
    network = SNDCGANGenerator(8, 1, 4, batch_norm=True)
    unfold(network, plain, z)
    assert network.training
    assert torch.allclose(network(z), plain(z), atol=1e-5)

    x = torch.randn(5, 1, 32, 32)
    critic = SNDCGANDiscriminator(1, 4, spectral_norm=True)
    for _ in range(30):
        critic(x)
    plain = fold(critic)
    network = SNDCGANDiscriminator(1, 4, spectral_norm=True)
    unfold(network, plain, x, passes=200)
    assert torch.allclose(network.eval()(x), plain(x), rtol=0.05, atol=1e-3)
    network.train()(x).sum().backward()
    assert all(value.grad is not None for value in network.parameters())


def test_a_widened_critic_says_the_same_with_the_same_spectral_norms():
    torch.manual_seed(0)
    critic, x = SNDCGANDiscriminator(3, 4), torch.rand(5, 3, 32, 32) * 2 - 1
    wide = widened(critic, None, noise=0)
    assert wide.arguments == {**critic.arguments, "width": 8}
    assert torch.allclose(wide(x), critic(x), atol=1e-5)
    layers = [[one for one in net if hasattr(one, "weight")] for net in (critic, wide)]
    for narrow, broad in zip(*layers, strict=True):
        norms = [torch.linalg.matrix_norm(one.weight.flatten(1), 2).item() for one in (narrow, broad)]
        assert norms[0] == pytest.approx(norms[1], rel=1e-4)
    parted = widened(critic, torch.Generator().manual_seed(0))
    assert torch.allclose(parted(x), critic(x), atol=0.05)
    assert not torch.allclose(parted[0].weight[:4], parted[0].weight[4:], atol=1e-4)


@pytest.mark.slow
def test_settled_measures_batch_norm_for_these_weights():
    torch.manual_seed(0)
    network = SNDCGANGenerator(8, 1, 4, batch_norm=True)
    with torch.no_grad():
        for value in network.parameters():
            value.mul_(2)  # the running statistics are stale now
    z = torch.randn(512, 8)
    inside = torch.nn.Sequential(*list(network)[:-1]).train()(z)
    plain = settled(network, 8)
    ours = torch.nn.Sequential(*list(plain)[:-1])(z)
    assert (ours - inside).std() < 0.1 * inside.std()


# Recipes


SMALL = {"iterations": 2, "width": 2, "batch": 4, "watch_samples": 8, "finish_samples": 8, "marks": (1, 2)}


def tiny(name: str, **changes):
    return training.get(name).model_copy(update=SMALL | changes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["fashion_mnist/sndcgan-ns", "fashion_mnist/sndcgan-r1", "fashion_mnist/wgan-gp"]
)
def test_gan_trains_resumes_saves_and_loads(name, root, shipped_features, tmp_path):
    cpu, recipe = torch.device("cpu"), tiny(name, dim=4, iterations=3, watch_every=2)
    whole = loop.train(recipe, tmp_path / "whole", cpu, root)
    assert (tmp_path / "whole" / "sheet-000003.png").exists()
    log = json.loads((tmp_path / "whole" / loop.LOG).read_text().splitlines()[-1])
    assert {"logit_real", "logit_real_sd", "logit_fake", "base_fid", "refined_fid"} <= log.keys()
    assert ("penalty" in log) == (name != "fashion_mnist/sndcgan-ns")

    calls = iter([False, True])
    assert loop.train(recipe, tmp_path / "halves", cpu, root, stop=lambda: next(calls)) is None
    halves = loop.train(recipe, tmp_path / "halves", cpu, root)
    assert halves.digest == whole.digest
    assert halves.config["selection"] == whole.config["selection"]
    with pytest.raises(ValueError, match=r"^iterations: run folder 'halves' was begun for 3, and the rates"):
        loop.train(tiny(name, dim=4, iterations=4, watch_every=2), tmp_path / "halves", cpu, root)

    shelf.save(whole, tmp_path / "model")
    loaded = dg.load(tmp_path / "model")
    z = loaded.prior.sample(3, 0)
    assert torch.equal(loaded.generate(z), whole.generate(z))
    assert torch.equal(loaded.logit(whole.generate(z)), whole.logit(whole.generate(z)))
    assert loaded.config["quality"]["features"] == "Fashion-MNIST classifier features"
    assert list(loaded.config["real_logits"]) == ["5%", "25%", "50%", "75%", "95%"]


@pytest.mark.slow
def test_what_is_chosen_and_what_is_measured_have_other_samples_and_other_halves(
    root, shipped_features, monkeypatch, tmp_path
):
    """No number that chose a state or the steps comes from the samples or the half that measure."""
    seen, gain = [], image_trainer.gain

    def spy(model, against, n, seed, marks):
        seen.append((against.mean, seed, marks))
        return gain(model, against, n, seed, marks)

    monkeypatch.setattr(image_trainer, "gain", spy)
    recipe = tiny("fashion_mnist/sndcgan-ns", dim=4, watch_every=1)
    made = loop.train(recipe, tmp_path / "run", torch.device("cpu"), root)
    *choosing, (measured_against, measured_seed, marks) = seen
    test_half = reference("fashion_mnist")
    assert torch.equal(measured_against, test_half.mean)
    assert len(choosing) == 3  # two states, and the number of steps
    pictures = image_datasets.get("fashion_mnist").load(root, train=True)[0]
    for against, seed, _ in choosing:
        assert seed != measured_seed
        assert not torch.allclose(against, test_half.mean)
        assert torch.allclose(against, held_against(test_half, pictures).mean, atol=1e-4)
    found = made.config["selection"]
    assert (found["steps"]["chosen"],) == marks
    assert made.config["quality"]["DGflow(KL)"]["steps"] == found["steps"]["chosen"]
    assert found["iteration"]["chosen"] in (1, 2)
    assert made.config["measurement"] == {"against": "test half", "samples": 8, "seed": measured_seed}
    assert {found[key]["seed"] for key in ("steps", "iteration")} == {
        shipping.STATE_SEED, shipping.STEPS_SEED
    }  # fmt: skip
    every = pictures[:: max(1, len(pictures) // 1000)][:1000]  # the levels to stop at are a choice, too
    assert made.config["real_logits"] == shipping.real_band(made, image_data.to_unit(every))


@pytest.mark.slow
def test_a_gan_trained_longer_begins_where_the_shipped_one_ended(root, shipped_features):
    cpu = torch.device("cpu")
    gan = loop.train(tiny("fashion_mnist/sndcgan-ns", dim=4, seed=1), shipped_features / "run", cpu, root)
    shelf.save(gan, shipped_features / "fashion_mnist" / "sndcgan-ns")
    origins = dict.fromkeys(("generator_start", "critic_start"), "fashion_mnist/sndcgan-ns")
    longer = tiny("fashion_mnist/sndcgan-r1", dim=4, **origins)
    assert longer.needs() == longer.lenders() == ("fashion_mnist/sndcgan-ns",)
    trainer = longer.trainer(cpu, root)
    other = longer.model_copy(update=dict.fromkeys(origins)).trainer(cpu, root)
    z = gan.prior.sample(256, 0)
    begun, untaught = (one.model().generate(z) for one in (trainer, other))
    assert (gan.generate(z) - begun).abs().mean() < 0.3 * (gan.generate(z) - untaught).abs().mean()
    trainer.step(1)
    assert not torch.equal(trainer.model().generate(z), begun)


@pytest.mark.slow
def test_ratio_and_corrected_vae_build_on_a_shipped_gan(root, shipped_features):
    cpu = torch.device("cpu")
    gan = loop.train(tiny("fashion_mnist/sndcgan-ns", dim=4), shipped_features / "run", cpu, root)
    shelf.save(gan, shipped_features / "fashion_mnist" / "sndcgan-ns")

    ratio = loop.train(
        tiny("fashion_mnist/sndcgan-ns+ratio", iterations=4), shipped_features / "ratio", cpu, root
    )
    z = gan.prior.sample(3, 0)
    assert torch.equal(ratio.generate(z), gan.generate(z))
    assert not torch.allclose(ratio.logit(gan.generate(z)), gan.logit(gan.generate(z)))

    recipe = tiny("fashion_mnist/vae", iterations=4, generator_iterations=2, corrector_batch=4, dim=4)
    vae = loop.train(recipe, shipped_features / "vae", cpu, root)
    shelf.save(vae, shipped_features / "fashion_mnist" / "vae")
    loaded = dg.load("fashion_mnist/vae")
    x = loaded.generate(loaded.prior.sample(3, 0))
    assert torch.allclose(loaded.logit(x), loaded.critic(x) + loaded.corrector(x))
    assert torch.allclose(loaded.without_corrector().logit(x), gan.logit(x))
    assert loaded.digest != loaded.without_corrector().digest


def test_losses_match_their_formulas():
    real, fake = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0])
    ns = -(torch.log(torch.sigmoid(real)).mean() + torch.log(1 - torch.sigmoid(fake)).mean())
    assert torch.allclose(adversarial.critic_loss("ns", real, fake), ns)
    assert adversarial.critic_loss("hinge", real, fake) == pytest.approx(1.5 + 2.75)
    assert adversarial.critic_loss("wgan-gp", real, fake) == pytest.approx(1.75 + 0.5)
    assert torch.allclose(adversarial.generator_loss("ns", fake), -torch.log(torch.sigmoid(fake)).mean())

    linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 1))
    expected = 0.5 * (linear[1].weight ** 2).sum()
    assert torch.allclose(adversarial.r1(linear, torch.randn(3, 1, 2, 2)), expected)

    def bowl(x):  # ∇d(x) = x
        return (x**2).flatten(1).sum(1) / 2

    real = torch.tensor([[3.0], [5.0], [100.0]])
    assert adversarial.zero_centred(2.0, 2)(bowl, real, real).item() == pytest.approx((9 + 25) / 2)

    mean, log_variance = torch.full((1, 2), 0.5), torch.full((1, 2), 0.2)
    x, decoded = torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 0.3)
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    kl = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum()
    misfit = 4 * 0.3**2 / (2 * 0.1**2)
    assert torch.allclose(negative_elbo(x, mean, log_variance, decoded, 0.1), kl + misfit)


# Metrics


class Pixels(torch.nn.Module):
    """A stand-in whose features are given pixels, so that the metric is known in closed form."""

    def __init__(self, dim: int):
        super().__init__()
        self.dim = dim
        self.head = torch.nn.Linear(dim, 2)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)

    def features(self, x):
        return x.flatten(1)[:, : self.dim]


@pytest.mark.slow
def test_frechet_distance_against_the_closed_form():
    torch.manual_seed(0)
    variance = torch.tensor([1.0, 4.0, 0.25], dtype=torch.float64)
    against = FeatureReference("fashion_mnist", 1.0, Pixels(3), torch.zeros(3), variance.diag(), 10_000,
                        torch.randn(1000, 3))  # fmt: skip
    pictures = torch.zeros(4000, 1, 32, 32)
    drawn = torch.randn(4000, 3, dtype=torch.float64) @ torch.diag(torch.tensor([2.0, 1.0, 0.5]).double())
    pictures[:, 0, 0, :3] = (drawn + torch.tensor([1.0, 0.0, -2.0])).float()
    quality = ImageQuality(against)
    for chunk in pictures.split(700):
        quality.update(chunk)
    measured = quality.compute()
    ours = pictures[:, 0, 0, :3].double()
    mean, covariance = ours.mean(0), ours.T.cov()
    root = (against.covariance.sqrt() @ covariance @ against.covariance.sqrt()).numpy()
    trace = np.sqrt(np.linalg.eigvalsh(root)).sum()
    expected = float((mean**2).sum() + variance.sum() + covariance.trace()) - 2 * trace
    assert measured["fid"] == pytest.approx(expected, rel=1e-3)
    assert measured["fid"] == pytest.approx(1 + 4 + 1 + 1 + 0, rel=0.1)
    assert measured["score"] == pytest.approx(1.0)  # a classifier that knows nothing
    assert quality.compute() == measured


@pytest.mark.slow
def test_images_like_the_reference_score_better_than_noise():
    against = reference("fashion_mnist")
    assert against.accuracy > 0.9
    quality = ImageQuality(against)
    quality.update(torch.rand(500, 1, 32, 32) * 2 - 1)
    numbers = quality.compute()
    assert numbers["fid"] > 100
    assert numbers["kernel"] > 0


def test_features_of_an_unknown_set_are_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(tmp_path))
    with pytest.raises(ValueError, match="has no feature network"):
        reference("cifar10")


# The table


@pytest.mark.slow
def test_table_goes_on_where_it_stopped(shipped_features, tmp_path, capsys, monkeypatch):
    generator, critic = SNDCGANGenerator(4, 1, 2), SNDCGANDiscriminator(1, 2)
    names = ("sndcgan_generator", "sndcgan_discriminator")
    config = {
        "title": "Toy", "kind": "image", "dataset": "fashion_mnist", "prior": {"kind": "normal", "dim": 4},
        "generator": {"architecture": names[0], "arguments": generator.arguments},
        "critic": {"architecture": names[1], "arguments": critic.arguments},
        "quality": {"DGflow(KL)": {"steps": 3}},
    }  # fmt: skip
    model = dg.Model(config, dg.load.__globals__["priors"].make("normal", 4), generator, critic)
    shelf.save(model, shipped_features / "fashion_mnist" / "toy")
    images = replace(reports.tables["images"], rows=reports.tables["images"].rows[:2], chunk=8, models=())
    parser = argparse.ArgumentParser()
    images.options(parser)
    out = tmp_path / "images.json"
    args = parser.parse_args(["--repeats", "2", "--n", "12", "--out", str(out)])
    images.run(args)
    first = json.loads(out.read_text())["cells"]
    assert [cell["repeats"]["0"]["steps"] for cell in first.values()] == [0, 3]  # the model's own number
    monkeypatch.setattr(reports.resumable_table, "measure", lambda *_: pytest.fail("measured again"))
    images.run(args)
    assert json.loads(out.read_text())["cells"] == first
    printed = capsys.readouterr()
    assert "Fashion-MNIST classifier features" in printed.out + printed.err
    fids = [[cell["repeats"][repeat]["fid"] for repeat in "01"] for cell in first.values()]
    gain = 100 * (1 - sum(fids[1]) / sum(fids[0]))
    assert f"{gain:+.1f} %" in printed.out + printed.err
    assert {"precision", "recall"} <= first[next(iter(first))]["repeats"]["0"].keys()

    only = parser.parse_args(["--repeats", "2", "--n", "12", "--out", str(out), "--row", "Base"])
    images.run(only)
    printed = capsys.readouterr()
    assert images.rows[1].title not in printed.out + printed.err
    monkeypatch.undo()
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(shipped_features))
    images.run(parser.parse_args(["--summary", "--repeats", "1", "--n", "12", "--out", str(out)]))
    printed = capsys.readouterr()
    line = next(line for line in (printed.out + printed.err).splitlines() if line.startswith("Toy"))
    assert f"{fids[0][0]:,.1f}" in line
    assert f"{100 * (1 - fids[1][0] / fids[0][0]):+.1f} %" in line
    with pytest.raises(ValueError, match="row must be one of Base; DGflow"):
        images.run(parser.parse_args(["--row", "nonsense", "--out", str(out)]))


# What ships


def test_what_the_readme_measures_ships():
    kinds = "sndcgan-ns sndcgan-hinge wgan-gp sn-resnet mmd-gan ocfgan-gp vae glow"
    wanted = {f"cifar10/{kind}" for kind in kinds.split()}
    wanted |= {f"fashion_mnist/{kind}" for kind in ("sndcgan-ns", "wgan-gp", "vae")}
    assert wanted <= set(SHIPPED)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_load_and_refine(name):
    model = dg.load(name, device="cpu")
    for key in ("recipe", "seed", "data", "quality", "real_logits"):
        assert key in model.config
    run = dg.refine(model, n=16, steps=10, eta=0.1, gamma=0.0, space="latent", seed=3)
    assert run.samples.shape == (11, 16, *model.sample_shape)
    assert model.sample_shape[0] == image_datasets.get(model.dataset).channels
    assert run.samples.abs().max() <= 1
    assert run.logits[-1].mean() > run.logits[0].mean() + 0.05
    before, after = (run.samples[step].std(0).mean() for step in (0, -1))
    assert after > 0.4 * before  # they have not become one picture


def test_classifier_shapes():
    network = Classifier(3, 7, width=4)
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 7)
    assert network.features(torch.zeros(2, 3, 32, 32)).shape == (2, Classifier.num_features)


def test_frechet_distance_is_that_of_scipys_matrix_root():
    rng = np.random.default_rng(0)
    real, fake = (
        rng.normal(size=(300, 12)) @ rng.normal(size=(12, 12)),
        1.5 * rng.normal(size=(200, 12)) + 0.3,
    )
    covariances = np.cov(real.T), np.cov(fake.T)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.square(real.mean(0) - fake.mean(0)).sum() + np.trace(sum(covariances) - 2 * root)
    mean, covariance = torch.from_numpy(real.mean(0)), torch.from_numpy(covariances[0])
    assert frechet(mean, covariance, torch.from_numpy(fake)) == pytest.approx(expected, rel=1e-9)

"""The doctor: planted faults are found and mended, shipped models and healthy random networks get no word."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
import torch
from torch import nn

import dgflow_core as dg
from dgflow_core.flow import priors
from dgflow_core.nets.mlp import MLP
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator, SNDCGANGenerator
from dgflow_core.nets.snresnet import SNResNetDiscriminator, SNResNetGenerator
from dgflow_core.zoo.examine import calibration_curve, examine, honest_odds
from dgflow_core.zoo.own import Choice, Label, own_model

DIM = 16


def generator(seed: int = 0, last: nn.Module | None = None, scale: float = 2.0) -> nn.Sequential:
    """Codes (n, 16) → grey 16 × 16 images, random weights."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Linear(DIM, 32 * 16), nn.BatchNorm1d(32 * 16), nn.ReLU(), nn.Unflatten(1, (32, 4, 4)),
        nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, 2, 1), last or nn.Tanh(),
    )  # fmt: skip
    with torch.no_grad():
        network[-2].weight.mul_(scale)
    return trained(network, torch.randn)


def trained(network: nn.Module, draw) -> nn.Module:
    """With batch norms that have seen codes from ``draw``, as training leaves them."""
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.reset_running_stats()
            layer.momentum = None
    network.train()
    with torch.no_grad():
        for _ in range(8):
            network(draw(64, DIM))
    return network.eval()


def critic(seed: int = 1, *more: nn.Module) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(32 * 16, 1), *more,
    )  # fmt: skip


def mine(g=None, d=None, prior: str = "normal", **label) -> dg.Model:
    networks = generator() if g is None else g, {"critic": critic() if d is None else d}
    return own_model(Label("mine/gan", **label), *networks, priors.make(prior, DIM), device="cpu")


def keys(model: dg.Model, **more) -> set[str]:
    return {finding.key for finding in examine(model, **more)}


class Scaled(nn.Module):
    def __init__(self, network: nn.Module, scale: float = 1.0, shift: float = 0.0):
        super().__init__()
        self.network, self.scale, self.shift = network, scale, shift

    def forward(self, x):
        return self.scale * self.network(x) + self.shift


class ByHand(nn.Module):
    """A sigmoid that no graph names."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x):
        return 1 / (1 + torch.exp(-self.network(x)))


class Noisy(nn.Module):
    """A generator with noise in its layers, as in StyleGAN."""

    def __init__(self, seed: int = 0):
        super().__init__()
        self.network = generator(seed)

    def forward(self, z):
        h = self.network[:4](z)
        return self.network[4:](h + 0.3 * torch.randn(len(z), 1, *h.shape[2:]))


class Minibatch(nn.Module):
    """A critic with the standard deviation over groups of four as one more plane (Karras et al. 2018)."""

    def __init__(self, group: int = 4):
        super().__init__()
        torch.manual_seed(5)
        self.first = nn.Sequential(nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2))
        self.rest = nn.Sequential(
            nn.Conv2d(17, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(512, 1)
        )
        self.group = group

    def forward(self, x):
        h = self.first(x)
        groups = h.reshape(self.group, -1, *h.shape[1:])  # fails where n is no multiple
        spread = (
            groups.std(0, unbiased=False).mean((1, 2, 3), keepdim=True).repeat(self.group, 1, *h.shape[2:])
        )
        return self.rest(torch.cat([h, 5 * spread], 1))


class Discrimination(nn.Module):
    """A critic with minibatch discrimination (Salimans et al. 2016): how near the rest is."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(7)
        self.first = nn.Sequential(nn.Flatten(), nn.Linear(256, 16), nn.LeakyReLU(0.2))
        self.kernels, self.last = nn.Linear(16, 4 * 3), nn.Linear(20, 1)

    def forward(self, x):
        h = self.first(x)
        m = self.kernels(h).reshape(-1, 4, 3)
        near = torch.exp(-(m[:, None] - m[None]).abs().sum(3)).sum(1) - 1
        return self.last(torch.cat([h, near], 1))


class BatchStatistics(nn.Module):
    """A critic whose norms take the batch's statistics in evaluation too."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(6)
        self.network = nn.Sequential(
            nn.Conv2d(1, 16, 4, 2, 1), nn.BatchNorm2d(16, track_running_stats=False), nn.ReLU(), nn.Flatten(),
            nn.Linear(16 * 64, 1),
        )  # fmt: skip

    def forward(self, x):
        return self.network(x)


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = critic()

    def forward(self, x):
        return self.network(x.mul_(0.5))


def half_learnt(*which: int) -> nn.Sequential:
    """A generator whose norms of these numbers, or all, never measured anything."""
    network = generator()
    norms = [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    for index in which or range(len(norms)):
        norms[index].reset_running_stats()
    return network


def flipped() -> dg.Model:
    """A trained GAN whose critic was told that real is 0."""
    m = dg.load("8gaussians/wgan-gp", device="cpu")
    critics = {"critic": Scaled(m.critic, -1, -m.logit_offset)}
    return own_model(Label("8gaussians/mine"), m.generator, critics, m.prior, device="cpu")


PLANTED = {
    "a sigmoid": ("sigmoid", lambda: mine(d=critic(1, nn.Sigmoid()))),
    "a sigmoid by hand": ("sigmoid", lambda: mine(d=ByHand(Scaled(critic(), 5)))),
    "labels the other way round": ("flipped", flipped),
    "log-probabilities": ("sigmoid", lambda: mine(d=critic(1, nn.LogSigmoid()))),
    "values in [0, 1]": ("range", lambda: mine(generator(0, nn.Sigmoid()))),
    "values in [0, 255]": ("range", lambda: mine(Scaled(generator(0, nn.Sigmoid()), 255))),
    "values far outside": ("range", lambda: mine(Scaled(generator(), 4))),
    "a prior that is wider": ("prior", lambda: mine(trained(generator(), lambda *s: torch.rand(s) * 2 - 1))),
    "a prior that is narrower": ("prior", lambda: mine(prior="uniform")),
    "norms that never learnt": ("batch-norm", lambda: mine(half_learnt())),
    "one norm that never learnt": ("batch-norm", lambda: mine(half_learnt(1))),
    "a critic's norm that never learnt": ("batch-norm", lambda: mine(d=nn.Sequential(
        nn.Conv2d(1, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(512, 1)))),
    "noise inside the generator": ("noise", lambda: mine(Noisy())),
    "dropout left on": ("noise", lambda: mine(d=nn.Sequential(critic()[:5], Always(), critic()[5]))),
    "groups of four": ("batch-dependent", lambda: mine(d=Minibatch())),
    "minibatch discrimination": ("batch-dependent", lambda: mine(d=Discrimination())),
    "norms over the batch": ("batch-dependent", lambda: mine(d=BatchStatistics())),
    "a critic that says one thing": ("dead", lambda: mine(d=Scaled(critic(), 0.0, 0.7))),
    "a critic whose ReLUs died": ("dead", lambda: mine(d=nn.Sequential(Scaled(critic(), 1, -100),
    nn.ReLU()))),
    "logits of hundreds": ("saturated", lambda: mine(d=Scaled(critic(), 3e3))),
    "probabilities of 0 and 1": ("saturated", lambda: mine(d=nn.Sequential(Scaled(critic(), 1e4),
    nn.Sigmoid()))),
    "logits cut off": ("saturated", lambda: mine(d=nn.Sequential(Scaled(critic(), 1e4), nn.Hardtanh(-5, 5)))),
    "an offset of 40": ("offset", lambda: mine(d=Scaled(critic(), 1, 40))),
    "an offset of −40": ("offset", lambda: mine(d=Scaled(critic(), 1, -40))),
    "bfloat16": ("precision", lambda: mine(generator().bfloat16(), critic().bfloat16())),
    "half": ("precision", lambda: mine(d=critic().half())),
    "double": ("precision", lambda: mine(generator().double())),
    "a critic that writes on its input": ("in-place", lambda: mine(d=InPlace())),
    "an in-place ReLU first": ("in-place", lambda: mine(d=nn.Sequential(nn.LeakyReLU(0.2, inplace=True),
    critic()))),
    "one picture for all codes": ("collapsed", lambda: mine(Scaled(generator(), 0, 0.3))),
}  # fmt: skip


class Always(nn.Module):
    def forward(self, x):
        return nn.functional.dropout(x, 0.3, training=True)


TWELVE = {"sigmoid", "flipped", "range", "prior", "batch-norm", "noise", "batch-dependent", "dead",
          "saturated", "offset", "precision", "in-place"}  # fmt: skip


def test_the_twelve_faults_are_among_the_planted():
    assert {key for key, _ in PLANTED.values()} >= TWELVE


@pytest.mark.slow
@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault):
    key, make = PLANTED[fault]
    findings = examine(make())
    found = [finding for finding in findings if finding.key == key]
    assert found, [str(finding) for finding in findings]
    sentence = str(found[0])
    assert sentence[0].isupper() or sentence[0].isdigit()
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.slow
@pytest.mark.parametrize("fault", [name for name, (key, _) in PLANTED.items() if key in (
    "sigmoid", "range", "prior", "batch-norm", "offset", "flipped")])  # fmt: skip
def test_a_remedy_mends_it_and_leaves_the_model_alone(fault):
    key, make = PLANTED[fault]
    model = make()
    digest = model.digest
    finding = next(finding for finding in examine(model) if finding.key == key)
    if finding.remedy is None:
        assert fault == "values far outside"
        return
    assert finding.button
    mended = finding.mended(model)
    assert key not in keys(mended)
    assert model.digest == digest
    assert key in keys(model)
    run = dg.refine(mended, n=4, steps=2, space="latent", eta=0.01, gamma=0.0)
    assert torch.isfinite(run.logits).all()


@pytest.mark.slow
def test_the_sigmoid_is_undone_exactly():
    bare = mine(d=critic())
    for last in (critic(1, nn.Sigmoid()), ByHand(critic()), critic(1, nn.LogSigmoid())):
        model = mine(d=last)
        mended = examine(model)[0].mended(model)
        x = model.generate(model.prior.sample(20, 3))
        torch.testing.assert_close(mended.logit(x), bare.logit(x), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("last", "scale", "half"), [
    (nn.Sigmoid(), 1, 0.5), (nn.Hardtanh(0, 1), 1, 0.5), (nn.Sigmoid(), 255, 127.5)])  # fmt: skip
def test_a_rescaled_model_sees_the_same_images(last, scale, half):
    model = mine(Scaled(generator(0, last), scale))
    finding = next(finding for finding in examine(model) if finding.key == "range")
    assert f"values in [0, {scale}]" in str(finding)
    mended = finding.mended(model)
    z = model.prior.sample(6, 0)
    torch.testing.assert_close(mended.generate(z), model.generate(z) / half - 1, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        mended.logit(mended.generate(z)), model.logit(model.generate(z)), atol=1e-4, rtol=1e-4
    )


SHIPPED = dg.models()


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_are_silent(name):
    assert [str(finding) for finding in examine(dg.load(name, device="cpu"))] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["8gaussians/wgan-gp", "fashion_mnist/sndcgan-ns", "cifar10/vae"])
def test_faults_in_trained_models(name):
    m = dg.load(name, device="cpu")

    def own(critic=m.critic, prior="normal", offset=m.logit_offset, dataset=m.dataset):
        label = Label("mine/gan", dataset=dataset)
        critics = {"critic": critic, "corrector": m.corrector}
        return own_model(
            label, m.generator, critics, priors.make(prior, m.prior.dim), device="cpu"
        ).with_offset(offset)

    assert keys(own()) == set()
    if m.corrector is None:
        flipped = examine(own(Scaled(m.critic, -1), offset=-m.logit_offset))
        assert [finding.key for finding in flipped] == ["flipped"]
        assert keys(flipped[0].mended(own(Scaled(m.critic, -1), offset=-m.logit_offset))) == set()
        (shifted,) = examine(own(Scaled(m.critic, 1, 30)))
        assert shifted.key == "offset"
        assert keys(shifted.mended(own(Scaled(m.critic, 1, 30)))) == set()
        assert keys(own(Scaled(m.critic, 1, 30), dataset=None)) == {"offset"}
    (other,) = (finding for finding in examine(own(prior="uniform")) if finding.key == "prior")
    assert other.mended(own(prior="uniform")).prior == m.prior


def healthy(seed: int) -> dg.Model:
    """A random model of an architecture, a scale and a level of its logits that the seed picks.

    The level is one that training leaves: what d says of the median generated sample is between −8 and 4.
    """
    chance = random.Random(seed)
    torch.manual_seed(seed)
    kind, scale, level = seed % 5, chance.uniform(0.6, 2.0), chance.uniform(-8, 4)
    prior = priors.make(chance.choice(["normal", "uniform"]), DIM)
    draw = torch.randn if prior.kind == "normal" else (lambda *shape: torch.rand(shape) * 2 - 1)
    choice, alphabet = Choice(), None
    if kind == 0:
        networks = MLP([DIM, 64, 64, 2]), MLP([2, 64, 64, 1], "leaky_relu")
    elif kind == 1:
        networks = trained(SNDCGANGenerator(DIM, 3, 8, batch_norm=True), draw), SNDCGANDiscriminator(3, 8)
    elif kind == 2:
        networks = (trained(SNResNetGenerator(DIM, 3, 16, batch_norm=True), draw),
                    SNResNetDiscriminator(3, 8, spectral_norm=True))  # fmt: skip
    elif kind == 3:
        networks = trained(generator(seed), draw), critic(seed)
    else:
        choice, alphabet = Choice(kind="text"), "abcdefgh"
        networks = (nn.Sequential(nn.Linear(DIM, 96), nn.Unflatten(1, (12, 8)), nn.Softmax(-1)),
                    nn.Sequential(nn.Flatten(), nn.Linear(96, 32), nn.ReLU(), nn.Linear(32, 1)))  # fmt: skip
    with torch.no_grad():
        for parameter in networks[1].parameters():
            parameter.mul_(scale)
        said = networks[1].eval()(networks[0].eval()(prior.sample(64, 0)))
    label, judge = Label("mine/gan", alphabet=alphabet), Scaled(networks[1], 1, level - float(said.median()))
    return own_model(label, networks[0], {"critic": judge}, prior, choice, "cpu")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300, 320))  # no limit was set by looking at these
def test_no_false_alarm_over_random_healthy_networks(seed):
    assert [str(finding) for finding in examine(healthy(seed))] == []


@pytest.mark.slow
def test_with_a_data_root_it_says_how_well_the_logit_separates(tmp_path):
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (300, 28, 28), dtype=np.uint8)
    header = struct.pack(">IIII", 0x803, *pixels.shape)
    (raw / "train-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
    (raw / "train-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 300) + bytes(300))
    model = dg.load("fashion_mnist/sndcgan-ns", device="cpu")
    findings = {finding.key: finding for finding in examine(model, data_root=tmp_path)}
    values = findings["separation"].values if "separation" in findings else findings["flipped"].values
    assert 0 <= values["area"] <= 1
    with pytest.raises(ValueError, match="data_root must hold"):
        examine(model, data_root=tmp_path / "none")


def test_the_calibration_curve_and_its_line():
    """Real and generated scores of two normal laws a unit apart: the logit of being real is known."""
    noise = torch.Generator().manual_seed(0)
    generated, real = (torch.randn(20_000, generator=noise) + mean for mean in (0.0, 1.0))
    logit = [x - 0.5 for x in (generated, real)]  # log N(x; 1, 1) / N(x; 0, 1)
    said, share = calibration_curve(*logit)
    assert np.abs(np.subtract(said, share)).max() < 0.03
    scale, shift = honest_odds(3 * logit[0] + 2, 3 * logit[1] + 2)
    assert scale == pytest.approx(1 / 3, rel=0.05)
    assert shift == pytest.approx(-2 / 3, abs=0.05)

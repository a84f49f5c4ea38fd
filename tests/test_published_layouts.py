"""Published layouts with random weights, named as their releases do, against forward passes of our own.

The modules here are stand-ins with the released names and shapes; ``run_…`` says what each computes, from the
papers' architectures, in float64.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, spectral_norm, weight_norm

import dgflow_core as dg
from dgflow_core.zoo import shelf
from dgflow_core.zoo.importers import load_files

Z = 12


class Net(nn.Module):
    """Modules by name; forward passes are the functions below."""

    def __init__(self, **parts: nn.Module):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


def conv(inputs: int, outputs: int, kernel: int = 3, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, 1, kernel // 2, bias=bias)


def lively(network: nn.Module, seed: int) -> nn.Module:
    """Random weights that keep activations of order one, and norms as training leaves them."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.3), layer.running_var.uniform_(0.5, 2)
                if layer.affine:
                    layer.weight.normal_(1, 0.2), layer.bias.normal_(0, 0.2)
            elif isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                fan = (
                    layer.weight[0].numel()
                    if not isinstance(layer, nn.ConvTranspose2d)
                    else 4 * len(layer.weight)
                )
                layer.weight.normal_(0, 1.4 / math.sqrt(fan))
                if layer.bias is not None:
                    layer.bias.normal_(0, 0.2)
    return network.eval()


def check(
    g: nn.Module, run_g, d: nn.Module, run_d, tmp_path, wrap=lambda state: state, side: int = 32, **said
):
    """Both networks by way of files equal both forward passes; and again after ``dg.save``."""
    torch.save(wrap(g.state_dict()), tmp_path / "G.pth")
    torch.save(wrap(d.state_dict()), tmp_path / "D.pth")
    m = dg.load_published(tmp_path / "G.pth", tmp_path / "D.pth", device="cpu", **said)
    z = m.prior.sample(3, 1)
    x, d_of_x = m.generate(z), m.logit(m.generate(z))
    with torch.no_grad():
        wanted = run_g(g.double(), z.double())
        logits = run_d(d.double(), wanted)
    assert x.shape == (3, 3, side, side)
    assert x.std() > 0.02
    torch.testing.assert_close(x.double(), wanted, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(d_of_x.double(), logits, atol=2e-4, rtol=1e-3)
    again = dg.load(shelf.save(m, tmp_path / "kept"), device="cpu")
    torch.testing.assert_close(again.logit(again.generate(z)), d_of_x)
    return m


# torch-mimicry (Lee & Town 2020)


class SN:
    """A layer under torch-mimicry's spectral norm: ``sn_u`` is a row; each call takes a step of iteration."""

    def __new__(cls, layer: nn.Module) -> nn.Module:
        layer.register_buffer("sn_u", F.normalize(torch.randn(1, len(layer.weight)), dim=1))
        layer.register_buffer("sn_sigma", torch.ones(1))
        return layer


def mimicry_weight(layer: nn.Module) -> torch.Tensor:
    if not hasattr(layer, "sn_u"):
        return layer.weight
    w = layer.weight.flatten(1)
    v = F.normalize(layer.sn_u @ w)
    u = F.normalize(v @ w.T)
    return layer.weight / (u @ w @ v.T)


def mimicry(widths: list[int], bottom: int, critic: list[tuple[int, bool]], sn=SN, classes: int = 0):
    def gblock(a, b):
        return Net(c1=conv(a, b), c2=conv(b, b), b1=norm(a), b2=norm(b), c_sc=conv(a, b, 1))

    def norm(width):
        if not classes:
            return nn.BatchNorm2d(width)
        return Net(bn=nn.BatchNorm2d(width, affine=False), embed=nn.Embedding(classes, 2 * width))

    blocks = {f"block{i + 2}": gblock(a, b) for i, (a, b) in enumerate(itertools.pairwise(widths))}
    n = len(widths) + 1
    g = Net(l1=nn.Linear(Z, bottom**2 * widths[0]), **blocks, **{f"b{n}": nn.BatchNorm2d(widths[-1]),
            f"c{n}": conv(widths[-1], 3)})  # fmt: skip

    parts, a = {}, 3
    for i, (b, halve) in enumerate(critic):
        hidden = b if i == 0 else a
        block = {"c1": sn(conv(a, hidden)), "c2": sn(conv(hidden, b))}
        if a != b or halve:
            block["c_sc"] = sn(conv(a, b, 1))
        parts[f"block{i + 1}"] = Net(**block)
        a = b
    parts[f"l{len(critic) + 1}"] = sn(nn.Linear(a, 1))
    if classes:
        parts["l_y"] = SN(nn.Embedding(classes, a))
    return lively(g, 1), lively(Net(**parts), 2)


def run_mimicry_g(bottom: int, label: int | None = None):
    def norm(layer, h):
        if label is None or isinstance(layer, nn.BatchNorm2d):
            return layer(h)
        gamma, beta = layer.embed.weight[label].chunk(2)
        return layer.bn(h) * gamma[:, None, None] + beta[:, None, None]

    def run(g, z):
        def up(h):
            return F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)

        h = g.l1(z).reshape(len(z), -1, bottom, bottom)
        i = 2
        while hasattr(g, f"block{i}"):
            b = getattr(g, f"block{i}")
            inner = b.c1(up(F.relu(norm(b.b1, h))))
            h = b.c2(F.relu(norm(b.b2, inner))) + b.c_sc(up(h))
            i += 1
        return torch.tanh(getattr(g, f"c{i}")(F.relu(getattr(g, f"b{i}")(h))))

    return run


def run_mimicry_d(halves: list[bool], mean: bool = False, label: int | None = None):
    def run(d, x):
        def c(layer, h):
            return F.conv2d(h, mimicry_weight(layer), layer.bias, padding=layer.padding)

        h = x
        for i, halve in enumerate(halves):
            b = getattr(d, f"block{i + 1}")
            inner = c(b.c2, F.relu(c(b.c1, h if i == 0 else F.relu(h))))
            short = c(b.c_sc, h) if hasattr(b, "c_sc") else h
            h = F.avg_pool2d(inner, 2) + F.avg_pool2d(short, 2) if halve else inner + short
        h = F.relu(h)
        h = h.mean((2, 3)) if mean else h.sum((2, 3))
        last = getattr(d, f"l{len(halves) + 1}")
        out = (h @ mimicry_weight(last).T + last.bias)[:, 0]
        if label is not None:
            out = out + h @ mimicry_weight(d.l_y)[label]
        return out

    return run


def training(state):
    return {"model_state_dict": state, "optimizer_state_dict": {"state": {0: {"exp_avg": torch.ones(3)}},
            "param_groups": [{"lr": 1e-4}]}, "global_step": 100_000}  # fmt: skip


def wrapped(prefix: str):
    return lambda state: {prefix + key: value for key, value in state.items()}


def test_mimicry_sngan_32(tmp_path):
    halves = [True, True, False, False]
    g, d = mimicry([16] * 4, 4, [(8, halve) for halve in halves])
    check(g, run_mimicry_g(4), d, run_mimicry_d(halves), tmp_path, training)


def test_mimicry_sngan_48_has_a_bottom_of_six(tmp_path):
    halves = [True, True, True, True, False]
    g, d = mimicry([32, 16, 8, 4], 6, list(zip([4, 8, 16, 32, 64], halves, strict=True)))
    check(g, run_mimicry_g(6), d, run_mimicry_d(halves), tmp_path, wrapped("module."), 48)


def test_mimicry_sngan_64(tmp_path):
    halves = [True] * 5
    g, d = mimicry([32, 16, 8, 4, 4], 4, list(zip([4, 8, 16, 32, 64], halves, strict=True)))
    check(g, run_mimicry_g(4), d, run_mimicry_d(halves), tmp_path, wrapped("_orig_mod.module."), 64)


@pytest.mark.parametrize("pooling", ["mean", "sum"])
def test_mimicry_wgan_gp_without_spectral_norm(pooling, tmp_path):
    halves = [True, True, False, False]
    g, d = mimicry([16] * 4, 4, [(8, halve) for halve in halves], sn=lambda layer: layer)
    said = {} if pooling == "mean" else {"pooling": "sum"}
    m = check(g, run_mimicry_g(4), d, run_mimicry_d(halves, pooling == "mean"), tmp_path, **said)
    assert [found["key"] for found in m.config["found"]] == (["pooling"] if pooling == "mean" else [])


@pytest.mark.parametrize("classes", [1, 10])
def test_mimicry_with_classes(classes, tmp_path):
    halves, label = [True, True, False, False], classes - 1
    g, d = mimicry([16] * 4, 4, [(8, halve) for halve in halves], classes=classes)
    said = {} if classes == 1 else {"label": label}
    check(g, run_mimicry_g(4, label), d, run_mimicry_d(halves, label=label), tmp_path, **said)
    if classes > 1:
        with pytest.raises(
            ValueError, match="class-conditional, with 10 classes: choose one by label=0 to label=9"
        ):
            dg.load_published(tmp_path / "G.pth", tmp_path / "D.pth")
        with pytest.raises(ValueError, match="label must be from 0 to 9"):
            dg.load_published(tmp_path / "G.pth", tmp_path / "D.pth", label=10)


# pytorch/examples' DCGAN


def example_dcgan(z: int = Z, width: int = 4, norm=lambda layer: layer):
    def up(a, b, stride):
        return norm(nn.ConvTranspose2d(a, b, 4, stride, int(stride == 2), bias=False))

    def down(a, b, stride=2):
        return norm(nn.Conv2d(a, b, 4, stride, int(stride == 2), bias=False))

    g = nn.Sequential(up(z, 8 * width, 1), nn.BatchNorm2d(8 * width), nn.ReLU())
    d = nn.Sequential(down(3, width), nn.LeakyReLU(0.2))
    for scale in (8, 4, 2):
        half = scale // 2 * width
        g.extend([up(scale * width, half, 2), nn.BatchNorm2d(half), nn.ReLU()])
    for scale in (1, 2, 4):
        d.extend(
            [down(scale * width, 2 * scale * width), nn.BatchNorm2d(2 * scale * width), nn.LeakyReLU(0.2)]
        )
    g.extend([up(width, 3, 2), nn.Tanh()])
    d.extend([down(8 * width, 1, 1), nn.Sigmoid()])
    return lively(Net(main=g), 3), lively(Net(main=d), 4)


def run_example_g(g, z):
    return g.main(z[:, :, None, None])


def run_example_d(d, x):
    return d.main[:-1](x).reshape(-1)  # the logit before the sigmoid


def other(state):
    """The same names with other numbers: what must not be taken."""
    return {key: value + 1 if value.is_floating_point() else value for key, value in state.items()}


WRAPS = {
    "plain": lambda s: s,
    "with its optimiser": training,
    "torch.compile": wrapped("_orig_mod."),
    "torch.compile of a part": lambda s: {k.replace("main.", "main._orig_mod."): v for k, v in s.items()},
    "FSDP of DataParallel": wrapped("_fsdp_wrapped_module.module."),
    "both in one file": lambda s: {"netG": s, "netD": s},
    "torch's AveragedModel": lambda s: {"n_averaged": torch.tensor(7), **wrapped("module.")(s)},
    "ema_pytorch": lambda s: {**wrapped("online_model.")(other(s)), **wrapped("ema_model.")(s),
                              "initted": torch.tensor(True), "step": torch.tensor(9)},
    "Lightning": lambda s: {"state_dict": {**wrapped("generator.")(s), **wrapped("discriminator.")(s)},
                            "optimizer_states": [{"state": {}, "param_groups": [{}]}]},
    "timm's average": lambda s: {"state_dict": other(s), "state_dict_ema": wrapped("module.")(s)},
}  # fmt: skip


@pytest.mark.parametrize("wrap", WRAPS)
def test_example_dcgan(wrap, tmp_path):
    (g, d), runs = example_dcgan(), (run_example_g, run_example_d)
    m = check(g, runs[0], d, runs[1], tmp_path, WRAPS[wrap], 64)
    averaged = wrap in ("ema_pytorch", "timm's average")
    assert [found["key"] for found in m.config["found"]] == ["copies"] * 2 * averaged


NORMS = {
    "spectral norm of the old age": spectral_norm,
    "spectral norm of the new age": parametrizations.spectral_norm,
    "weight norm of the new age": parametrizations.weight_norm,
    "weight norm of the old age": weight_norm,
}


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize("norm", NORMS)
def test_norms_fold_to_the_plain_weight(norm, tmp_path):
    g, d = example_dcgan()
    for network in (g, d):
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                NORMS[norm](layer)
        network.train()  # a few steps of power iteration; batch norms stay as they are
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eval()
        with torch.no_grad():
            for _ in range(3):
                network.main(torch.randn(2, Z, 1, 1) if network is g else torch.randn(2, 3, 64, 64))
        network.eval()
    check(g, run_example_g, d, run_example_d, tmp_path, side=64)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_any_precision_is_converted_and_said(kind, tmp_path):
    g, d = example_dcgan()
    g, d = g.to(kind).float(), d.to(kind).float()

    def cast(state):
        return {key: value.to(kind) if value.is_floating_point() else value for key, value in state.items()}

    m = check(g, run_example_g, d, run_example_d, tmp_path, cast, 64)
    said = [found for found in dg.examine(m) if found.key == "precision"]
    assert [found.values["part"] for found in said] == ["generator", "critic"]
    assert str(kind).removeprefix("torch.") in str(said[0])


def fresh(network: nn.Module, *which: int) -> nn.Module:
    """With the batch norms of these numbers (all without any) as they were before training."""
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    for index in which or range(len(norms)):
        norms[index].reset_running_stats()
    return network


def never_learnt(case: str):
    """Both networks, their forward passes, the side, and what is to be said of which."""
    g, d = example_dcgan()
    if case == "a generator's":
        return fresh(g), run_example_g, d, run_example_d, 64, "4 of 4 batch norms in the generator's"
    if case == "a critic's":
        return g, run_example_g, fresh(d), run_example_d, 64, "3 of 3 batch norms in the critic's"
    halves = [True, True, False, False]
    g, d = mimicry([16] * 4, 4, [(8, halve) for halve in halves])
    g = fresh(g, 0, 3)
    return g, run_mimicry_g(4), d, run_mimicry_d(halves), 32, "2 of 7 batch norms in the generator's"


@pytest.mark.parametrize("case", ["a generator's", "a critic's", "two in a ResNet"])
def test_norms_that_never_learnt_are_said(case, tmp_path):
    g, run_g, d, run_d, side, words = never_learnt(case)
    m = check(g, run_g, d, run_d, tmp_path, side=side)
    (found,) = (found for found in dg.examine(m) if found.key == "batch-norm")
    assert f"{words} file never measured their statistics" in str(found)
    assert "in evaluation they change nothing" in str(found)


# StudioGAN (Kang et al. 2022)


def studio_resnet(sn=spectral_norm):
    def gen(a, b):
        return nn.ModuleList([Net(bn1=nn.BatchNorm2d(a, eps=1e-4), bn2=nn.BatchNorm2d(b, eps=1e-4),
                                  conv2d0=conv(a, b, 1), conv2d1=conv(a, b), conv2d2=conv(b,
                                  b))])  # fmt: skip

    def dis(a, b, short):
        parts = {"conv2d0": sn(conv(a, b, 1))} if short else {}
        return nn.ModuleList([Net(**parts, conv2d1=sn(conv(a, b)), conv2d2=sn(conv(b, b)))])

    g = Net(linear0=nn.Linear(Z, 16 * 16), blocks=nn.ModuleList([gen(16, 16) for _ in range(3)]),
            bn4=nn.BatchNorm2d(16, eps=1e-4), conv2d5=conv(16, 3))  # fmt: skip
    d = Net(blocks=nn.ModuleList([dis(3, 8, True), dis(8, 8, True), dis(8, 8, False), dis(8, 8, False)]),
            linear1=sn(nn.Linear(8, 1)))  # fmt: skip
    g, d = lively(g, 5), lively(d, 6).train()
    with torch.no_grad():
        for _ in range(5):  # steps of power iteration, as training takes them
            run_studio_d(d, torch.randn(2, 3, 32, 32))
    return g, d.eval()


def run_studio_g(g, z):
    def up(h):
        return h.repeat_interleave(2, 2).repeat_interleave(2, 3)

    h = g.linear0(z).reshape(len(z), 16, 4, 4)
    for (b,) in g.blocks:
        h = b.conv2d2(F.relu(b.bn2(b.conv2d1(up(F.relu(b.bn1(h))))))) + b.conv2d0(up(h))
    return torch.tanh(g.conv2d5(F.relu(g.bn4(h))))


def run_studio_d(d, x):
    h = x
    for i, (b,) in enumerate(d.blocks):
        inner = b.conv2d2(F.relu(b.conv2d1(h if i == 0 else F.relu(h))))
        short = b.conv2d0(h) if hasattr(b, "conv2d0") else h
        h = F.avg_pool2d(inner, 2) + F.avg_pool2d(short, 2) if i < 2 else inner + short
    return d.linear1(F.relu(h).sum((2, 3)))[:, 0]


def test_studio_gan_resnet(tmp_path):
    g, d = studio_resnet()
    check(
        g,
        run_studio_g,
        d,
        run_studio_d,
        tmp_path,
        lambda state: {"state_dict": state, "optimizer": {"param_groups": []}},
    )


@pytest.mark.parametrize(("classes", "said"), [(1, {}), (10, {"label": 4})])
def test_studio_gan_with_classes(classes, said, tmp_path):
    """Scales and shifts of a class stand in tables; a single class is no class."""
    g, d = studio_resnet()

    def with_tables(state):
        if "linear0.weight" not in state:
            return state
        tabled = {}
        for key, value in state.items():
            layer, _, what = key.rpartition(".")
            if layer.rpartition(".")[2] not in ("bn1", "bn2"):
                tabled[key] = value
            elif what in ("weight", "bias"):
                table = torch.randn(classes, len(value))
                table[said.get("label", 0)] = value - float(what == "weight")
                tabled[f"{layer}.{'embed0' if what == 'weight' else 'embed1'}.weight"] = table
            else:
                tabled[f"{layer}.bn.{what}"] = value
        return tabled

    check(g, run_studio_g, d, run_studio_d, tmp_path, with_tables, **said)


def test_studio_gan_dcgan(tmp_path):
    def up(a, b):
        return nn.ModuleList(
            [Net(deconv0=nn.ConvTranspose2d(a, b, 4, 2, 1), bn0=nn.BatchNorm2d(b, eps=1e-4))]
        )

    def down(a, b):
        return nn.ModuleList([Net(conv0=conv(a, b), conv1=nn.Conv2d(b, b, 4, 2, 1), bn0=nn.BatchNorm2d(b,
        eps=1e-4),
                                  bn1=nn.BatchNorm2d(b, eps=1e-4))])  # fmt: skip

    g = lively(Net(linear0=nn.Linear(Z, 512), blocks=nn.ModuleList([up(32, 16), up(16, 8), up(8, 4)]),
                   conv2d4=conv(4, 3)), 7)  # fmt: skip
    d = lively(Net(blocks=nn.ModuleList([down(3, 4), down(4, 8), down(8, 16)]), conv=conv(16, 32),
                   bn=nn.BatchNorm2d(32, eps=1e-4), linear1=nn.Linear(32, 1)), 8)  # fmt: skip

    def run_g(g, z):
        h = g.linear0(z).reshape(len(z), 32, 4, 4)
        for (b,) in g.blocks:
            h = F.relu(b.bn0(b.deconv0(h)))
        return torch.tanh(g.conv2d4(h))

    def run_d(d, x):
        for (b,) in d.blocks:
            x = F.relu(b.bn1(b.conv1(F.relu(b.bn0(b.conv0(x))))))
        return d.linear1(F.relu(d.bn(d.conv(x))).sum((2, 3)))[:, 0]

    check(g, run_g, d, run_d, tmp_path)


# Gulrajani et al. (2017), as improved-wgan-pytorch names it


class Named(nn.Module):
    """A convolution inside one or two modules called conv."""

    def __init__(self, layer: nn.Module, depth: int):
        super().__init__()
        self.conv = layer if depth == 1 else Named(layer, depth - 1)

    def forward(self, x):
        return self.conv(x)


class GammaBeta(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.randn(width)), nn.Parameter(torch.randn(width))

    def forward(self, x):
        flat = x.flatten(1)
        y = (x - flat.mean(1)[:, None, None, None]) / (flat.std(1)[:, None, None, None] + 1e-5)
        return y * self.gamma[:, None, None] + self.beta[:, None, None]


def test_gulrajani_resnet_64(tmp_path):
    def gen(a, b):
        return Net(bn1=nn.BatchNorm2d(a), bn2=nn.BatchNorm2d(b), conv_shortcut=Named(conv(a, b, 1), 2),
                   conv_1=Named(conv(a, b, bias=False), 2), conv_2=Named(conv(b, b), 1))  # fmt: skip

    def dis(a, b):
        return Net(bn1=GammaBeta(a), bn2=GammaBeta(a), conv_shortcut=Named(conv(a, b, 1), 2),
                   conv_1=Named(conv(a, a, bias=False), 1), conv_2=Named(conv(a, b), 2))  # fmt: skip

    g = lively(Net(ln1=nn.Linear(Z, 16 * 32), rb1=gen(32, 32), rb2=gen(32, 16), rb3=gen(16, 8), rb4=gen(8, 4),
                   bn=nn.BatchNorm2d(4), conv1=Named(conv(4, 3), 1)), 9)  # fmt: skip
    d = lively(Net(conv1=Named(conv(3, 4), 1), rb1=dis(4, 8), rb2=dis(8, 16), rb3=dis(16, 32),
    rb4=dis(32, 32),
                   ln1=nn.Linear(16 * 32, 1)), 10)  # fmt: skip

    def run_g(g, z):
        def up(h):
            return h.repeat_interleave(2, 2).repeat_interleave(2, 3)

        h = g.ln1(z).reshape(len(z), 32, 4, 4)
        for b in (g.rb1, g.rb2, g.rb3, g.rb4):
            h = b.conv_shortcut(up(h)) + b.conv_2(F.relu(b.bn2(b.conv_1(up(F.relu(b.bn1(h)))))))
        return torch.tanh(g.conv1(F.relu(g.bn(h))))

    def run_d(d, x):
        h = d.conv1(x)
        for b in (d.rb1, d.rb2, d.rb3, d.rb4):
            inner = F.avg_pool2d(b.conv_2(F.relu(b.bn2(b.conv_1(F.relu(b.bn1(h)))))), 2)
            h = b.conv_shortcut(F.avg_pool2d(h, 2)) + inner
        return d.ln1(h.flatten(1))[:, 0]

    check(g, run_g, d, run_d, tmp_path, side=64)


# Dense layers, for the plane

ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": lambda: nn.LeakyReLU(0.2), "tanh": nn.Tanh}


def dense(activation: str, *widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers += [nn.Linear(a, b), ACTIVATIONS[activation]()]
    return lively(nn.Sequential(*layers[:-1]), sum(widths))


def write(state, path) -> None:
    if path.suffix == ".safetensors":
        save_file(state, path)
    elif path.suffix == ".npz":
        names = {"weight": "W", "bias": "b"}
        np.savez(
            path, **{f"l{k.split('.')[0]}/{names[k.split('.')[1]]}": v.numpy() for k, v in state.items()}
        )
    else:
        torch.save(training(wrapped("module.net.")(state)), path)


@pytest.mark.parametrize("ending", ["pth", "safetensors", "npz"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense_networks_for_the_plane(activation, ending, tmp_path):
    g, d = dense(activation, 3, *[16] * 6, 2), dense(activation, 2, *[12] * 6, 1)
    files = tmp_path / f"G.{ending}", tmp_path / f"D.{ending}"
    write(g.state_dict(), files[0]), write(d.state_dict(), files[1])
    m = load_files(files[::-1], activation=activation, dataset="moons", device="cpu")
    z = m.prior.sample(9, 1)
    with torch.no_grad():
        torch.testing.assert_close(m.generate(z), g(z), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(m.logit(m.generate(z)), d(g(z))[:, 0], atol=1e-5, rtol=1e-4)
    assert (m.kind, m.dataset, m.prior.dim) == ("2d", "moons", 3)
    again = dg.load(shelf.save(m, tmp_path / "kept"), device="cpu")
    torch.testing.assert_close(again.generate(z), m.generate(z))


def test_what_stands_between_dense_layers_is_asked_for(tmp_path):
    files = tmp_path / "G.pth", tmp_path / "D.pth"
    write(dense("relu", 3, 8, 2).state_dict(), files[0]), write(dense("relu", 2, 8, 1).state_dict(), files[1])
    with pytest.raises(ValueError, match='choose by activation="relu", "leaky_relu"'):
        dg.load_published(*files)
    write(dense("relu", 3, 8, 784).state_dict(), files[0])
    with pytest.raises(ValueError, match="ends in 2 outputs, not 784; images of dense layers come in"):
        dg.load_published(*files, activation="relu")


def test_safetensors_are_read_in_the_order_of_layers(tmp_path):
    """The format sorts names, so that layer 10 stands before layer 3."""
    g, d = example_dcgan()
    (
        save_file(g.state_dict(), tmp_path / "G.safetensors"),
        save_file(d.state_dict(), tmp_path / "D.safetensors"),
    )
    m = dg.load_published(tmp_path / "G.safetensors", tmp_path / "D.safetensors", device="cpu")
    z = m.prior.sample(3, 1)
    with torch.no_grad():
        x = run_example_g(g, z)
        torch.testing.assert_close(m.generate(z), x, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(m.logit(x), run_example_d(d, x), atol=1e-4, rtol=1e-3)

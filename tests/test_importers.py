"""Published checkpoints: files in their layout against our own forward pass, one sentence for a bad one."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import dgflow_core as dg
from dgflow_core.zoo import shelf
from dgflow_core.zoo.importers import checkpoint

CH = 16  # the published networks have 512 channels (DCGAN) and 256 (ResNet)


class Writer:
    """Random arrays in Chainer's layout, drawn so that activations stay of order one."""

    def __init__(self, seed: int):
        self.rng, self.arrays = np.random.default_rng(seed), {}

    def weight(self, name: str, *shape: int, fan: int, bias: bool = True, outputs: int = 0):
        self.arrays[f"{name}/W"] = self.rng.normal(0, 1.5 / np.sqrt(fan), shape).astype(np.float32)
        if bias:
            count = outputs or shape[0]
            self.arrays[f"{name}/b"] = self.rng.normal(0, 0.2, count).astype(np.float32)

    def linear(self, name, inputs, outputs):
        self.weight(name, outputs, inputs, fan=inputs)

    def conv(self, name, inputs, outputs, kernel):
        self.weight(name, outputs, inputs, kernel, kernel, fan=inputs * kernel**2)

    def deconv(self, name, inputs, outputs, kernel):  # (in, out, k, k), in Chainer as in PyTorch
        self.weight(name, inputs, outputs, kernel, kernel, fan=inputs * 4, outputs=outputs)

    def norm(self, name, width):
        self.arrays |= {
            f"{name}/gamma": self.rng.normal(1, 0.2, width).astype(np.float32),
            f"{name}/beta": self.rng.normal(0, 0.2, width).astype(np.float32),
            f"{name}/avg_mean": self.rng.normal(0, 0.3, width).astype(np.float32),
            f"{name}/avg_var": self.rng.uniform(0.5, 2, width).astype(np.float32),
            f"{name}/N": np.asarray(1234),
        }


def dcgan(side: int = 32, batch_norm: bool = True) -> dict:
    w, first = Writer(1), (side // 8) ** 2
    w.linear("l0", 12, CH * first)
    for index, kernel in ((1, 4), (2, 4), (3, 4)):
        w.deconv(f"dc{index}", CH >> (index - 1), CH >> index, kernel)
    w.deconv("dc4", CH // 8, 3, 3)
    if batch_norm:
        w.norm("bn0", CH * first)
        for index in (1, 2, 3):
            w.norm(f"bn{index}", CH >> index)
    return w.arrays


def resnet() -> dict:
    w = Writer(2)
    w.linear("l1", 12, 16 * CH)
    for block in ("block2", "block3", "block4"):
        w.norm(f"{block}/b1", CH), w.norm(f"{block}/b2", CH)
        w.conv(f"{block}/c1", CH, CH, 3), w.conv(f"{block}/c2", CH, CH, 3)
        w.conv(f"{block}/c_sc", CH, CH, 1)
    w.norm("b5", CH), w.conv("c5", CH, 3, 3)
    return w.arrays


def critic(names: tuple[str, ...], side: int = 32) -> dict:
    w, width = Writer(3), CH // 8
    shapes = [(3, width, 3)]
    for scale in (1, 2, 4):
        shapes += [(scale * width, 2 * scale * width, 4), (2 * scale * width, 2 * scale * width, 3)]
    for name, shape in zip(names, shapes, strict=False):
        w.conv(name, *shape)
    w.linear("l4", CH * (side // 8) ** 2, 1)
    return w.arrays


SN = ("c0_0", "c0_1", "c1_0", "c1_1", "c2_0", "c2_1", "c3_0")
WGAN = ("c0", "c1", "c1_0", "c2", "c2_0", "c3", "c3_0")


# An independent forward pass, in float64, from the definitions in the published code


def t(a):
    return torch.from_numpy(np.asarray(a)).double()


def batch_norm(h, a, name, eps=2e-5):
    shape = (1, -1) if h.dim() == 2 else (1, -1, 1, 1)
    mean, var, gamma, beta = (
        t(a[f"{name}/{k}"]).reshape(shape) for k in ("avg_mean", "avg_var", "gamma", "beta")
    )
    return (h - mean) / (var + eps).sqrt() * gamma + beta


def run_dcgan(a, z):
    normed = "bn0/gamma" in a
    h = z @ t(a["l0/W"]).T + t(a["l0/b"])
    h = torch.relu(batch_norm(h, a, "bn0") if normed else h)
    bottom = round((h.shape[1] / CH) ** 0.5)
    h = h.reshape(len(z), CH, bottom, bottom)
    for i in (1, 2, 3):
        h = F.conv_transpose2d(h, t(a[f"dc{i}/W"]), t(a[f"dc{i}/b"]), 2, 1)
        h = torch.relu(batch_norm(h, a, f"bn{i}") if normed else h)
    return torch.tanh(F.conv_transpose2d(h, t(a["dc4/W"]), t(a["dc4/b"]), 1, 1))


def run_resnet(a, z):
    def double(h):
        return h.repeat_interleave(2, 2).repeat_interleave(2, 3)

    h = (z @ t(a["l1/W"]).T + t(a["l1/b"])).reshape(len(z), -1, 4, 4)
    for b in ("block2", "block3", "block4"):
        inner = double(torch.relu(batch_norm(h, a, f"{b}/b1")))
        inner = F.conv2d(inner, t(a[f"{b}/c1/W"]), t(a[f"{b}/c1/b"]), padding=1)
        inner = torch.relu(batch_norm(inner, a, f"{b}/b2"))
        inner = F.conv2d(inner, t(a[f"{b}/c2/W"]), t(a[f"{b}/c2/b"]), padding=1)
        h = inner + F.conv2d(double(h), t(a[f"{b}/c_sc/W"]), t(a[f"{b}/c_sc/b"]))
    h = torch.relu(batch_norm(h, a, "b5"))
    return torch.tanh(F.conv2d(h, t(a["c5/W"]), t(a["c5/b"]), padding=1))


def sigma(w: np.ndarray) -> float:
    """The spectral norm by power iteration, as the published links find it."""
    m = w.reshape(len(w), -1).astype(np.float64)
    u = np.random.default_rng(0).normal(size=len(m))
    for _ in range(5000):
        v = u @ m
        v /= np.linalg.norm(v)
        u = m @ v
        u /= np.linalg.norm(u)
    return float(u @ m @ v)


def run_critic(a, x, names, spectral: bool):
    for i, name in enumerate((*names, "l4")):
        w = t(a[f"{name}/W"])
        if spectral:
            w = w / sigma(a[f"{name}/W"])
        if name == "l4":
            return (x.flatten(1) @ w.T + t(a["l4/b"]))[:, 0]
        stride = 1 if w.shape[-1] == 3 else 2
        x = F.leaky_relu(F.conv2d(x, w, t(a[f"{name}/b"]), stride, 1), 0.2)
        assert i < 7


def save(path, arrays):
    np.savez(path, **arrays)
    return path


@pytest.fixture
def files(tmp_path):
    """A generator and a critic in the layout of chainer-gan-lib."""
    return save(tmp_path / "G.npz", dcgan()), save(tmp_path / "D.npz", critic(SN))


@pytest.mark.parametrize("side", [32, 48])
@pytest.mark.parametrize("names", [SN, WGAN])
@pytest.mark.parametrize("normed", [True, False])
def test_chainer_gan_lib(side, names, normed, tmp_path):
    g, d = dcgan(side, normed), critic(names, side)
    m = dg.load_published(save(tmp_path / "G.npz", g), save(tmp_path / "D.npz", d), device="cpu")
    z = m.prior.sample(5, 1)
    x = m.generate(z)
    assert x.shape == (5, 3, side, side)
    torch.testing.assert_close(x.double(), run_dcgan(g, z.double()), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        m.logit(x).double(), run_critic(d, x.double(), names, names == SN), atol=1e-5, rtol=1e-3
    )
    assert x.std() > 0.1
    assert (m.kind, m.logit_offset, m.prior.kind) == ("image", 0.0, "normal")


def test_sngan_projection(tmp_path):
    g, d = resnet(), critic(SN)
    m = dg.load_published(
        save(tmp_path / "G.npz", g), save(tmp_path / "D.npz", d),
        prior="uniform", dataset="cifar10", device="cpu",
    )  # fmt: skip
    z = m.prior.sample(4, 0)
    torch.testing.assert_close(m.generate(z).double(), run_resnet(g, z.double()), atol=1e-5, rtol=1e-4)
    assert (m.prior.kind, m.dataset) == ("uniform", "cifar10")


@pytest.mark.parametrize(("classes", "said"), [(1, {}), (10, {"label": 7})])
def test_sngan_projection_with_classes(classes, said, tmp_path):
    """A single class is no class; of several, one is asked for."""
    g, d, rng = resnet(), critic(SN), np.random.default_rng(5)
    plain = dict(g)
    for norm in (f"block{block}/b{index}" for block in (2, 3, 4) for index in (1, 2)):
        for part in ("gamma", "beta"):
            table = rng.normal(part == "gamma", 0.3, (classes, CH)).astype(np.float32)
            plain[f"{norm}/{part}"] = table[said.get("label", 0)]
            del g[f"{norm}/{part}"]
            g[f"{norm}/{part}s/W"] = table
    m = dg.load_published(save(tmp_path / "G.npz", g), save(tmp_path / "D.npz", d), device="cpu", **said)
    z = m.prior.sample(4, 0)
    torch.testing.assert_close(m.generate(z).double(), run_resnet(plain, z.double()), atol=1e-5, rtol=1e-4)


def decoder(k: int = 6, ngf: int = 4) -> torch.nn.Sequential:
    """DGflow's CNNDecoder, by its names."""
    torch.manual_seed(4)
    main = torch.nn.Sequential()
    width = 4 * ngf
    main.add_module(f"initial-{k}-{width}-convt", torch.nn.ConvTranspose2d(k, width, 4, 1, 0, bias=False))
    main.add_module(f"initial-{width}-batchnorm", torch.nn.BatchNorm2d(width))
    main.add_module(f"initial-{width}-relu", torch.nn.ReLU(True))
    for width in (4 * ngf, 2 * ngf):
        main.add_module(f"pyramid-{width}-{width // 2}-convt",
                        torch.nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False))  # fmt: skip
        main.add_module(f"pyramid-{width // 2}-batchnorm", torch.nn.BatchNorm2d(width // 2))
        main.add_module(f"pyramid-{width // 2}-relu", torch.nn.ReLU(True))
    main.add_module(f"final-{ngf}-3-convt", torch.nn.ConvTranspose2d(ngf, 3, 4, 2, 1, bias=False))
    with torch.no_grad():
        for layer in main:
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.3), layer.running_var.uniform_(0.5, 2)
                layer.weight.normal_(2, 0.3), layer.bias.normal_()
            elif hasattr(layer, "weight"):
                layer.weight.mul_(4)
    return main.eval()


@pytest.mark.slow
@pytest.mark.parametrize("output", ["tanh", "sigmoid"])
@pytest.mark.parametrize("side", [32, 48])
def test_dgflow_release(output, side, tmp_path):
    main, d, c = decoder(), critic(SN, side), critic(SN, side)
    torch.save({f"main.{k}": v for k, v in main.state_dict().items()}, tmp_path / "G.pth")
    corrector = {}
    for name in (*SN, "l4"):  # as torch.nn.utils.spectral_norm names them
        weight = torch.from_numpy(c[f"{name}/W"]) * 3
        corrector |= {
            f"{name}.bias": torch.from_numpy(c[f"{name}/b"]), f"{name}.weight_orig": weight,
            f"{name}.weight_u": torch.ones(len(weight)), f"{name}.weight_v": torch.ones(weight[0].numel()),
        }  # fmt: skip
    torch.save(corrector, tmp_path / "C.pth")
    m = dg.load_published(
        tmp_path / "G.pth", save(tmp_path / "D.npz", d), tmp_path / "C.pth", output=output, device="cpu"
    )
    z = m.prior.sample(3, 0)
    with torch.no_grad():
        x = main.double()(z.double()[:, :, None, None])
        x = torch.tanh(x) if output == "tanh" else 2 * (torch.sigmoid(x) - 0.5)
        if side == 48:
            x = F.interpolate(x, size=48, mode="bilinear", align_corners=True)
    torch.testing.assert_close(m.generate(z).double(), x, atol=1e-5, rtol=1e-4)
    both = 2 * run_critic(d, x, SN, True)
    torch.testing.assert_close(m.logit(x).double(), both, atol=1e-5, rtol=1e-3)
    again = dg.load(shelf.save(m, tmp_path / "kept"), device="cpu")
    torch.testing.assert_close(again.logit(again.generate(z)), m.logit(m.generate(z)))


@pytest.mark.slow
def test_an_import_can_be_kept_and_refined(files, tmp_path):
    m = dg.load_published(*files, device="cpu")
    again = dg.load(shelf.save(m, tmp_path / "kept"), device="cpu")
    run = dg.refine(again, n=4, steps=3, space="latent", eta=0.1, gamma=0.0)
    assert run.logits[-1].mean() > run.logits[0].mean()
    torch.testing.assert_close(run.samples[0], m.generate(m.prior.sample(4, 0)))


def rewrite(path, change):
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(path, **arrays)


class Code:
    def __reduce__(self):
        return print, ("a pickle was run",)


def pth(make):
    """A case whose generator is a .pth written by ``make(path)``."""

    def damage(g):
        make(g.with_suffix(".pth"))
        return g.with_suffix(".pth")

    return damage


def npz(change):
    return lambda g: rewrite(g, change)


def written(content):
    return lambda g: g.write_bytes(content(g.read_bytes()))


def bomb(g):
    with zipfile.ZipFile(g, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("l0/W.npy", bytes(checkpoint.MAX_BYTES + 1))


def pickled_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Code()))
        archive.writestr("archive/version", "3")


def lying_header(g):
    """An .npy that announces a hundred million numbers and holds two."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "<f4", "fortran_order": False, "shape": (10_000, 10_000)}
    )
    with zipfile.ZipFile(g, "w") as archive:
        archive.writestr("l0/W.npy", stream.getvalue() + bytes(8))


BROKEN = {
    "no such file": (lambda g: g.unlink(), "there is no file"),
    "a folder": (lambda g: (g.unlink(), g.mkdir())[:0], "is not a file"),
    "empty": (written(lambda old: b""), "not an .npz of plain arrays"),
    "cut short": (written(lambda old: old[:-300]), "not an .npz of plain arrays"),
    "damaged inside": (written(lambda old: old[:300] + bytes(200) + old[500:]), "not an .npz of"),
    "a zip bomb": (bomb, "holds more than 256 MiB"),
    "a lying header": (lying_header, "not an .npz of plain arrays"),
    "a pickled array": (npz(lambda a: a.update({"l0/W": np.array([Code()], dtype=object)})), "plain arrays"),
    "whole numbers": (npz(lambda a: a.update({"l0/b": np.ones(256, int)})), "l0/b must hold finite"),
    "not a number": (npz(lambda a: a["dc2/W"].fill(np.nan)), "dc2/W must hold finite"),
    "infinite": (npz(lambda a: a["bn1/avg_var"].fill(np.inf)), "bn1/avg_var must hold finite"),
    "another network": (npz(lambda a: (a.clear(), a.update({"fc/W": np.ones((2, 2))}))), "holds none of"),
    "a layer is missing": (npz(lambda a: a.pop("dc2/W")), "has dc2/W, which the file lacks"),
    "a norm is missing": (npz(lambda a: a.pop("bn2/beta")), "has bn2/beta, which the file lacks"),
    "a wrong shape": (npz(lambda a: a.update({"dc2/b": np.ones(3, np.float32)})), "dc2/b must have shape"),
    "wrong axes": (npz(lambda a: a.update({"dc1/W": np.ones((4, 4), np.float32)})), "dc1/W must have 4 axes"),
    "an empty array": (npz(lambda a: a.update({"l0/W": np.ones((0, 5), "f4")})), "l0/W must have 2 axes"),
    "absurd widths": (
        npz(lambda a: a.update({"dc1/W": np.ones((900_000, 1, 1, 1), np.float32)})), "no square of 900000"),
    "class-conditional": (
        npz(lambda a: (a.clear(), a.update(resnet()), a.update({"block2/b1/gammas/W": np.ones((10, CH))}))),
        "class-conditional, with 10 classes: choose one by label=0"),
    "a device that never ends": (lambda g: (g.unlink(), g.symlink_to("/dev/zero"))[:0], "is not a file"),
    "numbers of 16 bytes that are too large": (
        npz(lambda a: a.update({"dc2/b": np.full(CH // 4, 1e300, np.longdouble)})), "dc2/b must hold finite"),
    "numbers without a place": (
        pth(lambda p: torch.save({"l0.weight": torch.ones(2, device="meta")}, p)), "must hold finite"),
    "a pickle with code": (pth(lambda p: p.write_bytes(pickle.dumps(Code()))), "not a .pth of plain arrays"),
    "a zipped pickle with code": (pth(pickled_zip), "not a .pth of plain arrays"),
    "a whole network": (pth(lambda p: torch.save(torch.nn.Linear(2, 2), p)), "not a .pth of plain arrays"),
    "a list": (pth(lambda p: torch.save([torch.ones(2)], p)), "not a state dict of named tensors"),
    "an expanded tensor": (
        pth(lambda p: torch.save({"l0.weight": torch.ones(1).expand(10**5, 10**5)}, p)), "more than 256 MiB"),
    "a sparse tensor": (
        pth(lambda p: torch.save({"l0.weight": torch.ones(2, 2).to_sparse()}, p)), "must hold finite"),
    "complex numbers": (
        pth(lambda p: torch.save({"l0.weight": torch.ones(2, dtype=torch.cfloat)}, p)), "must hold finite"),
    "a decoder without its last layer": (
        pth(lambda p: torch.save({"main.initial-4-8-convt.weight": torch.ones(4, 8, 4, 4)}, p)),
        "CNNDecoder"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_get_one_sentence(case, files, capsys):
    generator, discriminator = files
    damage, words = BROKEN[case]
    path = damage(generator)
    with pytest.raises(ValueError, match=words) as caught:
        dg.load_published(path if hasattr(path, "suffix") else generator, discriminator)
    sentence = str(caught.value)
    assert sentence.startswith("generator")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "a pickle was run" not in capsys.readouterr().out


def test_what_does_not_fit_together(files, tmp_path):
    generator, discriminator = files
    with pytest.raises(ValueError, match="critic must hold one of SNDCGANDiscriminator, WGANDiscriminator"):
        dg.load_published(generator, generator)
    plain = save(tmp_path / "plain.npz", {**critic(SN), "bn0_1/beta": np.ones(4, np.float32)})
    with pytest.raises(ValueError, match="holds neither"):  # chainer-gan-lib's DCGANDiscriminator
        dg.load_published(generator, plain)
    large = save(tmp_path / "large.npz", critic(SN, 48))
    with pytest.raises(ValueError, match="critic does not take the generator's samples"):
        dg.load_published(generator, large)
    for wrong, words in ({"prior": "cauchy"}, "prior must be"), ({"output": "relu"}, "output must be"), (
        {"dataset": "mnist"}, "dataset must be"):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            dg.load_published(generator, discriminator, **wrong)

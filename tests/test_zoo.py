"""Models as folders: what is saved comes back, what is broken gets one sentence."""

from __future__ import annotations

import json
import math
import os
import shutil
import struct
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from safetensors.torch import load_file, save_file
from safetensors.torch import save as save_tensors

import dgflow_core as dg
from dgflow_core import nets as architectures
from dgflow_core.errors import UserError
from dgflow_core.nets.mlp import MLP
from dgflow_core.zoo import shapes, shelf
from tests.conftest import REPO


@pytest.fixture
def folder(tiny, tmp_path):
    """A saved copy of the tiny model, offset 0.75."""
    return shelf.save(tiny.with_offset(0.75), tmp_path / "tiny")


@pytest.mark.slow
def test_round_trip(tiny, folder):
    m = dg.load(folder, device="cpu")
    z = m.prior.sample(50, 3)
    assert torch.equal(m.generate(z), tiny.generate(z))
    torch.testing.assert_close(m.logit(m.generate(z)), tiny.logit(tiny.generate(z)) + 0.75)
    assert (m.name, m.title, m.kind, m.dataset) == ("tiny", "Tiny", "2d", "25gaussians")
    assert m.digest == tiny.with_offset(0.75).digest


def test_raw_and_calibrated(tiny, folder):
    raw, calibrated = dg.load(folder, device="cpu", raw=True), dg.load(folder, device="cpu")
    x = tiny.generate(tiny.prior.sample(20, 0))
    torch.testing.assert_close(calibrated.logit(x), raw.logit(x) + 0.75)
    assert raw.digest != calibrated.digest
    assert torch.equal(raw.with_offset(0.75).logit(x), calibrated.logit(x))


def test_calibration_makes_the_density_ratio_integrate(tiny):
    m = tiny.with_offset(dg.calibration_offset(tiny, n=20_000))
    x = m.generate(m.prior.sample(20_000, 9))
    assert float(m.logit(x).double().exp().mean()) == pytest.approx(1, abs=0.02)
    assert dg.calibration_offset(m, n=20_000) == pytest.approx(0, abs=1e-4)


def test_offset_moves_js_and_not_kl(tiny):
    x = tiny.generate(tiny.prior.sample(20, 0))
    far = tiny.with_offset(-4.0)
    torch.testing.assert_close(dg.drift(far, x, "KL"), dg.drift(tiny, x, "KL"))
    assert dg.drift(far, x, "JS").norm() < 0.2 * dg.drift(tiny, x, "JS").norm()


@pytest.mark.parametrize("name", dg.models())
def test_shipped_models_load_and_generate(name):
    m = dg.load(name, device="cpu")
    z = m.prior.sample(4, 0)
    x = m.generate(z)
    assert x.shape == (4, *m.sample_shape)
    assert torch.isfinite(m.logit(x)).all()
    assert shelf.describe(name)["title"] == m.title
    assert m.config["recipe"]
    assert m.config["quality"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in dg.models() if n.endswith("/wgan-gp") and "gaussians" in n])
def test_shipped_planar_models_refine(name):
    from dgflow_core.kinds.plane import metrics as planar

    m = dg.load(name, device="cpu")
    target = dg.datasets[m.dataset]
    t = dg.refine(m, n=300, steps=60)
    base, refined = (planar.high_quality(x.numpy(), target.modes, target.std) for x in t.samples[[0, -1]])
    assert refined > base + 10
    assert math.isclose(dg.calibration_offset(m, 20_000), 0, abs_tol=0.05)


def edit(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    for key, value in changes.items():
        if value is None:
            del config[key]
        else:
            config[key] = value
    (folder / "config.json").write_text(json.dumps(config))


def tensors(folder, change):
    weights = load_file(folder / "weights.safetensors")
    change(weights)
    save_file(weights, folder / "weights.safetensors")


def raw(folder, content: bytes):
    (folder / "weights.safetensors").write_bytes(content)


def header(folder, entries: dict, size: int = 0):
    """A safetensors file with a header of one's own and ``size`` bytes of data."""
    text = json.dumps(entries).encode()
    raw(folder, struct.pack("<Q", len(text)) + text + bytes(size))


def one(dtype: str, length: int, end: int, name: str = "generator.0.weight") -> dict:
    return {name: {"dtype": dtype, "shape": [length], "data_offsets": [0, end]}}


def zip_bomb(folder):
    with zipfile.ZipFile(folder / "weights.safetensors", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(100 * 2**20))


def network(folder, part: str, widths: list[int]):
    """Another network in place of a part, whole and of the right names."""
    own = {f"{part}.{key}": value for key, value in MLP(widths).state_dict().items()}

    def change(weights):
        for key in [key for key in weights if key.startswith(f"{part}.")]:
            del weights[key]
        weights.update(own)

    tensors(folder, change)
    edit(folder, **{part: {"architecture": "mlp", "arguments": {"widths": widths}}})


HUGE = {"architecture": "mlp", "arguments": {"widths": [2, 10**9, 10**9, 1]}}
BROKEN = {
    "empty folder": (lambda f: [p.unlink() for p in f.iterdir()], "holds no config.json"),
    "no weights": (lambda f: (f / "weights.safetensors").unlink(), "holds no weights.safetensors"),
    "config is not JSON": (lambda f: (f / "config.json").write_text("{"), "config.json is not valid"),
    "config is not text": (lambda f: (f / "config.json").write_bytes(b"\xff\xfe\x00\x01"), "cannot be read"),
    "config is a list": (lambda f: (f / "config.json").write_text("[]"), "config.json is not valid"),
    "config is huge": (lambda f: (f / "config.json").write_text(" " * 2**21), "larger than 1 MiB"),
    "no title": (lambda f: edit(f, title=None), "not valid at title"),
    "unknown kind": (lambda f: edit(f, kind="3d"), "not valid at kind"),
    "unknown prior": (lambda f: edit(f, prior={"kind": "cauchy", "dim": 2}), "not valid at prior.kind"),
    "offset is infinite": (lambda f: edit(f, logit_offset=math.inf), "not valid at"),
    "unknown architecture": (
        lambda f: edit(f, critic={"architecture": "os.system"}), "architecture must be one of"),
    "unknown argument": (
        lambda f: edit(f, critic={"architecture": "mlp", "arguments": {"cmd": "rm"}}), "cannot be built"),
    "absurd widths": (lambda f: edit(f, critic=HUGE), "the critic's widths must be 0 to 16,384"),
    "prior of another size": (lambda f: edit(f, prior={"kind": "normal", "dim": 5}), "prior dim 5"),
    "weights are a pickle": (
        lambda f: torch.save({"a": torch.zeros(1)}, f / "weights.safetensors"), "not a safetensors file"),
    "weights cut short": (
        lambda f: (f / "weights.safetensors").write_bytes((f / "weights.safetensors").read_bytes()[:-9]),
        "not a safetensors file"),
    "a tensor is missing": (
        lambda f: tensors(f, lambda w: w.pop("critic.0.bias")), "the critic does not fit"),
    "a tensor too many": (
        lambda f: tensors(f, lambda w: w.update({"critic.9.bias": torch.zeros(1)})),
        "the critic does not fit"),
    "a wrong shape": (
        lambda f: tensors(f, lambda w: w.update({"generator.0.bias": torch.zeros(7)})),
        "the generator does not fit"),
    "not a number": (
        lambda f: tensors(f, lambda w: w["generator.0.bias"].fill_(math.nan)), "must hold finite"),
    "infinite": (
        lambda f: tensors(f, lambda w: w["critic.2.bias"].fill_(math.inf)), "must hold finite"),
    "whole numbers": (
        lambda f: tensors(f, lambda w: w.update({"critic.0.bias": torch.ones(32, dtype=torch.int32)})),
        "must hold finite"),
    "truth values": (
        lambda f: tensors(f, lambda w: w.update({"critic.0.bias": torch.ones(32, dtype=torch.bool)})),
        "must hold finite"),
    "tensors of no part": (
        lambda f: tensors(f, lambda w: w.update({"optimizer.state": torch.ones(1)})), "belongs to no part"),
    "weights are empty": (lambda f: (f / "weights.safetensors").write_bytes(b""), "not a safetensors file"),
    "a header longer than the file": (
        lambda f: raw(f, struct.pack("<Q", 2**40) + b"{}"), "not a safetensors file"),
    "a header that is not JSON": (lambda f: raw(f, struct.pack("<Q", 4) + b"nope"), "not a safetensors file"),
    "a header of deep JSON": (
        lambda f: raw(f, struct.pack("<Q", 200_000) + b"[" * 200_000), "not a safetensors file"),
    "offsets past the end": (
        lambda f: header(f, one("F32", 2, 8)),
        "not a safetensors file"),
    "a shape that lies": (
        lambda f: header(f, one("F32", 10**9, 4), 4), "not a safetensors file"),
    "offsets that overlap": (
        lambda f: header(f, one("F32", 1, 4) | one("F32", 1, 4, "generator.0.bias"), 4),
        "not a safetensors file"),
    "an unknown dtype": (
        lambda f: header(f, one("OBJ", 1, 4), 4),
        "not a safetensors file"),
    "a zip bomb": (zip_bomb, "not a safetensors file"),
    "weights are a folder": (
        lambda f: ((f / "weights.safetensors").unlink(), (f / "weights.safetensors").mkdir()),
        "holds no weights"),
    "deep JSON": (
        lambda f: (f / "config.json").write_text('{"title": ' + "[" * 100_000 + "]" * 100_000 + "}"),
        "config.json is not valid"),
    "thousands of layers": (
        lambda f: edit(f, critic={"architecture": "mlp", "arguments": {"widths": [2] * 100_000}}),
        "the critic's widths must be"),
    "thousands of blocks": (
        lambda f: edit(f, critic={"architecture": "text_critic", "arguments": {"blocks": 10**6}}),
        "the critic's blocks must be 0 to 64"),
    "negative widths": (
        lambda f: edit(f, critic={"architecture": "mlp", "arguments": {"widths": [2, -5, 1]}}),
        "the critic's widths must be"),
    "widths that are words": (
        lambda f: edit(f, critic={"architecture": "mlp", "arguments": {"widths": ["2", "1"]}}),
        "the critic does not fit"),
    "a path for a data set": (lambda f: edit(f, dataset="../../secret"), "not valid at dataset"),
    "an endless title": (lambda f: edit(f, title="x" * 10_000), "not valid at title"),
    "real logits of nothing": (lambda f: edit(f, real_logits={"5%": "x"}), "not valid at real_logits"),
    "real logits that fall": (
        lambda f: edit(f, real_logits={"5%": 3, "25%": 2, "50%": 1, "75%": 0, "95%": -1}),
        "not valid at real_logits"),
    "an architecture that is a path": (
        lambda f: edit(f, generator={"architecture": "../mlp"}), "architecture must be one of"),
    "an image model of the plane": (lambda f: edit(f, kind="image"), "its samples must be images"),
    "a text model of the plane": (lambda f: edit(f, kind="text"), "its samples must be strings"),
    "a critic of other samples": (
        lambda f: network(f, "critic", [3, 8, 1]), "the critic does not take the generator's samples"),
    "a critic with two answers": (
        lambda f: network(f, "critic", [2, 8, 2]), "the critic must return one logit a sample"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_broken_folders_get_one_sentence(case, folder):
    damage, words = BROKEN[case]
    damage(folder)
    with pytest.raises(ValueError, match=words) as caught:
        dg.load(folder)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("name", ["", "no/such", "/etc/hostname", "25gaussians"])
def test_what_is_no_model(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="model"):
        dg.load(name)


def test_another_root(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(tmp_path / "root"))
    assert dg.models() == []
    shutil.copytree(folder, tmp_path / "root" / "25gaussians" / "mine")
    assert dg.models() == ["25gaussians/mine"]
    assert dg.load("25gaussians/mine", device="cpu").name == "25gaussians/mine"


def test_what_ships_is_listed():
    shipped = {"25gaussians/wgan-gp", "swissroll/wgan-gp", "25gaussians/dcd", "fashion_mnist/sndcgan-ns"}
    assert shipped <= set(dg.models())


# Networks of one's own


class Discriminator(torch.nn.Module):
    """Somebody's own: another name for every layer, logits as (n, 1), dropout that must be off."""

    def __init__(self):
        super().__init__()
        self.look = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Dropout(0.5), torch.nn.Linear(3 * 16 * 16, 1)
        )

    def forward(self, x):
        return self.look(x)


def own_generator():
    return torch.nn.Sequential(
        torch.nn.Linear(5, 3 * 16 * 16), torch.nn.Tanh(), torch.nn.Unflatten(1, (3, 16, 16))
    )


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(shelf, "_registered", {})


def test_own_networks_are_known_by_their_name(registry):
    generator, critic = own_generator(), Discriminator()
    m = dg.register("mine/gan", generator, critic, dim=5, title="Mine", logit_offset=0.5, device="cpu")
    assert "mine/gan" in dg.models()
    assert dg.load("mine/gan") is m
    assert (m.kind, m.title, m.sample_shape) == ("image", "Mine", (3, 16, 16))
    run = dg.refine(m, n=6, steps=4, eta=0.1, gamma=0.0, space="latent")
    assert (run.logits[-1] > run.logits[0]).all()
    x = m.generate(m.prior.sample(4, 0))
    weight, bias = critic.look[2].weight, critic.look[2].bias
    torch.testing.assert_close(m.logit(x), (x.flatten(1) @ weight.T + bias)[:, 0] + 0.5)
    assert dg.load("mine/gan", raw=True).logit_offset == 0
    with pytest.raises(ValueError, match="only our architectures can be saved"):
        dg.save(m, "anywhere")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "mine"}, "name must be like 'mine/gan'"),
        ({"name": "../up/gan"}, "name must be like 'mine/gan'"),
        ({"name": "25gaussians/wgan-gp"}, "no shipped model's"),
        ({"dim": 6}, "the generator does not take codes of prior dim 6"),
        ({"prior": "cauchy"}, "prior must be one of"),
        ({"critic": torch.nn.Flatten()}, "the critic must return one logit a sample"),
        ({"critic": torch.nn.Linear(2, 1)}, "the critic does not take the generator's samples"),
        ({"generator": torch.nn.Linear(5, 7)}, "must return images"),
    ],
)
def test_own_networks_that_do_not_fit(registry, change, words):
    given = {"name": "mine/gan", "generator": own_generator(), "critic": Discriminator(), "dim": 5} | change
    with pytest.raises(ValueError, match=words) as caught:
        dg.register(**given)
    assert "\n" not in str(caught.value)
    assert dg.models() == [name for name in dg.models() if name != "mine/gan"]


def test_a_file_of_ones_own_registers_models(registry, monkeypatch, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import torch, dgflow_core as dg\n"
        "g = torch.nn.Linear(4, 2)\n"
        "dg.register('mine/plane', g, torch.nn.Linear(2, 1), dim=4)\n"
    )
    monkeypatch.setenv("DGFLOW_REGISTER", str(file))
    assert "mine/plane" in dg.models()
    assert shelf.describe("mine/plane")["kind"] == "2d"
    file = tmp_path / "wrong.py"
    file.write_text("1 / 0")
    monkeypatch.setenv("DGFLOW_REGISTER", str(file))
    with pytest.raises(ValueError, match=r"^DGFLOW_REGISTER: wrong.py could not be run \(ZeroDivisionError"):
        dg.models()


def test_the_example_runs(registry, monkeypatch):
    monkeypatch.setenv("DGFLOW_REGISTER", str(REPO / "examples" / "own_model.py"))
    shelf._run_registry.cache_clear()
    assert "mine/gan" in dg.models()
    m = dg.load("mine/gan")
    assert (m.title, m.dataset, m.sample_shape) == ("My GAN", "cifar10", (3, 32, 32))
    run = dg.refine(m, n=4, steps=2, space="latent", gamma=0.0, eta=0.1)
    assert run.logits[-1].mean() > run.logits[0].mean()


# What an upload may make the server do


def conv_critic(side: int) -> dict:
    return {"architecture": "sndcgan_discriminator", "arguments": {"channels": 1, "width": 1, "side": side}}


def filled(config: dict) -> tuple[bytes, bytes]:
    """The two files of a model, its weights zero and of the shapes that ``config`` asks for."""
    whole = {"title": "T", "kind": "image", "dataset": "x", "prior": {"kind": "normal", "dim": 2}, **config}
    weights = {}
    for part in ("generator", "critic"):
        with torch.device("meta"):
            net = architectures.build(whole[part]["architecture"], whole[part]["arguments"])
        weights |= {f"{part}.{key}": torch.zeros(value.shape) for key, value in net.state_dict().items()}
    return json.dumps(whole).encode(), save_tensors(weights)


def decoder(**arguments) -> dict:
    return {"architecture": "dcgan_decoder", "arguments": {"dim": 2, "channels": 1, "width": 1, **arguments}}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"generator": decoder(resize=16_384), "critic": conv_critic(32)}, "8 to 256 pixels a side"),
        ({"generator": decoder(resize=[8, 16_384]), "critic": conv_critic(32)}, "8 to 256 pixels a side"),
        ({"generator": {"architecture": "sndcgan_generator",
                        "arguments": {"dim": 2, "channels": 1, "width": 1, "side": 1024}},
          "critic": conv_critic(1024)}, "8 to 256 pixels a side"),
        ({"generator": {"architecture": "sndcgan_generator",
                        "arguments": {"dim": 1, "channels": 1, "width": 130, "side": 256}},
          "critic": conv_critic(256), "prior": {"kind": "normal", "dim": 1}},
         r"one sample must take at most 32 MiB in a layer, not 32\.5 MiB"),
    ],
)  # fmt: skip
def test_a_config_cannot_make_the_server_allocate(config, words):
    """Whatever the config says, nothing larger than the weights themselves is allocated."""
    files = filled(config)
    largest = Largest()
    with largest, pytest.raises(UserError, match=words):
        shelf.assemble(*files, "own", device="cpu")
    assert largest.real <= max(2 * len(files[1]), 2**20)


def test_what_a_sample_costs_is_bounded(folder, monkeypatch):
    monkeypatch.setattr(shapes, "MAX_OPERATIONS", 100)
    with pytest.raises(UserError, match=r"one sample must cost at most 1e-07 billion operations"):
        dg.load(folder)


class Largest(shapes.Largest):
    """Counts only what takes memory."""

    def __init__(self):
        super().__init__()
        self.real = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = super().__torch_dispatch__(func, types, args, kwargs)
        if isinstance(made, torch.Tensor) and not made.is_meta:
            self.real = max(self.real, made.nbytes)
        return made


@pytest.mark.parametrize(
    ("part", "network"),
    [
        ("critic", {"architecture": "mlp", "arguments": {"widths": {"0": 2}}}),
        ("critic", {"architecture": "mlp", "arguments": {"widths": []}}),
        ("generator", {"architecture": "glow", "arguments": {"levels": 0}}),
        ("generator", {"architecture": "glow", "arguments": {"levels": "three"}}),
        ("generator", {"architecture": "text_critic", "arguments": {"symbols": 1, "length": 1, "width": 1}}),
        ("generator", {"architecture": "dcgan_decoder", "arguments": {"resize": 0.5}}),
        ("generator", {"architecture": "sndcgan_generator", "arguments": {"side": None}}),
    ],
)
def test_arguments_that_no_network_takes(part, network, folder):
    """With the weights they ask for, where any can be made; else with the old ones."""
    edit(folder, **{part: network})
    try:
        with torch.device("meta"):
            net = architectures.build(network["architecture"], network["arguments"])
    except Exception:
        net = None
    if net is not None:

        def change(weights):
            for key in [key for key in weights if key.startswith(part)]:
                del weights[key]
            weights |= {f"{part}.{key}": torch.zeros(value.shape) for key, value in net.state_dict().items()}

        tensors(folder, change)
    with pytest.raises(UserError, match=r"^model.*\.$"):
        dg.load(folder)


def test_tensors_of_many_axes_are_refused(folder):
    tensors(folder, lambda weights: weights.update({"critic.0.bias": torch.ones([1] * 70)}))
    with pytest.raises(UserError, match=r"at most 8 axes|not a safetensors file"):
        dg.load(folder)


def test_networks_with_large_layers_take_fewer_rows_at_once(tiny, monkeypatch):
    import dgflow_core.zoo.model as module

    assert tiny.batch == module.BATCH["2d"]
    monkeypatch.setattr(module, "BATCH_BYTES", 7 * 32 * 4)
    small = dg.Model(tiny.config, tiny.prior, tiny.generator, tiny.critic, device="cpu")
    assert small.batch == 7
    z = small.prior.sample(30, 0)
    torch.testing.assert_close(small.generate(z), tiny.generate(z))


def test_names_that_are_no_text_are_left_out(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(tmp_path / "root"))
    shutil.copytree(folder, tmp_path / "root" / "25gaussians" / "mine")
    shutil.copytree(folder, tmp_path / "root" / "25gaussians" / os.fsdecode(b"m\xff"))
    assert dg.models() == ["25gaussians/mine"]


def test_starting_points_are_shared_between_threads(tiny):
    """Many sessions, more settings than are kept: everybody gets what they asked for."""
    model = dg.Model(tiny.config, tiny.prior, tiny.generator, tiny.critic, device="cpu")
    jobs = [(5 + k % 23, k % 3) for k in range(500)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda job: (job, model.start(*job)), jobs))
    assert len(model._starts) <= 8
    for (n, seed), points in found:
        assert torch.equal(points, tiny.generate(tiny.prior.sample(n, seed)))

"""Models as folders: what is saved comes back, what is broken gets one sentence."""

from __future__ import annotations

import json
import math
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import dgflow_core as dg
from dgflow_core import zoo


@pytest.fixture
def folder(tiny, tmp_path):
    """A saved copy of the tiny model, offset 0.75."""
    return zoo.save(tiny.with_offset(0.75), tmp_path / "tiny")


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
    assert zoo.describe(name)["title"] == m.title
    assert m.config["recipe"]
    assert m.config["quality"]


@pytest.mark.parametrize("name", [n for n in dg.models() if n.endswith("/wgan-gp") and "gaussians" in n])
def test_shipped_planar_models_refine(name):
    from dgflow_core.metrics import planar

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
    "absurd widths": (lambda f: edit(f, critic=HUGE), "the critic does not fit its architecture"),
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
        lambda f: tensors(f, lambda w: w["generator.0.bias"].fill_(math.nan)), "not finite"),
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

"""Fields written out as forward graphs: what ONNX Runtime computes is what the exact field does."""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

import dgflow_core as dg
from dgflow_core import cli
from dgflow_core.errors import UserError
from dgflow_core.fields import onnx_words, written_out
from dgflow_core.fields.network import ExactField
from dgflow_core.flow import priors
from dgflow_core.zoo import shelf


def model(
    critic: nn.Module, side: int = 8, kind: str = "image", generator: nn.Module | None = None
) -> dg.Model:
    torch.manual_seed(0)
    for part in critic.modules():
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
    generator = generator or nn.Sequential(
        nn.Linear(6, 3 * side**2), nn.Tanh(), nn.Unflatten(1, (3, side, side))
    )
    config = {"name": "tiny/one", "title": "Tiny", "kind": kind}
    return dg.Model(config, priors.make("normal", 6), generator, critic, device="cpu")


def head(planes: int, side: int) -> list[nn.Module]:
    return [nn.Flatten(), nn.Linear(planes * side**2, 1), nn.Flatten(0)]


CRITICS = {
    "strided": [
        nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 8, 3, 1, 1), nn.ReLU(True), *head(8, 4)
    ],
    "uneven": [nn.Conv2d(3, 4, 3, 2, 1), nn.Tanh(), *head(4, 4)],
    "dilated": [nn.Conv2d(3, 4, 3, 1, 2, dilation=2), nn.Sigmoid(), *head(4, 8)],
    "grouped": [nn.Conv2d(3, 6, 3, 1, 1, groups=3), nn.ELU(), *head(6, 8)],
    "transposed": [nn.ConvTranspose2d(3, 4, 4, 2, 1), nn.SiLU(), nn.AvgPool2d(4), *head(4, 4)],
    "enlarged": [nn.Upsample(scale_factor=2), nn.Conv2d(3, 4, 3), nn.ReLU(), *head(4, 14)],
    "bilinear": [
        nn.Upsample(size=11, mode="bilinear", align_corners=True), nn.Conv2d(3, 4, 3), nn.ReLU(), *head(4, 9)
    ],
    "layer norm": [nn.Conv2d(3, 4, 3, 1, 1), nn.LayerNorm([4, 8, 8]), nn.Softplus(), *head(4, 8)],
    "batch norm": [nn.Conv2d(3, 4, 3, 1, 1), nn.BatchNorm2d(4), nn.Hardtanh(), *head(4, 8)],
}  # fmt: skip


@pytest.mark.parametrize("name", CRITICS)
def test_each_layer_is_written_out_with_its_backward_pass(name):
    """``write`` compares with the exact field itself and refuses what differs."""
    written = written_out.write(model(nn.Sequential(*CRITICS[name])))
    assert written.error < 1e-5


@pytest.mark.parametrize("name", ["cifar10/sndcgan-ns", "cifar10/sn-resnet", "billion_words/wgan-gp"])
def test_shipped_models_of_images_and_text(name):
    shipped = dg.load(name, device="cpu")
    written = written_out.write(shipped)
    session = onnxruntime.InferenceSession(written.onnx)
    z = shipped.prior.sample(5, 3)
    exact = ExactField(shipped, "latent").evaluate(z)
    sample, logit, grad = session.run(None, {"z": z.numpy()})
    np.testing.assert_allclose(sample, exact.sample.numpy(), atol=2e-5)
    np.testing.assert_allclose(logit + shipped.logit_offset, exact.logit.numpy(), atol=2e-5)
    off = np.abs(grad - exact.grad.numpy()).reshape(len(z), -1).max(1) / float(exact.grad.abs().max())
    assert np.sort(off)[-2] < 3e-5
    assert off.max() < 0.01  # one sample may lie on a kink, where rounding picks the side
    weights = shelf.root() / name / shelf.WEIGHTS
    assert len(written.onnx) < 1.1 * weights.stat().st_size  # what ships in float16 stays so


def test_half_rounds_all_weights_and_says_what_that_costs():
    ours = model(nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1), nn.ReLU(), *head(64, 8)))
    whole, half = written_out.write(ours), written_out.write(ours, half=True)
    assert len(half.onnx) < 0.6 * len(whole.onnx)
    assert whole.error < 1e-5 < half.error < written_out.ALLOWED[True]


@pytest.mark.parametrize(
    "layer", [nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(4)], ids=lambda one: type(one).__name__
)
def test_a_layer_without_words_is_named(layer):
    ours = model(nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1), layer, *head(4, 4)))
    with pytest.raises(
        UserError, match=rf"the layer critic\.1 \({type(layer).__name__}\) cannot be written out"
    ):
        written_out.write(ours)


def test_a_wrong_graph_is_refused(monkeypatch):
    def other(graph, node, x, slope=0.01):
        return graph.op("LeakyRelu", [x], alpha=0.5)

    monkeypatch.setitem(onnx_words._words, "aten.leaky_relu", other)
    with pytest.raises(UserError, match="differs from the model by"):
        written_out.write(model(nn.Sequential(*CRITICS["strided"])))


def test_without_its_packages_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match="pip install onnx onnxruntime"):
        written_out.write(model(nn.Sequential(*CRITICS["uneven"])))


def test_it_is_made_once(monkeypatch, tmp_path):
    monkeypatch.setenv("DGFLOW_CACHE", str(tmp_path))
    ours = model(nn.Sequential(*CRITICS["uneven"]))
    first = written_out.field(ours)
    monkeypatch.setattr(written_out, "write", None)
    assert written_out.field(ours.with_offset(3.0)) == first  # the offset is added where it runs


def test_the_command_writes_the_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DGFLOW_CACHE", str(tmp_path / "cache"))
    assert cli.main(["browser", "fashion_mnist/sndcgan-ns", "--out", str(tmp_path)]) in (0, None)
    assert "1.35 MB" in capsys.readouterr().out
    session = onnxruntime.InferenceSession((tmp_path / "fashion_mnist-sndcgan-ns.onnx").read_bytes())
    assert [one.name for one in session.get_outputs()] == ["sample", "logit", "grad"]

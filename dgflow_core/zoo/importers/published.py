"""The papers' image networks, recognised by the names of their arrays.

Chainer files as released with Tanaka (NeurIPS 2019): ``DCGANGenerator``, ``SNDCGANDiscriminator`` and
``WGANDiscriminator`` of chainer-gan-lib, the unconditional ``ResNetGenerator`` of sngan_projection. State
dicts as released with DGflow: the ``CNNDecoder`` of its MMD-GAN, OCF-GAN and VAE, and its correctors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from dgflow_core.errors import UserError
from dgflow_core.flow import priors
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.nets.folding import fold
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator, SNDCGANGenerator
from dgflow_core.nets.snresnet import SNResNetGenerator
from dgflow_core.nets.vae import DCGANDecoder
from dgflow_core.zoo.importers.arrays import read
from dgflow_core.zoo.model import Model

Arrays = dict[str, Tensor]
CHAINER_EPS, TORCH_EPS = 2e-5, 1e-5  # what the two libraries add to a batch norm's variance
OUTPUTS = ("tanh", "sigmoid")


@dataclass(frozen=True)
class Layout:
    """A published network: ``title``, our ``architecture`` for it, and its layers in our order."""

    title: str
    architecture: str
    layers: tuple[str, ...]
    eps: float = CHAINER_EPS


DCGAN = Layout(
    "DCGANGenerator", "sndcgan_generator", ("l0", "bn0", "dc1", "bn1", "dc2", "bn2", "dc3", "bn3", "dc4")
)
RESNET = Layout(
    "ResNetGenerator", "snresnet_generator",
    ("l1", *(f"block{i}/{part}" for i in (2, 3, 4) for part in ("b1", "c1", "b2", "c2", "c_sc")), "b5", "c5"),
)  # fmt: skip
SNDCGAN = Layout(
    "SNDCGANDiscriminator", "sndcgan_discriminator",
    ("c0_0", "c0_1", "c1_0", "c1_1", "c2_0", "c2_1", "c3_0", "l4"),
)  # fmt: skip
WGAN = Layout(
    "WGANDiscriminator", "sndcgan_discriminator", ("c0", "c1", "c1_0", "c2", "c2_0", "c3", "c3_0", "l4")
)


def load_published(
    generator: str | Path,
    critic: str | Path,
    corrector: str | Path | None = None,
    *,
    prior: str = "normal",
    output: str = "tanh",
    dataset: str | None = None,
    device: str | torch.device = "auto",
) -> Model:
    """An image model from the papers' published checkpoints.

    Spectral norm is divided out by the largest singular value, to which both libraries' power
    iterations converge; batch norm is folded in. What comes back can be saved with ``dg.save``.

    Args:
        generator: ``DCGANGenerator`` or ``ResNetGenerator`` (.npz), or ``CNNDecoder`` (.pth). A decoder's
            pictures are enlarged to the critic's side, as in DGflow's STL-10 experiments.
        critic: ``SNDCGANDiscriminator`` or ``WGANDiscriminator`` (.npz, .pth). Taken raw: offset 0.
        corrector: DGflow's density ratio corrector d_λ (.pth), or None.
        prior: "normal" or "uniform" on [−1, 1].
        output: what ends a ``CNNDecoder``, which its file does not say: "tanh", or "sigmoid" for the VAE's.
        dataset: the image data set, where known (``cifar10``): for measuring, and real pictures beside it.

    Raises:
        UserError: a file that is missing, damaged, of another network, or of shapes that do not fit;
            one sentence that names it.
    """
    if output not in OUTPUTS:
        raise UserError(f"output must be one of {', '.join(OUTPUTS)}, not {output!r}.")
    if dataset is not None:
        image_datasets.get(dataset)
    critics = {"critic": _critic("critic", read("critic", critic))}
    if corrector is not None:
        critics["corrector"] = _critic("corrector", read("corrector", corrector))
    side = critics["critic"].arguments["side"]
    made, architecture = _generator("generator", read("generator", generator), side, output)
    p = priors.make(prior, made.arguments["dim"])
    title = Path(generator).stem
    config = {
        "title": f"Imported from {title}", "name": title, "kind": "image", "dataset": dataset or "unknown",
        "prior": {"kind": p.kind, "dim": p.dim},
        "generator": {"architecture": architecture, "arguments": made.arguments},
        **{
            part: {"architecture": SNDCGAN.architecture, "arguments": network.arguments}
            for part, network in critics.items()
        },
    }  # fmt: skip
    return Model(config, p, made, critics["critic"], critics.get("corrector"), device=device)


def _generator(name: str, arrays: Arrays, side: int, output: str) -> tuple[nn.Module, str]:
    if "l0/W" in arrays and "dc1/W" in arrays:
        first, dense = arrays["dc1/W"], arrays["l0/W"]
        _axes(name, "dc1", first, 4), _axes(name, "l0", dense, 2)
        make = SNDCGANGenerator
        arguments = {
            "dim": dense.shape[1], "width": len(first) // 8, "channels": _channels(name, arrays, "dc4/b"),
            "side": 8 * math.isqrt(len(dense) // max(len(first), 1)),
        }  # fmt: skip
        layout = DCGAN
        if "bn0/gamma" not in arrays:
            layout = Layout(DCGAN.title, DCGAN.architecture, DCGAN.layers[::2])
        # a transposed convolution that keeps the side is a convolution with its kernels turned around
        if "dc4/W" in arrays and arrays["dc4/W"].dim() == 4:
            arrays = arrays | {"dc4/W": arrays["dc4/W"].transpose(0, 1).flip(2, 3)}
    elif "l1/W" in arrays and "block2/c1/W" in arrays:
        if "block2/b1/gammas/W" in arrays:
            raise UserError(f"{name}: class-conditional generators are not supported.")
        _axes(name, "l1", arrays["l1/W"], 2)
        make, layout = SNResNetGenerator, RESNET
        arguments = {
            "dim": arrays["l1/W"].shape[1], "width": len(arrays["l1/W"]) // 16,
            "channels": _channels(name, arrays, "c5/b"),
        }  # fmt: skip
    elif any(key.startswith("main/initial-") for key in arrays):
        make, arguments, layout, arrays = _decoder(name, arrays, side, output)
    else:
        raise UserError(
            f"{name} must hold a DCGANGenerator, a ResNetGenerator or a CNNDecoder, and holds none of them."
        )
    normed = any(key.endswith("/gamma") for key in arrays)
    network = _filled(name, lambda: make(**arguments, batch_norm=normed), layout, arrays)
    with torch.no_grad():
        return fold(network), layout.architecture


def _decoder(name: str, arrays: Arrays, side: int, output: str):
    layers = tuple(dict.fromkeys(key.rsplit("/", 1)[0] for key in arrays))
    last = layers[-1]
    weights = [arrays.get(f"{layer}/W") for layer in (layers[0], last)]
    for layer, weight in zip((layers[0], last), weights, strict=True):
        if weight is None:
            raise UserError(f"{name}: {layer} lacks W.")
        _axes(name, layer, weight, 4)
    zeros = {f"{layer}/b": torch.zeros(arrays[f"{layer}/W"].shape[1:2])
             for layer in layers if f"{layer}/W" in arrays and f"{layer}/b" not in arrays}  # fmt: skip
    arrays = zeros | arrays
    if output == "sigmoid":  # 2 σ(x) − 1 = tanh(x / 2)
        arrays |= {f"{last}/{part}": arrays[f"{last}/{part}"] / 2 for part in "Wb"}
    arguments = {
        "dim": len(weights[0]), "width": len(weights[1]), "channels": weights[1].shape[1],
        "resize": None if side == 32 else side,
    }  # fmt: skip
    return DCGANDecoder, arguments, Layout("CNNDecoder", "dcgan_decoder", layers, TORCH_EPS), arrays


def _critic(name: str, arrays: Arrays) -> nn.Module:
    if "c0_0/W" in arrays and not any(key.startswith("bn") for key in arrays):
        layout = SNDCGAN
        arrays = {key: _normalised(value) if key.endswith("/W") else value for key, value in arrays.items()}
    elif "c0/W" in arrays and "c1_0/W" in arrays:
        layout = WGAN
    else:
        raise UserError(
            f"{name} must hold an SNDCGANDiscriminator or a WGANDiscriminator, and holds neither."
        )
    first, dense = arrays[f"{layout.layers[0]}/W"], arrays.get("l4/W")
    if dense is None:
        raise UserError(f"{name}: a {layout.title} has l4, which the file lacks.")
    _axes(name, layout.layers[0], first, 4), _axes(name, "l4", dense, 2)
    width, channels = first.shape[:2]
    arguments = {
        "channels": channels, "width": width, "slope": 0.2,
        "side": 8 * math.isqrt(dense.shape[1] // max(8 * width, 1)),
    }  # fmt: skip
    return _filled(name, lambda: SNDCGANDiscriminator(**arguments), layout, arrays)


def _normalised(weight: Tensor) -> Tensor:
    """W / σ(W), the spectral norm of W as a matrix (out, rest)."""
    if weight.dim() < 2 or not weight.numel():
        return weight  # its shape is refused later
    return weight / torch.linalg.matrix_norm(weight.flatten(1), 2).clamp_min(1e-12)


def _filled(name: str, make, layout: Layout, arrays: Arrays) -> nn.Module:
    """The network ``make()`` with the arrays of ``layout``, every shape compared first."""
    try:
        with torch.device("meta"):  # nothing is allocated before the shapes are known to fit
            network = make()
    except (RuntimeError, ValueError, ZeroDivisionError):
        raise UserError(f"{name}: its shapes are not those of a {layout.title}.") from None
    layers = [
        (path, layer)
        for path, layer in network.named_modules()
        if not list(layer.children()) and "weight" in dict(layer.named_parameters())
    ]
    if len(layers) != len(layout.layers):
        raise UserError(f"{name}: a {layout.title} has {len(layers)} layers, not {len(layout.layers)}.")
    state = {}
    for (path, layer), theirs in zip(layers, layout.layers, strict=True):
        for ours, part in _parts(layer).items():
            value = arrays.get(f"{theirs}/{part}")
            if value is None:
                raise UserError(f"{name}: a {layout.title} has {theirs}/{part}, which the file lacks.")
            wanted = tuple(layer.state_dict()[ours].shape)
            if tuple(value.shape) != wanted:
                raise UserError(
                    f"{name}: {theirs}/{part} must have shape {wanted} in this {layout.title}, "
                    f"not {tuple(value.shape)}."
                )
            state[f"{path}.{ours}"] = value.clone()
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.eps = layout.eps
            state[f"{path}.num_batches_tracked"] = torch.tensor(0)
    network.load_state_dict(state, assign=True)
    return network.eval()


def _parts(layer: nn.Module) -> dict[str, str]:
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        return {"weight": "gamma", "bias": "beta", "running_mean": "avg_mean", "running_var": "avg_var"}
    return {"weight": "W", "bias": "b"}


def _axes(name: str, layer: str, weight: Tensor, axes: int) -> None:
    if weight.dim() != axes or not weight.numel():
        raise UserError(f"{name}: {layer}/W must have {axes} axes, not the shape {tuple(weight.shape)}.")


def _channels(name: str, arrays: Arrays, bias: str) -> int:
    if bias not in arrays or arrays[bias].dim() != 1:
        raise UserError(f"{name}: {bias} must be there, with one number a colour.")
    return len(arrays[bias])

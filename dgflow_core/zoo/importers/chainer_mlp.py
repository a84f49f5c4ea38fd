"""Importer for planar networks saved by Chainer, such as Tanaka's (NeurIPS 2019)."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import nn

from dgflow_core.errors import UserError
from dgflow_core.flow import priors
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.nets.mlp import MLP
from dgflow_core.zoo.importers.checkpoint import read
from dgflow_core.zoo.model import Model

GENERATOR_LAYERS = ("l0", "l1", "l2", "l4")
CRITIC_LAYERS = ("l1", "l2", "l3", "l4")


def load_chainer_mlp(
    generator_npz: str | Path,
    discriminator_npz: str | Path,
    prior: str = "uniform",
    *,
    dataset: str | None = None,
    device: str | torch.device = "auto",
) -> Model:
    """A 2D model from two Chainer ``.npz`` files of linear layers with leaky ReLU (slope 0.2).

    Each layer is a pair ``<layer>/W`` (out, in) and ``<layer>/b`` (out,): l0, l1, l2, l4 for the
    generator (dim_z → 2), l1, l2, l3, l4 for the critic (2 → 1). The critic is taken raw:
    ``logit_offset`` 0. The files are read as plain arrays; nothing in them is unpickled.

    Args:
        prior: "uniform" on [−1, 1]^dim_z, as Tanaka's, or "normal".
        dataset: the planar data set the model was trained on, where known (``dg.datasets``).

    Raises:
        UserError: a file that is missing, not such an archive, or of layers that do not fit;
            one sentence that names it.
    """
    if dataset is not None:
        plane_datasets.get(dataset)
    generator = _network("generator_npz", Path(generator_npz), GENERATOR_LAYERS, 2)
    critic = _network("discriminator_npz", Path(discriminator_npz), CRITIC_LAYERS, 1)
    if critic[0].in_features != 2:
        raise UserError(f"discriminator_npz must take 2 inputs, not {critic[0].in_features}.")
    p = priors.make(prior, cast(nn.Linear, generator[0]).in_features)
    config = {
        "title": f"Imported from {Path(generator_npz).stem}",
        "name": Path(generator_npz).stem,
        "kind": "2d",
        "dataset": dataset,
        "prior": {"kind": p.kind, "dim": p.dim},
        **{
            part: {
                "architecture": "mlp",
                "arguments": {"widths": _widths(net), "activation": "leaky_relu"},
            }
            for part, net in (("generator", generator), ("critic", critic))
        },
    }
    return Model(config, p, generator, critic, device=device)


def _widths(network: MLP) -> list[int]:
    linear = [module for module in network if isinstance(module, nn.Linear)]
    return [linear[0].in_features, *(module.out_features for module in linear)]


def _network(name: str, path: Path, layers: tuple[str, ...], outputs: int) -> MLP:
    arrays = read(name, path).arrays
    missing = [key for layer in layers for part in "Wb" if (key := f"{layer}/{part}") not in arrays]
    if missing:
        raise UserError(f"{name}: {path.name!r} lacks {', '.join(missing)}.")
    first = arrays[f"{layers[0]}/W"]
    widths = [first.shape[-1] if first.dim() == 2 else 0]
    for layer in layers:
        weight, bias = arrays[f"{layer}/W"], arrays[f"{layer}/b"]
        fits = weight.dim() == 2 and weight.numel() and weight.shape[1] == widths[-1]
        if not fits or bias.shape != weight.shape[:1]:
            raise UserError(
                f"{name}: {layer} must have W of shape (out, {widths[-1] or 'in'}) and b of shape (out,), "
                f"not {tuple(weight.shape)} and {tuple(bias.shape)}."
            )
        widths.append(len(weight))
    if widths[-1] != outputs:
        raise UserError(f"{name}: the last layer must have {outputs} outputs, not {widths[-1]}.")
    network = MLP(widths, "leaky_relu")
    linear = [index for index, module in enumerate(network) if isinstance(module, nn.Linear)]
    network.load_state_dict(
        {
            f"{index}.{key}": arrays[f"{layer}/{part}"]
            for index, layer in zip(linear, layers, strict=True)
            for key, part in (("weight", "W"), ("bias", "b"))
        }
    )
    return network

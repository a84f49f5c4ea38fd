"""Batch and spectral norm folded into plain weights, so that what ships has neither."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import fusion

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


class Scale(nn.Module):
    """x (n, C, H, W) ↦ weight · x + bias, per channel: a folded batch norm that no layer precedes."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight, self.bias = (nn.Parameter(torch.empty(channels)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.bias[:, None, None], x, self.weight[:, None, None])


@torch.no_grad()
def fold(network: nn.Module) -> nn.Module:
    """A copy of ``network`` without batch norm or spectral norm, frozen.

    Computes what ``network`` computes in evaluation mode, up to rounding. ``network`` names the
    ``arguments`` that build it anew without norms; within each of its ``nn.Sequential`` a batch
    norm belongs to the layer right before it, or stands first and becomes a ``Scale``.
    """
    twin = copy.deepcopy(network).eval().requires_grad_(False)
    for chain in [module for module in twin.modules() if isinstance(module, nn.Sequential)]:
        for index, norm in enumerate(chain):
            if isinstance(norm, _NORMS):
                _absorb(chain, index, norm)
    plain = type(network)(**network.arguments).requires_grad_(False).eval()
    plain.to(next(network.parameters()).device)
    for ours, theirs in zip(_weighted(plain), _weighted(twin), strict=True):
        ours.weight.copy_(theirs.weight)
        ours.bias.copy_(theirs.bias)
    return plain


def _weighted(network: nn.Module) -> list[nn.Module]:
    # reading .weight applies spectral norm
    return [layer for layer in network.modules() if isinstance(getattr(layer, "weight", None), Tensor)]


def _absorb(chain: nn.Sequential, index: int, norm: nn.Module) -> None:
    before = chain[index - 1] if index else None
    if isinstance(before, nn.Linear):
        chain[index - 1], chain[index] = fusion.fuse_linear_bn_eval(before, norm), nn.Identity()
    elif isinstance(before, (nn.Conv2d, nn.ConvTranspose2d)):
        transpose = isinstance(before, nn.ConvTranspose2d)
        chain[index - 1], chain[index] = fusion.fuse_conv_bn_eval(before, norm, transpose), nn.Identity()
    else:
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        chain[index] = Scale(norm.num_features)
        chain[index].weight, chain[index].bias = map(
            nn.Parameter, (scale, norm.bias - scale * norm.running_mean)
        )

"""Batch and spectral norm folded into plain weights, so that what ships has neither; and unfolded again."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import fusion, parametrize

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


@torch.no_grad()
def unfold(network: nn.Module, plain: nn.Module, x: Tensor, passes: int = 20) -> None:
    """Give ``network``, which has norms, what ``plain``, folded from one like it, has learnt.

    A batch norm takes the mean and spread of what reaches it on ``x`` (n, …) for its bias and weight, so
    that in training mode it changes nothing on ``x``. Spectral norm divides weights of norm 1 by what its
    power iteration finds, and has ``passes`` over ``x`` to find 1.
    """
    network.train()
    norms = [module for module in network.modules() if isinstance(module, _NORMS)]
    for ours, theirs in zip(
        [layer for layer in _weighted(network) if layer not in norms], _weighted(plain), strict=True
    ):
        if parametrize.is_parametrized(ours, "weight"):
            ours.weight = theirs.weight.data  # a plain tensor: spectral norm makes it its parameter
        else:
            ours.weight.copy_(theirs.weight)
        ours.bias.copy_(theirs.bias)
    hooks = [norm.register_forward_pre_hook(_neutral) for norm in norms]
    network(x)
    for hook in hooks:
        hook.remove()
    for _ in range(passes):
        network(x)


def _neutral(norm: nn.Module, inputs: tuple[Tensor]) -> None:
    variance, mean = torch.var_mean(inputs[0].transpose(0, 1).flatten(1), 1, correction=0)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(mean)


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

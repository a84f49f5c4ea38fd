"""A network as a list of layers, which JSON can hold: for networks that others published.

Residual blocks are those of Gulrajani et al. (2017) and Miyato et al. (2018). Batch norms come in as the
``scale`` that they are in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from dgflow_core.nets import architecture
from dgflow_core.nets.folding import Scale

MAX_LAYERS = 64


class Sum(nn.Module):
    """(n, C, H, W) → (n, C): the sum over pixels, or their ``mean``."""

    def __init__(self, mean: bool = False):
        super().__init__()
        self.mean = mean

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3)) if self.mean else x.sum((2, 3))


class SampleNorm(nn.Module):
    """Layer norm over everything but the sample, then a scale and a shift per channel.

    The deviation is the unbiased one, with ``eps`` added to it and not to the variance.
    """

    def __init__(self, channels: int, eps: float = 1e-5):
        super().__init__()
        self.weight, self.bias = (nn.Parameter(torch.empty(channels)) for _ in range(2))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        mean, deviation = x.mean((1, 2, 3), keepdim=True), x.std((1, 2, 3), keepdim=True)
        scaled = (x - mean) / (deviation + self.eps)
        return scaled * self.weight[:, None, None] + self.bias[:, None, None]


class Residual(nn.Module):
    """norm, activation, convolution, norm, activation, convolution, beside a shortcut.

    Args:
        planes: inputs, hidden, outputs.
        resample: "nearest" or "bilinear" doubles the side before the first convolution, "down" halves it by
            averages after the second, None keeps it.
        norm: "scale" (of the first alone: the second is folded into its convolution), "sample" or None.
        first: the block takes images: nothing stands before its first convolution.
        shortcut: whether a 1 × 1 convolution stands in the shortcut.
        slope: of the leaky ReLU; 0 is ReLU.
    """

    def __init__(
        self, planes: list[int], resample: str | None = None, norm: str | None = None,
        first: bool = False, shortcut: bool = True, slope: float = 0.0,
    ):  # fmt: skip
        super().__init__()
        inputs, hidden, outputs = planes
        self.norms = nn.ModuleList([nn.Identity(), nn.Identity()])
        if norm == "scale":
            self.norms[0] = Scale(inputs)
        elif norm == "sample":
            self.norms = nn.ModuleList([SampleNorm(inputs), SampleNorm(hidden)])
        self.first = nn.Conv2d(inputs, hidden, 3, 1, 1)
        self.second = nn.Conv2d(hidden, outputs, 3, 1, 1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if shortcut else nn.Identity()
        self.bare, self.resample = first, resample
        self.activation = nn.LeakyReLU(slope) if slope else nn.ReLU()

    def _up(self, x: Tensor) -> Tensor:
        if self.resample not in ("nearest", "bilinear"):
            return x
        return interpolate(x, scale_factor=2, mode=self.resample)

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.bare else self.activation(self.norms[0](x))
        h = self.first(self._up(h))
        h = self.second(self.activation(self.norms[1](h)))
        if self.resample == "down":  # averaging and a 1 × 1 convolution may change places
            return avg_pool2d(h, 2) + self.shortcut(avg_pool2d(x, 2))
        return h + self._up(self.shortcut(x))


class Upsample(nn.Module):
    """Images enlarged or shrunk to ``side``, as DGflow does for a critic of larger images."""

    def __init__(self, side: int):
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        return interpolate(x, size=self.side, mode="bilinear", align_corners=True)


class OneLogit(nn.Module):
    """(n, 1, …) → (n,)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).squeeze(1)


LAYERS: dict[str, Callable[..., nn.Module]] = {
    "linear": nn.Linear, "conv": nn.Conv2d, "deconv": nn.ConvTranspose2d, "scale": Scale,
    "sample_norm": SampleNorm, "residual": Residual, "unflatten": lambda *shape: nn.Unflatten(1, shape),
    "flatten": nn.Flatten, "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh, "sum": Sum,
    "upsample": Upsample, "logit": OneLogit,
}  # fmt: skip


@architecture("chain")
class Chain(nn.Sequential):
    """``layers``, one after the other: each ``[kind, *arguments]`` with a kind of ``LAYERS``.

    Raises:
        ValueError: too many, or one that is not known.
    """

    def __init__(self, layers: list[list[Any]]):
        if not isinstance(layers, list) or not 1 <= len(layers) <= MAX_LAYERS:
            raise ValueError(f"layers must be a list of 1 to {MAX_LAYERS}")
        for layer in layers:
            if not isinstance(layer, list) or not layer or layer[0] not in LAYERS:
                raise ValueError(f"a layer must be one of {', '.join(LAYERS)}, not {str(layer)[:60]}")
        super().__init__(*(LAYERS[kind](*arguments) for kind, *arguments in layers))
        self.arguments = {"layers": layers}

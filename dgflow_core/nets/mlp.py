"""Fully connected networks, for generators and critics of two-dimensional data."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from dgflow_core.errors import UserError
from dgflow_core.nets import architecture

_ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": lambda: nn.LeakyReLU(0.2)}


@architecture("mlp")
class MLP(nn.Sequential):
    """Linear layers of the given ``widths`` (input and output included).

    ``activation`` ("relu", or "leaky_relu" with slope 0.2) stands between layers, none after
    the last. A network whose last width is 1 is a critic and returns shape (n,).
    """

    def __init__(self, widths: list[int], activation: str = "relu"):
        if activation not in _ACTIVATIONS:
            raise UserError(f"activation must be one of {', '.join(_ACTIVATIONS)}, not {activation!r}.")
        layers: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
            if index:
                layers.append(_ACTIVATIONS[activation]())
            layers.append(nn.Linear(inputs, outputs))
        super().__init__(*layers)
        self.scalar = widths[-1] == 1

    def forward(self, x: Tensor) -> Tensor:
        out = super().forward(x)
        return out.squeeze(1) if self.scalar else out

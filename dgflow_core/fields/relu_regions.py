"""(d, ∇d) of ReLU networks at neighbouring points, exact and several times cheaper.

A ReLU network is linear wherever no unit changes sign. Within a small tile of the plane most
units are on everywhere or off everywhere; they fold into one linear map of what came before,
and only the few *mixed* units cost a product each. What comes out is the network itself, to
rounding, with a fraction of the multiplications: this is how tables are filled.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dgflow_core.nets.mlp import MLP

Pullback = Callable[[Tensor], Tensor]


def fits(network: nn.Module | None) -> bool:
    """Whether ``forward`` can evaluate ``network``."""
    return isinstance(network, MLP)


def forward(network: MLP, x: Tensor) -> tuple[Tensor, Pullback]:
    """Values of ``network`` at the columns of ``x`` (inputs, n), which should lie close together.

    Returns:
        The outputs (outputs, n), and the function that takes v (outputs, n) to the gradient of
        Σ v·outputs with respect to ``x`` (inputs, n).
    """
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    slope = next((layer.negative_slope for layer in network if isinstance(layer, nn.LeakyReLU)), 0.0)
    constant = len(x)  # the row of ``basis`` that holds ones, for the biases
    basis = torch.cat([x, x.new_ones(1, x.shape[1])])
    expand = torch.cat([linear[0].weight, linear[0].bias[:, None]], 1)  # units = expand @ basis
    tape = []
    for layer in linear[1:]:
        before = expand @ basis
        low, high = before.amin(1), before.amax(1)
        on, mixed = low > 0, (low <= 0) & (high > 0)
        which, rest = mixed.nonzero()[:, 0], (~mixed if slope else on).nonzero()[:, 0]
        pace = torch.where(on, 1.0, slope)[rest, None]
        fold = layer.weight[:, rest] @ (expand[rest] * pace)
        fold[:, constant] += layer.bias
        before = before[which]
        gain = torch.where(before > 0, 1.0, slope)
        tape.append((expand[which], gain))
        basis = torch.cat([basis, before * gain])
        expand = torch.cat([fold, layer.weight[:, which]], 1)

    def pull(v: Tensor) -> Tensor:
        grad = expand.T @ v
        for units, gain in reversed(tape):
            known = units.shape[1]
            grad = grad[:known] + units.T @ (grad[known:] * gain)
        return grad[:constant]

    return expand @ basis, pull

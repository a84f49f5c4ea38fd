"""Gulrajani et al.'s character-level networks (2017, appendix): residual convolutions along a string.

At ``width`` 512 these are the paper's. A string is (length, symbols): one-hot where it is real,
a softmax where it is generated. Neither network has a norm, so the one that trains is the one
that ships.
"""

from __future__ import annotations

from torch import Tensor, nn

from dgflow_core.nets import architecture


class ResidualBlock(nn.Module):
    """x + 0.3 · conv₅(relu(conv₅(relu(x)))) on (n, width, length), as released with the paper."""

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv1d(width, width, 5, padding=2)
        self.second = nn.Conv1d(width, width, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.3 * self.second(self.first(x.relu()).relu())


@architecture("text_generator")
class TextGenerator(nn.Module):
    """z (n, dim) → (n, length, symbols), a softmax over the symbols at every place."""

    def __init__(
        self, dim: int = 128, symbols: int = 96, length: int = 32, width: int = 512, blocks: int = 5
    ):
        super().__init__()
        self.arguments = {"dim": dim, "symbols": symbols, "length": length, "width": width, "blocks": blocks}
        self.spread = nn.Linear(dim, width * length)
        self.blocks = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.symbols = nn.Conv1d(width, symbols, 1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.spread(z).unflatten(1, (-1, self.arguments["length"]))
        return self.symbols(self.blocks(x)).transpose(1, 2).softmax(-1)


@architecture("text_critic")
class TextCritic(nn.Module):
    """Strings (n, length, symbols) → logits (n,), or (n, outputs) where the same body encodes."""

    def __init__(
        self, symbols: int = 96, length: int = 32, width: int = 512, blocks: int = 5, outputs: int = 1
    ):
        super().__init__()
        self.arguments = {"symbols": symbols, "length": length, "width": width, "blocks": blocks}
        self.symbols = nn.Conv1d(symbols, width, 1)
        self.blocks = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.head = nn.Linear(width * length, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.symbols(x.transpose(1, 2))).flatten(1)).squeeze(1)

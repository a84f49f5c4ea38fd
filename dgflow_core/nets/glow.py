"""Glow's sampling direction (Kingma & Dhariwal 2018), in plain convolutions.

The flow itself, with its inverse and its determinants, is normflows'; only training needs it
(``training/glow.py``). There each block's activation norm and 1 × 1 convolution are folded into
one convolution, and the blocks are laid out as they are here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle

from dgflow_core.nets import architecture


def scales(channels: int, side: int, levels: int) -> list[tuple[int, tuple[int, int, int]]]:
    """From the coarsest scale to the finest: its planes, and the shape of the code that enters there."""
    every = range(levels, 0, -1)
    planes = [channels * 2 ** (level + 1) for level in every]
    return [
        (width, (width if level == levels else width // 2, side >> level, side >> level))
        for width, level in zip(planes, every, strict=True)
    ]


LEAST_SCALE, LARGEST = 0.1, 12.0  # what a block divides by at least, and gives at most: see ``Step``


class Step(nn.Module):
    """One block: half of the planes, scaled and shifted by a network of the other half; then all mixed.

    Codes unlike those of real images, and half of the prior's are, meet scales near 0 in one block
    after the other and would leave the finite range. So scales and values are held within bounds
    (not in the paper; hardly a real image passes the second, and many pass the first in some pixel).
    """

    def __init__(self, planes: int, width: int):
        super().__init__()
        self.network = nn.Sequential(
            nn.Conv2d(planes // 2, width, 3, 1, 1), nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 1), nn.ReLU(inplace=True), nn.Conv2d(width, planes, 3, 1, 1),
        )  # fmt: skip
        self.mix = nn.Conv2d(planes, planes, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept, moved = x.chunk(2, dim=1)
        change = self.network(kept)
        scale = torch.sigmoid(change[:, 1::2] + 2).clamp_min(LEAST_SCALE)
        moved = (moved / scale + change[:, 0::2]).clamp(-LARGEST, LARGEST)
        return self.mix(torch.cat([kept, moved], dim=1))


@architecture("glow")
class Glow(nn.Module):
    """z (n, channels · side²) → images (n, channels, side, side), clipped to [−1, 1].

    ``levels`` scales of ``depth`` blocks each; ``width`` hidden planes in a block's network.
    (The paper's CIFAR-10 model: 3 levels of 32 blocks, 512 planes.)
    """

    def __init__(self, channels: int = 3, side: int = 32, levels: int = 3, depth: int = 32, width: int = 512):
        super().__init__()
        self.arguments = {
            "channels": channels, "side": side, "levels": levels, "depth": depth, "width": width,
        }  # fmt: skip
        layout = scales(channels, side, levels)
        self.shapes = [shape for _, shape in layout]
        self.sizes = [planes * height * width for planes, height, width in self.shapes]
        self.scales = nn.ModuleList(
            nn.Sequential(*(Step(planes, width) for _ in range(depth))) for planes, _ in layout
        )

    def forward(self, z: Tensor) -> Tensor:
        x = z[:, :0].reshape(len(z), 0, *self.shapes[0][1:])
        for part, shape, steps in zip(z.split(self.sizes, dim=1), self.shapes, self.scales, strict=True):
            x = pixel_shuffle(steps(torch.cat([x, part.reshape(-1, *shape)], dim=1)), 2)
        return x.clamp(-1, 1)

"""SN-ResNet-GAN for 32 × 32 images (Miyato et al. 2018): residual generator and discriminator.

The paper's widths are 256 for the generator and 128 for the discriminator.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils import parametrizations

from dgflow_core.nets import architecture
from dgflow_core.nets.folding import Scale


class Up(nn.Module):
    """(n, C, H, W) → (n, C, 2H, 2W): two convolutions beside a 1 × 1 shortcut."""

    def __init__(self, width: int, norm):
        super().__init__()
        self.body = nn.Sequential(
            norm(width), nn.ReLU(inplace=True), nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, 1, 1),
            *([norm(width)] if norm is nn.BatchNorm2d else []), nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, 1, 1),
        )  # fmt: skip
        self.shortcut = nn.Sequential(nn.Conv2d(width, width, 1), nn.Upsample(scale_factor=2))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)


@architecture("snresnet_generator")
class SNResNetGenerator(nn.Sequential):
    """z (n, dim) → images (n, channels, 32, 32) in [−1, 1]: dense, three residual blocks, tanh."""

    def __init__(self, dim: int = 128, channels: int = 3, width: int = 256, batch_norm: bool = False):
        norm = nn.BatchNorm2d if batch_norm else Scale  # before a block's first layer nothing can absorb it
        super().__init__(
            nn.Linear(dim, 16 * width), nn.Unflatten(1, (width, 4, 4)),
            *(Up(width, norm) for _ in range(3)),
            norm(width), nn.ReLU(inplace=True), nn.Conv2d(width, channels, 3, 1, 1), nn.Tanh(),
        )  # fmt: skip
        self.arguments = {"dim": dim, "channels": channels, "width": width}


class Down(nn.Module):
    """A residual block of the discriminator; ``halve`` halves the side, ``first`` takes images."""

    def __init__(self, inputs: int, width: int, norm, halve: bool, first: bool = False):
        super().__init__()
        pool = [nn.AvgPool2d(2)] if halve else []
        short = [norm(nn.Conv2d(inputs, width, 1))] if halve else []
        self.body = nn.Sequential(
            *([] if first else [nn.ReLU()]), norm(nn.Conv2d(inputs, width, 3, 1, 1)),
            nn.ReLU(inplace=True), norm(nn.Conv2d(width, width, 3, 1, 1)), *pool,
        )  # fmt: skip
        self.shortcut = nn.Sequential(*(pool + short if first else short + pool))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)


@architecture("snresnet_discriminator")
class SNResNetDiscriminator(nn.Sequential):
    """Images (n, channels, 32, 32) → logits (n,): four residual blocks, a sum over pixels, one dense."""

    def __init__(self, channels: int = 3, width: int = 128, spectral_norm: bool = False):
        norm = parametrizations.spectral_norm if spectral_norm else lambda layer: layer
        super().__init__(
            Down(channels, width, norm, halve=True, first=True), Down(width, width, norm, halve=True),
            Down(width, width, norm, halve=False), Down(width, width, norm, halve=False),
            nn.ReLU(inplace=True), nn.AvgPool2d(8, divisor_override=1), nn.Flatten(),
            norm(nn.Linear(width, 1)),
        )  # fmt: skip
        self.arguments = {"channels": channels, "width": width}

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).squeeze(1)

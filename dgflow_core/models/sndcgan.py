"""SN-DCGAN for 32 × 32 images (Miyato et al. 2018, as released), with a width setting.

At ``width`` 64 these are the paper's networks. Training uses batch norm in the generator and
spectral norm in the discriminator; what ships has both folded into plain weights (``fold``).
The discriminator without spectral norm is WGAN-GP's critic.
"""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch.nn.utils import fusion, parametrizations

from dgflow_core.models import architecture

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


@architecture("sndcgan_generator")
class SNDCGANGenerator(nn.Sequential):
    """z (n, dim) → images (n, channels, 32, 32) in [−1, 1]: dense, three transposed convolutions, tanh."""

    def __init__(self, dim: int = 128, channels: int = 1, width: int = 64, batch_norm: bool = False):
        layers: list[nn.Module] = [nn.Linear(dim, 8 * width * 16)]
        if batch_norm:
            layers.append(nn.BatchNorm1d(8 * width * 16))
        layers += [nn.ReLU(inplace=True), nn.Unflatten(1, (8 * width, 4, 4))]
        for scale in (8, 4, 2):
            layers.append(nn.ConvTranspose2d(scale * width, scale // 2 * width, 4, 2, 1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(scale // 2 * width))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers, nn.Conv2d(width, channels, 3, 1, 1), nn.Tanh())
        self.arguments = {"dim": dim, "channels": channels, "width": width}


@architecture("sndcgan_discriminator")
class SNDCGANDiscriminator(nn.Sequential):
    """Images (n, channels, 32, 32) → logits (n,): seven convolutions, leaky ReLU (slope 0.1), one dense."""

    def __init__(self, channels: int = 1, width: int = 64, spectral_norm: bool = False):
        norm = parametrizations.spectral_norm if spectral_norm else lambda layer: layer
        shapes = [(channels, width, 3)]
        for scale in (1, 2, 4):
            shapes += [(scale * width, 2 * scale * width, 4), (2 * scale * width, 2 * scale * width, 3)]
        layers: list[nn.Module] = []
        for inputs, outputs, kernel in shapes:  # 4 × 4 kernels halve the side, 3 × 3 keep it
            layers.append(norm(nn.Conv2d(inputs, outputs, kernel, kernel - 2, 1)))
            layers.append(nn.LeakyReLU(0.1, inplace=True))
        super().__init__(*layers, nn.Flatten(), norm(nn.Linear(8 * width * 16, 1)))
        self.arguments = {"channels": channels, "width": width}

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).squeeze(1)


def fold(network: nn.Sequential) -> nn.Sequential:
    """A copy for inference: batch norm (running statistics) and spectral norm become plain weights.

    Computes what ``network`` computes in evaluation mode, up to rounding.
    """
    pairs: list[tuple[Tensor, Tensor]] = []
    before = None
    for layer in copy.deepcopy(network).eval():
        if isinstance(layer, _NORMS):
            statistics = (layer.running_mean, layer.running_var, layer.eps, layer.weight, layer.bias)
            if isinstance(before, nn.Linear):
                pairs[-1] = fusion.fuse_linear_bn_weights(*pairs[-1], *statistics)
            else:
                transpose = isinstance(before, nn.ConvTranspose2d)
                pairs[-1] = fusion.fuse_conv_bn_weights(*pairs[-1], *statistics, transpose)
        elif hasattr(layer, "weight"):
            pairs.append((layer.weight.detach(), layer.bias.detach()))
        before = layer
    plain = type(network)(**network.arguments).requires_grad_(False).eval()
    layers = [layer for layer in plain if hasattr(layer, "weight")]
    for layer, (weight, bias) in zip(layers, pairs, strict=True):
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return plain

"""SN-DCGAN (Miyato et al. 2018, as released), with a width and a side setting.

At ``width`` 64 these are the paper's networks: ``side`` 32 for CIFAR-10, 48 for STL-10. Training
uses batch norm in the generator and spectral norm in the discriminator; what ships has both folded
into plain weights (``folding.fold``). The discriminator without spectral norm is WGAN-GP's critic.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from dgflow_core.nets import architecture


@architecture("sndcgan_generator")
class SNDCGANGenerator(nn.Sequential):
    """z (n, dim) → images (n, channels, side, side) in [−1, 1].

    A dense layer, three transposed convolutions that double the side, a convolution and tanh;
    ``side`` is a multiple of 8.
    """

    def __init__(
        self, dim: int = 128, channels: int = 1, width: int = 64, side: int = 32, batch_norm: bool = False
    ):
        first = side // 8
        layers: list[nn.Module] = [nn.Linear(dim, 8 * width * first**2)]
        if batch_norm:
            layers.append(nn.BatchNorm1d(8 * width * first**2))
        layers += [nn.ReLU(inplace=True), nn.Unflatten(1, (8 * width, first, first))]
        for scale in (8, 4, 2):
            layers.append(nn.ConvTranspose2d(scale * width, scale // 2 * width, 4, 2, 1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(scale // 2 * width))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers, nn.Conv2d(width, channels, 3, 1, 1), nn.Tanh())
        self.arguments = {"dim": dim, "channels": channels, "width": width, "side": side}


@architecture("sndcgan_discriminator")
class SNDCGANDiscriminator(nn.Sequential):
    """Images (n, channels, side, side) → logits (n,): seven convolutions, leaky ReLU (0.1), one dense.

    ``slope`` is the leaky ReLU's: 0.1 in Miyato et al., 0.2 in chainer-gan-lib. With more than one
    of ``outputs`` it gives features (n, outputs) instead: a vector-valued critic.
    """

    def __init__(
        self, channels: int = 1, width: int = 64, side: int = 32, slope: float = 0.1,
        spectral_norm: bool = False, outputs: int = 1,
    ):  # fmt: skip
        norm = parametrizations.spectral_norm if spectral_norm else lambda layer: layer
        shapes = [(channels, width, 3)]
        for scale in (1, 2, 4):
            shapes += [(scale * width, 2 * scale * width, 4), (2 * scale * width, 2 * scale * width, 3)]
        layers: list[nn.Module] = []
        for before, after, kernel in shapes:  # 4 × 4 kernels halve the side, 3 × 3 keep it
            layers.append(norm(nn.Conv2d(before, after, kernel, kernel - 2, 1)))
            layers.append(nn.LeakyReLU(slope, inplace=True))
        super().__init__(*layers, nn.Flatten(), norm(nn.Linear(8 * width * (side // 8) ** 2, outputs)))
        self.arguments = {"channels": channels, "width": width, "side": side, "slope": slope}
        if outputs > 1:
            self.arguments["outputs"] = outputs

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).squeeze(1)


@torch.no_grad()
def widened(
    narrow: SNDCGANDiscriminator, rng: torch.Generator | None, noise: float = 0.05
) -> SNDCGANDiscriminator:
    """A discriminator, without norms, of twice the width of ``narrow`` that computes nearly what it does.

    Each channel is two, of which the next layer takes half each (Net2Net, Chen et al. 2016), in such
    proportions that no layer's spectral norm changes; ``noise``, a share of a layer's spread of weights, lets
    the two part.
    """
    arguments = narrow.arguments
    wide = SNDCGANDiscriminator(**{**arguments, "width": 2 * arguments["width"]})
    ours, theirs = ([one for one in net if hasattr(one, "weight")] for net in (wide, narrow))
    for layer, source in zip(ours, theirs, strict=True):
        first, last = source is theirs[0], source is theirs[-1]
        weight = source.weight.cpu() / (2**0.5 if first or last else 2)
        if not first:
            weight = torch.cat([weight, weight], 1)  # channels come first in what a flat layer gets
        if not last:
            weight = torch.cat([weight, weight], 0)
        layer.weight.copy_(weight + noise * weight.std() * torch.randn(weight.shape, generator=rng))
        bias = source.bias.cpu()
        layer.bias.copy_(bias if last else torch.cat([bias, bias]) / 2**0.5)
    return wide.to(next(narrow.parameters()).device)

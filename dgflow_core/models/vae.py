"""The convolutional VAE of the paper (Table 6's networks), with a width setting."""

from __future__ import annotations

from torch import nn

from dgflow_core.models import architecture


@architecture("dcgan_decoder")
class DCGANDecoder(nn.Sequential):
    """z (n, dim) → images (n, channels, 32, 32) in [−1, 1]: four transposed convolutions, tanh."""

    def __init__(self, dim: int = 128, channels: int = 1, width: int = 64, batch_norm: bool = False):
        layers: list[nn.Module] = [nn.Unflatten(1, (dim, 1, 1))]
        shapes = [(dim, 4 * width, 1, 0), (4 * width, 2 * width, 2, 1), (2 * width, width, 2, 1)]
        for inputs, outputs, stride, padding in shapes:
            layers.append(nn.ConvTranspose2d(inputs, outputs, 4, stride, padding))
            if batch_norm:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers, nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh())
        self.arguments = {"dim": dim, "channels": channels, "width": width}


class Encoder(nn.Sequential):
    """Images → mean and log-variance of q(z|x), (n, 2·dim); used in training only."""

    def __init__(self, dim: int = 128, channels: int = 1, width: int = 64):
        layers: list[nn.Module] = []
        for inputs, outputs in ((channels, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1)]
            if inputs != channels:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        super().__init__(*layers, nn.Conv2d(4 * width, 2 * dim, 4), nn.Flatten())

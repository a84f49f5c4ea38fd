"""The convolutional VAE of the paper (Table 6's networks), with a width setting."""

from __future__ import annotations

from torch import nn

from dgflow_core.nets import architecture


@architecture("dcgan_decoder")
class DCGANDecoder(nn.Sequential):
    """z (n, dim) → images (n, channels, 32, 32) in [−1, 1]: four transposed convolutions, tanh.

    ``resize`` enlarges them to another side, for a critic that looks at larger pictures.
    """

    def __init__(
        self, dim: int = 128, channels: int = 1, width: int = 64, resize: int | None = None,
        batch_norm: bool = False,
    ):  # fmt: skip
        layers: list[nn.Module] = [nn.Unflatten(1, (dim, 1, 1))]
        shapes = [(dim, 4 * width, 1, 0), (4 * width, 2 * width, 2, 1), (2 * width, width, 2, 1)]
        for inputs, outputs, stride, padding in shapes:
            layers.append(nn.ConvTranspose2d(inputs, outputs, 4, stride, padding))
            if batch_norm:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.ReLU(inplace=True))
        layers += [nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh()]
        self.arguments = {"dim": dim, "channels": channels, "width": width}
        if resize:
            layers.append(nn.Upsample(size=resize, mode="bilinear", align_corners=True))
            self.arguments["resize"] = resize
        super().__init__(*layers)


class Encoder(nn.Sequential):
    """Images (n, channels, 32, 32) → features (n, outputs); used in training only.

    A VAE's 2·dim outputs are the mean and the log-variance of q(z|x).
    """

    def __init__(self, outputs: int, channels: int = 1, width: int = 64):
        layers: list[nn.Module] = []
        for before, after in ((channels, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [nn.Conv2d(before, after, 4, 2, 1)]
            if before != channels:
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        super().__init__(*layers, nn.Conv2d(4 * width, outputs, 4), nn.Flatten())

"""SN-ResNet-GAN (Miyato et al. 2018), refined, as in the paper, by the discriminator of an SN-DCGAN."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from dgflow_core.nets.snresnet import SNResNetDiscriminator, SNResNetGenerator
from dgflow_core.training.recipes.image_gan import CRITIC, ImageGAN, ImageGANTrainer
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model


class ResNetGAN(ImageGAN):
    """``width`` is the generator's, its own discriminator has half of it (256 and 128 are the paper's).

    ``critic_from`` names the shipped GAN whose discriminator refines it.
    """

    critic_from: str

    def lenders(self) -> tuple[str, ...]:
        return (self.critic_from,)

    def trainer(self, device: torch.device, data_root: Path | None) -> ResNetGANTrainer:
        return ResNetGANTrainer(self, device, data_root)


class ResNetGANTrainer(ImageGANTrainer):
    """Trains one ``ResNetGAN``; its own discriminator serves in training only."""

    def make_networks(self) -> tuple[nn.Module, nn.Module]:
        recipe, channels = self.recipe, self.target.channels
        return (
            SNResNetGenerator(recipe.dim, channels, recipe.width, batch_norm=True),
            SNResNetDiscriminator(channels, recipe.width // 2, spectral_norm=True),
        )

    @cached_property
    def lender(self) -> Model:
        """The model that lends the discriminator, first asked for when there is something to refine."""
        return shelf.load(self.recipe.critic_from, self.device)

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """Nothing as long as the lender is still being trained."""
        return super().watch(iteration, folder) if self.recipe.critic_from in shelf.models() else {}

    def model(self) -> Model:
        """The averaged generator, folded, with the lent discriminator."""
        generator, critic = self.shipped(), self.lender.critic
        config = self.config(generator=("snresnet_generator", generator), critic=(CRITIC, critic))
        return Model(config, self.prior, generator, critic, None, self.lender.logit_offset, self.device)


RECIPES = (
    ResNetGAN.called(
        "cifar10/sn-resnet", "SN-ResNet-GAN on CIFAR-10", critic_from="cifar10/sndcgan-wide", loss="hinge",
        dim=128, width=32, critic_steps=5, critic_rate=4e-4, iterations=4000, ema=0.999, finish_samples=1000,
    ),
)  # fmt: skip

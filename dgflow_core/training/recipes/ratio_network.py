"""A density ratio learnt after the generator (ours; not in the paper).

A GAN's own discriminator was trained against every earlier generator and may know little about
the last one. This recipe takes a finished generator, holds it still, and trains a fresh
discriminator on its samples against the data with the logistic loss, whose optimum is
d = log μ/ρ. R1 (Mescheder et al. 2018) keeps ∇d from growing without bound.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import ClassVar

import torch

from dgflow_core.nets.sndcgan import SNDCGANDiscriminator
from dgflow_core.training.adversarial import critic_objective, zero_centred
from dgflow_core.training.image_trainer import ImageRecipe, ImageTrainer
from dgflow_core.training.network_trainer import averaged
from dgflow_core.training.shipping import rounded
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model


class RatioNetwork(ImageRecipe):
    """A fresh discriminator for the shipped model ``generator``; R1 every ``penalty_every`` steps."""

    can_be_extended: ClassVar[bool] = True
    watch_samples: int = 300
    iterations: int = 400
    generator: str
    rate: float = 2e-4
    betas: tuple[float, float] = (0.0, 0.9)
    penalty: float = 1.0
    penalty_every: int = 4
    ema: float = 0.98
    half: bool = False

    def needs(self) -> tuple[str, ...]:
        return (self.generator,)

    def trainer(self, device: torch.device, data_root: Path | None) -> RatioNetworkTrainer:
        return RatioNetworkTrainer(self, device, data_root)


class RatioNetworkTrainer(ImageTrainer):
    """Trains one ``RatioNetwork``; the network that ships is an average of the last ones."""

    def build(self) -> None:
        recipe = self.recipe
        self.base = shelf.load(recipe.generator, self.device)
        self.prior = self.base.prior
        channels, side, _ = self.base.sample_shape
        self.critic = SNDCGANDiscriminator(channels, recipe.width, side)
        self.critic.to(self.device, memory_format=torch.channels_last)
        self.average = averaged(self.critic, recipe.ema)
        self.networks = {"critic": self.critic, "average": self.average}
        self.adam("critic", self.critic.parameters(), recipe.rate, recipe.betas)

    def learn(self, iteration: int, rng: torch.Generator) -> dict[str, float]:
        recipe = self.recipe
        real = self.batches(recipe.batch, rng)
        fake = self.base.generate(torch.randn(recipe.batch, self.prior.dim, generator=rng))
        due = iteration % recipe.penalty_every == 0
        penalty = zero_centred(recipe.penalty * recipe.penalty_every) if due else None
        loss, numbers = critic_objective(self.critic, real, fake, penalty=penalty)
        self.descend("critic", loss)
        self.average.update_parameters(self.critic)
        return numbers

    def model(self) -> Model:
        """The base model's generator with the ratio network as its critic."""
        critic, generator = rounded(copy.deepcopy(self.average.module)), self.base.generator
        architecture = self.base.config["generator"]["architecture"]
        config = self.config(generator=(architecture, generator), critic=("sndcgan_discriminator", critic))
        return Model(config, self.prior, generator, critic, device=self.device)


RECIPES = tuple(
    RatioNetwork.called(
        f"{dataset}/sndcgan-ns+ratio", f"SN-DCGAN + ratio network, {title}", generator=f"{dataset}/sndcgan-ns"
    )
    for dataset, title in (("fashion_mnist", "Fashion-MNIST"), ("cifar10", "CIFAR-10"))
)

"""VGrow on images, with SN-DCGAN's networks (the paper's are ResNets of width 128)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dgflow_core.flow import priors
from dgflow_core.flow.divergences import divergences
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.nets.folding import fold
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator, SNDCGANGenerator
from dgflow_core.training import shipping
from dgflow_core.training.growing import GrowingTrainer, Growth
from dgflow_core.training.image_trainer import ImageRecipe, ImageTrainer
from dgflow_core.training.network_trainer import initialise
from dgflow_core.zoo.model import Model


class ImageVGrow(ImageRecipe, Growth):
    """SN-DCGAN's networks, grown by many short outer loops of 3 batches, 3 moves and 2 passes.

    (The paper's has 20, 20, and 5 to 20, of which one loop takes a core some 46 s. Without R1 the young
    critic is so sure that JS's weight σ(d) is nearly 0, and the particles stay.)
    ``spectral_norm``: of the critic.
    """

    iterations: int = 1200
    watch_every: int = 200
    dim: int = 128
    spectral_norm: bool = True
    eta: float = 10.0
    pool: int = 3
    moves: int = 3
    passes: int = 2
    last_passes: int = 2
    together: bool = True
    generator_rate: float = 2e-4
    critic_rate: float = 2e-4
    penalty: float = 10.0
    penalised: int | None = 16
    ema: float = 0.995

    def trainer(self, device: torch.device, data_root: Path | None) -> ImageVGrowTrainer:
        return ImageVGrowTrainer(self, device, data_root)


class ImageVGrowTrainer(ImageTrainer, GrowingTrainer):
    """Trains one ``ImageVGrow``; an average of the generator ships, with a critic that settled on it."""

    bound = 1.0

    def build(self) -> None:
        recipe, channels, side = self.recipe, self.target.channels, self.target.side
        self.prior = priors.make("normal", recipe.dim)
        self.generator = SNDCGANGenerator(recipe.dim, channels, recipe.width, side, batch_norm=True)
        self.critic = SNDCGANDiscriminator(channels, recipe.width, side, spectral_norm=recipe.spectral_norm)
        initialise(self.generator)
        for network in (self.generator, self.critic):
            network.to(self.device, memory_format=torch.channels_last)
        self.begin()

    def real(self, n: int, rng: torch.Generator) -> Tensor:
        return self.batches(n, rng)

    def marks(self) -> tuple[int, ...]:
        """None of refinement before the critic has settled."""
        return (0,) if self.settled is None else super().marks()

    def model(self) -> Model:
        """The averaged generator and its critic, folded."""
        generator = shipping.rounded(shipping.settled(self.average.module, self.recipe.dim))
        critic = shipping.rounded(fold(self.settled or self.critic))
        config = self.config(
            generator=("sndcgan_generator", generator), critic=("sndcgan_discriminator", critic)
        )
        return Model(config, self.prior, generator, critic, device=self.device)

    def chosen(self) -> tuple[Model, dict[str, Any]]:
        self.settle(self.model().generate)
        return self.model(), {}


RECIPES = tuple(
    ImageVGrow.called(
        f"{dataset}/vgrow-{key.lower()}",
        f"VGrow ({row.key}) on {image_datasets.get(dataset).title}",
        divergence=key,
    )
    for dataset in ("fashion_mnist", "cifar10")
    for key, row in divergences.items()
)

"""VGrow on planar data: every divergence grows a generator of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dgflow_core.flow.divergences import divergences
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.training import shipping
from dgflow_core.training.growing import GrowingTrainer, Growth
from dgflow_core.training.plane_quality import before_and_after
from dgflow_core.training.recipes.planar_gan import PlanarPair, PlanarRecipe
from dgflow_core.zoo.model import Model


class PlanarVGrow(Growth, PlanarRecipe):
    """The plane's networks, grown."""

    watch_every: int = 1
    iterations: int = 300
    hidden: int = 256
    eta: float = 0.01
    generator_rate: float = 5e-4
    critic_rate: float = 5e-4
    betas: tuple[float, float] = (0.9, 0.99)

    def trainer(self, device: torch.device, data_root: Path | None) -> PlanarVGrowTrainer:
        return PlanarVGrowTrainer(self, plane_datasets.get(self.dataset), device)


class PlanarVGrowTrainer(GrowingTrainer, PlanarPair):
    """Trains one ``PlanarVGrow``; ``target`` is anything with ``sample(n, seed)``."""

    def __init__(self, recipe: PlanarVGrow, target: Any, device: torch.device):
        PlanarPair.__init__(self, recipe, target, device)
        self.begin()

    def optimizer(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(network.parameters(), lr=rate, betas=self.recipe.betas)

    def real(self, n: int, rng: torch.Generator) -> Tensor:
        seed = int(torch.randint(2**31, (1,), generator=rng))
        return torch.from_numpy(self.target.sample(n, seed=seed)).to(self.device)

    def codes(self, n: int, rng: torch.Generator) -> Tensor:
        return torch.randn(n, 2, generator=rng).to(self.device)

    def latest(self) -> dict[str, nn.Module]:
        """The averaged generator, and the critic."""
        return {"generator": self.average.module, "critic": self.settled or self.critic}

    def finish(self) -> Model:
        self.settle(self.average.module)
        return super().finish()

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """Quality of the generator's samples as they are."""
        model, n = self.model(), self.recipe.watch_samples
        return before_and_after(model, self.target, n, shipping.STATE_SEED, steps=0)["base"]


RECIPES = tuple(
    PlanarVGrow.called(f"{row.name}/vgrow-{key.lower()}", f"VGrow ({key}) on {row.title}", divergence=key)
    for row in plane_datasets.datasets.values()
    for key in divergences
)

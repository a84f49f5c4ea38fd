"""VGrow on planar data: every divergence grows a generator of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dgflow_core.flow.divergences import divergences
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane.metrics import quick
from dgflow_core.kinds.plane.square import around
from dgflow_core.training import shipping
from dgflow_core.training.growing import GrowingTrainer, Growth
from dgflow_core.training.growth_record import FILE, Recorder, wanted
from dgflow_core.training.plane_quality import REAL_SEED
from dgflow_core.training.recipes.planar_gan import PlanarPair, PlanarRecipe
from dgflow_core.zoo.model import Model, calibration_offset

#: How far particles may go, in halves of the square around the data. (Ours, as images have their range: under
#: Jeffreys a young critic sends some to infinity.)
ROOM = 2.0


class PlanarVGrow(Growth, PlanarRecipe):
    """The plane's networks, grown by Adam, with R1: without it the critic forgets what lies between modes.

    (Both ours; the paper has no planar data.)
    """

    watch_every: int = 10
    watch_samples: int = 2000
    iterations: int = 800
    hidden: int = 128
    batch: int = 256
    pool: int = 4
    fit_batch: int = 256
    moves: int = 5
    critic_steps: int = 3
    eta: float = 0.005
    passes: int = 5
    last_passes: int = 10
    passes_over: int = 400
    generator_rate: float = 1e-3
    critic_rate: float = 1e-3
    halve_every: int = 200
    penalty: float = 0.01
    settling: int = 500
    betas: tuple[float, float] = (0.9, 0.99)

    def trainer(self, device: torch.device, data_root: Path | None) -> PlanarVGrowTrainer:
        return PlanarVGrowTrainer(self, plane_datasets.get(self.dataset), device)


class PlanarVGrowTrainer(GrowingTrainer, PlanarPair):
    """Trains one ``PlanarVGrow``; ``target`` is anything with ``sample(n, seed)``."""

    honest = True

    def __init__(self, recipe: PlanarVGrow, target: Any, device: torch.device):
        PlanarPair.__init__(self, recipe, target, device)
        self.bound = ROOM * around(target.sample(5000, seed=REAL_SEED))
        self.begin()
        self.recorder = Recorder(self)

    def learn(self, iteration: int, rng: torch.Generator) -> dict[str, float]:
        if wanted(iteration):
            return self.recorder.loop(iteration, rng)
        return super().learn(iteration, rng)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "record": self.recorder.record.state()}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.recorder.record.restore(state["record"])

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
        """The model; its config says how far from 0 the constant is that would calibrate its logit."""
        self.settle(self.average.module)
        model = super().finish()
        model.beside[FILE] = self.recorder.record.content()
        model.config["calibration"] = round(calibration_offset(model, 20_000), 4)
        return model

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """Quality of the generator's samples as they are."""
        codes = self.prior.sample(self.recipe.watch_samples, shipping.STATE_SEED).to(self.device)
        with torch.no_grad():
            points = self.average.module(codes).cpu().numpy()
        return {name: round(value, 4) for name, value in quick(points, self.recorder.against).items()}


RECIPES = tuple(
    PlanarVGrow.called(f"{row.name}/vgrow-{key.lower()}", f"VGrow ({key}) on {row.title}", divergence=key)
    for row in plane_datasets.datasets.values()
    for key in divergences
)

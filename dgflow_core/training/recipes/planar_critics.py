"""Two critics that go on from a trained WGAN-GP, whose generator stays as it is.

Discriminator Contrastive Divergence (Song et al. 2020) makes the critic an energy: it learns
from the samples its own Langevin dynamics gives. The density-ratio critic is the discriminator
that rejection sampling and MH-GAN ask for (Azadi et al. 2019, Turner et al. 2019): it learns to
tell generated from real by the logistic loss, so that exp(d) estimates μ/ρ₀.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from dgflow_core.fields.network import ExactField
from dgflow_core.flow import priors
from dgflow_core.flow.driver import refine
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane import metrics as planar
from dgflow_core.methods import langevin
from dgflow_core.methods.base import start
from dgflow_core.nets import build
from dgflow_core.training.loop import NetworkTrainer, Recipe
from dgflow_core.training.recipes.planar_gan import gradient_penalty
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model, calibration_offset


class ContinuedCritic(Recipe):
    """A critic that goes on from the model ``base``; one that the zoo ships, or a folder."""

    base: str
    iterations: int = 300
    batch: int = 256
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.9)


class DCD(ContinuedCritic):
    """Contrastive divergence on ``langevin_steps`` steps with step size ``eta`` and noise ``noise_scale``."""

    langevin_steps: int = 20
    eta: float = 0.01
    noise_scale: float = 0.1
    penalty: float = 0.1

    def trainer(self, device: torch.device, data_root: Path | None) -> CriticTrainer:
        return DCDTrainer(self, shelf.load(self.base, device=str(device)))


class Ratio(ContinuedCritic):
    """Logistic regression of real against generated points: the classifier whose logit is log μ/ρ₀."""

    iterations: int = 1500
    batch: int = 512
    betas: tuple[float, float] = (0.9, 0.999)

    def trainer(self, device: torch.device, data_root: Path | None) -> CriticTrainer:
        return RatioTrainer(self, shelf.load(self.base, device=str(device)))


class CriticTrainer(NetworkTrainer, ABC):
    """Trains a copy of ``base``'s critic against its frozen generator."""

    #: What measures the result: the method it is meant for.
    judge: ClassVar[dict]

    def __init__(self, recipe: ContinuedCritic, base: Model):
        self.recipe, self.target, self.device = recipe, plane_datasets.get(recipe.dataset), base.device
        critic = build(base.config["critic"]["architecture"], base.config["critic"]["arguments"])
        critic.load_state_dict(base.critic.state_dict())
        self.model = Model(dict(base.config), base.prior, base.generator, critic, device=base.device)
        self.networks = {"critic": critic}
        self.optimizers = {
            "critic": torch.optim.Adam(critic.parameters(), lr=recipe.learning_rate, betas=recipe.betas)
        }

    @abstractmethod
    def loss(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """What one step descends, and the numbers to log."""

    def negatives(self, fake: Tensor, rng: torch.Generator) -> Tensor:
        """What the critic is to tell from real data: generated samples, or what becomes of them."""
        return fake

    def step(self, iteration: int) -> dict[str, float]:
        recipe = self.recipe
        rng = priors.seeded(recipe.seed + 1, iteration)
        real = self.target.sample(recipe.batch, seed=(recipe.seed + 1) * 10**6 + iteration)
        real = torch.from_numpy(real).to(self.device)
        z = torch.randn(recipe.batch, self.model.prior.dim, generator=rng)
        fake = self.negatives(self.model.generate(z), rng)
        self.model.critic.requires_grad_(True)
        loss, numbers = self.loss(real, fake, rng)
        numbers = {key: float(value.detach()) for key, value in numbers.items()}
        self.descend("critic", loss)
        self.model.critic.requires_grad_(False)
        return numbers

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """Quality of base and refined samples with the critic as it is now."""
        return {f"{label}_{key}": v for label, row in self.quality(1000).items() for key, v in row.items()}

    def quality(self, n: int) -> dict[str, dict[str, float]]:
        run = refine(self._calibrated(), n=n, seed=1, **self.judge)
        real = self.target.sample(n, seed=7)
        return {
            label: {key: round(v, 4) for key, v in planar.summary(points.numpy(), real, self.target).items()}
            for label, points in (("base", run.samples[0]), ("refined", run.samples[-1]))
        }

    def _calibrated(self) -> Model:
        plain = self.model.with_offset(0.0)
        return plain.with_offset(calibration_offset(plain, 20_000))

    def finish(self) -> Model:
        recipe, model = self.recipe, self._calibrated()
        model.config = {
            **{key: value for key, value in model.config.items() if key not in ("name", "logit_offset")},
            "title": recipe.title,
            "recipe": recipe.model_dump(mode="json", exclude={"title", "dataset"}),
            "seed": recipe.seed,
            "quality": {"judge": self.judge, **self.quality(5000)},
        }
        return model


class DCDTrainer(CriticTrainer):
    judge: ClassVar[dict] = {"method": "langevin"}

    def negatives(self, fake: Tensor, rng: torch.Generator) -> Tensor:
        recipe = self.recipe
        settings = langevin.LangevinSettings(
            eta=recipe.eta, noise_scale=recipe.noise_scale, steps=recipe.langevin_steps
        )
        field = ExactField(self.model, "data")
        state = start(field, fake, settings)
        for _ in range(recipe.langevin_steps):
            state = langevin.step(field, state, settings, rng)
        return state.points

    def loss(self, real, fake, rng):
        """E[d(x̃)] − E[d(x)], x̃ Langevin samples: the gradient of −log p(x), p ∝ exp(d)."""
        d_real, d_fake = self.model.critic(torch.cat([real, fake])).chunk(2)
        penalty = gradient_penalty(self.model.critic, real, fake, rng)
        apart = d_real.mean() - d_fake.mean()
        numbers = {"contrast": apart, "logit_real": d_real.mean(), "penalty": penalty}
        return self.recipe.penalty * penalty - apart, numbers


class RatioTrainer(CriticTrainer):
    judge: ClassVar[dict] = {"method": "mhgan"}

    def loss(self, real, fake, rng):
        """−E[log σ(d(x))] − E[log(1 − σ(d(g(z))))]."""
        d_real, d_fake = self.model.critic(torch.cat([real, fake])).chunk(2)
        loss = softplus(-d_real).mean() + softplus(d_fake).mean()
        right = (d_real > 0).float().mean() + (d_fake < 0).float().mean()
        return loss, {"loss": loss, "accuracy": right / 2}


def _recipes(row) -> tuple[Recipe, ...]:
    shared = {"dataset": row.name, "base": f"{row.name}/wgan-gp"}
    return (
        DCD(name=f"{row.name}/dcd", title=f"DCD on {row.title}", **shared),
        Ratio(name=f"{row.name}/ratio", title=f"WGAN-GP with a ratio critic on {row.title}", **shared),
    )


RECIPES = tuple(recipe for row in plane_datasets.datasets.values() for recipe in _recipes(row))

"""Two critics that go on from a trained WGAN-GP, whose generator stays as it is.

Discriminator Contrastive Divergence (Song et al. 2020) makes the critic an energy: it learns
from the samples its own Langevin dynamics gives. The density-ratio critic is the discriminator
that rejection sampling and MH-GAN ask for (Azadi et al. 2019, Turner et al. 2019): it learns to
tell generated from real by the logistic loss, so that exp(d) estimates μ/ρ₀.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from dgflow_core.fields.network import ExactField
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.methods import langevin
from dgflow_core.training import shipping
from dgflow_core.training.adversarial import Loss, critic_objective, frozen, lipschitz
from dgflow_core.training.network_trainer import NetworkTrainer
from dgflow_core.training.plane_quality import before_and_after, flat
from dgflow_core.training.recipe import Recipe
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model, calibration_offset


class ContinuedCritic(Recipe):
    """A critic that goes on from the model ``base``; one that the zoo ships, or a folder.

    Attributes:
        loss: what it descends. penalty: weight of the gradient penalty; 0 for none.
        judge: what measures the result: the method it is meant for.
    """

    can_be_extended: ClassVar[bool] = True
    loss: ClassVar[Loss]
    judge: ClassVar[dict[str, str]]
    base: str
    iterations: int = 300
    batch: int = 256
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.9)
    penalty: float = 0.0

    def needs(self) -> tuple[str, ...]:
        return (self.base,)

    def trainer(self, device: torch.device, data_root: Path | None) -> CriticTrainer:
        return CriticTrainer(self, shelf.load(self.base, device=str(device)))

    def negatives(self, model: Model, fake: Tensor, rng: torch.Generator) -> Tensor:
        """What the critic is to tell from real data: generated samples (n, 2), or what becomes of them."""
        return fake


class DCD(ContinuedCritic):
    """Contrastive divergence on ``langevin_steps`` steps with step size ``eta`` and noise ``noise_scale``.

    It descends E[d(x̃)] − E[d(x)], x̃ Langevin samples: the gradient of −log p(x), p ∝ exp(d).
    """

    loss: ClassVar[Loss] = "wgan-gp"
    judge: ClassVar[dict[str, str]] = {"method": "langevin"}
    langevin_steps: int = 20
    eta: float = 0.01
    noise_scale: float = 0.1
    penalty: float = 0.1

    def negatives(self, model: Model, fake: Tensor, rng: torch.Generator) -> Tensor:
        settings = langevin.CriticLangevinSettings(
            eta=self.eta, noise_scale=self.noise_scale, steps=self.langevin_steps
        )
        return langevin.walked(ExactField(model, "data"), fake, settings, rng)


class RatioCritic(ContinuedCritic):
    """Logistic regression of real against generated points: the classifier whose logit is log μ/ρ₀."""

    loss: ClassVar[Loss] = "ns"
    judge: ClassVar[dict[str, str]] = {"method": "mhgan"}
    iterations: int = 1500
    batch: int = 512
    betas: tuple[float, float] = (0.9, 0.999)


class CriticTrainer(NetworkTrainer):
    """Trains a copy of ``base``'s critic against its frozen generator."""

    def __init__(self, recipe: ContinuedCritic, base: Model):
        super().__init__(recipe, base.device)
        self.base, self.target = base, plane_datasets.get(recipe.dataset)
        self.critic = copy.deepcopy(base.critic)
        self.energy = self._with(self.critic)  # with the critic that learns, for its own dynamics
        self.critic.requires_grad_(True)
        self.networks = {"critic": self.critic}
        self.adam("critic", self.critic.parameters(), recipe.learning_rate, recipe.betas)

    def learn(self, iteration: int, rng: torch.Generator) -> dict[str, float]:
        recipe, base = self.recipe, self.base
        real = self.target.sample(recipe.batch, seed=(recipe.seed + 1) * 10**6 + iteration)
        fake = base.generate(torch.randn(recipe.batch, base.prior.dim, generator=rng))
        with frozen(self.critic):
            fake = recipe.negatives(self.energy, fake, rng)
        penalty = lipschitz(recipe.penalty, rng) if recipe.penalty else None
        real = torch.from_numpy(real).to(self.device)
        loss, numbers = critic_objective(self.critic, real, fake, recipe.loss, penalty)
        self.descend("critic", loss)
        return numbers

    def _with(self, critic: torch.nn.Module) -> Model:
        config = {key: v for key, v in self.base.config.items() if key not in ("name", "logit_offset")}
        return Model(config, self.base.prior, self.base.generator, critic, device=self.device)

    def model(self) -> Model:
        """The base's generator and the critic as it is now, calibrated; a copy."""
        recipe, model = self.recipe, self._with(copy.deepcopy(self.critic))
        model.config |= {
            "title": recipe.title,
            "recipe": recipe.model_dump(mode="json", exclude={"title", "dataset"}),
            "seed": recipe.seed,
        }
        return model.with_offset(calibration_offset(model, 20_000))

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """Quality of base and refined samples with the critic as it is now."""
        return flat(self._quality(self.model(), self.recipe.watch_samples, shipping.STATE_SEED))

    def _quality(self, model: Model, n: int, seed: int) -> dict[str, dict[str, float]]:
        return before_and_after(model, self.target, n, seed, **self.recipe.judge)

    def finish(self) -> Model:
        model, n = self.model(), self.recipe.finish_samples
        quality = self._quality(model, n, shipping.MEASUREMENT_SEED)
        model.config["quality"] = {"judge": self.recipe.judge, **quality}
        model.config["measurement"] = shipping.measurement("fresh samples of the data", n)
        return model


RECIPES = tuple(
    recipe.called(f"{row.name}/{name}", f"{title} on {row.title}", base=f"{row.name}/wgan-gp")
    for row in plane_datasets.datasets.values()
    for recipe, name, title in (
        (DCD, "dcd", "DCD"),
        (RatioCritic, "ratio", "WGAN-GP with a ratio critic"),
    )
)

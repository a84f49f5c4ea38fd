"""Discriminator Contrastive Divergence on images (Song et al. 2020): the critic becomes an energy.

The critic of a trained GAN goes on, the generator stands still: it learns to tell real images from
the samples that its own Langevin dynamics makes of generated ones, in pixels or in latent codes.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import ClassVar, Literal

import torch

from dgflow_core.fields.network import ExactField
from dgflow_core.flow.driver import Run
from dgflow_core.kinds.images.metrics import ImageQuality, Reference
from dgflow_core.methods import langevin
from dgflow_core.nets.folding import fold
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator
from dgflow_core.training import shipping
from dgflow_core.training.adversarial import frozen
from dgflow_core.training.image_trainer import ImageRecipe, ImageTrainer
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

#: The paper's dynamics: steps of 1 along the clipped gradient, noise of 0.005 that cools by thirds.
DYNAMICS = {"eta": 2.0, "noise_scale": 0.005 / 2**0.5, "steps": 20, "anneal": "thirds", "clip": 1.0}


class ImageDCD(ImageRecipe):
    """It descends E[d(x̃)] − E[d(x)], x̃ Langevin samples: the gradient of −log p(x), p ∝ exp(d).

    Attributes:
        base: the shipped model whose critic goes on, under spectral norm. space: "data" or "latent".
        decay: weight of E[d(x)²] + E[d(x̃)²], which holds the energy's level.
    """

    can_be_extended: ClassVar[bool] = True
    base: str
    space: Literal["data", "latent"] = "data"
    iterations: int = 120
    watch_every: int = 100
    rate: float = 1e-5
    betas: tuple[float, float] = (0.0, 0.9)
    decay: float = 0.01
    half: bool = False

    def needs(self) -> tuple[str, ...]:
        return (self.base,)

    def trainer(self, device: torch.device, data_root: Path | None) -> ImageDCDTrainer:
        return ImageDCDTrainer(self, device, data_root)


class ImageDCDTrainer(ImageTrainer):
    """Trains one ``ImageDCD``."""

    def build(self) -> None:
        recipe = self.recipe
        self.base = shelf.load(recipe.base, self.device)
        self.prior = self.base.prior
        self.settings = langevin.CriticLangevinSettings(**DYNAMICS)
        self.critic = SNDCGANDiscriminator(**self.base.critic.arguments, spectral_norm=True)
        ours = [layer for layer in self.critic if hasattr(layer, "parametrizations")]
        theirs = [layer for layer in self.base.critic if hasattr(layer, "weight")]
        for layer, shipped in zip(ours, theirs, strict=True):
            layer.parametrizations.weight.original.data.copy_(shipped.weight)
            layer.bias.data.copy_(shipped.bias)
        self.critic.to(self.device, memory_format=torch.channels_last)
        self.networks = {"critic": self.critic}
        self.adam("critic", self.critic.parameters(), recipe.rate, recipe.betas)

    def learn(self, iteration: int, rng: torch.Generator) -> dict[str, float]:
        recipe = self.recipe
        real, codes = self.batches(recipe.batch, rng), self.codes(recipe.batch, rng)
        self.critic.eval()
        with frozen(self.critic):
            field = ExactField(self.base.judged_by(self.critic), recipe.space)
            start = codes if recipe.space == "latent" else self.base.generate(codes)
            fake = langevin.walked(field, start, self.settings, rng)
        self.critic.train()
        if recipe.space == "latent":
            fake = self.base.generate(fake)
        real_logit, fake_logit = self.through(self.critic, torch.cat([real, fake])).chunk(2)
        level = (real_logit**2).mean() + (fake_logit**2).mean()
        loss = fake_logit.mean() - real_logit.mean()
        self.descend("critic", loss + recipe.decay * level)
        numbers = torch.stack([loss.detach(), real_logit.detach().mean(), fake_logit.detach().mean()])
        return dict(zip(("critic_loss", "logit_real", "logit_fake"), numbers.tolist(), strict=True))

    def model(self) -> Model:
        """The base's generator and the critic as it is now."""
        critic, base = shipping.rounded(fold(copy.deepcopy(self.critic))), self.base
        config = self.config(
            generator=(base.config["generator"]["architecture"], base.generator),
            critic=("sndcgan_discriminator", critic),
        )
        return Model(config, self.prior, base.generator, critic, device=self.device)

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """Quality of samples after the dynamics with the critic as it is now."""
        n = self.recipe.watch_samples
        return _after(self.model(), self.recipe.space, self.selection, n, shipping.STATE_SEED)

    def finish(self) -> Model:
        model, n = self.model(), self.recipe.finish_samples
        found = _after(model, self.recipe.space, self.reference, n, shipping.MEASUREMENT_SEED)
        model.config["quality"] = {
            "features": self.reference.title, "accuracy": round(self.reference.accuracy, 4), "samples": n,
            f"Langevin, {self.recipe.space}": {key: round(value, 4) for key, value in found.items()},
        }  # fmt: skip
        model.config["measurement"] = shipping.measurement("test half", n)
        return model


def _after(model: Model, space: str, against: Reference, n: int, seed: int) -> dict[str, float]:
    *_, last = Run(model, "langevin", n=n, seed=seed, space=space, **DYNAMICS)
    quality = ImageQuality(against)
    quality.update(last.samples)
    return {**quality.compute(), "logit": float(last.logits.mean())}


RECIPES = tuple(
    ImageDCD.called(
        f"{dataset}/dcd-{name}", f"DCD on {title}, in {words}", base=f"{dataset}/sndcgan-ns", space=space
    )
    for dataset, title in (("fashion_mnist", "Fashion-MNIST"), ("cifar10", "CIFAR-10"))
    for name, words, space in (("pixel", "pixels", "data"), ("latent", "latent codes", "latent"))
)

"""GANs on images: SN-DCGAN (non-saturating or hinge loss) and WGAN-GP."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from dgflow_core.flow import priors
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.nets.folding import fold, unfold
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator, SNDCGANGenerator, widened
from dgflow_core.training import shipping
from dgflow_core.training.adversarial import (
    Loss,
    critic_objective,
    frozen,
    generator_loss,
    lipschitz,
    zero_centred,
)
from dgflow_core.training.image_trainer import Gain, ImageRecipe, ImageTrainer
from dgflow_core.training.network_trainer import averaged, initialise
from dgflow_core.training.recipe import Numbers
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model, calibration_offset

CRITIC = "sndcgan_discriminator"


class ImageGAN(ImageRecipe):
    """Miyato et al.'s networks at a given ``width`` (64 is the paper's).

    During the first ``critic_first`` iterations the critic learns alone, to meet a generator that does
    not begin from chance. During the last ``critic_share`` of the iterations (0…1) the generator stands
    still, as it would ship, and its critic alone goes on, so that it meets the averaged generator. Which
    state ships is chosen among those of all phases. (Ours; no paper's.) In either phase rates stay as they
    are for the first half and then fall to 0 in a straight line, if ``decay``.

    Attributes:
        penalty: weight of WGAN-GP's gradient penalty, for that loss alone. r1: weight of R1 for the others
            (0: none), on ``penalised`` of a batch's real images (None: all).
        generator_start, critic_start: shipped models whose networks these begin with (None: random
            weights); the critic may be half as wide as this one.
    """

    counts: ClassVar[tuple[str, ...]] = ("iterations", "critic_first")
    watch_every: int = 2000
    iterations: int = 6000
    critic_first: int = 0
    critic_share: float = 0.0
    loss: Loss = "ns"
    dim: int = 64
    batch: int = 32
    critic_steps: int = 1
    generator_rate: float = 2e-4
    critic_rate: float = 2e-4
    betas: tuple[float, float] = (0.0, 0.9)
    penalty: float = 10.0
    r1: float = 0.0
    penalised: int | None = None
    ema: float = 0.998
    decay: bool = True
    generator_start: str | None = None
    critic_start: str | None = None

    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(None, (self.generator_start, self.critic_start))))

    @property
    def game_iterations(self) -> int:
        """How many iterations generator and critic train together."""
        return self.iterations - int(self.critic_share * self.iterations)

    def rate_factor(self, iteration: int) -> float:
        """What the rates are multiplied by at ``iteration``, 0…1."""
        before = self.game_iterations if iteration > self.game_iterations else 0
        length = self.iterations - before if before else self.game_iterations
        return min(1.0, 2 * (1 - (iteration - before - 1) / length)) if self.decay else 1.0

    def trainer(self, device: torch.device, data_root: Path | None) -> ImageGANTrainer:
        return ImageGANTrainer(self, device, data_root)


class ImageGANTrainer(ImageTrainer):
    """Trains one ``ImageGAN``; keeps the state that refines to the lowest Fréchet distance."""

    def build(self) -> None:
        recipe = self.recipe
        self.prior = priors.make("normal", recipe.dim)
        self.generator, self.critic = self.make_networks()
        initialise(self.generator)
        for network in (self.generator, self.critic):
            network.to(self.device, memory_format=torch.channels_last)
        rng = priors.seeded(recipe.seed)
        if recipe.generator_start:
            generator = shelf.load(recipe.generator_start, self.device).generator
            unfold(self.generator, generator, self.codes(1024, rng))
        if recipe.critic_start:
            critic = shelf.load(recipe.critic_start, self.device).critic
            if critic.arguments != self.critic.arguments:
                critic = widened(critic, rng)
            unfold(self.critic, critic, self.batches(64, rng))
        self.average = averaged(self.generator, recipe.ema)
        self.networks = {"generator": self.generator, "critic": self.critic, "average": self.average}
        for name, rate in (("generator", recipe.generator_rate), ("critic", recipe.critic_rate)):
            self.adam(name, self.networks[name].parameters(), rate, recipe.betas, recipe.rate_factor)
        self.best: dict | None = None

    def make_networks(self) -> tuple[nn.Module, nn.Module]:
        """Generator and critic, with their norms."""
        recipe, channels, side = self.recipe, self.target.channels, self.target.side
        return (
            SNDCGANGenerator(recipe.dim, channels, recipe.width, side, batch_norm=True),
            SNDCGANDiscriminator(channels, recipe.width, side, spectral_norm=recipe.loss != "wgan-gp"),
        )

    @cached_property
    def final(self) -> nn.Module:
        """The generator as it ships, asked for once it stands still."""
        return self.shipped()

    def learn(self, iteration: int, rng: torch.Generator | None) -> Numbers:
        recipe = self.recipe
        if iteration > recipe.game_iterations:
            return self._learn_critic(self.final, rng)
        if iteration <= recipe.critic_first:
            return self._learn_critic(self.generator, rng)
        for _ in range(recipe.critic_steps):
            numbers = self._learn_critic(self.generator, rng)
        with frozen(self.critic):
            fake = self.through(self.generator, self.codes(recipe.batch, rng))
            self.descend("generator", generator_loss(recipe.loss, self._logit(fake)))
        return numbers

    def phase(self, iteration: int) -> str:
        if iteration <= self.recipe.critic_first:
            return "critic first"
        return "game" if iteration <= self.recipe.game_iterations else "critic"

    def follow(self, iteration: int) -> None:
        if self.phase(iteration) == "game":
            self.average.update_parameters(self.generator)

    def _learn_critic(self, generator: nn.Module, rng: torch.Generator | None) -> Numbers:
        recipe = self.recipe
        real = self.batches(recipe.batch, rng)
        with torch.no_grad():
            fake = self.through(generator, self.codes(recipe.batch, rng))

        penalty = None
        if recipe.loss == "wgan-gp":
            penalty = lipschitz(recipe.penalty, rng)
        elif recipe.r1:
            penalty = zero_centred(recipe.r1, recipe.penalised)
        loss, numbers = critic_objective(self._logit, real, fake, recipe.loss, penalty)
        self.descend("critic", loss)
        return numbers

    def _logit(self, x: Tensor) -> Tensor:
        return self.through(self.critic, x)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "best": self.best}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.best = state["best"]

    def shipped(self) -> nn.Module:
        """The averaged generator, folded, its weights of half precision."""
        return shipping.rounded(shipping.settled(self.average.module, self.recipe.dim))

    def model(self) -> Model:
        """The averaged generator and the critic as they are now, folded (and calibrated, for WGAN-GP)."""
        generator, critic = self.shipped(), shipping.rounded(fold(self.critic))
        config = self.config(generator=("sndcgan_generator", generator), critic=(CRITIC, critic))
        model = Model(config, self.prior, generator, critic, device=self.device)
        return model.with_offset(calibration_offset(model, 2000)) if self.recipe.loss == "wgan-gp" else model

    def watched(self, iteration: int, model: Model, found: Gain) -> None:
        score = found.refined["fid"]
        if self.best is None or score < self.best["score"]:
            self.best = {
                "score": score,
                "iteration": iteration,
                "offset": model.logit_offset,
                "generator": model.generator.state_dict(),
                "critic": model.critic.state_dict(),
            }

    def chosen(self) -> tuple[Model, dict[str, Any]]:
        model, best = self.model(), self.best
        if best is None:
            return model, {}
        model.generator.load_state_dict(best["generator"])
        model.critic.load_state_dict(best["critic"])
        iteration = {
            "chosen": best["iteration"], "samples": self.recipe.watch_samples, "seed": shipping.STATE_SEED,
        }  # fmt: skip
        return model.with_offset(best["offset"]), {"iteration": iteration}


def _gan(dataset: str, loss: str, **settings: Any) -> ImageGAN:
    title = image_datasets.get(dataset).title
    if loss == "wgan-gp":
        return ImageGAN.called(f"{dataset}/wgan-gp", f"WGAN-GP on {title}", loss=loss, **settings)
    name = "SN-DCGAN" if dataset == "fashion_mnist" else f"SN-DCGAN ({loss})"
    return ImageGAN.called(f"{dataset}/sndcgan-{loss}", f"{name} on {title}", loss=loss, **settings)


#: Two steps of the critic to one of the generator, at twice its rate.
_TWICE = {"critic_steps": 2, "critic_rate": 4e-4}
_GENTLE = {"batch": 64, "ema": 0.999, "half": False, "finish_samples": 2000}
_R1 = {**_GENTLE, "iterations": 8000, "watch_every": 1000, "critic_share": 0.05, "r1": 1.0, "penalised": 16}
_LONG = {**_TWICE, **_GENTLE}
_CIFAR10 = {**_LONG, "dim": 128}
_STL10 = {
    **_TWICE, "dim": 128, "width": 64, "batch": 64, "iterations": 42_000, "critic_share": 0.05, "ema": 0.9995
}  # fmt: skip

RECIPES = (
    _gan("fashion_mnist", "ns", iterations=2500, decay=False, half=False),
    ImageGAN.called("fashion_mnist/sndcgan-r1", "SN-DCGAN with R1 on Fashion-MNIST", **_R1),
    _gan("fashion_mnist", "wgan-gp", iterations=10_549, **_LONG),
    _gan("cifar10", "ns", iterations=12_800, critic_share=0.0625, **_TWICE, dim=128, ema=0.999),
    ImageGAN.called(
        "cifar10/sndcgan-wide",
        "Wide SN-DCGAN (ns) on CIFAR-10",
        generator_start="cifar10/wgan-gp",
        critic_start="cifar10/sndcgan-ns",
        iterations=3000,
        watch_every=500,
        critic_first=400,
        critic_share=0.1,
        dim=128,
        width=32,
        generator_rate=1e-4,
        # with R1 of weight 1 the critic stayed too flat to refine, without R1 the base came out worse
        r1=0.1,
        penalised=16,
        **_GENTLE,
    ),
    _gan("cifar10", "hinge", iterations=5047, critic_share=0.0625, **_CIFAR10),
    _gan("cifar10", "wgan-gp", iterations=9790, width=32, **_CIFAR10),
    *(_gan(dataset, loss, **_STL10) for dataset in ("stl10", "stl10_32") for loss in ("ns", "hinge")),
)

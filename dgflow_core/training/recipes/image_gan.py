"""GANs on images: SN-DCGAN (non-saturating or hinge loss) and WGAN-GP."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from dgflow_core.flow import priors
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.metrics import reference
from dgflow_core.nets.folding import fold
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator, SNDCGANGenerator
from dgflow_core.training import image_parts as images
from dgflow_core.training.loop import NetworkTrainer, Recipe
from dgflow_core.training.recipes.planar_gan import gradient_penalty
from dgflow_core.zoo.model import Model, calibration_offset

WATCHED = 500  # samples refined at every watch


class ImageGAN(Recipe):
    """Miyato et al.'s networks at a given ``width`` (64 is the paper's).

    On CIFAR-10 the discriminator needs two steps a generator step and the higher rate: with one
    step and equal rates it stays at chance. On Fashion-MNIST it separates within 20 steps as it is,
    and more only makes the logits swing.

    During the last ``critic_share`` of the iterations (0…1) the generator stands still, as it
    ships, and its critic alone goes on: at the end of the game it is no better than the generator
    it plays, and has never met the averaged one that ships. (Ours; no paper's. A discriminator
    gains by it; WGAN-GP's critic, which is no density ratio, loses.) In either phase
    rates stay as they are for the first half and then fall to 0 in a straight line, if ``decay``.
    ``half`` multiplies in bfloat16. ``start_from`` names a recipe of the same networks whose run
    this one goes on from.
    """

    watch_every: ClassVar[int] = 2000
    iterations: int = 6000
    critic_share: float = 0.0
    loss: Literal["ns", "hinge", "wgan-gp"] = "ns"
    dim: int = 64
    width: int = 16
    batch: int = 32
    critic_steps: int = 1
    generator_rate: float = 2e-4
    critic_rate: float = 2e-4
    betas: tuple[float, float] = (0.0, 0.9)
    penalty: float = 10.0
    ema: float = 0.998
    decay: bool = True
    half: bool = True
    start_from: str | None = None

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


def critic_loss(loss: str, real: Tensor, fake: Tensor) -> Tensor:
    """What the critic descends, from its logits (n,) on real and generated batches."""
    if loss == "ns":
        return softplus(-real).mean() + softplus(fake).mean()
    if loss == "hinge":
        return (1 - real).relu().mean() + (1 + fake).relu().mean()
    return fake.mean() - real.mean()


def generator_loss(loss: str, fake: Tensor) -> Tensor:
    """What the generator descends: non-saturating, or the plain critic for hinge and Wasserstein."""
    return softplus(-fake).mean() if loss == "ns" else -fake.mean()


class ImageGANTrainer(NetworkTrainer):
    """Trains one ``ImageGAN``; keeps the state that refines to the lowest Fréchet distance."""

    def __init__(self, recipe: ImageGAN, device: torch.device, data_root: Path | None):
        self.recipe, self.device, self.root = recipe, device, data_root
        torch.manual_seed(recipe.seed)
        self.batches = images.Batches(recipe.dataset, data_root, device)
        self.reference = reference(recipe.dataset)
        target = image_datasets.get(recipe.dataset)
        self.generator, self.critic = self.build(target.channels, target.side)
        images.initialise(self.generator)
        for network in (self.generator, self.critic):
            network.to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.prior = priors.make("normal", recipe.dim)
        self.networks = {"generator": self.generator, "critic": self.critic, "average": self.average}
        self.rates = {"generator": recipe.generator_rate, "critic": recipe.critic_rate}
        self.optimizers = {
            name: torch.optim.Adam(self.networks[name].parameters(), lr=rate, betas=recipe.betas)
            for name, rate in self.rates.items()
        }
        self.final: nn.Module | None = None  # the generator as it ships, once it stands still
        self.best: dict | None = None

    def build(self, channels: int, side: int) -> tuple[nn.Module, nn.Module]:
        """Generator and critic, with their norms."""
        recipe = self.recipe
        return (
            SNDCGANGenerator(recipe.dim, channels, recipe.width, side, batch_norm=True),
            SNDCGANDiscriminator(channels, recipe.width, side, spectral_norm=recipe.loss != "wgan-gp"),
        )

    def step(self, iteration: int) -> dict[str, float]:
        recipe = self.recipe
        rng = priors.seeded(recipe.seed + 1, iteration)
        factor = recipe.rate_factor(iteration)
        for name, rate in self.rates.items():
            self.optimizers[name].param_groups[0]["lr"] = factor * rate
        if iteration > recipe.game_iterations:
            if self.final is None:
                self.final = self.shipped()
            if iteration == recipe.game_iterations + 1:
                self.best = None
            return self._step_critic(self.final, rng)
        for _ in range(recipe.critic_steps):
            numbers = self._step_critic(self.generator, rng)
        self.critic.requires_grad_(False)
        fake = self._generated(self.generator, rng)
        self.descend("generator", generator_loss(recipe.loss, self._logit(fake)))
        self.critic.requires_grad_(True)
        # Early on the average follows closely, so that it forgets the initial weights.
        decay = recipe.ema if recipe.start_from else min(recipe.ema, iteration / (iteration + 10))
        images.average(self.average, self.generator, decay)
        return numbers

    def _step_critic(self, generator: nn.Module, rng: torch.Generator) -> dict[str, float]:
        recipe, size = self.recipe, self.recipe.batch
        real = self.batches(size, rng)
        with torch.no_grad():
            fake = self._generated(generator, rng)
        real_logit, fake_logit = self._logit(torch.cat([real, fake])).split(size)
        loss = critic_loss(recipe.loss, real_logit, fake_logit)
        if recipe.loss == "wgan-gp":
            loss = loss + recipe.penalty * gradient_penalty(self._logit, real, fake, rng)
        self.descend("critic", loss)
        return {
            "critic_loss": float(loss.detach()),
            "logit_real": float(real_logit.detach().mean()),
            "logit_real_sd": float(real_logit.detach().std()),
            "logit_fake": float(fake_logit.detach().mean()),
            "logit_fake_sd": float(fake_logit.detach().std()),
        }

    def _generated(self, generator: nn.Module, rng: torch.Generator) -> Tensor:
        codes = torch.randn(self.recipe.batch, self.recipe.dim, generator=rng).to(self.device)
        with images.products(self.device, self.recipe.half):
            return generator(codes).float()

    def _logit(self, x: Tensor) -> Tensor:
        with images.products(self.device, self.recipe.half):
            return self.critic(x).float()

    def state(self) -> dict:
        return {**super().state(), "best": self.best}

    def restore(self, state: dict) -> None:
        super().restore(state)
        self.best = state["best"]

    def start(self, state: dict) -> None:
        """Begin with the networks and optimisers of another run."""
        self.restore({**state, "best": None})

    def shipped(self) -> nn.Module:
        """The averaged generator, folded, its weights of half precision."""
        return images.rounded(images.settled(self.average, self.recipe.dim))

    def model(self) -> Model:
        """The averaged generator and the critic as they are now, folded (and calibrated, for WGAN-GP)."""
        generator = self.final or self.shipped()
        critic = images.rounded(fold(self.critic))
        config = images.config(
            self.recipe, self.recipe.dim, generator, critic, ("sndcgan_generator", "sndcgan_discriminator")
        )
        model = Model(config, self.prior, generator, critic, device=self.device)
        return model.with_offset(calibration_offset(model, 2000)) if self.recipe.loss == "wgan-gp" else model

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """The gain from refinement, a sheet of samples, and the best state so far."""
        model = self.model()
        numbers, base, refined = images.gain(model, self.reference, WATCHED)
        images.write_sheet(folder / f"sheet-{iteration:06d}.png", base, refined)
        score = numbers["DGflow(KL)"]["fid"]
        if self.best is None or score < self.best["score"]:
            self.best = {
                "score": score,
                "iteration": iteration,
                "offset": model.logit_offset,
                "generator": model.generator.state_dict(),
                "critic": model.critic.state_dict(),
            }
        return images.flat(numbers)

    def finish(self) -> Model:
        """The best state seen, measured on samples of its own."""
        model = self.model()
        if self.best is not None:
            model.generator.load_state_dict(self.best["generator"])
            model.critic.load_state_dict(self.best["critic"])
            model = model.with_offset(self.best["offset"])
            model.config["best_iteration"] = self.best["iteration"]
        return images.finished(model, self.reference, self.root)


RECIPES = (
    ImageGAN(
        name="fashion_mnist/sndcgan-ns",
        title="SN-DCGAN on Fashion-MNIST",
        dataset="fashion_mnist",
        iterations=2500,
        decay=False,
        half=False,
    ),
    ImageGAN(
        name="fashion_mnist/wgan-gp",
        title="WGAN-GP on Fashion-MNIST",
        dataset="fashion_mnist",
        loss="wgan-gp",
        critic_steps=2,
        critic_rate=4e-4,
        iterations=3000,
    ),
    ImageGAN(
        name="cifar10/sndcgan-ns",
        title="SN-DCGAN (ns) on CIFAR-10",
        dataset="cifar10",
        dim=128,
        critic_steps=2,
        critic_rate=4e-4,
        iterations=12_800,
        critic_share=0.0625,
        ema=0.999,
    ),
    ImageGAN(
        name="cifar10/sndcgan-hinge",
        title="SN-DCGAN (hinge) on CIFAR-10",
        dataset="cifar10",
        loss="hinge",
        dim=128,
        critic_steps=2,
        critic_rate=4e-4,
        iterations=4000,
        critic_share=0.2,
        ema=0.999,
        start_from="cifar10/sndcgan-ns",
    ),
    ImageGAN(
        name="cifar10/wgan-gp",
        title="WGAN-GP on CIFAR-10",
        dataset="cifar10",
        loss="wgan-gp",
        dim=128,
        critic_steps=2,
        critic_rate=4e-4,
        iterations=8500,
        ema=0.999,
    ),
    *(
        ImageGAN(
            name=f"{dataset}/sndcgan-{loss}",
            title=f"SN-DCGAN ({loss}) on {image_datasets.get(dataset).title}",
            dataset=dataset,
            loss=loss,
            dim=128,
            width=64,
            batch=64,
            critic_steps=2,
            critic_rate=4e-4,
            iterations=42_000,
            critic_share=0.05,
            ema=0.9995,
        )
        for dataset in ("stl10", "stl10_32")
        for loss in ("ns", "hinge")
    ),
)

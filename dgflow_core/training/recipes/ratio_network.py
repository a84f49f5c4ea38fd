"""A density ratio learnt after the generator (ours; not in the paper).

A GAN's own discriminator was trained against every earlier generator and may know little about
the last one. This recipe takes a finished generator, holds it still, and trains a fresh
discriminator on its samples against the data with the logistic loss, whose optimum is
d = log μ/ρ. R1 (Mescheder et al. 2018) keeps ∇d from growing without bound.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from dgflow_core.flow import priors
from dgflow_core.kinds.images.metrics import reference
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator
from dgflow_core.training import image_parts as images
from dgflow_core.training.loop import NetworkTrainer, Recipe
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

WATCHED = 300  # samples refined at every watch


class RatioNetwork(Recipe):
    """A fresh discriminator for the shipped model ``generator``; R1 every ``penalty_every`` steps."""

    iterations: int = 400
    generator: str
    width: int = 16
    batch: int = 64
    rate: float = 2e-4
    betas: tuple[float, float] = (0.0, 0.9)
    penalty: float = 1.0
    penalty_every: int = 4

    def trainer(self, device: torch.device, data_root: Path | None) -> RatioTrainer:
        return RatioTrainer(self, device, data_root)


def r1(critic: nn.Module, real: Tensor) -> Tensor:
    """½ E‖∇d(x)‖² at real images (n, C, H, W)."""
    real = real.detach().requires_grad_(True)
    (grad,) = torch.autograd.grad(critic(real).sum(), real, create_graph=True)
    return 0.5 * (grad.flatten(1) ** 2).sum(1).mean()


class RatioTrainer(NetworkTrainer):
    """Trains one ``RatioNetwork``; the network that ships is an average of the last ones."""

    def __init__(self, recipe: RatioNetwork, device: torch.device, data_root: Path | None):
        self.recipe, self.device, self.root = recipe, device, data_root
        torch.manual_seed(recipe.seed)
        self.batches = images.Batches(recipe.dataset, data_root, device)
        self.reference = reference(recipe.dataset)
        self.base = shelf.load(recipe.generator, device)
        channels, side, _ = self.base.sample_shape
        self.critic, self.average = (
            SNDCGANDiscriminator(channels, recipe.width, side).to(device, memory_format=torch.channels_last)
            for _ in range(2)
        )
        self.average.load_state_dict(self.critic.state_dict())
        self.networks = {"critic": self.critic, "average": self.average}
        self.optimizers = {
            "critic": torch.optim.Adam(self.critic.parameters(), lr=recipe.rate, betas=recipe.betas)
        }

    def step(self, iteration: int) -> dict[str, float]:
        recipe, size = self.recipe, self.recipe.batch
        rng = priors.seeded(recipe.seed + 1, iteration)
        real = self.batches(size, rng)
        fake = self.base.generate(torch.randn(size, self.base.prior.dim, generator=rng))
        real_logit, fake_logit = self.critic(torch.cat([real, fake])).split(size)
        loss = softplus(-real_logit).mean() + softplus(fake_logit).mean()
        numbers = {
            "critic_loss": float(loss.detach()),
            "logit_real": float(real_logit.detach().mean()),
            "logit_fake": float(fake_logit.detach().mean()),
        }
        if iteration % recipe.penalty_every == 0:
            loss = loss + recipe.penalty * recipe.penalty_every * r1(self.critic, real)
        self.descend("critic", loss)
        images.average(self.average, self.critic, min(0.98, iteration / (iteration + 10)))
        return numbers

    def model(self) -> Model:
        """The base model's generator with the ratio network as its critic."""
        critic = SNDCGANDiscriminator(**self.critic.arguments)
        critic.load_state_dict(self.average.state_dict())
        config = images.config(
            self.recipe, self.base.prior.dim, self.base.generator, images.rounded(critic),
            (self.base.config["generator"]["architecture"], "sndcgan_discriminator"),
        )  # fmt: skip
        return Model(config, self.base.prior, self.base.generator, critic, device=self.device)

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """The gain from refinement, and a sheet of samples."""
        numbers, base, refined = images.gain(self.model(), self.reference, WATCHED)
        images.write_sheet(folder / f"sheet-{iteration:06d}.png", base, refined)
        return images.flat(numbers)

    def finish(self) -> Model:
        return images.finished(self.model(), self.reference, self.root)


RECIPES = (
    RatioNetwork(
        name="fashion_mnist/sndcgan-ns+ratio",
        title="SN-DCGAN + ratio network, Fashion-MNIST",
        dataset="fashion_mnist",
        generator="fashion_mnist/sndcgan-ns",
    ),
    RatioNetwork(
        name="cifar10/sndcgan-ns+ratio",
        title="SN-DCGAN + ratio network, CIFAR-10",
        dataset="cifar10",
        generator="cifar10/sndcgan-ns",
    ),
)

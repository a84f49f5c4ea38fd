"""A variational autoencoder (Kingma & Welling 2014) on images; its decoder is the generator."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from dgflow_core.flow.priors import drawn
from dgflow_core.nets.folding import fold
from dgflow_core.nets.vae import DCGANDecoder, Encoder
from dgflow_core.training.correctors import Corrected, CorrectedTrainer
from dgflow_core.training.recipe import Numbers


class VAE(Corrected):
    """The networks of the paper's Table 6 at a given ``width`` (64 is the paper's)."""

    iterations: int = 2600
    generator_iterations: int = 2000
    dim: int = 64
    rate: float = 1e-3
    noise: float = 0.3

    def trainer(self, device: torch.device, data_root: Path | None) -> VAETrainer:
        return VAETrainer(self, device, data_root)


def prior_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, diag exp log_variance) ‖ N(0, I)), (n, dim) and (n, dim) → (n,)."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)


def negative_elbo(x: Tensor, mean: Tensor, log_variance: Tensor, decoded: Tensor, noise: float) -> Tensor:
    """Per-image −ELBO up to a constant: Gaussian likelihood of deviation ``noise``, prior N(0, I)."""
    misfit = ((x - decoded) ** 2).flatten(1).sum(1) / (2 * noise**2)
    return (misfit + prior_divergence(mean, log_variance)).mean()


class VAETrainer(CorrectedTrainer):
    """Trains one ``VAE``."""

    architecture = "dcgan_decoder"

    def build_generator(self) -> int:
        recipe, channels = self.recipe, self.target.channels
        self.encoder = Encoder(2 * recipe.dim, channels, recipe.width).to(self.device)
        self.decoder = DCGANDecoder(recipe.dim, channels, recipe.width, batch_norm=True).to(self.device)
        self.networks = {"encoder": self.encoder, "decoder": self.decoder}
        self.adam("both", [*self.encoder.parameters(), *self.decoder.parameters()], recipe.rate)
        return recipe.dim

    def learn_generator(self, iteration: int, rng: torch.Generator | None) -> Numbers:
        x = self.batches(self.recipe.batch, rng)
        mean, log_variance = self.through(self.encoder, x).chunk(2, dim=1)
        noise = drawn(torch.randn, mean.shape, rng=rng, device=self.device)
        decoded = self.through(self.decoder, mean + (log_variance / 2).exp() * noise)
        loss = negative_elbo(x, mean, log_variance, decoded, self.recipe.noise)
        self.descend("both", loss)
        return {"negative_elbo": loss.detach()}

    def folded(self) -> nn.Module:
        return fold(self.decoder)


RECIPES = (
    VAE.called(
        "fashion_mnist/vae", "VAE on Fashion-MNIST",
        critic_from="fashion_mnist/sndcgan-ns", corrector_rate=1e-4, half=False,
    ),
    VAE.called(
        "cifar10/vae", "VAE on CIFAR-10", critic_from="cifar10/sndcgan-ns",
        dim=128, width=32, generator_iterations=18_520, iterations=24_076, half=False, finish_samples=2000,
    ),
)  # fmt: skip

"""A VAE, which has no critic of its own, refined by another model's with a corrector (the paper's section 4).

With d_φ the critic of a GAN whose generator is g_φ, and d_λ trained to tell samples of g_φ
(label 1) from samples of the VAE's decoder g_θ (label 0),

    log μ/ρ_θ = log μ/ρ_φ + log ρ_φ/ρ_θ ≈ d_φ + d_λ.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import softplus

from dgflow_core import data, priors, zoo
from dgflow_core.metrics.images import reference
from dgflow_core.model import Model
from dgflow_core.models.sndcgan import SNDCGANDiscriminator, fold
from dgflow_core.models.vae import DCGANDecoder, Encoder
from dgflow_core.training import images
from dgflow_core.training.base import Recipe

WATCHED = 300  # samples refined at every watch


class VAE(Recipe):
    """``iterations`` in all: the first ``decoder_iterations`` train the VAE, the rest its corrector.

    ``critic_from`` names the shipped GAN that lends d_φ; the corrector starts from d_φ.
    """

    iterations: int = 2600
    decoder_iterations: int = 2000
    critic_from: str
    dim: int = 64
    width: int = 16
    batch: int = 64
    rate: float = 1e-3
    noise: float = 0.3
    corrector_rate: float = 1e-4
    momentum: float = 0.9

    def trainer(self, device: torch.device, data_root: Path | None) -> VAETrainer:
        return VAETrainer(self, device, data_root)


def negative_elbo(x: Tensor, mean: Tensor, log_variance: Tensor, decoded: Tensor, noise: float) -> Tensor:
    """Per-image −ELBO up to a constant: Gaussian likelihood of deviation ``noise``, prior N(0, I)."""
    misfit = ((x - decoded) ** 2).flatten(1).sum(1) / (2 * noise**2)
    divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
    return (misfit + divergence).mean()


class VAETrainer:
    """Trains one ``VAE``: encoder and decoder first, then the corrector on the fixed decoder."""

    def __init__(self, recipe: VAE, device: torch.device, data_root: Path | None):
        self.recipe, self.device, self.root = recipe, device, data_root
        torch.manual_seed(recipe.seed)
        self.batches = images.Batches(recipe.dataset, data_root, device)
        self.reference = reference(recipe.dataset)
        self.lender = zoo.load(recipe.critic_from, device)
        channels = data.get_images(recipe.dataset).channels
        self.encoder = Encoder(recipe.dim, channels, recipe.width).to(device)
        self.decoder = DCGANDecoder(recipe.dim, channels, recipe.width, batch_norm=True).to(device)
        self.prior = priors.make("normal", recipe.dim)
        self.corrector = self._copy_of_critic()
        self.optimizers = [
            torch.optim.Adam([*self.encoder.parameters(), *self.decoder.parameters()], lr=recipe.rate),
            torch.optim.SGD(self.corrector.parameters(), lr=recipe.corrector_rate, momentum=recipe.momentum),
        ]

    def _copy_of_critic(self, source=None) -> SNDCGANDiscriminator:
        twin = SNDCGANDiscriminator(**self.lender.config["critic"]["arguments"]).to(self.device)
        twin.load_state_dict((source or self.lender.critic).state_dict())
        return twin

    def step(self, iteration: int) -> dict[str, float]:
        rng = priors.seeded(self.recipe.seed + 1, iteration)
        if iteration <= self.recipe.decoder_iterations:
            return self._step_vae(rng)
        self.decoder.eval()  # the corrector learns the ratio of the decoder as it ships
        return self._step_corrector(rng)

    def _step_vae(self, rng: torch.Generator) -> dict[str, float]:
        x = self.batches(self.recipe.batch, rng)
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=rng).to(self.device)
        decoded = self.decoder(mean + (log_variance / 2).exp() * noise)
        loss = negative_elbo(x, mean, log_variance, decoded, self.recipe.noise)
        self._descend(0, loss)
        return {"negative_elbo": float(loss.detach())}

    def _step_corrector(self, rng: torch.Generator) -> dict[str, float]:
        size = self.recipe.batch
        with torch.no_grad():
            ours = self.decoder(torch.randn(size, self.recipe.dim, generator=rng).to(self.device))
        theirs = self.lender.generate(torch.randn(size, self.lender.prior.dim, generator=rng))
        theirs_logit, ours_logit = self.corrector(torch.cat([theirs, ours])).split(size)
        loss = softplus(-theirs_logit).mean() + softplus(ours_logit).mean()
        self._descend(1, loss)
        return {
            "corrector_loss": float(loss.detach()),
            "logit_lender": float(theirs_logit.detach().mean()),
            "logit_own": float(ours_logit.detach().mean()),
        }

    def _descend(self, which: int, loss: Tensor) -> None:
        self.optimizers[which].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[which].step()

    def state(self) -> dict:
        return {
            "encoder": self.encoder.state_dict(),
            "decoder": self.decoder.state_dict(),
            "corrector": self.corrector.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def restore(self, state: dict) -> None:
        self.encoder.load_state_dict(state["encoder"])
        self.decoder.load_state_dict(state["decoder"])
        self.corrector.load_state_dict(state["corrector"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)

    def model(self) -> Model:
        """The decoder, folded, with d_φ as its critic and d_λ as its corrector."""
        decoder = images.rounded(fold(self.decoder))
        config = images.config(
            self.recipe, self.recipe.dim, decoder, self.corrector, ("dcgan_decoder", "sndcgan_discriminator")
        )
        config["corrector"] = config["critic"]
        corrector = images.rounded(self._copy_of_critic(self.corrector))
        return Model(
            config, self.prior, decoder, self.lender.critic, corrector, self.lender.logit_offset, self.device
        )

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """The gain from refinement, and a sheet of samples."""
        numbers, base, refined = images.gain(self.model(), self.reference, WATCHED)
        images.write_sheet(folder / f"sheet-{iteration:06d}.png", base, refined)
        return images.flat(numbers)

    def finish(self) -> Model:
        return images.finished(self.model(), self.reference, self.root)


RECIPES = (
    VAE(
        name="fashion_mnist/vae",
        title="VAE on Fashion-MNIST",
        dataset="fashion_mnist",
        critic_from="fashion_mnist/sndcgan-ns",
    ),
)

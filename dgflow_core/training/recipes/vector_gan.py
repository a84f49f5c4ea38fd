"""GANs whose critic is vector-valued: MMD-GAN and OCFGAN-GP.

The critic f maps images to features, and a distance between the distributions of features of
real and generated batches is what the generator descends:

- MMD-GAN (Li et al. 2017): the squared maximum mean discrepancy under a mixture of Gaussian
  kernels. That paper's critic ascends it, its weights clipped, with an autoencoder beside it; here
  it descends ``repulsion`` under spectral norm, as in Wang et al. (2019).
- OCFGAN-GP (Ansari et al. 2020): the empirical characteristic functions' squared distance, which
  the critic ascends with a gradient penalty on f. Its frequencies are t ~ N(0, diag σ²), σ optimised
  with the critic. Here σ is at most 1, t is drawn at the scales 1 / ``BANDWIDTHS``, and the critic
  has spectral norm too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from dgflow_core.flow.priors import drawn
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator
from dgflow_core.nets.vae import DCGANDecoder
from dgflow_core.training.adversarial import frozen, gradient_penalty
from dgflow_core.training.correctors import Corrected, CorrectedTrainer
from dgflow_core.training.network_trainer import averaged, initialise
from dgflow_core.training.recipe import Numbers
from dgflow_core.training.shipping import settled

BANDWIDTHS = (1.0, 2.0, 4.0, 8.0)  # of the kernels
BOUNDS = (0.25, 4.0)  # squared distances beyond which MMD-GAN's critic leaves features alone


class VectorGAN(Corrected):
    """The papers' DCGAN generator at a given ``width`` (64 is theirs), and a critic of ``features`` outputs.

    The critic is SN-DCGAN's discriminator of ``critic_width``, not the papers' four layers.
    """

    loss: Literal["mmd", "ecfd"]
    dim: int = 128
    width: int = 32
    critic_width: int = 16
    batch: int = 32
    features: int = 16
    frequencies: int = 8
    critic_steps: int = 2
    rate: float = 2e-4
    critic_rate: float = 4e-4
    betas: tuple[float, float] = (0.5, 0.9)
    penalty: float = 1.0  # of the gradient; OCFGAN-GP's alone
    ema: float = 0.999

    def trainer(self, device: torch.device, data_root: Path | None) -> VectorGANTrainer:
        return VectorGANTrainer(self, device, data_root)


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """‖x − y‖²: features (n, k) and (m, k) → (n, m)."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist") ** 2


def kernel(squared: Tensor) -> Tensor:
    """Σ_σ exp(−‖x − y‖² / 2σ²) over the bandwidths, of squared distances, shape kept."""
    return sum(torch.exp(-squared / (2 * bandwidth**2)) for bandwidth in BANDWIDTHS)


def within(similarities: Tensor) -> Tensor:
    """The mean of a square matrix (n, n) off its diagonal: E k(x, x′)."""
    n = len(similarities)
    return (similarities.sum() - similarities.diagonal().sum()) / (n * (n - 1))


def mmd(real: Tensor, fake: Tensor) -> Tensor:
    """Unbiased squared maximum mean discrepancy of features (n, k) and (n, k)."""
    own = [within(kernel(squared_distances(x, x))) for x in (real, fake)]
    return own[0] + own[1] - 2 * kernel(squared_distances(real, fake)).mean()


def repulsion(real: Tensor, fake: Tensor) -> Tensor:
    """E k(real, real′) − E k(fake, fake′) of features (n, k): what MMD-GAN's critic descends.

    Ascending the discrepancy itself, a critic draws all real images to one point and has no eye for
    their details; this spreads them out instead (Wang et al. 2019), within ``BOUNDS``.
    """
    near, far = BOUNDS
    spread = within(kernel(squared_distances(real, real).clamp(max=far)))
    return spread - within(kernel(squared_distances(fake, fake).clamp(min=near)))


def ecfd(real: Tensor, fake: Tensor, frequencies: Tensor) -> Tensor:
    """Mean over frequencies t (k, d) of |φ_real(t) − φ_fake(t)|², with φ(t) = E exp(i⟨t, f⟩)."""
    difference = [
        wave(real @ frequencies.T).mean(0) - wave(fake @ frequencies.T).mean(0)
        for wave in (torch.cos, torch.sin)
    ]
    return (difference[0] ** 2 + difference[1] ** 2).mean()


class VectorGANTrainer(CorrectedTrainer):
    """Trains one ``VectorGAN``; an average of the generator ships."""

    architecture = "dcgan_decoder"

    def build_generator(self) -> int:
        recipe, channels = self.recipe, self.target.channels
        generator = DCGANDecoder(recipe.dim, channels, recipe.width, batch_norm=True)
        critic = nn.Module()
        critic.network = SNDCGANDiscriminator(
            channels, recipe.critic_width, spectral_norm=True, outputs=recipe.features
        )
        critic.log_scale = nn.Parameter(torch.zeros(recipe.features))  # log σ of the frequencies
        initialise(generator)
        self.generator, self.critic = generator.to(self.device), critic.to(self.device)
        self.bandwidths = torch.tensor(BANDWIDTHS, device=self.device)[:, None, None]
        self.average = averaged(self.generator, recipe.ema)
        self.networks = {"generator": self.generator, "critic": self.critic, "average": self.average}
        for name, rate in (("generator", recipe.rate), ("critic", recipe.critic_rate)):
            self.adam(name, self.networks[name].parameters(), rate, recipe.betas)
        return recipe.dim

    def distance(self, real: Tensor, fake: Tensor, rng: torch.Generator | None) -> Tensor:
        """The distance of two batches of features, (n, features) each."""
        if self.recipe.loss == "mmd":
            return mmd(real, fake)
        size = (len(BANDWIDTHS), self.recipe.frequencies, self.recipe.features)
        draws = drawn(torch.randn, *size, rng=rng, device=self.device) / self.bandwidths
        return ecfd(real, fake, draws.flatten(0, 1) * self.critic.log_scale.clamp(max=0).exp())

    def features(self, x: Tensor) -> Tensor:
        """The critic's features (n, features) of images."""
        return self.through(self.critic.network, x)

    def learn_generator(self, iteration: int, rng: torch.Generator | None) -> Numbers:
        recipe = self.recipe
        for _ in range(recipe.critic_steps):
            real = self.batches(recipe.batch, rng)
            with torch.no_grad():
                fake = self.through(self.generator, self.codes(recipe.batch, rng))
            of_real, of_fake = self.features(torch.cat([real, fake])).chunk(2)
            distance = self.distance(of_real, of_fake, rng)
            loss = -distance if recipe.loss == "ecfd" else repulsion(of_real, of_fake)
            if recipe.loss == "ecfd":
                loss = loss + recipe.penalty * gradient_penalty(self.features, real, fake, rng)
            self.descend("critic", loss)
        with frozen(self.critic):
            fake = self.through(self.generator, self.codes(recipe.batch, rng))
            self.descend("generator", self.distance(self.features(real), self.features(fake), rng))
        return {
            "distance": distance.detach(),
            "critic_loss": loss.detach(),
            "spread": of_real.detach().std(0).mean(),
        }

    def follow(self, iteration: int) -> None:
        if self.phase(iteration) == "generator":
            self.average.update_parameters(self.generator)

    def folded(self) -> nn.Module:
        return settled(self.average.module, self.prior.dim)


def _on_cifar10(model: str, title: str, generator_iterations: int, **settings) -> VectorGAN:
    """The corrector has 1,500 iterations after the generator's own."""
    return VectorGAN.called(
        f"cifar10/{model}", f"{title} on CIFAR-10", critic_from="cifar10/sndcgan-ns",
        generator_iterations=generator_iterations, iterations=generator_iterations + 1500, **settings,
    )  # fmt: skip


RECIPES = (
    _on_cifar10("mmd-gan", "MMD-GAN", 6000, loss="mmd"),
    _on_cifar10("ocfgan-gp", "OCFGAN-GP", 4000, loss="ecfd", dim=32),
)

"""Generators without a usable critic, refined by another model's with a corrector (section 4 of the paper).

With d_φ the critic of a GAN whose generator is g_φ, and d_λ trained to tell samples of g_φ
(label 1) from samples of our generator g_θ (label 0),

    log μ/ρ_θ = log μ/ρ_φ + log ρ_φ/ρ_θ ≈ d_φ + d_λ.

The corrector starts from d_φ and is trained once the generator stands still, as it ships.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from dgflow_core.flow import priors
from dgflow_core.flow.priors import drawn
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator
from dgflow_core.training.adversarial import critic_objective
from dgflow_core.training.image_trainer import ImageRecipe, ImageTrainer
from dgflow_core.training.recipe import Numbers
from dgflow_core.training.shipping import rounded
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

CRITIC = "sndcgan_discriminator"


class Corrected(ImageRecipe):
    """``iterations`` in all: the first ``generator_iterations`` train the generator, the rest its corrector.

    ``critic_from`` names the shipped GAN that lends d_φ. The paper trains the corrector for 10,000
    iterations at a ``corrector_rate`` of 1e-4; the fewer here go at a higher one.
    """

    can_be_extended: ClassVar[bool] = True
    counts: ClassVar[tuple[str, ...]] = ("iterations", "generator_iterations")
    watch_every: int = 1000
    watch_samples: int = 250
    generator_iterations: int
    critic_from: str
    corrector_rate: float = 1e-3
    corrector_batch: int = 64
    momentum: float = 0.9

    def lenders(self) -> tuple[str, ...]:
        return (self.critic_from,)


class CorrectedTrainer(ImageTrainer):
    """Trains one ``Corrected`` recipe; a subclass brings the generator and its training.

    Attributes:
        architecture: name of the generator's, set by the subclass.
    """

    architecture: ClassVar[str]

    def build(self) -> None:
        self.prior = priors.make("normal", self.build_generator())

    @abstractmethod
    def build_generator(self) -> int:
        """Make the networks and optimisers of the generator's training; returns dim_z."""

    @abstractmethod
    def learn_generator(self, iteration: int, rng: torch.Generator | None) -> Numbers:
        """One iteration of the generator's training."""

    @abstractmethod
    def folded(self) -> nn.Module:
        """The generator for inference, without norms."""

    def learn(self, iteration: int, rng: torch.Generator | None) -> Numbers:
        if iteration <= self.recipe.generator_iterations:
            return self.learn_generator(iteration, rng)
        self.begin_corrector()
        return self._learn_corrector(rng)

    def phase(self, iteration: int) -> str | None:
        return "generator" if iteration <= self.recipe.generator_iterations else "corrector"

    @cached_property
    def lender(self) -> Model:
        """The model that lends d_φ, first asked for when the corrector begins."""
        return shelf.load(self.recipe.critic_from, self.device)

    @cached_property
    def final(self) -> nn.Module:
        """The generator as it ships, asked for once it stands still."""
        return self.shipped()

    @property
    def corrector(self) -> SNDCGANDiscriminator | None:
        """d_λ, once it has begun."""
        return self.networks.get("corrector")

    def begin_corrector(self) -> None:
        """Let d_λ be a copy of d_φ as it is lent now: a generator can train before its lender does."""
        if self.corrector is not None:
            return
        corrector = self._copy(self.lender.critic)
        self.networks["corrector"] = corrector
        self.optimizers["corrector"] = torch.optim.SGD(
            corrector.parameters(), lr=self.recipe.corrector_rate, momentum=self.recipe.momentum
        )

    def restore(self, state: dict[str, Any]) -> None:
        if "corrector" in state["networks"]:
            self.begin_corrector()
        super().restore(state)

    def _learn_corrector(self, rng: torch.Generator | None) -> Numbers:
        size = self.recipe.corrector_batch
        with torch.no_grad():
            ours = self.final(self.codes(size, rng))
            codes = drawn(torch.randn, size, self.lender.prior.dim, rng=rng, device=self.device)
            theirs = self.lender.generator(codes)
        loss, numbers = critic_objective(lambda x: self.through(self.corrector, x), theirs, ours)
        self.descend("corrector", loss)
        names = {"corrector_loss": "critic_loss", "logit_lender": "logit_real", "logit_own": "logit_fake"}
        return {ours: numbers[theirs] for ours, theirs in names.items()}

    def _copy(self, critic: SNDCGANDiscriminator) -> SNDCGANDiscriminator:
        twin = SNDCGANDiscriminator(**critic.arguments).to(self.device, memory_format=torch.channels_last)
        twin.load_state_dict(critic.state_dict())
        return twin

    def shipped(self) -> nn.Module:
        """The generator as it ships: folded, its weights of half precision."""
        return rounded(self.folded()).to(self.device).eval()

    def model(self) -> Model:
        """The generator as it ships, with d_φ as its critic and d_λ, once it has begun, as its corrector."""
        corrector = None if self.corrector is None else rounded(self._copy(self.corrector))
        generator = self.shipped()
        parts = {"generator": (self.architecture, generator), "critic": (CRITIC, self.lender.critic)}
        if corrector is not None:
            parts["corrector"] = (CRITIC, corrector)
        config, offset = self.config(**parts), self.lender.logit_offset
        return Model(config, self.prior, generator, self.lender.critic, corrector, offset, self.device)

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """Nothing before there is a corrector to refine with."""
        return {} if self.corrector is None else super().watch(iteration, folder)

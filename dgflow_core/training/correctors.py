"""Generators without a usable critic, refined by another model's with a corrector (section 4 of the paper).

With d_φ the critic of a GAN whose generator is g_φ, and d_λ trained to tell samples of g_φ
(label 1) from samples of our generator g_θ (label 0),

    log μ/ρ_θ = log μ/ρ_φ + log ρ_φ/ρ_θ ≈ d_φ + d_λ.

The corrector starts from d_φ and is trained once the generator stands still, as it ships.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from dgflow_core.flow import priors
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.metrics import reference
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator
from dgflow_core.training import image_parts as images
from dgflow_core.training.loop import NetworkTrainer, Recipe
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

WATCHED = 250  # samples refined at every watch


class Corrected(Recipe):
    """``iterations`` in all: the first ``generator_iterations`` train the generator, the rest its corrector.

    ``critic_from`` names the shipped GAN that lends d_φ. The paper trains the corrector for 10,000
    iterations at a ``corrector_rate`` of 1e-4; the fewer here go at a higher one.
    """

    watch_every: ClassVar[int] = 1000
    generator_iterations: int
    critic_from: str
    corrector_rate: float = 1e-3
    corrector_batch: int = 64
    momentum: float = 0.9
    half: bool = True  # products in bfloat16


class CorrectedTrainer(NetworkTrainer, ABC):
    """Trains one ``Corrected`` recipe; a subclass brings the generator and its training.

    Attributes, set by the subclass:
        architecture: name of the generator's. dim: of the latent code.
        networks, optimizers: of the generator's training.
    """

    architecture: ClassVar[str]
    dim: int

    def __init__(self, recipe: Corrected, device: torch.device, data_root: Path | None):
        self.recipe, self.device, self.root = recipe, device, data_root
        torch.manual_seed(recipe.seed)
        self.batches = images.Batches(recipe.dataset, data_root, device)
        self.reference = reference(recipe.dataset)
        self.lender = shelf.load(recipe.critic_from, device)
        self.channels = image_datasets.get(recipe.dataset).channels
        self.corrector = self._copy(self.lender.critic)
        self.corrector_optimizer = torch.optim.SGD(
            self.corrector.parameters(), lr=recipe.corrector_rate, momentum=recipe.momentum
        )
        self.final: nn.Module | None = None  # the generator as it ships, once it stands still
        self.build()

    @abstractmethod
    def build(self) -> None:
        """Set ``dim``, ``networks`` and ``optimizers``."""

    @abstractmethod
    def step_generator(self, iteration: int, rng: torch.Generator) -> dict[str, float]:
        """One iteration of the generator's training."""

    @abstractmethod
    def folded(self) -> nn.Module:
        """The generator for inference, without norms."""

    def codes(self, n: int, rng: torch.Generator) -> Tensor:
        """Latent codes (n, dim) from the prior N(0, I)."""
        return torch.randn(n, self.dim, generator=rng).to(self.device)

    def through(self, network: nn.Module, x: Tensor) -> Tensor:
        """``network(x)`` in float32, its products in bfloat16 where the recipe says so."""
        with images.products(self.device, self.recipe.half):
            return network(x).float()

    def step(self, iteration: int) -> dict[str, float]:
        rng = priors.seeded(self.recipe.seed + 1, iteration)
        if iteration <= self.recipe.generator_iterations:
            return self.step_generator(iteration, rng)
        return self._step_corrector(rng)

    def _step_corrector(self, rng: torch.Generator) -> dict[str, float]:
        size = self.recipe.corrector_batch
        if self.final is None:
            self.final = self.shipped()
        with torch.no_grad():
            ours = self.final(self.codes(size, rng))
        theirs = self.lender.generate(torch.randn(size, self.lender.prior.dim, generator=rng))
        theirs_logit, ours_logit = self.through(self.corrector, torch.cat([theirs, ours])).split(size)
        loss = softplus(-theirs_logit).mean() + softplus(ours_logit).mean()
        self.corrector_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.corrector_optimizer.step()
        return {
            "corrector_loss": float(loss.detach()),
            "logit_lender": float(theirs_logit.detach().mean()),
            "logit_own": float(ours_logit.detach().mean()),
        }

    def _copy(self, critic: SNDCGANDiscriminator) -> SNDCGANDiscriminator:
        twin = SNDCGANDiscriminator(**critic.arguments).to(self.device, memory_format=torch.channels_last)
        twin.load_state_dict(critic.state_dict())
        return twin

    def shipped(self) -> nn.Module:
        """The generator as it ships: folded, its weights of half precision."""
        return images.rounded(self.folded()).to(self.device).eval()

    def state(self) -> dict:
        saved = super().state()
        if self.final is None:  # a generator can train before the critic that its corrector starts from
            return saved
        return {**saved, "corrector": [self.corrector.state_dict(), self.corrector_optimizer.state_dict()]}

    def restore(self, state: dict) -> None:
        super().restore(state)
        if "corrector" in state:
            self.corrector.load_state_dict(state["corrector"][0])
            self.corrector_optimizer.load_state_dict(state["corrector"][1])

    def model(self, corrected: bool = True) -> Model:
        """The generator as it ships, with d_φ as its critic and (``corrected``) d_λ as its corrector."""
        generator = self.final or self.shipped()
        names = (self.architecture, "sndcgan_discriminator")
        config = images.config(self.recipe, self.dim, generator, self.lender.critic, names)
        corrector = None
        if corrected:
            config["corrector"] = config["critic"]
            corrector = images.rounded(self._copy(self.corrector))
        return Model(
            config, priors.make("normal", self.dim), generator, self.lender.critic, corrector,
            self.lender.logit_offset, self.device,
        )  # fmt: skip

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """The gain from refinement, once there is a corrector for it, and a sheet of samples."""
        corrected = iteration > self.recipe.generator_iterations
        model = self.model(corrected)
        numbers, base, refined = images.gain(model, self.reference, WATCHED, steps=None if corrected else 0)
        images.write_sheet(folder / f"sheet-{iteration:06d}.png", base, refined)
        return images.flat(numbers)

    def finish(self) -> Model:
        return images.finished(self.model(), self.reference, self.root)

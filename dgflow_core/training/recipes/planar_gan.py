"""WGAN-GP on planar data (Gulrajani et al. 2017), with the paper's networks (appendix D.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from dgflow_core.flow import priors
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.nets.mlp import MLP
from dgflow_core.training import shipping
from dgflow_core.training.adversarial import critic_objective, frozen, generator_loss, lipschitz
from dgflow_core.training.network_trainer import NetworkTrainer
from dgflow_core.training.plane_quality import before_and_after, flat
from dgflow_core.training.recipe import Recipe
from dgflow_core.zoo.model import Model, calibration_offset

REFINE = {"method": "dgflow", "steps": 100}


class PlanarRecipe(Recipe):
    """Fully connected networks, ``hidden`` ReLU units × ``layers``; z ~ N(0, I₂)."""

    hidden: int = 512
    layers: int = 3


class PlanarWGANGP(PlanarRecipe):
    """Fully connected WGAN-GP.

    The gradient penalty is 0.1, as in Gulrajani's own toy experiments, or 1: with the 10 that the
    paper's text names, the critic is too flat to refine anything.
    """

    can_be_extended: ClassVar[bool] = True
    iterations: int = 1500
    penalty: float = 0.1
    critic_steps: int = 5
    batch: int = 256
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.9)

    def trainer(self, device: torch.device, data_root: Path | None) -> PlanarTrainer:
        return PlanarTrainer(self, plane_datasets.get(self.dataset), device)


class PlanarPair(NetworkTrainer):
    """A generator and a critic of points, and what they are worth.

    ``target`` is anything with ``sample(n, seed)``.
    """

    def __init__(self, recipe: PlanarRecipe, target: Any, device: torch.device):
        super().__init__(recipe, device)
        self.target, self.prior = target, priors.make("normal", 2)
        inner = [2, *[recipe.hidden] * recipe.layers]
        self.widths = {"generator": [*inner, 2], "critic": [*inner, 1]}
        self.networks = {name: MLP(widths).to(device) for name, widths in self.widths.items()}
        self.generator, self.critic = self.networks["generator"], self.networks["critic"]

    #: Whether the critic is an honest density ratio as it is, so that its constant is no free choice.
    honest: ClassVar[bool] = False

    def latest(self) -> dict[str, nn.Module]:
        """Generator and critic as they would ship now, by name."""
        return {"generator": self.generator, "critic": self.critic}

    def model(self) -> Model:
        """The networks as they are now, calibrated; copies, so that training can go on.

        Weights are rounded to half precision, so that what is measured is what ships.
        """
        twins = {}
        for name, network in self.latest().items():
            twins[name] = MLP(self.widths[name])
            twins[name].load_state_dict(network.state_dict())
        parts = {name: ("mlp", {"widths": widths}) for name, widths in self.widths.items()}
        config = shipping.config(self.recipe, "2d", self.prior, parts, "sampled afresh for every batch")
        networks = (shipping.rounded(twins[name]) for name in ("generator", "critic"))
        model = Model(config, self.prior, *networks, device=self.device)
        return model if self.honest else model.with_offset(calibration_offset(model, 20_000))

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """Quality of base and refined samples: a critic that refines nothing is found early."""
        model, n = self.model(), self.recipe.watch_samples
        quality = before_and_after(model, self.target, n, shipping.STATE_SEED, **REFINE)
        return {"offset": model.logit_offset, **flat(quality)}

    def finish(self) -> Model:
        model, n = self.model(), self.recipe.finish_samples
        quality = before_and_after(model, self.target, n, shipping.MEASUREMENT_SEED, **REFINE)
        model.config["quality"] = {"base": quality["base"], "DGflow(KL)": quality["refined"]}
        model.config["measurement"] = shipping.measurement("fresh samples of the data", n)
        return model


class PlanarTrainer(PlanarPair):
    """Trains one ``PlanarWGANGP``."""

    def __init__(self, recipe: PlanarWGANGP, target: Any, device: torch.device):
        super().__init__(recipe, target, device)
        for name, network in self.networks.items():
            self.adam(name, network.parameters(), recipe.learning_rate, recipe.betas)

    def learn(self, iteration: int, rng: torch.Generator) -> dict[str, float]:
        recipe, batch = self.recipe, self.recipe.batch
        pool = self.target.sample(batch * recipe.critic_steps, seed=(recipe.seed + 1) * 10**6 + iteration)

        def codes() -> torch.Tensor:
            return torch.randn(batch, 2, generator=rng).to(self.device)

        for real in torch.from_numpy(pool).to(self.device).split(batch):
            with torch.no_grad():
                fake = self.generator(codes())
            penalty = lipschitz(recipe.penalty, rng)
            loss, numbers = critic_objective(self.critic, real, fake, "wgan-gp", penalty)
            self.descend("critic", loss)
        with frozen(self.critic):
            self.descend("generator", generator_loss("wgan-gp", self.critic(self.generator(codes()))))
        return numbers


#: Where each run stops: base samples are still visibly wrong, and the critic mends them. Sets without modes
#: want half the width and ten times the penalty: such a critic can be followed for a hundred steps.
_CURVE = {"hidden": 256, "penalty": 1.0}
_OWN: dict[str, dict[str, Any]] = {
    "25gaussians": {"iterations": 1700},
    "8gaussians": {"iterations": 300},
    "swissroll": {"iterations": 800, **_CURVE},
    "moons": {"iterations": 200, **_CURVE},
    "checkerboard": {"iterations": 400, **_CURVE},
}

RECIPES = (
    *(
        PlanarWGANGP.called(f"{row.name}/wgan-gp", f"WGAN-GP on {row.title}", **_OWN.get(row.name, {}))
        for row in plane_datasets.datasets.values()
    ),
    # What too long a training does: the base is nearly right, and the sharp critic soon drives it off.
    PlanarWGANGP.called("swissroll/wgan-gp-overtrained", "WGAN-GP on Swiss roll, over-trained"),
)

"""WGAN-GP on planar data (Gulrajani et al. 2017), with the paper's networks (appendix D.1)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from dgflow_core.flow import priors
from dgflow_core.flow.driver import refine
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane import metrics as planar
from dgflow_core.nets.mlp import MLP
from dgflow_core.training.loop import NetworkTrainer, Recipe
from dgflow_core.zoo.model import Model, calibration_offset


class PlanarWGANGP(Recipe):
    """Fully connected WGAN-GP: ``hidden`` ReLU units × ``layers``, z ~ N(0, I₂).

    The gradient penalty is 0.1, as in Gulrajani's own toy experiments: with the 10 that the
    paper's text names, the critic is too flat to refine anything.
    """

    iterations: int = 1500
    hidden: int = 512
    layers: int = 3
    penalty: float = 0.1
    critic_steps: int = 5
    batch: int = 256
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.9)

    def trainer(self, device: torch.device, data_root: Path | None) -> PlanarTrainer:
        return PlanarTrainer(self, plane_datasets.get(self.dataset), device)


def gradient_penalty(critic, real: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
    """E[(‖∇d(x̂)‖ − 1)²] at x̂ uniform between real and generated points."""
    mix = torch.rand(len(real), generator=generator).to(real.device)
    mix = mix.reshape(-1, *[1] * (real.dim() - 1))
    between = (mix * real + (1 - mix) * fake).requires_grad_(True)
    (grad,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((grad.flatten(1).norm(dim=1) - 1) ** 2).mean()


class PlanarTrainer(NetworkTrainer):
    """Trains one ``PlanarWGANGP``. ``target`` is anything with ``sample(n, seed)``."""

    def __init__(self, recipe: PlanarWGANGP, target, device: torch.device):
        self.recipe, self.target, self.device = recipe, target, device
        torch.manual_seed(recipe.seed)
        widths = [2, *[recipe.hidden] * recipe.layers]
        self.generator = MLP([*widths, 2]).to(device)
        self.critic = MLP([*widths, 1]).to(device)
        self.prior = priors.make("normal", 2)
        self.networks = {"generator": self.generator, "critic": self.critic}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, betas=recipe.betas)
            for name, network in self.networks.items()
        }

    def step(self, iteration: int) -> dict[str, float]:
        recipe, batch = self.recipe, self.recipe.batch
        rng = priors.seeded(recipe.seed + 1, iteration)
        pool = self.target.sample(batch * recipe.critic_steps, seed=(recipe.seed + 1) * 10**6 + iteration)
        for real in torch.from_numpy(pool).to(self.device).split(batch):
            with torch.no_grad():
                fake = self.generator(torch.randn(batch, 2, generator=rng).to(self.device))
            real_logit, fake_logit = self.critic(torch.cat([real, fake])).split(batch)
            penalty = gradient_penalty(self.critic, real, fake, rng)
            loss = fake_logit.mean() - real_logit.mean() + recipe.penalty * penalty
            self.descend("critic", loss)
        fake = self.generator(torch.randn(batch, 2, generator=rng).to(self.device))
        self.critic.requires_grad_(False)
        self.descend("generator", -self.critic(fake).mean())
        self.critic.requires_grad_(True)
        return {
            "wasserstein": float((real_logit.mean() - fake_logit.mean()).detach()),
            "penalty": float(penalty.detach()),
            "logit_real": float(real_logit.mean().detach()),
            "logit_fake": float(fake_logit.mean().detach()),
        }

    def model(self) -> Model:
        """The networks as they are now, calibrated; copies, so that training can go on.

        Weights are rounded to half precision, so that what is measured is what ships.
        """
        recipe = self.recipe
        widths = [2, *[recipe.hidden] * recipe.layers]
        twins = []
        for net, last in ((self.generator, 2), (self.critic, 1)):
            twin = MLP([*widths, last])
            twin.load_state_dict({key: value.half().float() for key, value in net.state_dict().items()})
            twins.append(twin)
        config = {
            "title": recipe.title,
            "kind": "2d",
            "dataset": recipe.dataset,
            "prior": {"kind": "normal", "dim": 2},
            "generator": {"architecture": "mlp", "arguments": {"widths": [*widths, 2]}},
            "critic": {"architecture": "mlp", "arguments": {"widths": [*widths, 1]}},
            "recipe": recipe.model_dump(mode="json", exclude={"title", "dataset"}),
            "data": {"name": recipe.dataset, "source": "sampled afresh for every batch"},
            "seed": recipe.seed,
        }
        model = Model(config, self.prior, *twins, device=self.device)
        return model.with_offset(calibration_offset(model, 20_000))

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """Quality of base and refined samples: a critic that refines nothing is found early."""
        model = self.model()
        run = refine(model, "dgflow", n=1000, steps=100, seed=1)
        real = self.target.sample(1000, seed=7)
        numbers = {"offset": model.logit_offset}
        for label, points in (("base", run.samples[0]), ("refined", run.samples[-1])):
            measured = planar.summary(points.numpy(), real, self.target)
            numbers |= {f"{label}_{key}": value for key, value in measured.items()}
        return numbers

    def finish(self) -> Model:
        model = self.model()
        run = refine(model, "dgflow", n=5000, steps=100, seed=1)
        real = self.target.sample(5000, seed=7)
        model.config["quality"] = {
            label: {key: round(value, 4) for key, value in measured.items()}
            for label, measured in (
                ("base", planar.summary(run.samples[0].numpy(), real, self.target)),
                ("DGflow(KL)", planar.summary(run.samples[-1].numpy(), real, self.target)),
            )
        }
        return model


def _recipe(dataset: str, title: str, **changes) -> PlanarWGANGP:
    return PlanarWGANGP(name=f"{dataset}/wgan-gp", title=f"WGAN-GP on {title}", dataset=dataset, **changes)


#: Where each run stops: base samples are still visibly wrong, and the critic mends them.
_ITERATIONS = {"25gaussians": 1700, "swissroll": 1500, "8gaussians": 300, "moons": 1000, "checkerboard": 1000}

RECIPES = tuple(
    _recipe(row.name, row.title, iterations=_ITERATIONS.get(row.name, 1500))
    for row in plane_datasets.datasets.values()
)

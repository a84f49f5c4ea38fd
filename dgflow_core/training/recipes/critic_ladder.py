"""A ladder of critics (ours; not in the paper): a density ratio that does not go stale, without data.

DGflow follows the ratio of the samples as they were at first. Here each rung is a critic that was
taught to tell real images from the samples as they are after some steps of the flow under the rungs
before it; refinement then climbs the ladder. One critic learns all the way, a rung is what it knew on
average while the samples stood there: many short rungs keep up better than a few long ones.
"""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dgflow_core.fields.network import ExactField
from dgflow_core.flow.priors import seeded
from dgflow_core.methods import dgflow
from dgflow_core.methods.base import State
from dgflow_core.nets.ladder import CriticLadder
from dgflow_core.training import shipping
from dgflow_core.training.fresh_ratio import FreshRatio
from dgflow_core.training.image_trainer import ImageRecipe, ImageTrainer
from dgflow_core.training.network_trainer import averaged
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

#: Close where samples move fast.
STARTS = (1, 2, 3, 4, 5, 7, 9, 11, 13, 16, 19, 22, 26, 30, 35, 41)


class Ladder(ImageRecipe):
    """Critics for the shipped model ``base``; a rung learns the longer, the further samples have come.

    Attributes:
        starts: the step of the flow from which each rung serves. eta, gamma: of that flow, DGflow (KL).
        pool: samples that flow, and that the rungs learn to tell from real ones.
        rate: of Adam. penalty: weight of R1. ema: of a rung's weights, the average is what stays.
        width: of the rungs; where it is the base critic's, what learns begins as that one, else anew.
    """

    base: str
    starts: tuple[int, ...] = STARTS
    iterations: int = 1000
    eta: float = 0.2
    gamma: float = 0.01
    pool: int = 2048
    rate: float = 1e-4
    penalty: float = 0.1
    ema: float = 0.99
    half: bool = False
    watch_every: int = 1000
    watch_samples: int = 100
    marks: tuple[int, ...] = (4, 8, 16, 25, 35, 50)

    def needs(self) -> tuple[str, ...]:
        return (self.base,)

    def rung_at(self, iteration: int) -> int:
        """Which rung learns in ``iteration``, the first being 1."""
        spans = [max(1, this - last) for last, this in zip((0, *self.starts), self.starts, strict=False)]
        begun = (iteration - 1) * sum(spans) / self.iterations
        return sum(before <= begun for before in accumulate(spans[:-1]))

    def trainer(self, device: torch.device, data_root: Path | None) -> LadderTrainer:
        return LadderTrainer(self, device, data_root)


class LadderTrainer(ImageTrainer):
    """Trains one ``Ladder``, rung after rung.

    Attributes:
        codes: of the pool, as they are where the rung that learns now begins, (pool, dim).
    """

    def build(self) -> None:
        recipe = self.recipe
        self.base = shelf.load(recipe.base, self.device)
        self.prior = self.base.prior
        channels, side, _ = self.base.sample_shape
        slope = self.base.critic.arguments["slope"]
        starts = [start * recipe.eta for start in recipe.starts]
        self.ladder = CriticLadder(starts, channels, recipe.width, side, slope)
        self.ladder.to(self.device, memory_format=torch.channels_last)
        self.networks = {"ladder": self.ladder}
        self.rung, self.pool = -1, self.prior.sample(recipe.pool, recipe.seed).to(self.device)

    def learn(self, iteration: int, rng: torch.Generator) -> dict[str, float]:
        while self.rung < self.recipe.rung_at(iteration):
            self._begin(self.rung + 1)
        numbers = self.ratio.learn(self.batches, self.samples, rng)
        self.average.update_parameters(self.learner)
        return dict(zip(numbers, torch.stack([*numbers.values()]).tolist(), strict=True))

    def _begin(self, rung: int) -> None:
        """Let the pool flow to where ``rung`` begins."""
        starts = self.recipe.starts
        self.pool = self._flowed(self.pool, starts[rung - 1] if rung else 0, starts[rung])
        if rung == 0:
            self._make_learner()
            if self.base.critic.arguments == self.learner.arguments:
                self.learner.load_state_dict(self.base.critic.state_dict())
        self._look(rung)

    def _make_learner(self) -> None:
        twin = self.ladder.rungs[0]
        self.learner = type(twin)(**twin.arguments).to(self.device, memory_format=torch.channels_last)
        self.ratio = FreshRatio(self.learner, self.recipe.rate, self.recipe.batch, self.recipe.penalty)

    def _look(self, rung: int) -> None:
        """Let ``rung`` begin with the samples as they are now."""
        self.rung, self.samples = rung, self.base.generate(self.pool)
        self.average = averaged(self.learner, self.recipe.ema)

    def _flowed(self, codes: Tensor, first: int, last: int) -> Tensor:
        """``codes`` after the steps from ``first`` to ``last`` of the flow under the rungs there are."""
        recipe, model = self.recipe, self.model()
        settings = dgflow.DGflowSettings(eta=recipe.eta, gamma=recipe.gamma, steps=last)
        field = ExactField(model, "latent")
        state = State(codes, field.at(first * recipe.eta).evaluate(codes))
        for step in range(first + 1, last + 1):
            noise = seeded(recipe.seed, step)
            state = dgflow.step(field.at(step * recipe.eta), state, settings, noise)
        return state.points

    def _keep(self) -> None:
        """Put the rung that learns now into the ladder."""
        if self.rung >= 0:
            self.ladder.rungs[self.rung].load_state_dict(self.average.module.state_dict())

    def state(self) -> dict[str, Any]:
        self._keep()
        learning = {}
        if self.rung >= 0:
            learning = {
                "learner": self.learner.state_dict(),
                "average": self.average.state_dict(),
                "ratio": self.ratio.state(),
            }
        return {**super().state(), "rung": self.rung, "pool": self.pool, "learning": learning}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.pool, self.rung = state["pool"].to(self.device), state["rung"]
        if self.rung >= 0:
            self._make_learner()
            self._look(self.rung)
            self.learner.load_state_dict(state["learning"]["learner"])
            self.average.load_state_dict(state["learning"]["average"])
            self.ratio.restore(state["learning"]["ratio"])

    def model(self) -> Model:
        """The base model with the rungs that have learnt so far; copies of them."""
        self._keep()
        base, learnt = self.base, self.rung + 1
        own = self.ladder.arguments
        ladder = CriticLadder(**{**own, "starts": own["starts"][:learnt]}) if learnt else None
        if ladder is not None:
            ladder.to(self.device, memory_format=torch.channels_last)
            for ours, theirs in zip(ladder.rungs, self.ladder.rungs, strict=False):
                ours.load_state_dict(theirs.state_dict())
            ladder = shipping.rounded(ladder)
        parts = ("generator", "critic", "corrector")
        named = {
            part: (base.config[part]["architecture"], getattr(base, part))
            for part in parts
            if base.config.get(part)
        }
        if ladder is not None:
            named["ladder"] = ("critic_ladder", ladder)
        return Model(
            self.config(**named), self.prior, base.generator, base.critic, base.corrector,
            base.logit_offset, self.device, ladder,
        )  # fmt: skip


_LENT = {"starts": (0, *STARTS[1:])}  # another generator's critic is stale from the start

RECIPES = tuple(
    Ladder.called(f"{base}+ladder", f"{title} + ladder of critics", base=base, **own)
    for base, title, own in (
        ("cifar10/sndcgan-ns", "SN-DCGAN (ns)", {}),
        ("cifar10/sn-resnet", "SN-ResNet-GAN", _LENT),
        ("cifar10/mmd-gan", "MMD-GAN", _LENT),
        ("fashion_mnist/sndcgan-ns", "SN-DCGAN", {}),
    )
)

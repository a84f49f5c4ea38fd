"""A density ratio kept fresh while the flow goes, where real data are at hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.fields.network import Evaluation, ExactField
from dgflow_core.flow.priors import seeded
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.datasets.readers import to_unit
from dgflow_core.training.fresh_ratio import FreshRatio
from dgflow_core.zoo.model import Model


class OnlineField(ExactField):
    """(d, ∇d) of a critic that goes on learning: every look at moved points begins with some steps on them.

    The first look is with the model's own logit; from then on a copy of its critic learns. A field
    is for one run: it has seen that run's samples.

    Args:
        real: (n, generator) → real samples; ``data`` gives one for image models.
        steps: of the critic between two moves. rate: of Adam.
    """

    name = "online"

    def __init__(
        self,
        model: Model,
        space: str,
        real: Callable[[int, torch.Generator], Tensor],
        steps: int = 10,
        rate: float = 1e-4,
        seed: int = 0,
    ):
        super().__init__(model, space)
        self.real, self.steps, self.seed = real, steps, seed
        self.looks = 0
        self.ratio = FreshRatio(copy.deepcopy(model.critic), rate)

    def at(self, time: float) -> OnlineField:
        return self

    def evaluate(self, points: Tensor) -> Evaluation:
        """d, ∇d and the samples at ``points`` (n, *shape), after the critic has met them."""
        self.looks += 1
        if self.looks == 1:
            return super().evaluate(points)
        samples = points if self.space == "data" else self.model.generate(points)
        rng = seeded(self.seed + 3, self.looks)
        for _ in range(self.steps):
            self.ratio.learn(self.real, samples, rng)
        return ExactField(self.model.judged_by(self.ratio.critic.eval()), self.space).evaluate(points)


def data(model: Model, root: Path | str | None) -> Callable[[int, torch.Generator], Tensor]:
    """Real training images of ``model``'s data set, drawn with replacement, in [−1, 1].

    Raises:
        UserError: the model is none of a set of images, or the root does not hold it.
    """
    if model.kind != "image":
        raise UserError(f"model must be one of images for an online ratio, not {model.name}.")
    images = image_datasets.get(model.dataset).load(root, train=True)[0]

    def draw(n: int, rng: torch.Generator) -> Tensor:
        return to_unit(images[torch.randint(len(images), (n,), generator=rng)]).to(model.device)

    return draw

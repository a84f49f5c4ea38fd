"""What a recipe is, and what its trainer offers the loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from dgflow_core.zoo.model import Model

#: What is logged, by name: scalars, still on their device until somebody reads them.
Numbers = dict[str, float | Tensor]


class Recipe(BaseModel, ABC):
    """How a model is made: frozen, named like the model it makes.

    Every field is written to the config of the model it makes.

    Attributes:
        name: ``<dataset>/<model>``. title: what pages call the model.
        iterations: how many steps its trainer takes.
        watch_every: iterations between two measurements while training.
        watch_samples, finish_samples: how many samples each of them takes, and the last one.
        can_be_extended: what happens at an iteration does not hang on how many there are in all, so
            that a run can go on to more of them.
        counts: the fields that count iterations, all of which a longer run stretches.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, extra="forbid")
    can_be_extended: ClassVar[bool] = False
    counts: ClassVar[tuple[str, ...]] = ("iterations",)
    name: str
    title: str
    dataset: str
    iterations: int
    watch_every: int = 250
    watch_samples: int = 1000
    finish_samples: int = 5000
    seed: int = 0

    @classmethod
    def called(cls, name: str, title: str, **settings: Any) -> Self:
        """The recipe of the model ``name``, on the data set that the name begins with."""
        return cls(name=name, title=title, dataset=name.split("/")[0], **settings)

    def lasting(self, iterations: int) -> Self:
        """The same recipe, its phases stretched or shrunk to so many ``iterations``."""
        longer = iterations / self.iterations
        counts = {name: getattr(self, name) for name in (*self.counts, "watch_every")}
        return self.model_copy(
            update={name: max(min(1, count), round(longer * count)) for name, count in counts.items()}
        )

    def needs(self) -> tuple[str, ...]:
        """Names of the models that must be there when it begins."""
        return ()

    def lenders(self) -> tuple[str, ...]:
        """Names of the models that must be there before it ends."""
        return self.needs()

    @abstractmethod
    def trainer(self, device: torch.device, data_root: Path | None) -> Trainer:
        """What runs this recipe, on ``device``, reading data from ``data_root`` where it needs any."""


class Trainer(Protocol):
    """What a recipe's trainer offers the loop."""

    recipe: Recipe

    def step(self, iteration: int) -> Numbers:
        """One iteration (the first is 1); returns the losses and logit statistics to log."""

    def state(self) -> dict[str, Any]:
        """Everything a later run needs to go on exactly here: tensors, numbers, strings, dicts, lists."""

    def restore(self, state: dict[str, Any]) -> None:
        """Be as ``state()`` was; KeyError, RuntimeError or ValueError where it is not of this trainer."""

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """A measurement for the log, taken every ``watch_every`` iterations and at the last."""

    def finish(self) -> Model:
        """The trained model, calibrated, its config complete."""

"""The training loop that every recipe shares: progress, log, checkpoints, resuming."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from tqdm import tqdm

from dgflow_core.zoo.model import Model

CHECKPOINT, LOG = "checkpoint.pt", "log.jsonl"


class Recipe(BaseModel, ABC):
    """How a model is made: frozen, named like the model it makes.

    Every field is written to the config of the model it makes.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, extra="forbid")
    watch_every: ClassVar[int] = 250  # iterations between two measurements while training
    name: str
    title: str
    dataset: str
    iterations: int
    seed: int = 0

    @abstractmethod
    def trainer(self, device: torch.device, data_root: Path | None) -> Trainer:
        """What runs this recipe, on ``device``, reading data from ``data_root`` where it needs any."""


class Trainer(Protocol):
    """What a recipe's trainer offers the loop."""

    def step(self, iteration: int) -> dict[str, float]:
        """One iteration; returns the losses and logit statistics to log."""

    def state(self) -> dict[str, Any]:
        """Everything a later run needs to go on exactly here."""

    def restore(self, state: dict[str, Any]) -> None: ...

    def watch(self, iteration: int, folder: Path) -> dict[str, float]:
        """A measurement for the log, taken every ``watch_every`` iterations."""

    def finish(self) -> Model:
        """The trained model, calibrated, its config complete."""


class NetworkTrainer:
    """What trainers of networks share: a step down a loss, and their state.

    Attributes, set by the subclass:
        networks, optimizers: what training moves, and what moves it, by name; saved and restored.
    """

    networks: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]

    def descend(self, name: str, loss: Tensor) -> None:
        """One step of the optimiser called ``name`` down ``loss``."""
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[name].step()

    def state(self) -> dict[str, Any]:
        return {
            part: {name: one.state_dict() for name, one in getattr(self, part).items()}
            for part in ("networks", "optimizers")
        }

    def restore(self, state: dict[str, Any]) -> None:
        for part in ("networks", "optimizers"):
            for name, one in getattr(self, part).items():
                one.load_state_dict(state[part][name])


def steps(
    recipe: Recipe,
    trainer: Trainer,
    folder: Path,
    *,
    watch_every: int = 250,
    save_every: int = 250,
    stop: Callable[[], bool] | None = None,
) -> Iterator[tuple[int, dict[str, float]]]:
    """Train from the last checkpoint in ``folder``, yielding (iteration, numbers) as it goes.

    A recipe with a ``start_from`` begins with the networks of that recipe's last checkpoint.

    A checkpoint is written every ``save_every`` iterations and when the caller stops, never in
    the middle of one; a run that is started again goes on from it.

    Raises:
        ValueError: the checkpoint belongs to another recipe, or the one to start from is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CHECKPOINT
    identity = recipe.model_dump(mode="json", exclude={"iterations"})
    first = 0
    if path.exists():
        saved = torch.load(path, weights_only=True)
        if saved["recipe"] != identity:
            raise ValueError(
                f"run folder {folder.name!r} holds a checkpoint of another recipe; name an empty one."
            )
        trainer.restore(saved["trainer"])
        first = saved["iteration"]
    elif source := getattr(recipe, "start_from", None):
        earlier = folder.parents[len(Path(recipe.name).parts) - 1] / source / CHECKPOINT
        if not earlier.exists():
            raise ValueError(
                f"recipe {recipe.name} goes on from {source}: train that first, in the same runs-dir."
            )
        trainer.start(torch.load(earlier, weights_only=True)["trainer"])

    def save(iteration: int) -> None:
        scratch = path.with_suffix(".tmp")  # replaced in one move: a kill leaves the old one
        torch.save({"recipe": identity, "iteration": iteration, "trainer": trainer.state()}, scratch)
        scratch.replace(path)

    iteration = done = first
    started = time.monotonic()
    try:
        for iteration in range(first + 1, recipe.iterations + 1):
            numbers = trainer.step(iteration)
            done = iteration
            if iteration % watch_every == 0 or iteration == recipe.iterations:
                numbers |= trainer.watch(iteration, folder)
                line = {"iteration": iteration, "seconds": round(time.monotonic() - started, 1), **numbers}
                with (folder / LOG).open("a") as log:
                    log.write(json.dumps(line) + "\n")
            if iteration % save_every == 0:
                save(iteration)
            yield iteration, numbers
            if stop and stop():
                break
    finally:
        if done == iteration > first and done % save_every:
            save(done)


def train(
    recipe: Recipe,
    folder: Path,
    device: torch.device,
    data_root: Path | None = None,
    stop: Callable[[], bool] | None = None,
) -> Model | None:
    """Run ``recipe`` to its end with a progress bar and return the finished model.

    ``stop`` is asked after every iteration; where it ends the run, None is returned.
    """
    torch.manual_seed(recipe.seed)
    trainer = recipe.trainer(device, data_root)
    iteration = 0
    torch.set_flush_denormal(True)  # dead activations would slow a CPU down several times
    try:
        with tqdm(total=recipe.iterations, desc=recipe.name, dynamic_ncols=True) as bar:
            run = steps(recipe, trainer, folder, watch_every=recipe.watch_every, stop=stop)
            for iteration, numbers in run:
                bar.update(iteration - bar.n)
                if iteration % 10 == 0:
                    bar.set_postfix({key: f"{value:.3g}" for key, value in numbers.items()})
    finally:
        torch.set_flush_denormal(False)
    stopped = stop is not None and stop() and iteration < recipe.iterations
    return None if stopped else trainer.finish()

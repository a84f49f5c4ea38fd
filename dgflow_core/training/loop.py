"""The training loop that every recipe shares: progress, log, checkpoints, resuming."""

from __future__ import annotations

import json
import math
import pickle
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from dgflow_core.errors import UserError
from dgflow_core.training.recipe import Numbers, Recipe, Trainer
from dgflow_core.zoo.model import Model

CHECKPOINT, LOG = "checkpoint.pt", "log.jsonl"
#: Raised by one whenever what trainers save changes shape.
LAYOUT = 2
#: The share of the pace at first that a run counts on to the end: measuring takes its part, too.
PACE = 0.85


class TrainingRun:
    """One run of a recipe in a folder of its own: it begins there, or goes on where it stopped.

    A checkpoint is written every ``save_every`` iterations and when the caller stops, never in
    the middle of one.

    Attributes:
        iteration: the last one that is done. seconds: of training, over all the times it was begun.

    Raises:
        UserError: the folder's checkpoint belongs to another recipe, to other ``iterations`` on which
            it depends, or to an older version.
    """

    def __init__(self, recipe: Recipe, trainer: Trainer, folder: Path, save_every: int = 250):
        self.recipe, self.trainer, self.folder, self.save_every = recipe, trainer, folder, save_every
        self.iteration, self.seconds = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / CHECKPOINT).exists():
            self._resume()

    def __iter__(self) -> Iterator[tuple[int, Numbers]]:
        """Train, yielding (iteration, numbers); leaving the loop between two of them saves."""
        for iteration in range(self.iteration + 1, self.recipe.iterations + 1):
            began = time.monotonic()
            numbers = self.trainer.step(iteration)
            watched = iteration % self.recipe.watch_every == 0 or iteration == self.recipe.iterations
            if watched:
                numbers |= self.trainer.watch(iteration, self.folder)
            self.iteration, self.seconds = iteration, self.seconds + time.monotonic() - began
            if watched:
                self._log(numbers)
            if iteration % self.save_every == 0:
                self.save()
            try:
                yield iteration, numbers
            except GeneratorExit:  # the caller leaves here
                self.save()
                raise
        self.save()

    def save(self) -> None:
        """Write the checkpoint, in one move: a kill leaves the old one whole."""
        path = self.folder / CHECKPOINT
        scratch = path.with_suffix(".tmp")
        saved = {
            "layout": LAYOUT,
            "recipe": self.recipe.model_dump(mode="json"),
            "iteration": self.iteration,
            "seconds": self.seconds,
            "trainer": self.trainer.state(),
        }
        torch.save(saved, scratch)
        scratch.replace(path)

    def _log(self, numbers: Numbers) -> None:
        read = {name: float(number) for name, number in numbers.items()}
        line = {"iteration": self.iteration, "seconds": round(self.seconds, 1), **read}
        with (self.folder / LOG).open("a") as log:
            log.write(json.dumps(line) + "\n")

    def _resume(self) -> None:
        saved = _read(self.folder / CHECKPOINT)
        ours, theirs = self.recipe.model_dump(mode="json"), dict(saved["recipe"])
        asked, begun_for = ours.pop("iterations"), theirs.pop("iterations")
        place = f"run folder {self.folder.name!r}"
        if ours != theirs:
            raise UserError(f"{place} holds a checkpoint of another recipe; name an empty one.")
        if asked != begun_for and not self.recipe.can_be_extended:
            raise UserError(
                f"iterations: {place} was begun for {begun_for:,}, and the rates and phases of "
                f"{self.recipe.name} hang on how many there are; go on with {begun_for:,}, or name an "
                f"empty one for {asked:,}."
            )
        if asked < saved["iteration"]:
            raise UserError(
                f"iterations: {place} has done {saved['iteration']:,} already; ask for as many or more."
            )
        try:
            self.trainer.restore(saved["trainer"])
        except (KeyError, RuntimeError, ValueError):
            raise UserError(
                f"run folder {self.folder.name!r} holds a checkpoint of other networks; name an empty one."
            ) from None
        self.iteration, self.seconds = saved["iteration"], saved["seconds"]


def _read(path: Path) -> dict[str, Any]:
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError):
        raise UserError(
            f"run folder {path.parent.name!r}: {path.name} is damaged; name an empty one."
        ) from None
    if not isinstance(saved, dict) or saved.get("layout") != LAYOUT:
        raise UserError(
            f"run folder {path.parent.name!r} holds a checkpoint of another version of DGflow Explorer, "
            "which this one cannot go on from; name an empty one."
        )
    return saved


def fitted(recipe: Recipe, folder: Path, trial: Trainer, deadline: float) -> Recipe:
    """``recipe`` with as many iterations as end before ``deadline`` (of ``time.monotonic``).

    A run in ``folder`` that was begun keeps its own number. Else ``trial``, a trainer of its own, runs
    for a twentieth of the time to find the pace, of which ``PACE`` is counted on.
    """
    if (folder / CHECKPOINT).exists():
        return recipe.lasting(_read(folder / CHECKPOINT)["recipe"]["iterations"])
    spell = (deadline - time.monotonic()) / 20
    iteration = 0
    for until in (time.monotonic() + spell / 2, time.monotonic() + spell):  # the first half warms up
        began, before = time.monotonic(), iteration
        while time.monotonic() < until or iteration == before:
            iteration += 1
            numbers = trial.step(min(iteration, recipe.iterations))
        _ = [float(number) for number in numbers.values()]  # waits for the device
        pace = (iteration - before) / (time.monotonic() - began)
    return recipe.lasting(max(1, int(PACE * pace * (deadline - time.monotonic()))))


def train(
    recipe: Recipe,
    folder: Path,
    device: torch.device,
    data_root: Path | None = None,
    stop: Callable[[], bool] | None = None,
    seconds: float | None = None,
) -> Model | None:
    """Run ``recipe`` to its end with a progress bar and return the finished model.

    With ``seconds`` it has as many iterations as this machine does in that time, and ends by then with
    what there is (``iterations_done`` in the model's config, if fewer). ``stop`` is asked after every
    iteration; where it ends the run, None is returned. The config says how many seconds the training took
    (``training_seconds``), measurements on the way included, over all the times it was begun, and what was
    chosen on which samples (``selection``).
    """
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    torch.set_flush_denormal(True)  # dead activations would slow a CPU down several times
    try:
        if seconds is not None:
            recipe = fitted(recipe, folder, recipe.trainer(device, data_root), deadline)
        torch.manual_seed(recipe.seed)
        trainer = recipe.trainer(device, data_root)
        run = TrainingRun(recipe, trainer, folder, save_every=max(250, recipe.iterations // 50))
        with tqdm(total=recipe.iterations, desc=recipe.name, dynamic_ncols=True) as bar:
            for iteration, numbers in run:
                bar.update(iteration - bar.n)
                if iteration % 10 == 0:
                    bar.set_postfix({key: f"{float(value):.3g}" for key, value in numbers.items()})
                if (stop and stop()) or time.monotonic() > deadline:
                    break
    finally:
        torch.set_flush_denormal(False)
    if run.iteration < recipe.iterations and time.monotonic() <= deadline:
        return None
    model = run.trainer.finish()
    model.config.setdefault("selection", {"note": "nothing was chosen: the last state ships"})
    model.config["training_seconds"] = round(run.seconds, 1)
    if run.iteration < recipe.iterations:
        model.config["iterations_done"] = run.iteration
    return model

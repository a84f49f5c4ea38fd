"""The process that the Draw page starts: a small GAN on a drawing, and its critic made a density ratio.

    python -m dgflow_core.training.drawn

Two stages. A WGAN-GP learns the drawing for a moment: its samples lie about right, many of them beside the
ink. Then the generator stays as it is, and the critic learns to tell its samples from the drawing by the
logistic loss, both blurred by normal noise of up to ``BLUR``: its logit becomes the log density ratio that
DGflow follows, smooth enough to lead back whatever lies between the lines.

Standard input: one ``Request`` as a line of JSON; each further line ends the stage that is under way. When
the input ends, whoever asked is gone, and the process ends at once, as it does when nobody reads its output.
Standard output, a line of JSON each: a ``report`` now and then, and at last {"packed", "before", "after"}
(``live_world.pack``, base64; what was measured of base and refined samples). Exit code 0; 2 after a request
that cannot be served, with a sentence on standard error. A process of its own uses one core, never slows the
server's pages, and can be ended at any time.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field

from dgflow_core.fields.table import TabulatedField
from dgflow_core.flow import priors
from dgflow_core.flow.driver import refine
from dgflow_core.kinds.plane.drawn_points import Drawing
from dgflow_core.kinds.plane.metrics import off_support, sliced_wasserstein
from dgflow_core.kinds.plane.reference import PlaneReference
from dgflow_core.pictures import live_world as live
from dgflow_core.training.adversarial import critic_objective
from dgflow_core.training.recipes.planar_gan import PlanarTrainer, PlanarWGANGP

#: Samples shown while the training goes, and how often they are sent in each stage (seconds).
WATCHED, EVERY = 800, {"game": 0.4, "ratio": 1.5}
HIDDEN, RATE = 128, 1e-3
#: Iterations of the critic alone; the standard deviation of the widest blur, in data units; the batch.
ALONE, BLUR, BATCH = 2000, 0.4, 256
#: The part of the time that the game may take.
GAME = 0.4
#: How the samples are refined: small steps, few enough to stop before the stale ratio's mistakes matter.
CALM = {"eta": 0.003, "steps": 50}
MEASURED = 2000
WRONG, GONE = 2, 3  # exit codes: a request that cannot be served; whoever asked is gone


class Request(BaseModel):
    """What is asked for: the ink as ``Drawing.parse`` reads it, and the most it may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    drawing: str
    iterations: int = Field(ge=1)
    seconds: float = Field(gt=0)


class DrawnTrainer(PlanarTrainer):
    """The game on a drawing, and after it the critic alone."""

    def __init__(self, recipe: PlanarWGANGP, drawing: Drawing):
        super().__init__(recipe, drawing, torch.device("cpu"))
        self.rng = priors.seeded(recipe.seed, 2)
        self.real = PlaneReference(drawing)

    def begin_alone(self) -> None:
        """From now on the critic learns by itself, its rate falling to a twentieth."""
        self.adam("ratio", self.critic.parameters(), RATE, (0.5, 0.9))

    def alone(self, share: float) -> None:
        """One step of the critic against the generator as it is; ``share`` of the way is done."""
        for group in self.optimizers["ratio"].param_groups:
            group["lr"] = RATE * (1 - 0.95 * share)
        chosen = torch.randint(0, len(self.real.many), (BATCH,), generator=self.rng)
        real = torch.from_numpy(self.real.many)[chosen]
        with torch.no_grad():
            fake = self.generator(torch.randn(BATCH, 2, generator=self.rng))

        def blurred(points: torch.Tensor) -> torch.Tensor:
            width = BLUR * torch.rand(BATCH, 1, generator=self.rng)
            return points + width * torch.randn(BATCH, 2, generator=self.rng)

        loss, _ = critic_objective(self.critic, blurred(real), blurred(fake), "ns")
        self.descend("ratio", loss)

    def path(self, n: int, seed: int) -> torch.Tensor:
        """``n`` samples at every step of their refinement, (steps + 1, n, 2)."""
        return refine(self.model(), n=n, seed=seed, method="dgflow", gamma=0.01, **CALM).samples

    def measured(self, points: torch.Tensor) -> dict[str, float]:
        """How points (n, 2) fit the drawing: "off" it in percent, and the sliced "distance" to it."""
        frames = points.numpy()[None]
        off, away = off_support(frames, self.real)[0], sliced_wasserstein(frames, self.real)[0]
        return {"off": round(float(off), 2), "distance": round(float(away), 4)}

    def report(self, stage: str, iteration: int) -> dict[str, Any]:
        """Where the training is, and its samples, refined where the critic is at it: thousandths, flat."""
        watched = self.prior.sample(WATCHED, 5)
        with torch.no_grad():
            points = self.generator(watched) if stage == "game" else self.path(WATCHED, 5)[-1]
        samples = points.mul(1000).round().int().flatten().tolist()
        return {"stage": stage, "iteration": iteration, "samples": samples, **self.measured(points)}


def trainer(drawing: Drawing, iterations: int) -> DrawnTrainer:
    """What trains on ``drawing``."""
    recipe = PlanarWGANGP(
        name="drawing/wgan-gp", title="GAN on your drawing", dataset="drawing", hidden=HIDDEN,
        iterations=iterations, critic_steps=3, learning_rate=RATE, penalty=1.0,
    )  # fmt: skip
    return DrawnTrainer(recipe, drawing)


def train(
    drawing: Drawing, iterations: int, seconds: float, stop: threading.Event
) -> Iterator[dict[str, Any]]:
    """Train on ``drawing``, yielding progress, and at last what the live canvas shows of the model.

    Args:
        iterations: the most iterations of the game; ``seconds``: the most time of it all. stop: ends the
            stage under way.
    """
    one = trainer(drawing, iterations)
    began = time.monotonic()
    for stage, count, until in (("game", iterations, GAME * seconds), ("ratio", ALONE, seconds)):
        if stage == "ratio":
            one.begin_alone()
        entered = said = time.monotonic()
        for iteration in range(1, count + 1):
            if stage == "game":
                one.step(iteration)
            else:
                hurried = (time.monotonic() - entered) / (began + until - entered)
                one.alone(min(1.0, max(iteration / count, hurried)))
            now = time.monotonic()
            last = iteration == count or stop.is_set() or now - began > until
            if last or iteration == 1 or now - said > EVERY[stage]:
                yield one.report(stage, iteration)
                said = time.monotonic()
            if last:
                stop.clear()
                break
    model, path = one.model(), one.path(MEASURED, 9)
    fields = {space: TabulatedField(model, space, size=live.SIZE, keep=False) for space in ("data", "latent")}
    packed = live.pack(model, fields, target=drawing, defaults=CALM)
    yield {
        "packed": base64.b64encode(packed).decode(),
        "before": one.measured(path[0]),
        "after": one.measured(path[-1]),
    }


def main() -> int:
    torch.set_num_threads(1)
    try:
        request = Request.model_validate_json(sys.stdin.readline())
        drawing = Drawing.parse(request.drawing)
    except ValueError as error:  # pydantic's are such, too
        print(str(error).splitlines()[0], file=sys.stderr)
        return WRONG
    stop = threading.Event()

    def listen() -> None:
        for _ in sys.stdin:
            stop.set()
        os._exit(GONE)  # from this thread: the main one may be deep in a computation

    threading.Thread(target=listen, daemon=True).start()
    try:
        for row in train(drawing, request.iterations, request.seconds, stop):
            print(json.dumps(row), flush=True)
    except BrokenPipeError:
        os._exit(GONE)
    return 0


if __name__ == "__main__":
    sys.exit(main())

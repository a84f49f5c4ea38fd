"""The process that the Draw page starts: a small WGAN-GP on a drawing.

    python -m dgflow_core.training.drawn

Standard input: one ``Request`` as a line of JSON, then at most one more line, which asks to stop at
what there is. When the input ends, whoever asked is gone, and the process ends at once, as it does when
nobody reads its output. Standard output, a line of JSON each: {"iteration", "distance", "samples"} as it
goes, and at last {"packed"} (``live_world.pack``, base64). Exit code 0; 2 after a request that cannot be
served, with a sentence on standard error. A process of its own uses one core, never slows the server's
pages, and can be ended at any time.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field

from dgflow_core.fields.table import TabulatedField
from dgflow_core.kinds.plane.drawn_points import Drawing
from dgflow_core.pictures import live_world as live
from dgflow_core.training.recipes.planar_gan import PlanarTrainer, PlanarWGANGP

#: Samples shown while the training goes, and how often they are sent (seconds).
WATCHED, EVERY = 800, 0.4
HIDDEN = 128
WRONG, GONE = 2, 3  # exit codes: a request that cannot be served; whoever asked is gone


class Request(BaseModel):
    """What is asked for: the ink as ``Drawing.parse`` reads it, and the most it may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    drawing: str
    iterations: int = Field(ge=1)
    seconds: float = Field(gt=0)


def train(
    drawing: Drawing, iterations: int, seconds: float, stopped: Callable[[], bool]
) -> Iterator[dict[str, Any]]:
    """Train on ``drawing``, yielding progress, and at last what the live canvas shows of the model.

    Args:
        iterations: the most iterations; ``seconds``: the most time. stopped: asked after each.
    """
    recipe = PlanarWGANGP(
        name="drawing/wgan-gp", title="WGAN-GP on your drawing", dataset="drawing", hidden=HIDDEN,
        iterations=iterations, critic_steps=3, learning_rate=1e-3,
    )  # fmt: skip
    trainer = PlanarTrainer(recipe, drawing, torch.device("cpu"))
    watched = trainer.prior.sample(WATCHED, 5)
    began = said = time.monotonic()
    for iteration in range(1, iterations + 1):
        numbers = trainer.step(iteration)
        now = time.monotonic()
        last = iteration == iterations or stopped() or now - began > seconds
        if last or iteration == 1 or now - said > EVERY:
            said = now
            with torch.no_grad():
                samples = trainer.generator(watched).mul(1000).round().int().flatten().tolist()
            yield {"iteration": iteration, "distance": numbers["wasserstein"], "samples": samples}
        if last:
            break
    model = trainer.model()
    fields = {space: TabulatedField(model, space, size=live.SIZE, keep=False) for space in ("data", "latent")}
    # The critic is young: small steps show what it knows, few of them stop before its mistakes matter.
    calm = {"eta": 0.005, "steps": 60}
    packed = live.pack(model, fields, real=drawing.sample(2000, 7), defaults=calm)
    yield {"packed": base64.b64encode(packed).decode()}


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
        if not sys.stdin.readline():
            os._exit(GONE)  # from this thread: the main one may be deep in a computation
        stop.set()
        if not sys.stdin.readline():
            os._exit(GONE)

    threading.Thread(target=listen, daemon=True).start()
    try:
        for row in train(drawing, request.iterations, request.seconds, stop.is_set):
            print(json.dumps(row), flush=True)
    except BrokenPipeError:
        os._exit(GONE)
    return 0


if __name__ == "__main__":
    sys.exit(main())

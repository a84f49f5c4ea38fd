"""A small WGAN-GP on a drawing, trained in a process of its own.

    python -m dgflow_core.training.drawn < request

The first line of standard input is a JSON object {"drawing", "iterations", "seconds"}; any further
line, or the end of the input, stops the training at what it has. Every line of standard output is
a JSON object: {"iteration", "distance", "samples"} as it goes, {"packed"} (``scene.live.pack``,
base64) at the end. A process of its own uses one core, never slows the server's pages, and can be
ended at any time.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from dgflow_core.fields.table import TabulatedField
from dgflow_core.kinds.plane.drawing import Drawing
from dgflow_core.pictures import live_world as live
from dgflow_core.training.recipes.planar_gan import PlanarTrainer, PlanarWGANGP

#: Samples shown while the training goes, and how often they are sent (seconds).
WATCHED, EVERY = 800, 0.4
HIDDEN = 128


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


def main() -> None:
    torch.set_num_threads(1)
    request = json.loads(sys.stdin.readline())
    stop = threading.Event()

    def listen() -> None:
        sys.stdin.readline()
        stop.set()

    threading.Thread(target=listen, daemon=True).start()
    drawing = Drawing.parse(request["drawing"])
    for row in train(drawing, request["iterations"], request["seconds"], stop.is_set):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()

"""The process that the Grow page starts: VGrow on a planar data set, one or several divergences at once.

    python -m dgflow_core.training.grown

Standard input and output as in ``drawn``: one ``Request`` as a line of JSON, a second line asks to
stop. Out come lines of JSON, {"divergence", "record"} after every outer loop: the frames of that loop as
``GrowthRecord.content`` in base64. Every divergence starts from the same networks and takes its turn.
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

from dgflow_core.flow.divergences import DivergenceKey
from dgflow_core.flow.priors import seeded
from dgflow_core.kinds.plane import datasets
from dgflow_core.training.growth_record import Recorder
from dgflow_core.training.recipes.planar_vgrow import PlanarVGrow, PlanarVGrowTrainer

HIDDEN = 64
WRONG, GONE = 2, 3  # exit codes: a request that cannot be served; whoever asked is gone


class Request(BaseModel):
    """What is asked for: a data set, divergences, the seed, and the most seconds it may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dataset: str
    divergences: tuple[DivergenceKey, ...] = Field(min_length=1, max_length=4)
    seed: int = Field(0, ge=0, le=2**31 - 1)
    seconds: float = Field(gt=0)


def grow(request: Request, stopped: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    """Grow a generator for each divergence, loop by loop in turns, yielding what each loop showed."""
    target, began, recorders = datasets.get(request.dataset), time.monotonic(), []
    for divergence in request.divergences:
        recipe = PlanarVGrow.called(
            f"{request.dataset}/live", "VGrow", divergence=divergence, seed=request.seed, hidden=HIDDEN
        )
        recorders.append(Recorder(PlanarVGrowTrainer(recipe, target, torch.device("cpu"))))
    loop = 0
    while not stopped() and time.monotonic() - began < request.seconds:
        loop += 1
        for divergence, recorder in zip(request.divergences, recorders, strict=True):
            recorder.loop(loop, seeded(request.seed + 1, loop))
            content = base64.b64encode(recorder.record.content()).decode()
            yield {"divergence": divergence, "record": content}
            recorder.clear()


def main() -> int:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        request = Request.model_validate_json(sys.stdin.readline())
        datasets.get(request.dataset)
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
        for row in grow(request, stop.is_set):
            print(json.dumps(row), flush=True)
    except BrokenPipeError:
        os._exit(GONE)
    return 0


if __name__ == "__main__":
    sys.exit(main())

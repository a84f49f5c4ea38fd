"""What one person may ask of the server in one run, in bytes and seconds, said before any work is done."""

from __future__ import annotations

import math
import os
from bisect import bisect
from collections.abc import Callable
from typing import Any

import dgflow_core as dg
from dgflow_core import kinds
from dgflow_core.errors import UserError
from dgflow_core.flow import price
from dgflow_core.pictures.formats import Format
from dgflow_core.pictures.picture import Picture
from dgflow_core.pictures.sheet import Look

#: The most bytes that models, tables, finished runs and pictures of all sessions may hold together.
MEMORY = int(float(os.environ.get("DGFLOW_MEMORY") or 400) * 2**20)
#: The most bytes that a run of each kind may hold: positions, samples and logits of all its steps.
RUN = {
    kind: min(most * 2**20, 2 * MEMORY // 3) for kind, most in {"2d": 40, "image": 256, "text": 64}.items()
}
#: The most seconds of one core that a run may cost.
SECONDS = float(os.environ.get("DGFLOW_SECONDS") or 120)


def row_bytes(model: dg.Model, space: str) -> int:
    """The bytes that a run keeps of one sample at one step."""
    position, sample = math.prod(model.dim(space)), math.prod(model.sample_shape)
    if model.kind == "text":
        return 4 * position + 2 * model.sample_shape[0] + 4  # symbols and confidence are a byte each
    return 4 * (position + (sample if space == "latent" else 0) + 1)


def check(model: dg.Model, settings: dict[str, Any], tabulated: bool = False) -> None:
    """Refuse a run that is too large or too long for the server, before anything is allocated.

    Raises:
        UserError: one sentence that says what would fit.
    """
    n, steps = settings["n"], settings["steps"]
    most = kinds.of(model).limits
    for name, value, top in (("n", n, most.n), ("steps", steps, most.steps)):
        if value > top:
            raise UserError(f"{name} must be at most {top:,} here, not {value:,}.")
    row = row_bytes(model, settings["space"])

    def size(n: int, steps: int) -> float:
        return n * (steps + 1) * row

    def cost(n: int, steps: int) -> float:
        return price.seconds(model, {**settings, "n": n, "steps": steps}, tabulated)

    for measure, words, verb, limit in (
        (size, _mb, "hold", RUN[model.kind]),
        (cost, _time, "take", SECONDS),
    ):
        asked = measure(n, steps)
        if asked > limit:
            fits = _fitting(measure, limit, n, steps)
            raise UserError(
                f"n × steps is too much here: this run would {verb} {words(asked)}, at most {words(limit)} "
                f"fit{': ' + ' or '.join(fits) + ' would' if fits else ''}."
            )


def check_export(picture: Picture, form: Format, look: Look) -> None:
    """Refuse a file that would take too long to make, before anything is drawn.

    Raises:
        UserError: one sentence that says what it would cost.
    """
    asked = form.seconds(picture, look)
    if asked > SECONDS:
        raise UserError(
            f"{form.suffix.upper()} is too much here: this file would take {_time(asked)}, at most "
            f"{_time(SECONDS)} fit; choose a smaller height, or fewer steps."
        )


def _fitting(measure: Callable[[int, int], float], limit: float, n: int, steps: int) -> list[str]:
    """What would fit: fewer samples with as many steps, fewer steps with as many samples."""
    some = bisect(range(1, n), limit, key=lambda fewer: measure(fewer, steps))
    few = bisect(range(1, steps), limit, key=lambda fewer: measure(n, fewer))
    fits = [f"n = {some:,} with {steps:,} steps"] if some else []
    return fits + ([f"{few:,} steps with n = {n:,}"] if few else [])


def _time(seconds: float) -> str:
    return f"{seconds:,.0f} s"


def _mb(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"

"""What one person may ask of the server in one run, in bytes, said before any work is done."""

from __future__ import annotations

import math
from typing import Any

import dgflow_core as dg
from dgflow_core import kinds
from dgflow_core.errors import UserError

#: The most bytes that a run of each kind may hold: positions, samples and logits of all its steps.
RUN = {"2d": 40 * 2**20, "image": 256 * 2**20, "text": 64 * 2**20}


def row_bytes(model: dg.Model, space: str) -> int:
    """The bytes that a run keeps of one sample at one step."""
    position, sample = math.prod(model.dim(space)), math.prod(model.sample_shape)
    if model.kind == "text":
        return 4 * position + 2 * model.sample_shape[0] + 4  # symbols and confidence are a byte each
    return 4 * (position + (sample if space == "latent" else 0) + 1)


def check(model: dg.Model, settings: dict[str, Any]) -> None:
    """Refuse a run that is too large for the server, before anything is allocated.

    Raises:
        UserError: one sentence that says what would fit.
    """
    n, steps = settings["n"], settings["steps"]
    most = kinds.of(model).limits
    for name, value, top in (("n", n, most.n), ("steps", steps, most.steps)):
        if value > top:
            raise UserError(f"{name} must be at most {top:,} here, not {value:,}.")
    limit, row = RUN[model.kind], row_bytes(model, settings["space"])
    if n * (steps + 1) * row <= limit:
        return
    at_n, at_steps = limit // (n * row) - 1, limit // ((steps + 1) * row)
    fits = [f"n = {at_steps:,} with {steps:,} steps"] if at_steps else []
    fits += [f"{at_n:,} steps with n = {n:,}"] if at_n > 0 else []
    raise UserError(
        f"n × steps is too much here: this run would hold {_mb(n * (steps + 1) * row)}, at most "
        f"{_mb(limit)} fit{': ' + ' or '.join(fits) + ' would' if fits else ''}."
    )


def _mb(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"

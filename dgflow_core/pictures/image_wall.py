"""The wall: runs of images as the browser shows them, all samples at once or a row for every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.images.datasets.readers import to_bytes
from dgflow_core.kinds.images.neighbours import Surroundings
from dgflow_core.pictures import packing, palette
from dgflow_core.zoo.model import Model


def band(model: Model) -> dict[str, float] | None:
    """Quantiles of the logits of real images, or None where they are not known for this logit."""
    try:
        return model.real_logits()
    except ValueError:
        return None


def pack(
    model: Model,
    runs: Sequence[Trajectory],
    key: str,
    labels: Sequence[str] | None = None,
    around: Surroundings | str | None = None,
) -> bytes:
    """Runs of images as bytes for the browser: one byte a pixel and channel, numbers in float32.

    One run is a wall. Several are a grid: a row each, named by ``labels``. ``around`` adds the map and the
    nearest training images; a sentence says why there are none, None that they are on their way.
    """
    samples, logits = side_by_side(runs)
    frames = to_bytes(samples).permute(0, 1, 3, 4, 2)
    real = band(model)
    return packing.encode(
        {
            "key": key,
            "steps": len(frames) - 1,
            "n": frames.shape[1],
            "rows": None if labels is None else list(labels),
            "frames": frames.contiguous().numpy(),
            "logits": logits.numpy().astype(np.float32),
            "band": None if real is None else list(real.values()),
            "around": _around(around) if isinstance(around, Surroundings) else None,
            "missing": around if isinstance(around, str) else None,
            "palette": {
                "real": palette.REAL,
                "base": palette.BASE,
                "refined": palette.REFINED,
                "bar": palette.LOGIT_LIGHT,
                "series": palette.SERIES,
            },
        }
    )


def side_by_side(runs: Sequence[Trajectory]) -> tuple[Tensor, Tensor]:
    """Samples (steps + 1, Σ n, C, H, W) and logits (steps + 1, Σ n) of several runs as of one.

    A run that ended early rests on its last frame.
    """
    steps = max(run.steps for run in runs)

    def joined(values: list[Tensor]) -> Tensor:
        rest = [v[-1:].expand(steps + 1 - len(v), *v.shape[1:]) for v in values]
        return torch.cat([torch.cat(pair) for pair in zip(values, rest, strict=True)], dim=1)

    return joined([run.samples for run in runs]), joined([run.logits for run in runs])


def _around(found: Surroundings) -> dict[str, Any]:
    near = found.nearest
    return {
        "real": found.real,
        "paths": found.paths,
        "explained": found.explained,
        "indexed": found.indexed,
        "nearest": None if near is None else near.permute(0, 1, 3, 4, 2).contiguous().numpy(),
    }

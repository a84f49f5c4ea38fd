"""Walls of images: what is shown of runs, for the browser and for every export alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.images.datasets.readers import to_bytes
from dgflow_core.kinds.images.neighbours import Surroundings
from dgflow_core.pictures import naming, packing, palette
from dgflow_core.pictures.order import ranked
from dgflow_core.pictures.scene import MAX_PANELS, check_runs
from dgflow_core.zoo.model import Model

MAX_ROWS = 12


@dataclass(frozen=True, eq=False)
class Wall:
    """Runs of images as one picture.

    Attributes:
        runs: one, or several from the same samples: walls side by side (up to 4), or with ``rows`` a grid
            with a row for every run (up to 12).
        titles: of several runs, one each; None names them by their methods.
        sample: show this one alone, step by step, as in the paper's Figure 3.
        order: how the samples hang, one of ``order.ORDERS``; a grid's columns are the samples as drawn.
        step: where the screen stands; None is the last.
        key: names the content.

    Raises:
        UserError: too many runs, titles that do not fit them, or a sample that is not there.
    """

    kind: ClassVar[str] = "image"

    runs: tuple[Trajectory, ...]
    titles: tuple[str, ...] | None = None
    rows: bool = False
    sample: int | None = None
    order: str = "drawn"
    step: int | None = None
    key: str = ""

    def __post_init__(self):
        check_runs(self.runs, self.titles, MAX_ROWS if self.rows else MAX_PANELS)
        last, sample = self.runs[0].n - 1, self.sample
        if sample is not None and (
            isinstance(sample, bool) or not isinstance(sample, int) or not 0 <= sample <= last
        ):
            raise UserError(f"sample must be a whole number from 0 to {last}, not {sample!r}.")

    @property
    def steps(self) -> int:
        """The last step of the longest run; shorter ones rest at their end."""
        return max(run.steps for run in self.runs)

    @property
    def title(self) -> str:
        """What heads the picture."""
        name = naming.model_title(self.runs[0])
        return naming.heading(self.runs[0], name) if len(self.runs) == 1 and not self.rows else name

    @property
    def heads(self) -> list[str]:
        """A title for each run; "" where the picture's own says it all."""
        if self.titles is not None:
            return list(self.titles)
        return ["" if len(self.runs) == 1 and not self.rows else naming.title(run) for run in self.runs]

    @property
    def subtitles(self) -> list[str]:
        """The settings of each run in a line."""
        return [naming.subtitle(run) for run in self.runs]

    def hung(self, run: Trajectory) -> list[int]:
        """The samples of a run in the order they hang."""
        return ranked(run.logits, "drawn" if self.rows else self.order)


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
            "palette": palette.for_browser(),
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

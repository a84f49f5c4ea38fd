"""What a metric is: one row, which feeds curves, tables, sweeps, exports and printed tables alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np


@dataclass(frozen=True)
class Metric:
    """One number about samples. A kind's rows are its ``METRICS``, by name; adding one is adding a row.

    Attributes:
        name: its key in rows of numbers, files and links. title, unit: as people read them.
        better: which way is better, "up" or "down"; None where neither is.
        decimals: with how many it is written.
        needs: what must be there for it to mean something, such as "modes"; see the kind's metrics.
        of: (samples as the kind measures them, what they are held against) → one number for each step that
            those samples hold, (steps,), or one number where they are no steps.
        per_step: quick enough to be drawn against the step. real: (what samples are held against, n) → what
            ``n`` real samples score, where a chart should show that.
        whole_run: about the run and not its last samples alone, such as its time: in no sweep, and in no
            printed table but by name.
    """

    name: str
    title: str
    unit: str
    better: Literal["up", "down"] | None
    decimals: int
    needs: tuple[str, ...] = ()
    of: Callable[[Any, Any], Any] = lambda samples, against: math.nan
    per_step: bool = True
    real: Callable[[Any, int], float] | None = None
    whole_run: bool = False

    @property
    def heading(self) -> str:
        """Title and unit, as over a column."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


class MetricCurve(NamedTuple):
    """One metric of a run against the step."""

    name: str  # its title
    unit: str
    better: str  # "up", "down" or "": the direction that is better
    values: np.ndarray  # (steps + 1,)
    reference: float | None = None  # what real data scores, where that means something
    reference_label: str = ""


def rows(*metrics: Metric) -> dict[str, Metric]:
    """The metrics by name, in their order."""
    return {metric.name: metric for metric in metrics}


def fitting(metrics: Mapping[str, Metric], have: Collection[str]) -> dict[str, Metric]:
    """Those of ``metrics`` that need nothing but what is in ``have``."""
    return {name: metric for name, metric in metrics.items() if set(metric.needs) <= set(have)}


def curves(
    metrics: Mapping[str, Metric], samples: Any, against: Any, n: int, real_label: str = "real data"
) -> list[MetricCurve]:
    """Every metric that may be drawn against the step, of a run of ``n`` samples."""
    return [
        MetricCurve(
            metric.title,
            metric.unit,
            metric.better or "",
            np.asarray(metric.of(samples, against), dtype=np.float64),
            metric.real and metric.real(against, n),
            real_label if metric.real else "",
        )
        for metric in metrics.values()
        if metric.per_step
    ]

"""A grid of runs over two settings, computed cell by cell; what is finished is never computed twice."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args, get_origin

from dgflow_core import data, methods
from dgflow_core.metrics import planar
from dgflow_core.model import Model
from dgflow_core.refine import NonFinite, Run

MAX_CELLS = 1024
REAL_SEED = 1_000_000

#: Metric → (name, unit, better): what a cell can show.
METRICS = {
    "high_quality": ("High quality", "% within 4σ of a mode", "up"),
    "modes": ("Modes covered", "modes", "up"),
    "distance": ("Distance to data", "sliced W₂, data units", "down"),
    "kde_score": ("KDE score", "nats", "up"),
    "logit": ("Mean logit", "nats", ""),
}


class Axis(NamedTuple):
    """One side of the grid: a setting and the values it takes, in order."""

    setting: str
    values: tuple[Any, ...]


class Cell(NamedTuple):
    """One finished cell: its full settings and its metrics (empty where the run left finite numbers)."""

    settings: dict[str, Any]
    metrics: dict[str, float]


def axis(method: str, setting: str, low: float, high: float, count: int) -> Axis:
    """``count`` values of ``setting`` from ``low`` to ``high``: by equal factors where the setting
    is declared so, else by equal steps; whole numbers for whole-number settings, all options for a choice.

    Raises:
        ValueError: no such setting, or values outside its range; one sentence.
    """
    settings = methods.get(method).Settings
    if setting not in settings.model_fields:
        raise ValueError(f"setting must be one of {', '.join(settings.model_fields)}, not {setting!r}.")
    info = settings.model_fields[setting]
    if get_origin(info.annotation) is Literal:
        return Axis(setting, get_args(info.annotation))
    for value in (low, high):
        settings.parse({setting: int(value) if info.annotation is int else value})
    if count < 1 or low > high:
        raise ValueError(
            f"{setting} must run from low to high in at least one value, not {low:g} to {high:g}."
        )
    share = [index / max(count - 1, 1) for index in range(count)]
    if info.json_schema_extra["log"]:
        values = [low * (high / low) ** part for part in share]
    else:
        values = [low + (high - low) * part for part in share]
    if info.annotation is int:
        return Axis(setting, tuple(sorted({round(value) for value in values})))
    return Axis(setting, tuple(float(f"{value:.4g}") for value in values))


@dataclass(frozen=True)
class Sweep:
    """Runs of one method over ``x`` × ``y``, everything else as in ``base``.

    Args:
        model: what is refined. method: its name.
        x, y: the two axes, of different settings.
        base: the other settings, with ``n``, ``seed`` and ``space``.
        field: a ``TabulatedField``; None evaluates the model exactly.

    Raises:
        ValueError: equal axes, too many cells, or settings that the method does not take.
    """

    model: Model
    method: str
    x: Axis
    y: Axis
    base: dict[str, Any] = field(default_factory=dict)
    field: Any = None

    def __post_init__(self):
        if self.x.setting == self.y.setting:
            raise ValueError(f"the axes must be two different settings, not {self.x.setting} twice.")
        if len(self.x.values) * len(self.y.values) > MAX_CELLS:
            raise ValueError(f"the grid must have at most {MAX_CELLS} cells, not {self.size}.")
        for settings in self.cells():  # every cell is checked before the first is run
            own = {k: v for k, v in settings.items() if k not in ("method", "n", "seed", "space")}
            methods.get(self.method).Settings.parse(own)

    @property
    def size(self) -> int:
        return len(self.x.values) * len(self.y.values)

    def cells(self) -> Iterator[dict[str, Any]]:
        """The full settings of every cell, row by row."""
        for y in self.y.values:
            for x in self.x.values:
                yield {"method": self.method, **self.base, self.x.setting: x, self.y.setting: y}

    def key(self, settings: dict[str, Any]) -> str:
        """What a cell's result depends on: the weights, the field and all settings."""
        where = "exact" if self.field is None else self.field.name
        return json.dumps([self.model.digest, where, settings], sort_keys=True)

    def run(self, done: MutableMapping[str, Cell]) -> Iterator[Cell]:
        """Compute the cells that ``done`` lacks, put each into it, and yield it.

        A run of N steps passes through every shorter one, so that cells which differ only in
        their steps share one run. A caller that stops iterating stops the work; what is in
        ``done`` stays, and grids that share cells with this one find them there.
        """
        runs: dict[str, list[dict]] = {}
        for settings in self.cells():
            if self.key(settings) not in done:
                runs.setdefault(self.key({**settings, "steps": None}), []).append(settings)
        for group in runs.values():
            group.sort(key=lambda settings: settings["steps"])
            yield from self._run(group, done)

    def _run(self, group: list[dict], done: MutableMapping[str, Cell]) -> Iterator[Cell]:
        waiting = list(group)
        try:
            for frame in Run(self.model, field=self.field, **group[-1]):
                while waiting and waiting[0]["steps"] == frame.step:
                    yield self._keep(waiting.pop(0), self._metrics(frame), done)
        except NonFinite:
            for settings in waiting:
                yield self._keep(settings, {}, done)

    def _keep(self, settings: dict, metrics: dict[str, float], done: MutableMapping[str, Cell]) -> Cell:
        cell = done[self.key(settings)] = Cell(settings, metrics)
        return cell

    def _metrics(self, frame) -> dict[str, float]:
        target = data.get(self.model.dataset)
        points = frame.samples.cpu().numpy()
        real = target.sample(len(points), REAL_SEED)
        numbers = planar.summary(points, real, target, kde=True)
        numbers["logit"] = float(frame.logits.mean())
        return {name: value if math.isfinite(value) else math.nan for name, value in numbers.items()}

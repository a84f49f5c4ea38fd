"""A grid of runs over two settings: which cells, and what each one measures.

A cell is known by its whole settings, so cells that are finished serve again when the grid is
refined, extended, or swapped round.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, Literal, NamedTuple

import numpy as np

from dgflow_core.engines import Engine
from dgflow_core.errors import UserError
from dgflow_core.flow.driver import refine
from dgflow_core.kinds.metric import Metric, fitting
from dgflow_core.kinds.plane.metrics import METRICS, last_step
from dgflow_core.kinds.plane.metrics import measure as measure_samples
from dgflow_core.kinds.plane.reference import reference
from dgflow_core.methods import Method
from dgflow_core.reports.kept_results import RESULTS, Results
from dgflow_core.zoo.model import Model

MAX_SIDE = 16


def metrics(dataset: str | None = None) -> dict[str, Metric]:
    """The metrics of a cell by name: those that apply to a planar data set, or all of them."""
    of_samples = {name: metric for name, metric in METRICS.items() if not metric.whole_run}
    return of_samples if dataset is None else fitting(of_samples, reference(dataset).has | {"logits"})


class Axis(NamedTuple):
    """One side of the grid: a setting and the values it takes, in order."""

    name: str
    values: tuple[Any, ...]


def settings_of(method: Method) -> list[str]:
    """The settings of a method that a grid can run over: numbers, and choices such as f."""
    return [name for name in method.Settings.model_fields if not _optional(method, name)]


def axis(
    method: Method, name: str, low: float | None = None, high: float | None = None, count: int = 8
) -> Axis:
    """``count`` values of a setting from ``low`` to ``high`` (None: its slider's ends), both included.

    Spaced by factors where the setting's slider is; whole numbers are rounded, twins left out. A
    setting that is a choice takes all its options, whatever the other arguments.

    Raises:
        ValueError: not such a setting, the ends are not allowed or in the wrong order, or too many values.
    """
    if name not in settings_of(method):
        raise UserError(f"axis must be one of {', '.join(settings_of(method))}, not {name!r}.")
    info = method.Settings.model_fields[name]
    if typing.get_origin(info.annotation) is Literal:
        return Axis(name, typing.get_args(info.annotation))
    if not 2 <= count <= MAX_SIDE:
        raise UserError(f"count must be a whole number from 2 to {MAX_SIDE}, not {count}.")
    ends = info.json_schema_extra["slider"]
    low, high = (ends[0] if low is None else low), (ends[1] if high is None else high)
    for end in (low, high):
        method.Settings.parse({name: int(end) if info.annotation is int else end})
    if not low < high:
        raise UserError(f"{name}: the lower end must be below the upper end, not {low:g} and {high:g}.")
    by_factors = info.json_schema_extra["log"] or (info.annotation is int and low > 0)
    values = np.geomspace(low, high, count) if by_factors else np.linspace(low, high, count)
    if info.annotation is int:
        return Axis(name, tuple(dict.fromkeys(round(value) for value in values)))
    return Axis(name, tuple(float(f"{value:.3g}") for value in values))


def cells(base: dict[str, Any], x: Axis, y: Axis) -> list[dict[str, Any]]:
    """The settings of every cell, the coarse picture first: every fourth, every second, then the rest.

    Raises:
        ValueError: both axes run over the same setting.
    """
    if x.name == y.name:
        raise UserError(f"the two axes must be different settings, not both {x.name}.")
    order = sorted(
        ((i, j) for j in range(len(y.values)) for i in range(len(x.values))),
        key=lambda cell: (-min(_level(cell[0]), _level(cell[1])), cell[1], cell[0]),
    )
    return [{**base, x.name: x.values[i], y.name: y.values[j]} for i, j in order]


def cell_key(model: Model, settings: dict[str, Any]) -> str:
    """What a finished cell is kept under."""
    return json.dumps([model.digest, settings], sort_keys=True)


@cache
def shipped() -> dict[str, dict[str, float]]:
    """The cells that ship, by ``cell_key``: the grid that the app's page begins with."""
    return of_file(Results(RESULTS / "sweep.json", "sweep"))


def of_file(kept: Results) -> dict[str, dict[str, float]]:
    """The numbers of every cell in a file of a sweep, by ``cell_key``."""
    return {key: cell["repeats"]["0"] for key, cell in kept.cells.items()}


def measure(model: Model, settings: dict[str, Any], field=None) -> dict[str, float]:
    """Run one cell and measure its last step: every one of ``metrics`` that its data set allows.

    A run that leaves the finite range measures NaN.
    """
    run = refine(model, field=field, **settings)
    if run.ended != "complete":
        return dict.fromkeys(metrics(model.dataset), float("nan"))
    return measure_samples(last_step(run), reference(model.dataset))


def sweep(
    model: Model,
    todo: list[dict[str, Any]],
    finished: dict[str, dict[str, float]],
    field_of: Callable[[str], Any] = lambda space: None,
) -> Iterator[int]:
    """Measure every cell of ``todo`` that is not in ``finished``, filling it; yields how many are done.

    A caller that stops iterating stops the work and keeps what is finished.
    """
    for done, settings in enumerate(todo, 1):
        key = cell_key(model, settings)
        if key not in finished:
            finished[key] = measure(model, settings, field_of(settings["space"]))
        yield done


def sweep_by(engine: Engine, model: Model, todo: list[dict[str, Any]], finished: dict) -> Iterator[int]:
    """``sweep`` with exact runs, wherever ``engine`` runs them; cells come in any order."""
    lacking = [settings for settings in todo if cell_key(model, settings) not in finished]
    done = len(todo) - len(lacking)
    for number, numbers in engine.run(partial(measure, model), lacking):
        finished[cell_key(model, lacking[number])] = numbers
        done += 1
        yield done


def table(model: Model, base: dict, x: Axis, y: Axis, finished: dict, metric: str) -> np.ndarray:
    """``metric`` of every cell, (len(y), len(x)); NaN where it is not finished or has no such metric."""
    missing: dict[str, float] = {}
    return np.array(
        [
            [
                finished.get(cell_key(model, {**base, x.name: a, y.name: b}), missing).get(metric, np.nan)
                for a in x.values
            ]
            for b in y.values
        ]
    )


def _level(index: int) -> int:
    """2 for every fourth index, 1 for every second, 0 otherwise."""
    return 2 if index % 4 == 0 else int(index % 2 == 0)


def _optional(method: Method, name: str) -> bool:
    return type(None) in typing.get_args(method.Settings.model_fields[name].annotation)


def default_axes(method: Method) -> tuple[str, str]:
    """The two settings to begin with: step size, and what else the method turns on."""
    names = [name for name in settings_of(method) if name not in ("eta", "divergence")]
    return "eta", names[0] if names else "steps"

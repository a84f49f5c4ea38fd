"""What one picture shows, as plain data: panels, maps, arrows, particles and curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from dgflow_core.errors import UserError
from dgflow_core.flow.trajectory import Trajectory

Extent = tuple[float, float, float, float]
MAX_PANELS = 4
LAYERS = ("map", "arrows", "real", "base", "refined", "paths")


@dataclass(frozen=True, eq=False)
class Map:
    """A scalar over a panel's extent.

    Attributes:
        values: (h, w), or (steps + 1, h, w) for a map that changes with the step. Cell centres;
            row 0 lies at the bottom (lowest y), column 0 at the left. NaN is left blank.
        label, unit: what the colour bar says.
        kind: "logit" diverges from 0 (positive looks real), "ratio" likewise the other way round
            (positive: too many generated), "density" runs from 0 up.
        range: (low, high), or None: symmetric over the bulk of the values, from 0 for a density.
            Panels whose maps agree in kind, label and unit share one range.
    """

    values: np.ndarray
    label: str
    unit: str = ""
    kind: Literal["logit", "ratio", "density"] = "logit"
    range: tuple[float, float] | None = None

    @property
    def group(self) -> tuple[str, str, str]:
        """Maps of one group share range and colour bar."""
        return (self.kind, self.label, self.unit)


@dataclass(frozen=True, eq=False)
class Arrows:
    """A vector field: ``origins`` (k, 2) and ``vectors`` (k, 2), or (steps + 1, k, 2) where it changes.

    Equal labels share one scale of lengths.
    """

    origins: np.ndarray
    vectors: np.ndarray
    label: str = "drift"

    @property
    def moves(self) -> bool:
        return self.vectors.ndim == 3

    def at(self, step: int) -> Arrows:
        """The field as it is at ``step``."""
        moved = self.vectors[min(step, len(self.vectors) - 1)] if self.moves else self.vectors
        return Arrows(self.origins, moved, self.label)


@dataclass(frozen=True, eq=False)
class Panel:
    """One square of the picture.

    Attributes:
        extent: (x0, x1, y0, y1). Particles outside are ticks on the frame, not dots.
        axes: names with units, such as ("x₁ (data units)", "x₂ (data units)").
        map, arrows: see there. real: (m, 2) samples of the data.
        positions: (steps + 1, n, 2); the first row is drawn as "base", the current as "refined".
        logits: (steps + 1, n), d of each particle; told on hover.
    """

    extent: Extent
    title: str = ""
    subtitle: str = ""
    axes: tuple[str, str] = ("x₁", "x₂")
    map: Map | None = None
    arrows: Arrows | None = None
    real: np.ndarray | None = None
    positions: np.ndarray | None = None
    logits: np.ndarray | None = None

    def __post_init__(self):
        x0, x1, y0, y1 = self.extent
        if not (x0 < x1 and y0 < y1):
            raise UserError(f"extent must be (x0, x1, y0, y1) with x0 < x1 and y0 < y1, not {self.extent}.")
        if self.positions is not None and (self.positions.ndim != 3 or self.positions.shape[2] != 2):
            raise UserError(f"positions must have shape (steps + 1, n, 2), not {self.positions.shape}.")
        if self.logits is not None and (
            self.positions is None or self.logits.shape != self.positions.shape[:2]
        ):
            raise UserError("logits must have shape (steps + 1, n), as positions have.")

    @property
    def n(self) -> int:
        """How many particles this panel shows."""
        return 0 if self.positions is None else self.positions.shape[1]


@dataclass(frozen=True)
class Reference:
    """A level that a curve is read against, such as "real vs real"; a band where low < high."""

    low: float
    high: float
    label: str


@dataclass(frozen=True, eq=False)
class Curve:
    """A metric against the step.

    Attributes:
        series: one (steps + 1,) array for each panel, or None; NaN where nothing was measured.
        better: "up" or "down" where one direction is better, else "".
    """

    name: str
    series: tuple[np.ndarray | None, ...]
    unit: str = ""
    better: Literal["", "up", "down"] = ""
    reference: Reference | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture: 1 to 4 panels on one step axis, with curves under it.

    Attributes:
        panels: shown side by side; particle i is the same particle in each.
        steps: the last step; ``positions`` and series have ``steps + 1`` rows. A panel with fewer rests
            at its last one, so that a run of 50 steps can stand beside one of 100.
        fps: steps a second at speed 1.
        layers: what is switched on at first sight ("map", "arrows", "real", "base", "refined",
            "paths"); what a person switches later is remembered instead.
        key: names the run, so that a page knows a new picture from the old one drawn again.
        names: what each step is called, steps + 1 of them; () for "step 0" and so on.
        title, subtitle: head a saved picture. step: of a saved one where none is asked for; None: the last.
        runs: what it was composed of, so that they can be saved as well.

    Raises:
        UserError: no panels or more than 4, or lengths that differ from ``steps + 1``.
    """

    kind: ClassVar[str] = "2d"

    panels: tuple[Panel, ...]
    steps: int
    curves: tuple[Curve, ...] = ()
    fps: float = 24.0
    layers: tuple[str, ...] = ("map", "arrows", "real", "base", "refined")
    key: str = ""
    title: str = ""
    subtitle: str = ""
    runs: tuple[Trajectory, ...] = ()
    step: int | None = None
    names: tuple[str, ...] = ()

    def __post_init__(self):
        if self.names and len(self.names) != self.steps + 1:
            raise UserError(f"names must be {self.steps + 1}, one for each step, not {len(self.names)}.")
        if not 1 <= len(self.panels) <= MAX_PANELS:
            raise UserError(f"panels must be 1 to {MAX_PANELS}, not {len(self.panels)}.")
        for panel in self.panels:
            if panel.positions is not None and not 1 <= len(panel.positions) <= self.steps + 1:
                raise UserError(
                    f"positions must have 1 to {self.steps + 1} frames (steps + 1), "
                    f"not {len(panel.positions)}."
                )
            values = None if panel.map is None else np.asarray(panel.map.values)
            if values is not None and values.ndim == 3 and len(values) != self.steps + 1:
                raise UserError(f"a map that moves must have {self.steps + 1} frames, not {len(values)}.")
        for curve in self.curves:
            if len(curve.series) != len(self.panels) or any(
                one is not None and len(one) > self.steps + 1 for one in curve.series
            ):
                raise UserError(
                    f"curve {curve.name!r} must have {len(self.panels)} series of at most "
                    f"{self.steps + 1} values."
                )


def check_runs(runs: Sequence[Any], titles: Sequence[str] | None, most: int) -> None:
    """Check that so many runs fit one picture, and that every one has its title or none has.

    Raises:
        UserError: one sentence naming what does not fit.
    """
    if not 1 <= len(runs) <= most:
        raise UserError(f"what must be 1 to {most} runs, not {len(runs)}.")
    if titles is not None and len(titles) != len(runs):
        raise UserError(f"titles must be {len(runs)}, one for each run, not {len(titles)}.")

"""What lessons measure of their runs: the metrics of their kind, and what only a lesson asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.metric import fitting
from dgflow_core.kinds.plane.approach import DISTANCES
from dgflow_core.kinds.plane.metrics import METRICS, PlaneSamples
from dgflow_core.kinds.plane.reference import PlaneReference, reference
from dgflow_core.lessons.conditions import Number
from dgflow_core.lessons.lesson import Picture

#: Particles are on a mode within so many of its standard deviations, as for "High quality".
REACH = 4


@dataclass(frozen=True)
class Seen:
    """Runs of one picture, of which the one numbered ``run`` (from 0) is looked at.

    ``against``: what points of the plane are held against; None for images.
    """

    runs: Sequence[Trajectory]
    against: PlaneReference | None = None
    run: int = 0

    @property
    def shown(self) -> Trajectory:
        return self.runs[self.run]


@dataclass(frozen=True)
class Measure:
    """One number of a run at a step: ``of`` (seen, step). ``kinds``: of what pictures."""

    title: str
    unit: str
    kinds: tuple[str, ...]
    of: Callable[[Seen, int], float]


def _near(seen: Seen, step: int) -> tuple[np.ndarray, np.ndarray]:
    """The mode next to each particle, (n,), and whether it lies on it."""
    assert seen.against is not None
    points = seen.shown.samples[step].numpy()
    squares = np.square(points[:, None] - np.asarray(seen.against.modes)).sum(2)
    return squares.argmin(1), squares.min(1) <= (REACH * seen.against.target.std) ** 2


def width(seen: Seen, step: int) -> float:
    """The standard deviation of particles about the mean of their own mode, in the data's.

    Particles within 4σ of a mode, pooled over modes: √(Σ_k Σ_i |x_i − x̄_k|² / Σ_k 2 (n_k − 1)) / σ.
    """
    mode, on = _near(seen, step)
    points, squares, free = seen.shown.samples[step].numpy(), 0.0, 0
    for number in np.unique(mode[on]):
        own = points[on & (mode == number)]
        squares += float(np.square(own - own.mean(0)).sum())
        free += 2 * (len(own) - 1)
    return float(np.sqrt(squares / free) / seen.against.target.std) if free else float("nan")


def logit_where(seen: Seen, step: int, on_mode: bool) -> float:
    """The mean logit of the particles on a mode, or of those off all modes."""
    _, on = _near(seen, step)
    chosen = seen.shown.logits[step].numpy()[on == on_mode]
    return float(chosen.mean()) if len(chosen) else float("nan")


def way(seen: Seen, step: int, trusted: bool) -> float:
    """The mean distance from their start of the particles with the higher logits there, or of the others."""
    first = seen.shown.logits[0].numpy()
    half = (first >= np.median(first)) == trusted
    moved = (seen.shown.samples[step] - seen.shown.samples[0]).flatten(1).norm(dim=1).numpy()
    return float(moved[half].mean())


def apart(seen: Seen, step: int) -> float:
    """The largest distance between this run's particle and the same one of the first run."""
    first = seen.runs[0].samples
    other = first[min(step, len(first) - 1)]
    return float((seen.shown.samples[step] - other).flatten(1).norm(dim=1).max())


def left_over(seen: Seen, step: int) -> float:
    """The largest |Δx − Δx₂ − Δx₃| of all particles, Δ their way in this run and in runs 2 and 3."""
    ways = [run.samples[min(step, run.steps)] - run.samples[0] for run in (seen.shown, *seen.runs[1:3])]
    return float((ways[0] - ways[1] - ways[2]).norm(dim=1).max())


def prior_apart(seen: Seen, step: int) -> float:
    """The largest |Δz₄ − Δz₃ + η z₀| of all particles: −z₀ is the pull ∇log p_Z of a standard normal prior.

    Run 3 is a flow of codes with step η, run 4 one with the prior's pull besides, both after a first step.
    """
    flow, pulled = seen.runs[2:4]
    first = flow.positions[0]
    left = pulled.positions[step] - flow.positions[step] + flow.settings["eta"] * first
    return float(left.norm(dim=1).max())


def grain(seen: Seen, step: int) -> float:
    """The mean squared difference between neighbouring pixels, in that of the base samples."""

    def rough(images) -> float:
        across, down = images.diff(dim=-1).square().mean(), images.diff(dim=-2).square().mean()
        return float(across + down)

    return rough(seen.shown.samples[step]) / rough(seen.shown.samples[0])


#: Add a row here and lessons can tell it, and check it.
MEASURES = (
    Measure("Width of modes", "of the data's", ("modes",), width),
    Measure("Logit on the modes", "nats", ("modes",), lambda seen, step: logit_where(seen, step, True)),
    Measure("Logit off the modes", "nats", ("modes",), lambda seen, step: logit_where(seen, step, False)),
    Measure(
        "Share to be moved", "½ E|1 − eᵈ| in %", ("flow",),
        lambda seen, step: 50 * float((seen.shown.logits[step].double().exp() - 1).abs().mean()),
    ),
    Measure(
        "Mean of eᵈ", "", ("flow",), lambda seen, step: float(seen.shown.logits[step].double().exp().mean())
    ),
    Measure("Way of the rejected", "data units", ("flow",), lambda seen, step: way(seen, step, False)),
    Measure("Way of the trusted", "data units", ("flow",), lambda seen, step: way(seen, step, True)),
    Measure("Apart from run 1", "data units", ("flow",), apart),
    Measure("Run 1 less runs 2 and 3", "data units", ("three",), left_over),
    Measure("Run 4 less run 3 and the prior's pull", "prior's units", ("four",), prior_apart),
    Measure("Grain", "of the base samples'", ("images",), grain),
    Measure(
        "Mean logit", "nats", ("images", "density"), lambda seen, step: float(seen.shown.logits[step].mean())
    ),
)  # fmt: skip


def _kinds(picture: Picture) -> set[str]:
    """What rows of ``MEASURES`` apply to a picture."""
    kinds = {picture.show}
    if picture.show == "flow":
        kinds |= {"modes"} & reference(picture.model.split("/")[0]).has
        kinds |= {name for name, least in (("three", 3), ("four", 4)) if len(picture.runs) >= least}
    return kinds


def _own(picture: Picture) -> dict[str, Measure]:
    return {row.title: row for row in MEASURES if set(row.kinds) & _kinds(picture)}


def known(picture: Picture) -> list[str]:
    """The names of everything that can be measured of a picture."""
    rows = list(DISTANCES) if picture.show == "density" else []
    if picture.show == "flow":
        has = reference(picture.model.split("/")[0]).has | {"logits", "run"}
        rows = [row.title for row in fitting(METRICS, has).values()]
    return [*rows, *_own(picture)]


class Measured:
    """What is measured of the runs of a picture.

    Args:
        curves: what was measured at every step already, by name: one (steps + 1,) array for each run.
    """

    def __init__(
        self,
        picture: Picture,
        runs: Sequence[Trajectory],
        curves: Mapping[str, Sequence[Iterable[float] | None]] | None = None,
    ):
        self.picture, self.runs, self.curves, self.own = picture, runs, curves or {}, _own(picture)
        plane = picture.show == "flow"
        self.against = reference(picture.model.split("/")[0]) if plane else None
        self.metrics = {row.title: row for row in METRICS.values()} if plane else {}
        self._series: dict[tuple[str, int], np.ndarray] = {}

    def __call__(self, number: Number) -> float:
        """The value of a number that a lesson asks for."""
        run = self.runs[number.run - 1]
        if not number.place and number.step != "best":
            return self.at(number, run.steps if number.step == "last" else min(int(number.step), run.steps))
        values = self.series(number)
        best = int(np.nanargmax(values) if self.upward(number.name) else np.nanargmin(values))
        return best if number.place else float(values[best])

    def upward(self, name: str) -> bool:
        """Whether more of it is better."""
        return name in self.metrics and self.metrics[name].better == "up"

    def series(self, number: Number) -> np.ndarray:
        """It at every step, (steps + 1,)."""
        name, index = number.name, number.run - 1
        if (name, index) not in self._series:
            steps = range(self.runs[index].steps + 1)
            values = self._curve(name, index)
            self._series[name, index] = (
                np.array([self.at(number, step) for step in steps]) if values is None else values
            )
        return self._series[name, index]

    def _curve(self, name: str, index: int) -> np.ndarray | None:
        values = self.curves[name][index] if name in self.curves else None
        return None if values is None else np.asarray(values, dtype=np.float64)

    def at(self, number: Number, step: int) -> float:
        """It at one step."""
        name, index = number.name, number.run - 1
        curve = self._curve(name, index)
        if curve is not None:
            return float(curve[step])
        run = self.runs[index]
        if name in self.metrics:
            seen = PlaneSamples(
                run.samples[step : step + 1].numpy(), run.logits[step : step + 1].numpy(), run
            )
            return float(np.asarray(self.metrics[name].of(seen, self.against))[-1])
        return self.own[name].of(Seen(self.runs, self.against, index), step)

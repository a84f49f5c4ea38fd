"""The one place where runs in the plane become a scene: for the screen and for every export alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from dgflow_core.errors import UserError
from dgflow_core.fields.network import ExactField
from dgflow_core.flow.driver import Frame
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane import square
from dgflow_core.kinds.plane.approach import DISTANCES, Approach
from dgflow_core.kinds.plane.per_step import per_step
from dgflow_core.pictures import naming
from dgflow_core.pictures.plane_layers import (
    AXES,
    drift_arrows,
    extent_of,
    logit_map,
    ratio_map,
    real_points,
    weight_map,
)
from dgflow_core.pictures.scene import (
    MAX_PANELS,
    Arrows,
    Curve,
    Extent,
    Map,
    Panel,
    Reference,
    Scene,
    check_runs,
)
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

#: What may lie behind the arrows.
MAPS = {"logit": "Logit d", "ratio": "Density ratio exp(−d)", "weight": "Weight w_f(d)"}
ARROWS = 400  # arrows of a difference: more hide each other


@dataclass(frozen=True)
class Composition:
    """What a scene of runs in the plane shows beside their particles.

    Attributes:
        titles: names the runs, one each; None: by their methods.
        map: "logit", "ratio", "weight" or None; arrows: the drift where a run moved. Both need the model.
        curves: the metrics of every step, where the model's data set is known.
        difference: one more panel, with the way from where the first run ends to where the second does.
        key: names the content; "" lets it be named by its digest.
    """

    titles: tuple[str, ...] | None = None
    map: str | None = "logit"
    arrows: bool = True
    curves: bool = True
    difference: bool = False
    key: str = ""


PLAIN = Composition()


def compose(
    runs: Sequence[Trajectory],
    model: Model | None = None,
    how: Composition = PLAIN,
    field: Callable[[str], ExactField] | None = None,
) -> Scene:
    """One scene of one to four runs in the plane; a latent run on its own shows its codes beside its samples.

    Args:
        model: gives the map and the drift; without it the real samples and the extent are those of the
            data set of the model that the run names, where it is a shipped one.
        field: gives (d, ∇d) in a space, exact or tabulated; None evaluates ``model``.

    Raises:
        UserError: something that is no run in the plane, or an argument that does not fit; one sentence.
    """
    check_runs(runs, how.titles, MAX_PANELS)
    if how.map not in (*MAPS, None):
        raise UserError(f"map must be {', '.join(map(repr, MAPS))} or None, not {how.map!r}.")
    if any(run.samples.dim() != 3 or run.samples.shape[2] != 2 for run in runs):
        raise UserError("what must be runs whose samples are points of the plane.")
    if model is not None and model.sample_shape != (2,):
        raise UserError(f"model must be the two-dimensional one of these runs, not {model.name}.")
    ground = _Ground(runs, model, how, field)
    single = len(runs) == 1
    name = naming.model_title(runs[0]) if model is None else model.title
    title = naming.heading(runs[0], name) if single else name
    if single and _space(runs[0]) == "latent" and runs[0].positions.shape[2:] == (2,):
        panels = [
            ground.panel(runs[0], "latent", "Latent codes z"),
            ground.panel(runs[0], "data", "Samples g(z)"),
        ]
    else:
        heads = how.titles or ([title] if single else [naming.title(run) for run in runs])
        panels = [ground.panel(run, "data", head) for run, head in zip(runs, heads, strict=True)]
    if not single:
        under = map(naming.subtitle, runs)
        panels = [replace(panel, subtitle=line) for panel, line in zip(panels, under, strict=True)]
        panels = [panel if run.steps else _still(panel) for panel, run in zip(panels, runs, strict=True)]
    if how.difference:
        panels.append(difference(runs, [panel.title for panel in panels], panels[0].extent))
    return Scene(
        tuple(panels),
        max(run.steps if single else max(1, run.steps) for run in runs),
        _curves(runs, len(panels), ground.dataset) if how.curves else (),
        key=how.key,
        title=title,
        subtitle=naming.subtitle(runs[0]) if single else "",
        runs=tuple(runs),
    )


def on_the_way(model: Model, first: Frame, now: Frame, steps: int) -> Scene:
    """A run of ``steps`` that is still computed, to be drawn at step ``now`` alone.

    The base samples and those of ``now`` on the real ones, without map, arrows and curves, which take time.
    """

    def so_far(base, there) -> np.ndarray:
        rows = np.broadcast_to(there.cpu().numpy(), (steps, *there.shape))
        return np.concatenate([base.cpu().numpy()[None], rows])

    panel = Panel(
        extent_of(model),
        model.title,
        axes=AXES["data"],
        real=real_points(model.dataset) if model.dataset in plane_datasets.datasets else None,
        positions=so_far(first.samples, now.samples),
        logits=so_far(first.logits, now.logits),
    )
    return Scene((panel,), steps, title=model.title)


def difference(runs: Sequence[Trajectory], titles: Sequence[str], extent: Extent) -> Panel:
    """Where two runs of the same particles end apart: arrows from each end of the first to the second's.

    Raises:
        UserError: fewer than two runs, or other numbers of particles.
    """
    if len(runs) < 2 or runs[0].n != runs[1].n:
        raise UserError("difference needs two runs of the same particles.")
    first, second = (run.samples[-1, :ARROWS].cpu().numpy() for run in runs[:2])
    apart = np.linalg.norm(second - first, axis=1)
    return Panel(
        extent,
        f"{titles[0]} → {titles[1]}",
        f"median distance {np.median(apart):.3g}, largest {apart.max():.3g}",
        AXES["data"],
        arrows=Arrows(first, second - first, "second − first"),
    )


def densities(
    runs: Sequence[Trajectory], measured: Sequence[Approach], how: Composition, model: Model | None = None
) -> Scene:
    """Base density, target, and each run's density at every step, on one colour scale, with distances.

    Args:
        measured: how each run approaches the target, all in the same space.
        how: only its titles and key count.
    """
    first, steps = measured[0], max(run.steps for run in runs)
    extent = (-first.half, first.half, -first.half, first.half)
    label = "density p(z)" if first.space == "latent" else "density p(x)"
    top = float(first.target.max())

    def panel(title: str, values: np.ndarray, **particles) -> Panel:
        drawn = Map(values, label, "per unit area", "density", (0.0, top))
        return Panel(extent, title, axes=AXES[first.space], map=drawn, **particles)

    base = {"latent": "Prior p(z)", "data": "Generator's samples"}[first.space]
    panels = [panel(base, first.base), panel("Target q", first.target)]
    titles = how.titles or [naming.title(run) for run in runs]
    for title, run, one in zip(titles, runs, measured, strict=True):
        rest = np.repeat(one.densities[-1:], steps - run.steps, axis=0)
        moved = (run.positions if first.space == "latent" else run.samples).numpy()
        values = np.concatenate([one.densities, rest])
        panels.append(panel(title, values, positions=moved, logits=run.logits.numpy()))
    curves = tuple(
        Curve(
            name,
            (None, None, *(one.curves[name] for one in measured)),
            unit,
            "down",
            Reference(first.floor[name], first.floor[name], "draws from q"),
        )
        for name, unit in DISTANCES.items()
    )
    return Scene(
        tuple(panels),
        steps,
        curves,
        layers=("map",),
        key=how.key,
        title=naming.model_title(runs[0]) if model is None else model.title,
        subtitle=naming.subtitle(runs[0]),
        runs=tuple(runs),
    )


class _Ground:
    """What the panels of a scene share: extents, maps, arrows and real points, each made once."""

    def __init__(self, runs, model: Model | None, how: Composition, field):
        self.runs, self.model, self.how = runs, model, how
        self.dataset = _dataset(runs[0], model)
        self.field = cache(field or (lambda space: ExactField(model, space)))
        self.map, self.arrows, self.extent = cache(self._map), cache(self._arrows), cache(self._extent)
        self.logit = cache(self._logit)
        known = self.dataset in plane_datasets.datasets
        self.real = real_points(self.dataset) if known else None

    def panel(self, run: Trajectory, space: str, title: str) -> Panel:
        moved = run.positions if space == "latent" else run.samples
        drifts = self.how.arrows and _space(run) == space  # the drift lives where the run moved
        return Panel(
            self.extent(space),
            title,
            axes=AXES[space],
            map=self.map(space, run.settings.get("divergence", "KL")),
            arrows=self.arrows(space, run.settings.get("divergence", "KL")) if drifts else None,
            real=self.real if space == "data" else None,
            positions=np.asarray(moved.cpu()),
            logits=np.asarray(run.logits.cpu()),
        )

    def _map(self, space: str, divergence: str) -> Map | None:
        if self.model is None or self.how.map is None:
            return None
        logit = self.logit(space)
        if self.how.map == "weight":
            return weight_map(logit, divergence)
        return logit if self.how.map == "logit" else ratio_map(logit)

    def _logit(self, space: str) -> Map:
        return logit_map(self.field(space), self.extent(space))

    def _arrows(self, space: str, divergence: str) -> Arrows | None:
        if self.model is None:
            return None
        return drift_arrows(self.field(space), self.extent(space), divergence)

    def _extent(self, space: str) -> Extent:
        """The square of a space: the data set's, the prior's, or where the bulk of the particles is."""
        if space == "latent" and self.model is not None:
            return extent_of(self.model, space)
        if space == "data" and self.dataset in plane_datasets.datasets:
            half = plane_datasets.get(self.dataset).extent
        else:
            ends = [(run.positions if space == "latent" else run.samples)[[0, -1]] for run in self.runs]
            half = square.around(*(one.cpu().numpy() for one in ends))
        return (-half, half, -half, half)


def _space(run: Trajectory) -> str:
    return run.settings.get("space", "data")


def _still(panel: Panel) -> Panel:
    """A panel of base samples alone: nothing is drawn as refined after step 0."""
    gone = [np.concatenate([rows, np.full_like(rows, np.nan)]) for rows in (panel.positions, panel.logits)]
    return replace(panel, positions=gone[0], logits=gone[1])


def _curves(runs: Sequence[Trajectory], panels: int, dataset: str | None) -> tuple[Curve, ...]:
    """The metrics of each run, one curve for each metric; panels without a run of their own have none."""
    if dataset not in plane_datasets.datasets:
        return ()
    rest = (None,) * (panels - len(runs))
    curves = []
    for same in zip(*(per_step(run, dataset) for run in runs), strict=True):
        first, series = same[0], (*(one.values for one in same), *rest)
        level = first.reference
        reference = None if level is None else Reference(level, level, first.reference_label)
        curves.append(Curve(first.name, series, first.unit, first.better, reference))
    return tuple(curves)


def _dataset(run: Trajectory, model: Model | None) -> str | None:
    if model is not None:
        return model.dataset
    name = run.provenance.get("model")
    return shelf.describe(name)["dataset"] if name in shelf.models() else None

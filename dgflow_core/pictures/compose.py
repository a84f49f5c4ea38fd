"""Scenes of runs: maps and arrows from a field, particles from a trajectory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from dgflow_core.fields.network import ExactField
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.methods.dgflow import drift
from dgflow_core.pictures.scene import Arrows, Curve, Extent, Map, Panel, Scene
from dgflow_core.zoo.model import Model

AXES = {
    "data": ("x₁ (data units)", "x₂ (data units)"),
    "latent": ("z₁ (prior's units)", "z₂ (prior's units)"),
}
REAL_POINTS = 2000


def extent_of(model: Model, space: str = "data") -> Extent:
    """The square that shows ``model`` in a space: its data set's, or where its prior lives."""
    prior_half = 1.1 if model.prior.bounded else 3.5
    half = prior_half if space == "latent" else plane_datasets.get(model.dataset).extent
    return (-half, half, -half, half)


def grid(extent: Extent, size: int) -> np.ndarray:
    """Centres of ``size`` × ``size`` cells over ``extent``, float32 (size², 2), rows from the bottom."""
    x0, x1, y0, y1 = extent
    centres = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = np.meshgrid(x0 + centres * (x1 - x0), y0 + centres * (y1 - y0))
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def logit_map(field, extent: Extent, size: int = 96) -> Map:
    """d on a grid: d(x) in data space, d(g(z)) in latent space. ``field``: exact or tabulated."""
    points = torch.from_numpy(grid(extent, size)).to(field.model.device)
    if field.name == "exact":  # no gradient is wanted here
        d = field.model.logit(points if field.space == "data" else field.model.generate(points))
    else:
        d = field.evaluate(points).logit
    values = d.cpu().numpy().reshape(size, size)
    return Map(values, "logit d(x)" if field.space == "data" else "logit d(g(z))", "nats", "logit")


def ratio_map(logit: Map) -> Map:
    """log₁₀ of the density ratio ρ/μ = exp(−d), from a map of d."""
    return Map(-logit.values / math.log(10), "log₁₀ density ratio ρ/μ", "", "ratio")


def drift_arrows(field, extent: Extent, divergence: str = "KL", size: int = 21) -> Arrows:
    """The drift w_f(d) ∇d on a ``size`` × ``size`` grid."""
    origins = grid(extent, size)
    at = field.evaluate(torch.from_numpy(origins).to(field.model.device))
    vectors = drift(at, divergence).cpu().numpy()
    return Arrows(origins, vectors, "drift −∇f′(ρ/μ)")


def real_points(dataset: str, n: int = REAL_POINTS, seed: int = 0) -> np.ndarray:
    """``n`` samples of a data set, (n, 2), for the layer "real"."""
    return plane_datasets.get(dataset).sample(n, seed)


def from_trajectory(
    model: Model,
    trajectory: Trajectory,
    *,
    field=None,
    map: str | Map | None = "logit",
    arrows: Arrows | str | None = "drift",
    extent: Extent | None = None,
    real: np.ndarray | None = None,
    decoded: bool = True,
    curves: Sequence[Curve] = (),
    title: str = "",
    subtitle: str = "",
    key: str = "",
    fps: float = 24.0,
) -> Scene:
    """The usual scene of a two-dimensional run.

    In data space one panel; in latent space two: the latent codes, and the samples they decode to.

    Args:
        field: gives d and ∇d in the run's space, exact or tabulated; None evaluates the model.
        map: "logit", "ratio", a ready ``Map``, or None. arrows: "drift" (of the run's divergence,
            KL where the method has none), ready ``Arrows``, or None. Both cost about 0.1 s with an
            exact field and depend on the model alone: ``logit_map`` and ``drift_arrows`` may be cached.
        extent: of the refined space; None asks ``extent_of``.
        real: samples of the data, (m, 2); None draws 2,000 from the model's data set.
        decoded: show the second panel of a latent run.
        curves: with one series, the run's.
        title: heads a single panel and the saved picture.

    Raises:
        ValueError: the model or its latent space is not two-dimensional; the message names it.
    """
    space = trajectory.settings.get("space", "data")
    field = field or ExactField(model, space)
    if model.sample_shape != (2,) or field.shape != (2,):
        raise ValueError(f"model must be two-dimensional to be drawn in the plane, not {field.shape}.")
    first = panel(
        model, trajectory, space, field, map=map, arrows=arrows, extent=extent, real=real,
        title=title, subtitle=subtitle,
    )  # fmt: skip
    panels = (first,)
    if space == "latent" and decoded:
        kind = map.kind if isinstance(map, Map) else map
        second = panel(
            model, trajectory, "data", ExactField(model, "data"),
            map=kind if kind in ("logit", "ratio") else None, arrows=None, real=real,
        )  # fmt: skip
        panels = (
            replace(first, title="Latent codes z"),
            replace(second, title="Samples g(z)"),
        )
        curves = [replace(curve, series=(curve.series[0], *[None] * (len(panels) - 1))) for curve in curves]
    return Scene(panels, trajectory.steps, tuple(curves), fps=fps, key=key, title=title)


def panel(
    model: Model,
    trajectory: Trajectory,
    space: str,
    field,
    *,
    map: str | Map | None = "logit",
    arrows: Arrows | str | None = "drift",
    extent: Extent | None = None,
    real: np.ndarray | None = None,
    title: str = "",
    subtitle: str = "",
) -> Panel:
    """One panel of a run: its ``positions`` in "latent" space, its ``samples`` in "data" space.

    The arguments are those of ``from_trajectory``; ``real`` is shown in data space alone.
    """
    extent = extent or extent_of(model, space)
    moved = trajectory.positions if space == "latent" else trajectory.samples
    if isinstance(map, str):
        map = _map(field, extent, map)
    if isinstance(arrows, str):
        arrows = drift_arrows(field, extent, trajectory.settings.get("divergence", "KL"))
    if space == "latent":
        real = None
    elif real is None and model.dataset in plane_datasets.datasets:
        real = real_points(model.dataset)
    return Panel(
        extent, title, subtitle, AXES[space], map, arrows, real,
        np.asarray(moved.cpu()), np.asarray(trajectory.logits.cpu()),
    )  # fmt: skip


def _map(field, extent: Extent, kind: str) -> Map:
    if kind not in ("logit", "ratio"):
        raise ValueError(f"map must be 'logit', 'ratio', a Map or None, not {kind!r}.")
    logit = logit_map(field, extent)
    return logit if kind == "logit" else ratio_map(logit)


def still(panel: Panel) -> Panel:
    """A panel of base samples alone: nothing is drawn as refined after step 0."""
    gone = [np.concatenate([rows, np.full_like(rows, np.nan)]) for rows in (panel.positions, panel.logits)]
    return replace(panel, positions=gone[0], logits=gone[1])


def difference(
    model: Model, first: Trajectory, second: Trajectory, title: str = "", most: int = 400
) -> Panel:
    """Where two runs of the same particles end apart: arrows from each end of the first to the second's.

    Raises:
        ValueError: the runs have different numbers of particles.
    """
    if first.n != second.n:
        raise ValueError(f"runs must have the same particles, not {first.n} and {second.n}.")
    ends = [run.samples[-1, :most].cpu().numpy() for run in (first, second)]
    apart = np.linalg.norm(ends[1] - ends[0], axis=1)
    return Panel(
        extent_of(model), title, f"median distance {np.median(apart):.3g}, largest {apart.max():.3g}",
        AXES["data"], arrows=Arrows(ends[0], ends[1] - ends[0], "second − first"),
    )  # fmt: skip

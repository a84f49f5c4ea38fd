"""Planar runs as scenes, with or without the model that made them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dgflow_core import pictures as scene
from dgflow_core.fields.network import ExactField
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane.per_step import per_step
from dgflow_core.pictures import Curve, Panel, Reference, Scene, naming
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model


def planar(trajectory: Trajectory) -> bool:
    """Whether a run's samples are points of the plane."""
    return trajectory.samples.dim() == 3 and trajectory.samples.shape[2] == 2


def compose(
    runs: Sequence[Trajectory],
    model: Model | None = None,
    titles: Sequence[str] | None = None,
    map: str | None = "logit",
    curves: bool = False,
) -> Scene:
    """One scene of one to four planar runs; a latent run on its own shows its codes beside its samples.

    With ``model`` there are its map ("logit", "ratio" or None) and the drift; without it the real
    samples and the extent are those of the model's data set, where it is a shipped one. ``curves``
    adds the metrics of every step.
    """
    single = len(runs) == 1
    panels: list[Panel] = []
    for index, run in enumerate(runs):
        latent = run.settings.get("space") == "latent" and run.positions.shape[-1] == 2
        heading = titles[index] if titles else ("" if single else naming.title(run))
        under = "" if single else naming.subtitle(run)
        if single and latent:
            panels.append(_panel(run, "latent", model, "Latent codes z", under, map))
            panels.append(_panel(run, "data", model, "Samples g(z)", under, map))
        else:
            panels.append(_panel(run, "data", model, heading, under, map))
    name = naming.model_title(runs[0]) if model is None else model.title
    name = naming.heading(runs[0], name) if single else name
    below = _curves(runs, len(panels), _dataset(runs[0], model)) if curves else ()
    return Scene(tuple(panels), max(run.steps for run in runs), below, title=name)


def _panel(run: Trajectory, space: str, model: Model | None, title: str, subtitle: str, map) -> Panel:
    moved = (run.positions if space == "latent" else run.samples).numpy()
    target = plane_datasets.datasets.get(_dataset(run, model))
    extent = _extent(run, space, target, moved)
    if model is not None:
        field = ExactField(model, space)
        drifts = run.settings.get("space", "data") == space  # the drift lives where the run moved
        return scene.panel(
            model, run, space, field, map=map, arrows="drift" if drifts else None, extent=extent,
            title=title, subtitle=subtitle,
        )  # fmt: skip
    real = scene.real_points(target.name) if target is not None and space == "data" else None
    return Panel(
        extent, title, subtitle, scene.AXES[space], real=real, positions=moved,
        logits=run.logits.numpy(),
    )  # fmt: skip


def _curves(runs: Sequence[Trajectory], panels: int, dataset: str | None) -> tuple[Curve, ...]:
    """The metrics of each run, one curve for each metric; the second panel of a latent run has none."""
    if dataset not in plane_datasets.datasets:
        return ()
    rest = (None,) * (panels - len(runs))
    return tuple(
        Curve(
            same[0].name, tuple(one.values for one in same) + rest, same[0].unit, same[0].better,
            None if same[0].reference is None
            else Reference(same[0].reference, same[0].reference, same[0].reference_label),
        )
        for same in zip(*(per_step(run, dataset) for run in runs), strict=True)
    )  # fmt: skip


def _dataset(run: Trajectory, model: Model | None) -> str | None:
    if model is not None:
        return model.dataset
    name = run.provenance.get("model")
    return shelf.describe(name)["dataset"] if name in shelf.models() else None


def _extent(run: Trajectory, space: str, target, moved: np.ndarray) -> tuple[float, float, float, float]:
    if space == "data" and target is not None:
        half = target.extent
    else:  # where the bulk of the particles is, at any step
        half = 1.1 * max(float(np.quantile(np.abs(moved[[0, -1]]), 0.998)), 1e-3)
    return (-half, half, -half, half)

"""Scenes for the stage, built by the core and kept packed."""

from __future__ import annotations

from app import results
from dgflow_core import methods, scene
from dgflow_core.metrics import curves
from dgflow_core.trajectory import Trajectory

#: What may lie behind the arrows.
MAPS = {"logit": "Logit d", "ratio": "Density ratio exp(−d)"}


def flow(name: str, raw: bool, trajectory: Trajectory, kind: str = "logit", compact: bool = False) -> bytes:
    """The packed scene of a 2D run: map, drift, particles and, unless ``compact``, every metric per step."""
    identity = results.key(
        "flow", trajectory.settings, trajectory.provenance, trajectory.steps, kind, compact
    )

    def make() -> bytes:
        model, space = results.model(name, raw), trajectory.settings["space"]
        divergence = trajectory.settings.get("divergence", "KL")
        where = results.field(name, raw, space)
        made = scene.from_trajectory(
            model,
            trajectory,
            field=where,
            map=_map(name, raw, space, kind),
            arrows=results.kept(
                results.key("arrows", model.digest, space, divergence),
                lambda: scene.drift_arrows(where, scene.extent_of(model, space), divergence),
                lambda arrows: arrows.vectors.nbytes * 2,
            ),
            curves=() if compact else metric_curves(trajectory, model.dataset),
            key=identity,
            title=f"{methods.get(trajectory.settings['method']).title} · {model.title}",
        )
        return scene.pack(made)

    return results.kept(identity, make)


def metric_curves(trajectory: Trajectory, dataset: str) -> list[scene.Curve]:
    """The run's metrics per step as curves of one series."""
    return [
        scene.Curve(
            row.name,
            (row.values,),
            row.unit,
            row.better,
            None
            if row.reference is None
            else scene.Reference(row.reference, row.reference, row.reference_label),
        )
        for row in curves.per_step(trajectory, dataset)
    ]


def _map(name: str, raw: bool, space: str, kind: str) -> scene.Map:
    model = results.model(name, raw)
    logit = results.kept(
        results.key("map", model.digest, space),
        lambda: scene.logit_map(results.field(name, raw, space), scene.extent_of(model, space)),
        lambda drawn: drawn.values.nbytes,
    )
    return logit if kind == "logit" else scene.ratio_map(logit)

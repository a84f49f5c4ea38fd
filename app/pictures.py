"""Scenes for the stage, built by the core and kept packed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app import results
from dgflow_core import methods
from dgflow_core import pictures as scene
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.metric import MetricCurve
from dgflow_core.kinds.plane import approach as approaching
from dgflow_core.kinds.plane.per_step import per_step

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


def side_by_side(
    name: str, raw: bool, runs: list[Trajectory], titles: list[str], difference: bool = False
) -> bytes:
    """The packed scene of several runs in data space: one panel each, shared axes, curves and scrubber.

    ``difference`` adds a panel with the way from where the first run ends to where the second does.
    """
    identity = results.key(
        "side by side", [(run.settings, run.provenance, run.steps) for run in runs], titles, difference
    )

    def make() -> bytes:
        model = results.model(name, raw)
        where = results.field(name, raw, "data")
        under = _map(name, raw, "data", "logit")
        panels = [
            scene.panel(model, run, "data", where, map=under, arrows=None, title=title)
            for run, title in zip(runs, titles, strict=True)
        ]
        steps = max(1, *(run.steps for run in runs))
        panels = [panel if run.steps else scene.still(panel) for panel, run in zip(panels, runs, strict=True)]
        if difference:
            panels.append(scene.difference(model, runs[0], runs[1], f"{titles[0]} → {titles[1]}"))
        each = [per_step(run, model.dataset) for run in runs]
        rest = (None,) * (len(panels) - len(runs))
        drawn = [_curve(same, rest) for same in zip(*each, strict=True)]
        return scene.pack(scene.Scene(tuple(panels), steps, tuple(drawn), key=identity, title=model.title))

    return results.kept(identity, make)


def approach(name: str, run: Trajectory, space: str) -> approaching.Approach:
    """How a run approaches its target in a space, measured once."""
    model, where = results.model(name), results.field(name, False, "latent")
    aim = results.kept(
        results.key("aim", model.digest, space),
        lambda: approaching.aim(model, space, where),
        lambda target: target.density.nbytes * 2,
    )
    return results.kept(
        results.key("approach", run.settings, run.provenance, run.steps, space),
        lambda: approaching.approach(model, run, space, where, aim),
        lambda made: made.densities.nbytes + made.base.nbytes * 2,
    )


def densities(name: str, runs: list[Trajectory], titles: list[str], space: str) -> bytes:
    """The packed scene of base density, target and each run's density, one colour scale, with distances."""
    identity = results.key("densities", [(run.settings, run.provenance, run.steps) for run in runs], space)

    def make() -> bytes:
        measured = [approach(name, run, space) for run in runs]
        first = measured[0]
        extent = (-first.half, first.half, -first.half, first.half)
        label = "density p(z)" if space == "latent" else "density p(x)"

        def panel(title: str, values, run: Trajectory | None = None) -> scene.Panel:
            drawn = scene.Map(values, label, "per unit area", "density", (0.0, float(first.target.max())))
            if run is None:
                return scene.Panel(extent, title, axes=scene.AXES[space], map=drawn)
            moved = run.positions if space == "latent" else run.samples
            return scene.Panel(
                extent,
                title,
                axes=scene.AXES[space],
                map=drawn,
                positions=moved.numpy(),
                logits=run.logits.numpy(),
            )

        base = {"latent": "Prior p(z)", "data": "Generator's samples"}[space]
        panels = [panel(base, first.base), panel("Target q", first.target)]
        steps = max(run.steps for run in runs)
        for title, run, one in zip(titles, runs, measured, strict=True):
            rest = np.repeat(one.densities[-1:], steps - run.steps, axis=0)
            panels.append(panel(title, np.concatenate([one.densities, rest]), run))
        drawn = [
            scene.Curve(
                metric, (None, None, *(one.curves[metric] for one in measured)), unit, "down",
                scene.Reference(first.floor[metric], first.floor[metric], "draws from q"),
            )
            for metric, unit in approaching.DISTANCES.items()
        ]  # fmt: skip
        return scene.pack(
            scene.Scene(
                tuple(panels),
                steps,
                tuple(drawn),
                layers=("map",),
                key=identity,
                title=results.model(name).title,
            )
        )

    return results.kept(identity, make)


def metric_curves(trajectory: Trajectory, dataset: str) -> list[scene.Curve]:
    """The run's metrics per step as curves of one series."""
    return [_curve([row]) for row in per_step(trajectory, dataset)]


def _curve(same: Sequence[MetricCurve], rest: tuple[None, ...] = ()) -> scene.Curve:
    """One metric of one or more runs as a curve with a series for each."""
    first = same[0]
    level = first.reference
    reference = None if level is None else scene.Reference(level, level, first.reference_label)
    series = (*(one.values for one in same), *rest)
    return scene.Curve(first.name, series, first.unit, first.better, reference)


def _map(name: str, raw: bool, space: str, kind: str) -> scene.Map:
    model = results.model(name, raw)
    logit = results.kept(
        results.key("map", model.digest, space),
        lambda: scene.logit_map(results.field(name, raw, space), scene.extent_of(model, space)),
        lambda drawn: drawn.values.nbytes,
    )
    return logit if kind == "logit" else scene.ratio_map(logit)

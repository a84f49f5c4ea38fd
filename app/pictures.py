"""Pictures for the stage, composed by the core; kept packed, and as they were composed for exports."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import streamlit as st

from app import results, uploads
from dgflow_core import pictures
from dgflow_core.flow.driver import Frame
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.plane import approach as approaching
from dgflow_core.pictures.picture import paint
from dgflow_core.pictures.plane_scene import MAPS, Composition
from dgflow_core.pictures.scene import Scene
from dgflow_core.pictures.sheet import Look

__all__ = ["MAPS", "Composition", "Shown", "approach", "densities", "exact_run", "flow"]

#: The least time between two sketches of a run, in seconds, and as a multiple of what one takes.
PAUSE, TIMES = 0.5, 3
#: Height of a sketch, in pixels.
SIZE = 560


class Shown(NamedTuple):
    """What the stage shows: ``packed`` is ``scene`` as bytes."""

    scene: Scene
    packed: bytes


def flow(name: str, raw: bool, runs: list[Trajectory], how: Composition) -> Shown:
    """One run in the plane, or several side by side on shared axes, curves and scrubber."""

    def make(key: str) -> Scene:
        composition = Composition(**{**vars(how), "key": key})
        return pictures.compose(
            runs, results.model(name, raw), composition, partial(results.field, name, raw)
        )

    return _kept(name, results.key("flow", _identity(runs), vars(how)), make)


def exact_run(name: str, settings: dict, *, raw: bool = False) -> Trajectory:
    """``results.trajectory`` by the networks themselves, its samples sketched while they move."""
    progress, place, first, due = st.container(), st.container(key="sketch").empty(), None, 0.0
    dark = st.context.theme.type == "dark"

    def draw(frame: Frame) -> None:
        nonlocal first, due
        first = first or frame
        began = time.monotonic()
        if frame is first or began >= due:
            scene = pictures.on_the_way(results.model(name, raw), first, frame, settings["steps"])
            base = () if first.step else ("base",)  # of a run that goes on it is not at hand
            look = Look(SIZE, dark, layers=("real", *base, "refined"))
            place.image(paint(scene, look).frame(frame.step))
            due = time.monotonic() + max(PAUSE, TIMES * (time.monotonic() - began))

    with progress:
        run = results.trajectory(name, settings, raw=raw, exact=True, draw=draw)
    place.empty()
    return run


def approach(name: str, run: Trajectory, space: str) -> approaching.Approach:
    """How a run approaches its target in a space, measured once."""
    model, where = results.model(name), results.field(name, False, "latent")
    aim = results.kept(
        results.key("aim", model.digest, space),
        lambda: approaching.aim(model, space, where),
        lambda target: target.density.nbytes * 2,
        uploads.private(name),
    )
    return results.kept(
        results.key("approach", _identity([run]), space),
        lambda: approaching.approach(model, run, space, where, aim),
        lambda made: made.densities.nbytes + made.base.nbytes * 2,
        uploads.private(name),
    )


def densities(name: str, runs: list[Trajectory], titles: list[str], space: str) -> Shown:
    """Base density, target and each run's density, one colour scale, with distances."""

    def make(key: str) -> Scene:
        measured = [approach(name, run, space) for run in runs]
        return pictures.densities(runs, measured, Composition(tuple(titles), key=key), results.model(name))

    return _kept(name, results.key("densities", _identity(runs), titles, space), make)


def _identity(runs: list[Trajectory]) -> list:
    return [(run.settings, run.provenance, run.steps) for run in runs]


def _kept(name: str, key: str, make: Callable[[str], Scene]) -> Shown:
    def both() -> Shown:
        scene = make(key)
        return Shown(scene, pictures.pack(scene))

    def size(shown: Shown) -> int:  # positions are the runs' own arrays, which are counted with the runs
        return len(shown.packed) + _own_bytes(shown.scene)

    return results.kept(key, both, size, uploads.private(name))


def _own_bytes(scene: Scene) -> int:
    maps = [panel.map.values.nbytes for panel in scene.panels if panel.map is not None]
    return sum(maps) + sum(panel.real.nbytes for panel in scene.panels if panel.real is not None)

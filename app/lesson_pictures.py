"""The picture of a lesson: its runs, computed and kept like any other's, drawn, and ready to be measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from app import navigation, panels, pictures, results
from app.components import stage, wall
from app.escape import plain
from app.panels import Panel
from app.words import say
from dgflow_core import pictures as core
from dgflow_core.lessons.handout import Sheet
from dgflow_core.lessons.lesson import Picture, Run
from dgflow_core.lessons.measures import Measured
from dgflow_core.pictures import export, image_wall
from dgflow_core.pictures.image_wall import Wall
from dgflow_core.pictures.scene import Scene

#: The height of a small picture, in pixels.
SMALL = 320
#: What the wall of a lesson starts with.
WALL = {"view": "now", "order": "drawn", "selected": 0, "pane": "logits", "step": -1}


def title(run: Run) -> str:
    """What a run is called beside others."""
    return say(run["title"]) or panels.run_title(run["method"], run)


class Shown(NamedTuple):
    """A computed picture: what is mounted, and what can be measured of its runs."""

    component: str
    packed: bytes
    measured: Measured
    scene: Scene | None = None

    @property
    def sheet(self) -> Sheet:
        """The same for a hand-out."""
        titles = tuple(title for run in self.measured.picture.runs if (title := run["title"]))
        runs = tuple(self.measured.runs)
        several = titles if len(runs) > 1 else None
        return Sheet(self.scene or Wall(runs, several, rows=several is not None), self.measured)

    def draw(self, key: str, **place: Any) -> None:
        """Show it, under ``key``; ``place`` is what the component is told of the page around it."""
        for run in self.measured.runs:
            if run.message and run.ended != "complete":
                st.warning(plain(run.message), icon=":material/warning:")
        if self.component == "wall":
            wall(self.packed, f"{key}.wall", WALL, **place)
        else:
            stage(self.packed, f"{key}.stage", **place)


def compute(picture: Picture, still: bool = False) -> Shown:
    """The runs of a picture, composed.

    ``still``: only where the first run starts, because what happens then is yet to be predicted.
    """
    chosen = picture.runs[:1] if still else picture.runs
    wanted = [picture.settings(run, still) for run in chosen]
    titles = [title(run) for run in chosen]
    if picture.show == "images":
        return _images(picture, wanted, titles)
    runs = [results.trajectory(picture.model, one, raw=picture.raw) for one in wanted]
    if picture.show == "density":
        shown = pictures.densities(picture.model, runs, titles, "latent")
        distances = {curve.name: curve.series[-len(runs) :] for curve in shown.scene.curves}
        return Shown("player", shown.packed, Measured(picture, runs, distances), shown.scene)
    how = pictures.Composition(
        tuple(titles) if len(titles) > 1 else None,
        map=picture.map,
        curves=picture.curves and not still,
        difference=picture.difference and not still,
    )
    shown = pictures.flow(picture.model, picture.raw, runs, how)
    packed = _without_end(shown) if still else shown.packed
    return Shown("player", packed, Measured(picture, runs), shown.scene)


def _without_end(shown: pictures.Shown) -> bytes:
    """A scene that has not moved yet, as bytes: its particles are base samples, and nothing is refined."""
    layers = tuple(name for name in shown.scene.layers if name != "refined")
    return results.kept(
        results.key("still start", shown.scene.key), lambda: core.pack(replace(shown.scene, layers=layers))
    )


def _images(picture: Picture, wanted: list[dict], titles: list[str]) -> Shown:
    model = results.model(picture.model)
    if model.corrector is not None and not picture.corrector:
        model = model.without_corrector()
    runs = [results.image_run(model, one) for one in wanted]
    labels = titles if len(titles) > 1 else None
    words = say("The Images page shows the map and the nearest training images.")
    name = results.key("lesson", model.digest, [results.identity(run) for run in runs], labels, words)
    packed = results.kept(name, lambda: image_wall.pack(model, runs, name, labels, words))
    return Shown("wall", packed, Measured(picture, runs))


def still(picture: Picture, step: int) -> np.ndarray | None:
    """The picture at a step, small, (height, width, 3) bytes; None of a wall."""
    scene = compute(picture).scene
    if scene is None:
        return None

    def make() -> np.ndarray:
        sheet = export.paint(replace(scene, curves=()), size=SMALL)
        return sheet.frame(min(step, scene.steps))

    return results.kept(results.key("still", scene.key, step), make, lambda image: image.nbytes)


def place(picture: Picture, run: Run) -> tuple[str, dict[str, Any]]:
    """The page that has every control for one run of a picture, and what its link says."""
    said = {"model": picture.model, "n": picture.n, "seed": picture.seed}
    own = {name: value for name, value in run.items() if name != "title"}
    if picture.show == "density":
        return "latent", said | {key: own[key] for key in ("divergence", "eta", "gamma", "steps")}
    if picture.show == "images":
        own.pop("space")
        return "images", said | own | ({} if picture.corrector else {"corrector": False})
    return "flow", said | own | {"raw": picture.raw, "map": picture.map}


def full_page(picture: Picture) -> None:
    """Draw the link to the page that has every control for this picture."""
    name, said = place(picture, picture.runs[0])
    if picture.show == "flow" and len(picture.runs) > 1:
        sides = [
            Panel(run["method"], run["space"], {k: v for k, v in run.items() if k in _settings(run)})
            for run in picture.runs
        ]
        texts = {f"p{number}": panels.write(side) for number, side in enumerate(sides, 1)}
        name = "compare"
        said = {key: said[key] for key in ("model", "n", "seed", "raw")}
        said |= {"panels": len(sides), **texts, "difference": picture.difference}
    words = "The same run, with every control."
    navigation.link(name, "Open in its room", ":material/open_in_new:", words, said)


def _settings(run: Run) -> set[str]:
    return set(run) - {"method", "space", "title"}

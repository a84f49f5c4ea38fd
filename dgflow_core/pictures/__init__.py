"""Pictures of runs as data: what they show, as bytes, as pixels, and as a page that plays by itself.

A ``Scene`` says what is shown of the plane; ``pack`` makes it bytes, which ``assets/player`` draws in the
app (``app.components.stage``) and in an exported page (``html``) alike. ``compose`` makes the scene of a run.

>>> from dgflow_core import pictures
>>> packed = pictures.pack(pictures.compose([trajectory], model))
"""

from dgflow_core.pictures.browser_bundle import html, script, style
from dgflow_core.pictures.packing import encode, envelope, pack
from dgflow_core.pictures.plane_layers import (
    AXES,
    drift_arrows,
    extent_of,
    grid,
    logit_map,
    ratio_map,
    real_points,
)
from dgflow_core.pictures.plane_scene import Composition, compose, densities, difference, on_the_way
from dgflow_core.pictures.scene import Arrows, Curve, Map, Panel, Reference, Scene

__all__ = [
    "AXES",
    "Arrows",
    "Composition",
    "Curve",
    "Map",
    "Panel",
    "Reference",
    "Scene",
    "compose",
    "densities",
    "difference",
    "drift_arrows",
    "encode",
    "envelope",
    "extent_of",
    "grid",
    "html",
    "logit_map",
    "on_the_way",
    "pack",
    "ratio_map",
    "real_points",
    "script",
    "style",
]

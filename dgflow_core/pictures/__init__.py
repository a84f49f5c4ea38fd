"""Pictures of the plane as data: what they show, as bytes, and as a page that plays by itself.

A ``Scene`` says what is shown; ``pack`` makes it bytes, which ``assets/player`` draws in the app
(``app.components.stage``) and in an exported page (``html``) alike. ``from_trajectory`` builds the usual
scene of a run from a model; its parts (``panel``, ``logit_map``, ``ratio_map``, ``drift_arrows``,
``real_points``) serve other pages.

>>> from dgflow_core import scene
>>> one = scene.Scene(panels=(scene.Panel(extent=(-2, 2, -2, 2), positions=positions),), steps=100)
>>> packed = scene.pack(one)
"""

from dgflow_core.pictures.browser_bundle import html, script, style
from dgflow_core.pictures.compose import (
    AXES,
    difference,
    drift_arrows,
    extent_of,
    from_trajectory,
    grid,
    logit_map,
    panel,
    ratio_map,
    real_points,
    still,
)
from dgflow_core.pictures.packing import encode, envelope, pack
from dgflow_core.pictures.scene import Arrows, Curve, Map, Panel, Reference, Scene

__all__ = [
    "AXES", "Arrows", "Curve", "Map", "Panel", "Reference", "Scene", "difference", "drift_arrows",
    "encode", "envelope",
    "extent_of", "from_trajectory", "grid", "html", "logit_map", "pack", "panel", "ratio_map", "real_points",
    "script", "still", "style",
]  # fmt: skip

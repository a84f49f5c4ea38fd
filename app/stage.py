"""The stage: the canvas on which the app shows every two-dimensional picture.

    packed = scene.pack(scene.from_trajectory(model, trajectory))   # cache this, it is the slow part
    stage(packed, key="flow")

With a ``key`` that stays the same, new bytes replace the picture in place: nothing is mounted
anew, so nothing flickers, and step, motion, layers and speed stay as the person left them.
"""

from __future__ import annotations

import functools

import streamlit as st

from dgflow_core import pictures as scene


@functools.cache
def _component():
    return st.components.v2.component(
        "dgflow_stage",
        html='<div class="stage"></div>',
        css=scene.style(),
        js=scene.script("unpack", "parts", "view", "chart", "player"),
    )


def stage(packed: bytes | scene.Scene, key: str, height: int | None = None) -> None:
    """Show a scene.

    Args:
        packed: ``scene.pack(…)``, or a Scene, which is then packed at every rerun.
        key: names the stage; one for each place on a page, the same at every rerun.
        height: CSS pixels; None fills the window below a page header (about 560 on a laptop).
    """
    if isinstance(packed, scene.Scene):
        packed = scene.pack(packed)
    _component()(key=key, data=scene.envelope(packed, {"key": key, "height": height}))

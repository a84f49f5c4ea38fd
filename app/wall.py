"""The wall: pictures that change step by step, played and sorted in the browser."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import streamlit as st

from dgflow_core import palette, scene
from dgflow_core.data.images import to_bytes
from dgflow_core.model import Model
from dgflow_core.scene import packing
from dgflow_core.trajectory import Trajectory

ASSETS = Path(__file__).parent.parent / "assets" / "wall"
ORDERS = ("drawn", "improved", "harmed", "final")


@functools.cache
def _component():
    return st.components.v2.component(
        "dgflow_wall",
        html='<div class="wall"></div>',
        css=(ASSETS / "wall.css").read_text(encoding="utf-8"),
        js=scene.script("unpack") + "\n" + (ASSETS / "wall.js").read_text(encoding="utf-8"),
    )


def as_measured(model: Model) -> bool:
    """Whether the logit is the one its config's numbers belong to: not after the corrector was left out."""
    return model.corrector is not None or model.config.get("corrector") is None


def pack(model: Model, trajectory: Trajectory, key: str) -> bytes:
    """A run of images as bytes for the browser: one byte a pixel and channel, logits in float32."""
    band = model.config.get("real_logits") if as_measured(model) else None
    frames = to_bytes(trajectory.samples).permute(0, 1, 3, 4, 2).contiguous().numpy()
    return packing.encode(
        {
            "key": key,
            "steps": trajectory.steps,
            "n": trajectory.n,
            "frames": frames,
            "logits": trajectory.logits.numpy().astype(np.float32),
            "band": None if band is None else list(band.values()),
            "palette": {
                "real": palette.REAL,
                "base": palette.BASE,
                "refined": palette.REFINED,
                "bar": palette.LOGIT_LIGHT,
            },
        }
    )


def wall(packed: bytes, key: str, order: str, selected: int) -> tuple[str, int]:
    """Show a packed run; return the order and the selected sample as the person left them.

    ``order`` and ``selected`` count at first sight only; after that the browser knows better.
    """
    start = {"order": order, "selected": selected}
    shown = _component()(
        key=key,
        data=scene.envelope(packed, {"key": key, **start}),
        default={"view": start},
        on_view_change=lambda: None,
    )
    view = shown.view or start
    return view["order"], view["selected"]

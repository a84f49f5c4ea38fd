"""The wall: pictures that change step by step, played and sorted in the browser."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import streamlit as st

from dgflow_core import pictures as scene

ASSETS = Path(__file__).parent.parent / "assets" / "wall"
ORDERS = ("drawn", "improved", "harmed", "final")
PANES = ("logits", "map")
SHOWN = ("now", "base", "change")


@functools.cache
def _component():
    return st.components.v2.component(
        "dgflow_wall",
        html='<div class="wall"></div>',
        css=(ASSETS / "wall.css").read_text(encoding="utf-8"),
        js=scene.script("unpack", "parts", "view") + "\n" + (ASSETS / "wall.js").read_text(encoding="utf-8"),
    )


def wall(packed: bytes, key: str, start: dict[str, Any]) -> dict[str, Any]:
    """Show packed runs; return "view", "order", "selected", "pane" and "step" as the person left them.

    ``start`` holds the same and counts at first sight only; after that the browser knows better.
    """
    shown = _component()(
        key=key,
        data=scene.envelope(packed, {"key": key, **start}),
        default={"view": start},
        on_view_change=lambda: None,
    )
    return shown.view or start

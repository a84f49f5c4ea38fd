"""The browser's components on a page: player, live simulation, live samples, wall, reader, brush.

With a ``key`` that stays the same, new content replaces what is shown in place: nothing is mounted anew,
so nothing flickers, and what the person chose stays. What they chose comes back as the component's
state; it never travels with the content, so that a click does not send a whole run again.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import streamlit as st

from app import words
from dgflow_core import pictures
from dgflow_core.kinds.plane.drawn_points import HALF, SHAPES, SIDE, Drawing, shape
from dgflow_core.methods import methods
from dgflow_core.pictures import browser_bundle, live_world, palette

#: What a person may choose on the wall and the reader, by the names that links use.
ORDERS = ("drawn", "improved", "harmed", "final")
WALL_PANES = ("logits", "map")
WALL_VIEWS = ("now", "base", "change")
READER_VIEWS = ("confidence", "words")

State = dict[str, Any]


@functools.cache
def _component(name: str, language: str):
    """The component ``name`` in a language: one of its own in each, so that its words travel once."""
    return st.components.v2.component(
        f"dgflow_{language}_{name}",
        html='<div class="kit"></div>',
        css=browser_bundle.style(name),
        js=browser_bundle.script(name, language),
    )


def mount(name: str, packed: bytes, key: str, state: State | None = None, **place: Any) -> State:
    """Show ``packed`` in the component ``name`` and return its state, as the person left it.

    Args:
        key: names what is shown; the same at every rerun, one for each place on a page.
        state: what to begin with; counts at first sight only, the browser knows better after that.
        place: what the component is told of the page around it, such as ``height``.
    """
    # The message must stay the same where the content does: Streamlit then sends only its number.
    first = st.session_state.setdefault(f"components {key}", state or {})
    digest = f"{hash(packed):x}"  # of bytes, kept by the object; only ever compared within this process
    data = pictures.envelope(packed, {"key": key, "digest": digest, "state": first, **place})
    spoken = words.language()
    # Another language is another component, which Streamlit makes only where its key is another one, too.
    shown = _component(name, spoken)(
        key=key if spoken == "en" else f"{key} {spoken}",
        data=data,
        default={"state": state},
        on_state_change=lambda: None,
    )
    return shown.state if isinstance(shown.state, dict) else state or {}


def stage(packed: bytes | pictures.Scene, key: str, height: int | None = None, **place: Any) -> None:
    """Play a scene.

    Args:
        packed: ``pictures.pack(…)``, which is the slow part; a Scene is packed at every rerun.
        height: CSS pixels; None fills the window below a page header (about 560 on a laptop).
        place: "linked", what a link says of the player; "play", another number starts it from the base.
    """
    packed = pictures.pack(packed) if isinstance(packed, pictures.Scene) else packed
    mount("player", packed, key, height=height, **place)


def live(
    packed: bytes, key: str, initial: State | None = None, exact: str | None = None, address: bool = False
) -> None:
    """Show the simulation of ``live_world.pack(…)``, with its own controls.

    Args:
        initial: settings at first sight, by the names that links use.
        exact: where the button to the exact run leads; None hides it.
        address: keep the settings in the address bar, as the person changes them.
    """
    mount("live", packed, key, initial, exact=exact, address=address)


def samples(packed: bytes, key: str, initial: State, recorded: str) -> None:
    """Let samples of ``samples_world.pack(…)`` flow; the settings stay in the address bar.

    Args:
        initial: settings at first sight, by the names that links use.
        recorded: where a browser that cannot compute finds a recorded run.
    """
    mount("samples", packed, key, initial, address=True, recorded=recorded, runtime="app/static/")


def live_names() -> set[str]:
    """What a link to the live canvas may say beside the model."""
    own = {name for method in live_world.METHODS for name in methods[method].Settings.model_fields}
    return own | {"method", "space", "n", "seed", "raw", "speed", "after"}


def wall(packed: bytes, key: str, start: State, **place: Any) -> State:
    """Show packed images; the state is "view", "order", "selected", "pane" and "step"."""
    return mount("wall", packed, key, start, **place)


def reader(packed: bytes, key: str, start: State, **place: Any) -> State:
    """Show packed text; the state is "view", "order", "selected" and "step", None for the last one."""
    return mount("reader", packed, key, start, **place)


def brush(
    key: str,
    drawing: Drawing | None,
    samples: np.ndarray | None,
    *,
    locked: bool = False,
    refined: bool = False,
    demonstration: State | None = None,
) -> str | None:
    """Show the canvas; returns the ink as ``Drawing.parse`` reads it, or None before the first stroke.

    Args:
        drawing: the ink to begin with. samples: (n, 2) generated points to show over it.
        locked: no more painting, because a training runs. refined: samples are, and drawn as such.
        demonstration: what plays before the first stroke: its ink, frames, which one is the first refined.
    """
    tree = {
        "side": SIDE,
        "half": HALF,
        "locked": locked,
        "refined": refined,
        "shapes": {name: shape(name).ink.astype(np.uint8).ravel() for name in SHAPES},
        "demonstration": demonstration,
        "palette": palette.for_browser(),
        "ink": None if drawing is None else drawing.ink.astype(np.uint8).ravel(),
        "samples": None if samples is None else samples.astype(np.float32).ravel(),
    }
    return mount("brush", pictures.encode(tree), key).get("ink")

"""The live canvas: a simulation that runs in the browser, with its own controls."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import streamlit as st

from dgflow_core import methods
from dgflow_core import pictures as scene
from dgflow_core.pictures import live_world as world


@functools.cache
def _component():
    return st.components.v2.component(
        "dgflow_live",
        html='<div class="stage live"></div>',
        css=scene.style() + world.style(),
        js=world.script(),
    )


def live(
    packed: bytes,
    key: str,
    initial: dict[str, Any] | None = None,
    exact: str | None = None,
    address: bool = False,
) -> None:
    """Show the simulation of ``scene.live.pack(…)``.

    Args:
        key: names the canvas; the same at every rerun, so that it goes on through them.
        initial: settings at first sight, by the names that links use.
        exact: where the button to the exact run leads; None hides it.
        address: keep the settings in the address bar, as the person changes them.
    """
    mount = {
        "key": key, "initial": initial or {}, "exact": exact, "address": address,
        "digest": hashlib.blake2b(packed, digest_size=8).hexdigest(),
    }  # fmt: skip
    _component()(key=key, data=scene.envelope(packed, mount))


def setting_names() -> set[str]:
    """What a link to the live canvas may say beside the model."""
    own = {name for method in world.METHODS for name in methods.get(method).Settings.model_fields}
    return own | {"method", "space", "n", "seed", "raw", "speed", "after"}

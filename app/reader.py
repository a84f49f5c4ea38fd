"""The reader: strings that mend step by step, coloured, sorted and played in the browser."""

from __future__ import annotations

import functools
from typing import Any

import streamlit as st

from app import results
from dgflow_core import pictures as scene
from dgflow_core.kinds.text.metrics import Reference
from dgflow_core.kinds.text.transcript import Transcript
from dgflow_core.pictures import text_payload as packing

ORDERS = ("drawn", "improved", "harmed", "final")
VIEWS = ("confidence", "words")


@functools.cache
def _component():
    return st.components.v2.component(
        "dgflow_reader", html='<div class="reader"></div>', css=packing.style(), js=packing.script()
    )


def pack(
    runs: list[Transcript], titles: list[str], against: Reference, walk: tuple[int, int] | None = None
) -> bytes:
    """Runs as bytes for the browser, with marks and metrics; packed once."""
    key = results.key("text", titles, walk, [(run.settings, run.provenance, run.steps) for run in runs])
    return results.kept(key, lambda: packing.pack(runs, titles, against, key, walk))


def reader(packed: bytes, key: str, start: dict[str, Any]) -> dict[str, Any]:
    """Show packed runs; return view, order, selected string and step as the person left them.

    ``start`` says the same and counts at first sight only; a step of None is the last one.
    """
    shown = _component()(
        key=key,
        data=scene.envelope(packed, {"key": key, **start}),
        default={"view": start},
        on_view_change=lambda: None,
    )
    return shown.view or start

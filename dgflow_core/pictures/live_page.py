"""The live simulation as one HTML file: no server, no outside address."""

from __future__ import annotations

from dgflow_core.pictures import live_world
from dgflow_core.pictures.browser_bundle import Document
from dgflow_core.zoo.model import Model


def live_html(model: Model | None, packed: bytes | None = None, title: str = "") -> str:
    """A page that simulates ``model`` in the browser, from disk and without a network.

    Args:
        model: a 2D model; None where ``packed`` and ``title`` say all.
        packed: ``live_world.pack(model)``, where the caller has it already.
        title: heads the page; the model's title where it is empty.

    Raises:
        ValueError: the model is not two-dimensional.
    """
    room = ".stage.live:not(.narrow) { height: clamp(520px, calc(100vh - 72px), 1100px); }"
    heading = title or f"DGflow live: {model.title}"
    return Document("live", packed or live_world.pack(model), heading, style=room).html()

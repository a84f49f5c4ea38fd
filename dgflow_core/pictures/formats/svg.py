"""SVG: one step, text as text and dots as dots."""

from __future__ import annotations

from pathlib import Path

from dgflow_core.pictures.formats.declaration import Format, Watch
from dgflow_core.pictures.picture import Picture, paint
from dgflow_core.pictures.sheet import Look


def write(picture: Picture, path: Path, look: Look, watch: Watch) -> None:
    """Write the picture at one step as vectors."""
    paint(picture, look).svg(path, look.at(picture))
    watch.done()


FORMAT = Format(
    "svg",
    "SVG picture of one step",
    "image/svg+xml",
    write,
    kinds=("2d",),
    instead="save images as png, and text as png or html",
    options=("size", "dark", "layers", "step"),
    order=40,
)

"""PNG: one step as it is drawn."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from dgflow_core.pictures.formats.declaration import STILL, Format, Watch
from dgflow_core.pictures.picture import Picture, paint
from dgflow_core.pictures.sheet import Look


def write(picture: Picture, path: Path, look: Look, watch: Watch) -> None:
    """Write the picture at one step."""
    Image.fromarray(paint(picture, look).frame(look.at(picture))).save(path, "PNG")
    watch.done()


FORMAT = Format("png", "PNG picture of one step", "image/png", write, options=STILL, order=30)

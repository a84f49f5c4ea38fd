"""HTML: a page that plays a picture from disk, without a server or an outside address."""

from __future__ import annotations

from pathlib import Path

from dgflow_core.pictures import browser_bundle, text_payload
from dgflow_core.pictures.formats.declaration import Format, Watch
from dgflow_core.pictures.picture import Picture
from dgflow_core.pictures.sheet import Look
from dgflow_core.pictures.text_list import Listing


def write(picture: Picture, path: Path, look: Look, watch: Watch) -> None:
    """Write the page; what was run is listed under the picture."""
    settings = picture.runs[0].settings if len(picture.runs) == 1 else {}
    if isinstance(picture, Listing):
        page = text_payload.html(picture, settings)
    else:
        page = browser_bundle.html(picture, picture.title, settings)
    path.write_text(page, encoding="utf-8")
    watch.done()


FORMAT = Format(
    "html",
    "web page that plays offline",
    "text/html",
    write,
    kinds=("2d", "text"),
    instead="save images as gif or mp4",
    order=50,
)

"""JSON: what was run and how to run it again; of text, every step as well."""

from __future__ import annotations

import json
from pathlib import Path

from dgflow_core.pictures.formats.declaration import Format, Watch
from dgflow_core.pictures.naming import content, title
from dgflow_core.pictures.picture import Picture
from dgflow_core.pictures.sheet import Look
from dgflow_core.pictures.text_list import Listing


def write(picture: Picture, path: Path, look: Look, watch: Watch) -> None:
    """Write settings and provenance, of several runs as a list under "runs"."""
    if isinstance(picture, Listing):
        written = {"runs": _with_steps(picture)}
    elif len(picture.runs) == 1:
        written = content(picture.runs[0])
    else:
        names = picture.titles or map(title, picture.runs)
        rows = zip(names, picture.runs, strict=True)
        written = {"runs": [{"title": name, **content(run)} for name, run in rows]}
    path.write_text(json.dumps(written, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    watch.done()


def _with_steps(listing: Listing) -> list[dict]:
    return [
        {
            "title": name,
            **content(run),
            "steps": [
                {"strings": run.strings(step), "logits": [round(x, 6) for x in run.logits[step].tolist()]}
                for step in range(run.steps + 1)
            ],
        }
        for name, run in zip(listing.names, listing.runs, strict=True)
    ]


FORMAT = Format("json", "the settings; of text, every step as well", "application/json", write, order=70)

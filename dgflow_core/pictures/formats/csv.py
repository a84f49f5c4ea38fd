"""CSV: every string of every step of runs of text."""

from __future__ import annotations

import csv
from pathlib import Path

from dgflow_core.pictures.formats.declaration import Format, Watch
from dgflow_core.pictures.picture import Picture
from dgflow_core.pictures.sheet import Look


def write(picture: Picture, path: Path, look: Look, watch: Watch) -> None:
    """Write a row for every string and step: run, step, string number from 1, logit, text."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["run", "step", "string", "logit", "text"])
        for title, run in zip(picture.names, picture.runs, strict=True):
            for step in range(run.steps + 1):
                rows = zip(run.strings(step), run.logits[step].tolist(), strict=True)
                for number, (text, logit) in enumerate(rows, 1):
                    table.writerow([title, step, number, f"{logit:.6g}", text])
    watch.done()


FORMAT = Format(
    "csv",
    "every string of every step",
    "text/csv",
    write,
    kinds=("text",),
    instead="save others as npz",
    order=80,
)

"""NPZ: the run itself, for NumPy and to be loaded again."""

from __future__ import annotations

from pathlib import Path

from dgflow_core.errors import UserError
from dgflow_core.pictures.formats.declaration import Format, Watch
from dgflow_core.pictures.picture import Picture
from dgflow_core.pictures.sheet import Look
from dgflow_core.pictures.text_list import Listing


def write(picture: Picture, path: Path, look: Look, watch: Watch) -> None:
    """Write positions, samples, logits, settings and provenance (``Trajectory.save``)."""
    run = picture.runs[0]
    if isinstance(picture, Listing):
        if picture.model is None:
            raise UserError("model must be given to save a transcript as npz: it makes its samples.")
        run = run.trajectory(picture.model)
    run.save(path)
    watch.done()


FORMAT = Format("npz", "the run, for NumPy", "application/octet-stream", write, runs=1, order=60)

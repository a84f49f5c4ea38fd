"""Runs of text as the reader shows them, packed once."""

from __future__ import annotations

from app import results
from dgflow_core.kinds.text.metrics import Reference
from dgflow_core.kinds.text.transcript import Transcript
from dgflow_core.pictures import text_payload as packing


def pack(
    runs: list[Transcript],
    titles: list[str],
    against: Reference,
    walk: tuple[int, int] | None = None,
    own: bool = False,
) -> bytes:
    """Runs as bytes for the browser, with marks and metrics; packed once, ``own`` for this session alone."""
    key = results.key("text", titles, walk, [(run.settings, run.provenance, run.steps) for run in runs])
    return results.kept(key, lambda: packing.pack(runs, titles, against, key, walk), own=own)

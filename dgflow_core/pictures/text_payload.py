"""Runs of text for the browser: as bytes, and as a page that plays them offline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dgflow_core.kinds.text.metrics import Reference, per_step
from dgflow_core.kinds.text.transcript import Transcript
from dgflow_core.pictures import palette
from dgflow_core.pictures.browser_bundle import Document
from dgflow_core.pictures.packing import encode
from dgflow_core.pictures.text_list import Listing


def pack(
    runs: Sequence[Transcript], titles: Sequence[str], against: Reference | None = None, key: str = "",
    walk: tuple[int, int] | None = None,
) -> bytes:  # fmt: skip
    """Runs of the same strings as bytes for ``assets/reader/reader.js``.

    Two bytes a character and step: the symbol; its confidence in 6 bits with a mark above them
    (1 in a word, 2 in a word of the corpus).

    Args:
        against: adds the marks, and the metrics of every step.
        key: names the content, so that the same run is not started again.
        walk: the numbers of the strings between which these lie; for a walk there are no metrics.
    """
    panels = [
        {
            "title": title, "steps": run.steps, "symbols": run.symbols.numpy(),
            "marks": (run.confidence.numpy() >> 2) | (_marks(run, against) << 6),
            "logits": run.logits.numpy().astype(np.float32),
        }
        for title, run in zip(titles, runs, strict=True)
    ]  # fmt: skip
    curves = [] if against is None or walk else [per_step(run, against) for run in runs]
    first = runs[0]
    return encode(
        {
            "key": key, "steps": max(run.steps for run in runs), "n": first.n, "length": first.length,
            "alphabet": list(first.alphabet), "panels": panels, "words": against is not None,
            "walk": None if walk is None else list(walk),
            "curves": [
                {
                    "name": same[0].name, "unit": same[0].unit, "better": same[0].better,
                    "series": [one.values.astype(np.float32) for one in same],
                    "reference": None if same[0].reference is None
                    else {"low": same[0].reference, "high": same[0].reference,
                          "label": same[0].reference_label},
                }
                for same in zip(*curves, strict=True)
            ],
            "palette": palette.for_browser(),
        }
    )  # fmt: skip


def _marks(run: Transcript, against: Reference | None) -> np.ndarray:
    if against is None:
        return np.zeros(run.symbols.shape, np.uint8)
    return np.stack(
        [np.stack([against.marks(string) for string in run.strings(step)]) for step in range(run.steps + 1)]
    )


def html(listing: Listing, settings: dict[str, Any]) -> str:
    """A page that plays runs of text from disk: no server, no outside address, light and dark.

    It opens as the screen was: order, colours, selected string and step.
    """
    return document(listing, settings).html()


def document(listing: Listing, settings: dict[str, Any]) -> Document:
    """``html`` before it is written."""
    packed = pack(listing.runs, listing.names, listing.against)
    state = {name: getattr(listing, name) for name in ("order", "selected", "view", "step")}
    style = ":root { --chrome: 262px; }"
    return Document("reader", packed, listing.title, settings, state, style)

"""The words of this field that the pages use, a sentence each: told on hover, and in the glossary."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

#: Term → what it means.
TERMS: dict[str, str] = json.loads(
    (Path(__file__).parent.parent / "assets" / "terms.json").read_text(encoding="utf-8")
)


@cache
def hover(text: str) -> str | None:
    """What is told on hover over ``text``: the terms in it; None where there are none."""
    found = [term for term in TERMS if re.search(rf"\b{re.escape(term)}(?!\w)", text, re.IGNORECASE)]
    return "\n\n".join(f"**{term}**: {TERMS[term]}" for term in found) or None

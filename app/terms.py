"""The words of this field that the pages use, a sentence each: told on hover, and in the glossary."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from app import words
from dgflow_core.languages import said

#: Term → what it means.
TERMS: dict[str, str] = json.loads(
    (Path(__file__).parent.parent / "assets" / "terms.json").read_text(encoding="utf-8")
)


def hover(text: str) -> str | None:
    """What is told on hover over ``text``: the terms in it; None where there are none."""
    return _hover(text, words.language())


@cache
def _hover(text: str, language: str) -> str | None:
    terms = {said(term, language): said(meaning, language) for term, meaning in TERMS.items()}
    found = [term for term in terms if re.search(rf"\b{re.escape(term)}(?!\w)", text, re.IGNORECASE)]
    return "\n\n".join(f"**{term}**: {terms[term]}" for term in found) or None

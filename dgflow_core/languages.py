"""The interface's own words in other languages: ``assets/words/<language>.json``, English → the other.

English is the key, so that code reads as it shows. A language is one file; it says its own name for
"English", and a word that is the same in both stands there with itself. What a file leaves out stays English.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from dgflow_core.places import ASSETS

#: The longest word that a canvas shows, in letters; paragraphs belong to pages.
WORD = 90


@cache
def languages() -> dict[str, str]:
    """What there is: "en" → "English", "de" → "Deutsch"."""
    found = {file.stem: catalogue(file.stem)["English"] for file in sorted((ASSETS / "words").glob("*.json"))}
    return {"en": "English", **found}


@cache
def catalogue(language: str) -> dict[str, str]:
    """English text → that in ``language``; empty for English itself."""
    if language == "en":
        return {}
    return json.loads((ASSETS / "words" / f"{language}.json").read_text(encoding="utf-8"))


def said(english: str, language: str, **values: Any) -> str:
    """``english`` in ``language``, with {values} put in."""
    text = catalogue(language).get(english, english)
    return text.format(**values) if values else text


def for_browser(language: str) -> str:
    """The line of JavaScript from which assets/kit/say.js has its words."""
    short = {english: other for english, other in catalogue(language).items() if len(english) <= WORD}
    return f"const WORDS = {json.dumps(short, ensure_ascii=False)};\n" if short else ""

"""What can go wrong, by what one sees: assets/mishaps.toml. Each claim is a condition on computed runs."""

from __future__ import annotations

import tomllib
from functools import cache

from dgflow_core.lessons.lesson import Block, Picture
from dgflow_core.places import ASSETS


class Mishap(Block):
    """One symptom.

    Attributes:
        symptom: what one sees, in one's own words. cause: in a sentence, with numbers of the runs.
        knob: what to turn. picture: two runs from the same start, the first with the symptom, then mended.
        shows, mends: conditions that hold of them.
    """

    symptom: str
    cause: str
    knob: str
    picture: Picture
    shows: str
    mends: str


@cache
def mishaps() -> dict[str, Mishap]:
    """All of them, by their names in links, in order."""
    rows = tomllib.loads((ASSETS / "mishaps.toml").read_text(encoding="utf-8"))
    return {name: Mishap(**row) for name, row in rows.items()}

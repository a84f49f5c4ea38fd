"""The course: our lessons, and those of a folder of one's own, ``DGFLOW_LESSONS``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from dgflow_core.errors import UserError
from dgflow_core.lessons.lesson import Lesson
from dgflow_core.lessons.reading import read
from dgflow_core.places import ASSETS

OURS = ASSETS / "lessons"
_read: dict[Path, tuple[int, Lesson | str]] = {}


class Course(NamedTuple):
    """Lessons by their names in links, in order; and a sentence for every file that is none."""

    lessons: dict[str, Lesson]
    broken: list[str]


def folders() -> list[Path]:
    """Where lessons lie: ours, then the folder that ``DGFLOW_LESSONS`` names."""
    own = os.environ.get("DGFLOW_LESSONS")
    return [OURS, *([Path(own)] if own else [])]


def course(language: str = "en") -> Course:
    """All lessons, each in ``language`` where it exists in it, else in English or whatever there is.

    A file is read again when it has changed: who writes a lesson reloads the page.
    """
    lessons: dict[str, Lesson] = {}
    broken: list[str] = []
    for folder in folders():
        if not folder.is_dir():
            broken.append(f"DGFLOW_LESSONS must name a folder; {str(folder)!r} is none.")
            continue
        for file in sorted(folder.glob("*.md")):
            found = _fresh(file)
            if isinstance(found, str):
                broken.append(found)
                continue
            there = lessons.get(found.slug)
            ranks = (language, "en")
            if there is None or _rank(found, ranks) <= _rank(there, ranks):
                lessons[found.slug] = found
    return Course(lessons, broken)


def _rank(lesson: Lesson, ranks: tuple[str, ...]) -> int:
    return ranks.index(lesson.language) if lesson.language in ranks else len(ranks)


def _fresh(file: Path) -> Lesson | str:
    """The lesson in a file, or what is wrong with it."""
    try:
        changed = file.stat().st_mtime_ns
    except OSError:
        changed = -1
    if file not in _read or _read[file][0] != changed:
        try:
            _read[file] = changed, read(file)
        except UserError as error:
            _read[file] = changed, str(error)
    return _read[file][1]

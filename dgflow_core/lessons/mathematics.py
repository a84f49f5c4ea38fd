"""The folded mathematics of a lesson: text, the very lines of code, and small pictures of a step.

A line "{code dgflow_core.methods.dgflow:step}" shows that function's source, "{still 20}" the picture at step
20.
"""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
from typing import NamedTuple

from dgflow_core.errors import UserError

_LINE = re.compile(r"^\{(code|still) ([\w.:]+)\}\s*$", re.M)
_PLACE = re.compile(r"(dgflow_core(?:\.\w+)+):(\w+(?:\.\w+)?)")


class Piece(NamedTuple):
    """ "text", "code" (a place such as "dgflow_core.methods.dgflow:step") or "still" (a step)."""

    kind: str
    text: str


def pieces(text: str) -> list[Piece]:
    """The pieces of the mathematics, in their order."""
    found, at = [], 0
    for line in _LINE.finditer(text):
        found += [Piece("text", text[at : line.start()].strip()), Piece(line[1], line[2])]
        at = line.end()
    found.append(Piece("text", text[at:].strip()))
    return [piece for piece in found if piece.text]


def source(place: str) -> str:
    """The source of a function, as it runs.

    Raises:
        UserError: there is no such function in the core.
    """
    return textwrap.dedent(inspect.getsource(_function(place))).rstrip()


def place(place: str) -> str:
    """Where the function stands: file and line."""
    found = _function(place)
    return f"{found.__module__.replace('.', '/')}.py, line {inspect.getsourcelines(found)[1]}"


def _function(place: str):
    named = _PLACE.fullmatch(place)
    try:
        assert named
        found = importlib.import_module(named[1])
        for name in named[2].split("."):
            found = getattr(found, name)
        inspect.getsourcelines(found)
    except (AssertionError, ImportError, AttributeError, TypeError, OSError):
        raise UserError(f"{place!r} is no function such as dgflow_core.methods.dgflow:step.") from None
    return found

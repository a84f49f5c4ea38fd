"""What a sample can be: a point of the plane, an image, a string. A folder each, declared in ``kind.py``.

>>> kinds.get("image").title
'Images'
>>> kinds.of(model).metrics["fid"].better
'down'

A folder here that holds a ``kind.py`` with a ``KIND`` is a kind. They are imported when they are first
asked for: a kind may name anything in the house, and most of the house imports parts of a kind.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from dgflow_core import registry
from dgflow_core.kinds.declaration import Kind


@cache
def all() -> dict[str, Kind]:
    """Every kind by its name in configs."""
    folders = sorted(found.name for found in pkgutil.iter_modules(__path__) if found.ispkg)
    found = [importlib.import_module(f"{__name__}.{folder}.kind").KIND for folder in folders]
    return {kind.name: kind for kind in sorted(found, key=lambda kind: kind.name)}


def get(name: str) -> Kind:
    """The kind ``name``.

    Raises:
        UserError: no such kind; the sentence lists them.
    """
    return registry.one_of("kind", all(), name)


def of(thing) -> Kind:
    """The kind of a model, a trajectory or a transcript."""
    return get(thing.kind)

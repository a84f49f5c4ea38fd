"""File formats of exports, by suffix. A file in this folder that defines ``FORMAT`` adds one."""

from __future__ import annotations

from dgflow_core import registry
from dgflow_core.errors import UserError
from dgflow_core.pictures.formats.declaration import Format, Look, Stopped, Watch
from dgflow_core.pictures.picture import Picture

_found: list[Format] = registry.declared(__name__, "FORMAT")
formats = {one.suffix: one for one in sorted(_found, key=lambda one: (one.order, one.suffix))}


def get(suffix: str) -> Format:
    """The format of a suffix, with or without its dot.

    Raises:
        UserError: no such format; the message lists them.
    """
    name = suffix.lower().lstrip(".")
    if name not in formats:
        raise UserError(f"path must end in one of {', '.join(formats)}, not {suffix!r}.")
    return formats[name]


def of(picture: Picture) -> dict[str, Format]:
    """The formats in which a picture can be saved."""
    return {name: one for name, one in formats.items() if one.holds(picture)}


__all__ = ["Format", "Look", "Stopped", "Watch", "formats", "get", "of"]

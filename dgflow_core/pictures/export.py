"""Runs as files, in every format that ``formats`` declares: ``dg.export.gif``, ``mp4``, ``png``, …

>>> dg.export.gif(t, "run.gif", model=m)
>>> dg.export.gif([t, u], "compared.gif", titles=["KL", "JS"])
>>> dg.export.write(t, dg.export.filename(t, "mp4"))

What is saved is a trajectory, a list of several to compare, or a picture that is composed already: a
``Scene`` (plane), a ``Wall`` (images) or a ``Listing`` (text). Animations have one frame a step: the first
shows the base samples, the last the refined ones. Options are those of ``picture.Choice`` (what is shown of
runs) and of ``picture.Look`` (how it is drawn), and ``progress(done, total)`` and ``stop()``.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Protocol

from dgflow_core.errors import UserError
from dgflow_core.pictures import formats as registry
from dgflow_core.pictures.formats import Format, Stopped, Watch
from dgflow_core.pictures.naming import filename, settings_json
from dgflow_core.pictures.picture import (
    CHOICE,
    LOOK,
    Choice,
    Picture,
    What,
    picture_of,
)
from dgflow_core.pictures.picture import paint as painter_of
from dgflow_core.pictures.sheet import FPS, RATES, SIZE, SIZES, Look, Sheet

#: What can be written: suffix → what it is.
FORMATS = {name: one.title for name, one in registry.formats.items()}
WATCH = {"progress", "stop"}

__all__ = [
    "FORMATS",
    "FPS",
    "RATES",
    "SIZE",
    "SIZES",
    "Writer",
    "check",
    "filename",
    "paint",
    "save",
    "settings_json",
    "write",
]


class Writer(Protocol):
    """Saves ``what`` at ``path`` in one format; None where it was asked to stop."""

    def __call__(self, what: What, path: str | Path, **options: Any) -> Path | None: ...


def __getattr__(name: str) -> Writer:
    """``dg.export.<suffix>``: the writer of a format, which takes only the options that it heeds."""
    if name not in registry.formats:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    one = registry.formats[name]

    def writer(what: What, path: str | Path, **options: Any) -> Path | None:
        return _write(what, path, one, options, CHOICE | WATCH | set(one.options))

    writer.__name__ = name
    writer.__doc__ = f"Save as {one.title}. Options: {', '.join(sorted(CHOICE | WATCH | set(one.options)))}."
    return writer


def __dir__() -> list[str]:
    return sorted([*globals(), *registry.formats])


def write(what: What, path: str | Path, **options: Any) -> Path | None:
    """Save ``what`` as what ``path`` ends in; options that this format does not heed are ignored.

    Raises:
        UserError: a wrong argument, an option that no format has, or a place that cannot be written to; one
            sentence that names it. Nothing is left behind then.
    """
    return _write(what, path, registry.get(Path(path).suffix), options, CHOICE | WATCH | LOOK)


def paint(what: What, **options: Any) -> Sheet:
    """What draws the frames of ``what``: an object with ``steps``, ``width``, ``height`` and ``frame(step)``.

    Raises:
        UserError: a wrong argument.
    """
    look = Look(**_some(options, LOOK))
    _known(options, CHOICE | LOOK, "a picture")
    return painter_of(picture_of(what, Choice(**_some(options, CHOICE))), look)


def check(path: str | Path, size: float = SIZE, fps: float = FPS) -> Path:
    """``path`` if a file of its suffix can be written there with this size and rate.

    Raises:
        UserError: unknown suffix, no such folder, or a size or rate that is not allowed.
    """
    path = Path(path)
    registry.get(path.suffix)
    if not path.parent.is_dir():
        raise UserError(f"path must be in a folder that exists; {str(path.parent)!r} does not.")
    Look(size=size, fps=fps)
    return path


def save(picture: Picture, path: str | Path, form: Format, look: Look, watch: Watch) -> Path | None:
    """Write a picture in a format, whole or not at all; None where it was asked to stop.

    Raises:
        UserError: it does not fit the format, or cannot be written there; an older file then stays.
    """
    path = Path(path)
    form.check(picture, look)
    scratch = path.with_name(f".{path.name}.part{path.suffix}")
    try:
        form.write(picture, scratch, look, watch)
        scratch.replace(path)
    except Stopped:
        return None
    except OSError as error:
        why = error.strerror or str(error).partition("\n")[0]
        raise UserError(f"path {path.name!r} could not be written: {why}.") from error
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
    return path


def _write(
    what: What, path: str | Path, form: Format, options: dict[str, Any], known: set[str]
) -> Path | None:
    _known(options, known, form.suffix)
    look = Look(**_some(options, LOOK))
    path = check(path)
    picture = picture_of(what, Choice(**_some(options, CHOICE)))
    return save(picture, path, form, look, Watch(**_some(options, WATCH)))


def _known(options: dict[str, Any], known: set[str], where: str) -> None:
    for name in options:
        if name not in known:
            raise UserError(f"{name!r} is not an option of {where}; those are {', '.join(sorted(known))}.")


def _some(options: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in names}

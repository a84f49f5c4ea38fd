"""Registries by folder: a file put into a folder is found; what it declares has a name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import TypeVar

from dgflow_core.errors import UserError

T = TypeVar("T")


def files(package: str) -> Iterator[ModuleType]:
    """Every module of the folder ``package`` (its dotted name), imported, by file name."""
    folder = importlib.import_module(package)
    for name in sorted(file.name for file in pkgutil.iter_modules(folder.__path__)):
        yield importlib.import_module(f"{package}.{name}")


def declared(package: str, attribute: str) -> list:
    """What the files of ``package`` call ``attribute``, by file name; files without one add nothing."""
    return [vars(module)[attribute] for module in files(package) if attribute in vars(module)]


def entry(known: dict[str, T], name: str, make: Callable[[Callable], T]) -> Callable[[Callable], Callable]:
    """A decorator that enters ``make(function)`` into ``known`` as ``name``; the function stays as it is."""

    def register(function: Callable) -> Callable:
        known[name] = make(function)
        return function

    return register


def one_of(what: str, known: Mapping[str, T], name: str) -> T:
    """The entry of ``known`` called ``name``.

    Raises:
        UserError: there is none; the sentence says what ``what`` may be.
    """
    try:
        return known[name]
    except (KeyError, TypeError):
        raise UserError(f"{what} must be one of {', '.join(known)}, not {name!r}.") from None

"""Refinement methods, by name. A file in this folder that defines ``METHOD`` adds one."""

from __future__ import annotations

from pathlib import Path

from dgflow_core import registry
from dgflow_core.methods.base import Method, Settings, State

methods: dict[str, Method] = {
    method.name: method
    for method in sorted(registry.declared(__name__, "METHOD"), key=lambda method: method.order)
}


def get(name: str) -> Method:
    """The method called ``name``.

    Raises:
        UserError: no such method; the message lists them.
    """
    return registry.one_of("method", methods, name)


def browser_forms() -> dict[str, Path]:
    """The methods that run in the browser too, and where: ``<name>.js`` beside ``<name>.py``."""
    places = [(name, Path(folder, f"{name}.js")) for name in methods for folder in __path__]
    return {name: file for name, file in places if file.is_file()}


__all__ = ["Method", "Settings", "State", "browser_forms", "get", "methods"]

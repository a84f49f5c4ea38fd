"""Refinement methods, by name. A file in this folder that defines ``METHOD`` adds one."""

from __future__ import annotations

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


__all__ = ["Method", "Settings", "State", "get", "methods"]

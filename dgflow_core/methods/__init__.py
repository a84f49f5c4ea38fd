"""Refinement methods, by name. A file in this folder that defines ``METHOD`` adds one."""

from __future__ import annotations

import importlib
import pkgutil

from dgflow_core.methods.base import Method, Settings, State

methods: dict[str, Method] = {}

for _file in sorted(pkgutil.iter_modules(__path__), key=lambda file: file.name):
    _method = getattr(importlib.import_module(f"{__name__}.{_file.name}"), "METHOD", None)
    if _method is not None:
        methods[_method.name] = _method
methods = dict(sorted(methods.items(), key=lambda item: item[1].order))


def get(name: str) -> Method:
    """The method called ``name``.

    Raises:
        ValueError: no such method; the message lists them.
    """
    if name not in methods:
        raise ValueError(f"method must be one of {', '.join(methods)}, not {name!r}.")
    return methods[name]


__all__ = ["Method", "Settings", "State", "get", "methods"]

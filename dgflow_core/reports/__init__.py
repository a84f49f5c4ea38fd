"""The papers' tables, measured on our models. A file in this folder that defines ``TABLE`` adds one."""

from __future__ import annotations

import importlib
import pkgutil

from dgflow_core.reports.resumable import Table

tables: dict[str, Table] = {}

for _file in sorted(pkgutil.iter_modules(__path__), key=lambda file: file.name):
    _table = getattr(importlib.import_module(f"{__name__}.{_file.name}"), "TABLE", None)
    if _table is not None:
        tables[_table.name] = _table

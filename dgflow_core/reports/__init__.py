"""The papers' tables, measured on our models. A file in this folder that defines ``TABLE`` adds one."""

from __future__ import annotations

from dgflow_core import registry
from dgflow_core.reports.resumable_table import Table

tables: dict[str, Table] = {table.name: table for table in registry.declared(__name__, "TABLE")}

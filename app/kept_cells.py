"""Finished cells of sweeps on disk, so that a server that was stopped or killed has lost none of them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from pathlib import Path

import dgflow_core
from dgflow_core.fields import table

log = logging.getLogger("dgflow")

#: The most cells that are kept; the oldest go first. A cell takes about half a kilobyte.
LIMIT = 50_000


@cache
def code() -> str:
    """What tells this code from any other: numbers that other code measured are no use."""
    sha = hashlib.sha256()
    for file in sorted(Path(dgflow_core.__file__).parent.rglob("*.py")):
        sha.update(file.read_bytes())
    return sha.hexdigest()[:16]


def file() -> Path:
    """Where they are: DGFLOW_CELLS, or a file in the cache folder."""
    return Path(os.environ.get("DGFLOW_CELLS") or table.cache() / "sweep-cells.sqlite")


def read(keys: Iterable[str]) -> dict[str, dict[str, float]]:
    """Those kept of the cells with these keys; what is damaged is dropped, with a line in the log."""
    found = {}
    if not file().exists():
        return found
    try:
        with closing(_open()) as store:
            for key in keys:
                row = store.execute("SELECT numbers FROM cells WHERE key = ?", (_name(key),)).fetchone()
                if row is None:
                    continue
                try:
                    found[key] = {str(name): float(value) for name, value in json.loads(row[0]).items()}
                except (ValueError, TypeError, AttributeError):
                    log.warning("A kept cell is damaged and was dropped: %s", key[:100])
                    with store:
                        store.execute("DELETE FROM cells WHERE key = ?", (_name(key),))
    except sqlite3.Error as error:
        _give_up(error)
    return found


def write(key: str, numbers: dict[str, float]) -> None:
    """Keep a cell; a disk that is full or may not be written to costs only that."""
    try:
        file().parent.mkdir(parents=True, exist_ok=True)
        with closing(_open()) as store, store:
            store.execute("INSERT OR REPLACE INTO cells VALUES (?, ?)", (_name(key), json.dumps(numbers)))
            store.execute("DELETE FROM cells WHERE rowid <= (SELECT max(rowid) FROM cells) - ?", (LIMIT,))
    except (sqlite3.Error, OSError) as error:
        _give_up(error)


def _name(key: str) -> str:
    return f"{code()} {key}"


def _open() -> sqlite3.Connection:
    store = sqlite3.connect(file(), timeout=2)
    store.execute("CREATE TABLE IF NOT EXISTS cells (key TEXT PRIMARY KEY, numbers TEXT)")
    return store


def _give_up(error: Exception) -> None:
    """Say in the log what went wrong; a file that is no store any more is removed."""
    log.warning("Finished cells cannot be kept or read: %s", error)
    if type(error) is sqlite3.DatabaseError:  # damaged; its subclasses are about disks and locks
        try:
            file().unlink(missing_ok=True)
        except OSError as refused:
            log.warning("The damaged store stays: %s", refused)

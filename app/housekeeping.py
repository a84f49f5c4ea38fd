"""Gives memory back: what nobody needs any more is let go, and what is let go goes back to the system."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import threading
import time
from collections.abc import Callable

from streamlit import runtime

from app import metrics
from app.cache import Budget
from app.jobs import Line

log = logging.getLogger("dgflow")

#: How often it looks, in seconds, and how long nobody must have been there before results are given up.
LOOK_UP, ALONE = 10, 40


def start(budget: Budget, line: Line) -> None:
    """Keep house from now on, in a thread of its own; without a server there is nobody to keep it for."""
    if not runtime.exists():
        return
    threading.Thread(target=_keep, args=(budget,), daemon=True, name="housekeeping").start()
    if where := os.environ.get("DGFLOW_METRICS"):
        publish(where, budget, line)


def publish(where: str, budget: Budget, line: Line) -> None:
    """Answer Prometheus; a port that cannot be had costs only that."""
    try:
        metrics.serve(where, gauges(budget, line))
    except (OSError, ValueError, OverflowError) as error:
        log.error("DGFLOW_METRICS must be a free PORT or HOST:PORT, not %r: %s", where[:40], error)


def gauges(budget: Budget, line: Line) -> dict[str, tuple[str, Callable[[], float]]]:
    """What can be asked of the server at any time: name → (what it is, how to read it)."""
    return {
        "dgflow_people": ("Browsers that are connected.", people),
        "dgflow_waiting": ("Computations in line.", lambda: line.waiting),
        "dgflow_running": ("Computations under way.", lambda: line.running),
        "dgflow_kept_bytes": ("What models, tables, runs and pictures hold.", lambda: budget.used),
    }


def _keep(budget: Budget) -> None:
    seen, quiet = time.monotonic(), False
    while True:
        time.sleep(LOOK_UP)
        if people():
            seen, quiet = time.monotonic(), False
        elif not quiet and time.monotonic() - seen > ALONE:
            quiet = True
            budget.clear()
            gc.collect()
        give_back()


def people() -> int:
    """How many browsers are connected."""
    sessions = getattr(runtime.get_instance(), "_session_mgr", None) if runtime.exists() else None
    return sessions.num_active_sessions() if sessions else 0


def give_back() -> None:
    """Return freed memory to the system; the C library keeps it otherwise."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # another C library
        return

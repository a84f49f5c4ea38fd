"""Gives memory back: what nobody needs any more is let go, and what is let go goes back to the system."""

from __future__ import annotations

import ctypes
import gc
import threading
import time

from streamlit import runtime

from app.cache import Budget

#: How often it looks, in seconds, and how long nobody must have been there before results are given up.
LOOK_UP, ALONE = 10, 40


def start(budget: Budget) -> None:
    """Keep house from now on, in a thread of its own; without a server there is nobody to keep it for."""
    if runtime.exists():
        threading.Thread(target=_keep, args=(budget,), daemon=True, name="housekeeping").start()


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
    return runtime.get_instance()._session_mgr.num_active_sessions() if runtime.exists() else 0


def give_back() -> None:
    """Return freed memory to the system; the C library keeps it otherwise."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # another C library
        return

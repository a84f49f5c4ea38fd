"""The server's log: one line of JSON for each thing that happened, with the request it belongs to.

    {"time": "2026-01-31T10:00:00.000Z", "level": "INFO", "message": "flow: done after 0.210 s",
     "request": "3fa9c1", "connection": "9d0e…"}

A request is one run of a page for one person; what the person is told when something of ours goes wrong names
it. ``connection`` is the number that a proxy gave the connection (X-Request-ID), where there is one.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

log = logging.getLogger("dgflow")
_here = threading.local()


class Request(NamedTuple):
    """The numbers of one run of a page."""

    number: str
    connection: str = ""


def current() -> Request:
    """The request that this thread works on; a fresh one where it has none."""
    return getattr(_here, "request", None) or _fresh()


@contextmanager
def request(where: str) -> Iterator[None]:
    """Inside runs the page ``where``; a line in the log says how long it took, and how it ended."""
    _here.request, began, ended = _fresh(), time.monotonic(), "moved on from"
    try:
        yield
        ended = "done"
    finally:
        log.info("%s: %s after %.3f s", where, ended, time.monotonic() - began)
        _here.request = None


def _fresh() -> Request:
    given = st.context.headers.get("X-Request-ID") or "" if get_script_run_ctx() else ""
    return Request(secrets.token_hex(3), given if re.fullmatch(r"[\w-]{1,64}", given, re.ASCII) else "")


class Lines(logging.Formatter):
    """A record as one line of JSON, a traceback within it."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname,
            "message": record.getMessage(),
        }
        if held := getattr(_here, "request", None):
            said |= {"request": held.number, **({"connection": held.connection} if held.connection else {})}
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def start() -> None:
    """Write to standard error from now on; once is enough."""
    if any(isinstance(handler.formatter, Lines) for handler in log.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    log.addHandler(handler)
    log.setLevel(logging.INFO)

"""What goes wrong: a person's mistake is said in its own sentence, a bug of ours calmly, and in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app import log_lines, metrics
from app.escape import plain
from dgflow_core.errors import UserError

log = logging.getLogger("dgflow")

CALM = "Something went wrong on our side; it is logged there as {}. Another setting may work."


def calmly(where: str) -> str:
    """Log the exception being handled; return the sentence for the person, with the request's number."""
    number = log_lines.current().number
    metrics.ERRORS.labels(where).inc()
    log.exception("%s, %s", where, number)
    return CALM.format(number)


@contextmanager
def calm(where: str) -> Iterator[None]:
    """Say in a sentence what goes wrong inside; what follows goes on. Also a decorator, for fragments."""
    try:
        yield
    except UserError as error:
        st.error(plain(str(error)), icon=":material/error:")
    except Exception:
        st.error(calmly(where), icon=":material/error:")

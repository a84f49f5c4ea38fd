"""The one line in which what all pages compute waits for the server's cores.

As many computations at once as there are cores: work for all at the same time only makes everybody wait
for the slowest. Short ones go before long ones; a long one in the last place steps aside for them at its
next step; nobody has two long ones, and who was served least lately is served first. A computation whose
person has moved on, or left, is dropped while it waits and ends at its next step where it runs.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache

import streamlit as st
import torch
from cachetools import LRUCache
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import metrics
from dgflow_core.engines import cores

#: How often whoever computes looks whether it is still wanted, in seconds.
LOOK_UP = 0.2
#: How often whoever waits does; of fifty who wait each look costs those who compute.
WAIT = 0.5
#: Seconds after which a long computation no longer lets the short ones pass.
PATIENCE = 10


class Rank(IntEnum):
    """What goes first."""

    REST = 0  #: what is left to do of a run that is done: measuring, packing
    SHORT = 1  #: runs by table
    LONG = 2  #: exact runs, images, text, the cells of a sweep, exports


@dataclass(eq=False)
class Ticket:
    """One computation's place in the line.

    Attributes:
        wanted: asked now and then; raises where nobody waits for the result any more.
    """

    person: str
    rank: Rank
    number: int
    wanted: Callable[[], None]
    admitted: threading.Event = field(default_factory=threading.Event)
    since: float = field(default_factory=time.monotonic)
    looked: float = 0.0
    threads: int = 0
    aside: bool = False  # it had a place, and goes on before other long ones begin

    @property
    def urgency(self) -> Rank:
        waited = time.monotonic() - self.since
        return Rank.SHORT if self.rank == Rank.LONG and waited > PATIENCE else self.rank


class Line:
    """Who computes, and who waits for it.

    Args:
        places: the most that compute at the same time. cores: shared among those.
    """

    def __init__(self, places: int, cores: int):
        self.places, self.cores = places, cores
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: list[Ticket] = []
        self._running: list[Ticket] = []
        self._served: LRUCache[str, int] = LRUCache(1024)
        self._here = threading.local()

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def inside(self) -> bool:
        """Whether this thread has a place already."""
        return getattr(self._here, "ticket", None) is not None

    @contextmanager
    def place(
        self,
        person: str,
        rank: Rank,
        wanted: Callable[[], None] = lambda: None,
        show: Callable[[int], None] = lambda ahead: None,
    ) -> Iterator[None]:
        """A place to compute, waited for in line; who has one computes in that.

        Args:
            show: called while waiting, with how many go before.

        Raises:
            Whatever ``wanted`` and ``show`` raise; the place is given back.
        """
        if self.inside:
            yield
            return
        with self._lock:
            ticket = Ticket(person, rank, next(self._numbers), wanted)
            self._waiting.append(ticket)
            self._admit()
        began, name = None, rank.name.lower()
        try:
            self._wait(ticket, show)
            began = time.monotonic()
            metrics.WAITS.labels(name).observe(began - ticket.since)
            self._here.ticket = ticket
            self.look()
            yield
        finally:
            if began is not None:
                metrics.RUNS.labels(name).observe(time.monotonic() - began)
            self._here.ticket = None
            with self._lock:
                (self._running if ticket.admitted.is_set() else self._waiting).remove(ticket)
                self._admit()

    def look(self) -> None:
        """Said at every step of a computation: it ends here where it is no longer wanted."""
        ticket = getattr(self._here, "ticket", None)
        if ticket is None:
            return
        threads = max(1, self.cores // max(1, self.running))
        if threads != ticket.threads:
            ticket.threads = threads
            torch.set_num_threads(threads)  # the number is each thread's own: it must be set in this one
        if time.monotonic() - ticket.looked > LOOK_UP:
            ticket.looked = time.monotonic()
            self._ask(ticket)
        if ticket.rank == Rank.LONG and self._in_the_way(ticket):
            with self._lock:
                self._running.remove(ticket)
                ticket.admitted.clear()
                ticket.aside, ticket.since = True, time.monotonic()
                self._waiting.append(ticket)
                self._admit()
            self._wait(ticket)

    def _wait(self, ticket: Ticket, show: Callable[[int], None] = lambda ahead: None) -> None:
        """Until it is admitted, as long as it is wanted; ``show`` hears each time that fewer go before."""
        ahead = None
        while not ticket.admitted.wait(WAIT):
            self._ask(ticket)
            if ahead != (ahead := self._ahead(ticket)):
                show(ahead)

    def _in_the_way(self, ticket: Ticket) -> bool:
        """Whether a short one waits because this long one has the last place."""
        if not self._waiting:
            return False
        with self._lock:
            full = len(self._running) >= self.places
            return (
                full and self._short_waits() and len(self._long()) > self._safe and self._long()[-1] is ticket
            )

    @property
    def _safe(self) -> int:
        """How many long ones may run whoever waits."""
        return max(1, self.places - 1)

    def _long(self) -> list[Ticket]:
        return [ticket for ticket in self._running if ticket.rank == Rank.LONG]

    def _short_waits(self) -> bool:
        return any(ticket.rank < Rank.LONG for ticket in self._waiting)

    def _ask(self, ticket: Ticket) -> None:
        """Is it still wanted? What is raised where it is not is passed on, and counted."""
        try:
            ticket.wanted()
        except BaseException:
            metrics.LEFT.labels(ticket.rank.name.lower()).inc()
            raise

    def _admit(self) -> None:
        """Give free places to those whose turn it is; the lock is held."""
        while len(self._running) < self.places:
            able = [ticket for ticket in self._waiting if self._may(ticket)]
            if not able:
                return
            first = min(able, key=self._turn)
            self._waiting.remove(first)
            self._running.append(first)
            self._served[first.person] = next(self._numbers)
            first.admitted.set()

    def _may(self, ticket: Ticket) -> bool:
        if ticket.rank != Rank.LONG:
            return True
        if ticket.person in (other.person for other in self._long()):
            return False
        return len(self._long()) < self._safe or not self._short_waits()

    def _turn(self, ticket: Ticket) -> tuple:
        return ticket.urgency, not ticket.aside, self._served.get(ticket.person, 0), ticket.number

    def _ahead(self, ticket: Ticket) -> int:
        """How many are before this one, those that compute included where it waits for their places."""
        with self._lock:
            mine = self._turn(ticket)
            waiting = sum(self._turn(other) < mine for other in self._waiting)
            return waiting + (len(self._running) if ticket in self._waiting else 0)


@cache
def line() -> Line:
    """The line of all sessions; DGFLOW_PLACES says how many compute at the same time."""
    return Line(max(1, int(os.environ.get("DGFLOW_PLACES") or cores())), cores())


def wanted() -> Callable[[], None]:
    """A question for this session's own thread: it raises where the person has moved on or left."""
    attends = attended()

    def ask() -> None:
        "_" in st.session_state  # noqa: B015  where Streamlit ends what somebody has moved on from
        if not attends():
            st.stop()

    return ask


def attended() -> Callable[[], bool]:
    """A question for later, from any thread: is this session's browser still connected?"""
    session = person()
    return lambda: not runtime.exists() or runtime.get_instance().is_active_session(session)


def person() -> str:
    """Whose computation this is: the session's name."""
    context = get_script_run_ctx()
    return context.session_id if context else ""


def words(ahead: int) -> str:
    """What the page says meanwhile."""
    return f"{ahead} before you…" if ahead else "You are next…"


@contextmanager
def place(rank: Rank, show: Callable[[float, str], None] = lambda share, words: None) -> Iterator[None]:
    """A place for what this session computes; ``show`` is given how near it is (0 to 1), and words."""
    longest = 1

    def say(ahead: int) -> None:
        nonlocal longest
        longest = max(longest, ahead)
        show(1 - ahead / (longest + 1), words(ahead))

    with line().place(person(), rank, wanted(), say):
        yield


def look() -> None:
    """Said at every step of a computation: see ``Line.look``."""
    line().look()

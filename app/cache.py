"""Stores with one budget of bytes for all, in which identical requests share one computation."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

#: How long a request waits for another's result before it looks about, in seconds.
PATIENCE = 0.25
#: What is given up last: models and their tables, which everybody's runs need.
FOUNDATION = 1


@dataclass
class _Entry:
    value: Any
    size: int
    rank: int
    used: int

    @property
    def turn(self) -> tuple[int, int]:
        """Smallest for what is given up first."""
        return self.rank, self.used


class Budget:
    """The most bytes that several stores may hold together."""

    def __init__(self, limit: int):
        self.limit, self.lock = limit, threading.RLock()
        self._stores: WeakSet[Store] = WeakSet()
        self._clock = itertools.count()

    @property
    def used(self) -> int:
        """Bytes that the values of all stores hold, as they were put in."""
        with self.lock:
            return sum(store.used for store in self._stores)

    def join(self, store: Store) -> None:
        with self.lock:
            self._stores.add(store)

    def now(self) -> int:
        return next(self._clock)

    def fit(self) -> None:
        """Give up the values of lowest rank that were used least lately until the others fit."""
        with self.lock:
            while self.used > self.limit:
                entries = [
                    (e.rank, e.used, name, store) for store in self._stores for name, e in store.entries()
                ]
                _, _, name, store = min(entries, key=lambda entry: entry[:2])
                store.drop(name)

    def clear(self, below: int = FOUNDATION) -> None:
        """Give up every value of a rank below this."""
        with self.lock:
            for store in self._stores:
                for name, entry in store.entries():
                    if entry.rank < below:
                        store.drop(name)


class Store:
    """Values by name, the least recently used ones given up where all would hold more than ``limit`` bytes,
    or those of all stores more than their ``budget``.

    Safe to use from several sessions at once.
    """

    def __init__(self, limit: int, budget: Budget | None = None):
        self.limit, self.budget = limit, budget or Budget(limit)
        self._entries: dict[str, _Entry] = {}
        self._lock = self.budget.lock
        self._making: dict[str, tuple[threading.Lock, int]] = {}
        self.budget.join(self)

    @property
    def used(self) -> int:
        """Bytes that the values hold, as they were put in."""
        return sum(entry.size for entry in self._entries.values())

    def entries(self) -> list[tuple[str, _Entry]]:
        return list(self._entries.items())

    def names(self) -> list[str]:
        with self._lock:
            return list(self._entries)

    def drop(self, name: str) -> None:
        self._entries.pop(name, None)

    def get(self, name: str) -> Any:
        """The value of that name, or None."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None:
                return None
            entry.used = self.budget.now()
            return entry.value

    def put(self, name: str, value: Any, size: int, rank: int = 0) -> None:
        """Keep a value of ``size`` bytes; one that is larger than the limit is not kept."""
        with self._lock:
            self.drop(name)
            if size > self.limit:
                return
            while self._entries and self.used + size > self.limit:
                self.drop(
                    min(self._entries, key=lambda old: (self._entries[old].rank, self._entries[old].used))
                )
            self._entries[name] = _Entry(value, size, rank, self.budget.now())
            self.budget.fit()

    def make(
        self,
        name: str,
        make: Callable[[], Any],
        size: Callable[[Any], int] = len,
        waiting: Callable[[], Any] = lambda: None,
        rank: int = 0,
    ) -> Any:
        """The value of that name, made where it is not there; ``waiting`` as in ``alone``."""
        value = self.get(name)
        if value is None:
            with self.alone(name, waiting):
                value = self.get(name)
                if value is None:
                    value = make()
                    self.put(name, value, size(value), rank)
        return value

    @contextmanager
    def alone(self, name: str, waiting: Callable[[], Any] = lambda: None) -> Iterator[None]:
        """The right to make the value of that name; who comes second waits, calling ``waiting`` meanwhile.

        ``waiting`` may raise to give up. Whoever holds the right and fails leaves it to the next.
        """
        with self._lock:
            lock, users = self._making.get(name, (threading.Lock(), 0))
            self._making[name] = lock, users + 1
        try:
            while not lock.acquire(timeout=PATIENCE):
                waiting()
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._lock:
                users = self._making[name][1] - 1
                if users:
                    self._making[name] = lock, users
                else:
                    del self._making[name]

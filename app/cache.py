"""A store with a limit on bytes, in which identical requests share one computation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cachetools import LRUCache

#: How long a request waits for another's result before it looks about, in seconds.
PATIENCE = 0.25


class Store:
    """Values by name, the least recently used ones given up where all would hold more than ``limit`` bytes.

    Safe to use from several sessions at once.
    """

    def __init__(self, limit: int):
        self._cache: LRUCache = LRUCache(limit, getsizeof=lambda entry: entry[1])
        self._lock = threading.Lock()
        self._making: dict[str, tuple[threading.Lock, int]] = {}

    @property
    def limit(self) -> int:
        return self._cache.maxsize

    @property
    def used(self) -> int:
        """Bytes that the values hold, as they were put in."""
        return self._cache.currsize

    def names(self) -> list[str]:
        with self._lock:
            return list(self._cache)

    def get(self, name: str) -> Any:
        """The value of that name, or None."""
        with self._lock:
            return self._cache.get(name, (None, 0))[0]

    def put(self, name: str, value: Any, size: int) -> None:
        """Keep a value of ``size`` bytes; one that is larger than the limit is not kept."""
        with self._lock:
            if size <= self._cache.maxsize:
                self._cache[name] = value, size

    def make(
        self,
        name: str,
        make: Callable[[], Any],
        size: Callable[[Any], int] = len,
        waiting: Callable[[], Any] = lambda: None,
    ) -> Any:
        """The value of that name, made where it is not there; ``waiting`` as in ``alone``."""
        value = self.get(name)
        if value is None:
            with self.alone(name, waiting):
                value = self.get(name)
                if value is None:
                    value = make()
                    self.put(name, value, size(value))
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

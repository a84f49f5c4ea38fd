"""Rooms of a class: what a lecturer shows is what everybody sees who gave the room's code.

They live in the server's memory, have a code of six letters and no names in them, end some time after their
last use, and are limited in number. The lecturer learns counts, and nothing of single followers.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dgflow_core.errors import UserError

#: Letters that are not taken for others when they are read aloud or from afar.
LETTERS, LENGTH = "ABCDEFGHJKLMNPQRSTUVWXYZ", 6
#: The most rooms on a server, and followers of a room; seconds after which an unused room ends.
ROOMS, FOLLOWERS, UNUSED = 20, 200, 3 * 3600
#: The most wrong codes from one address in so many seconds, and the most addresses that are remembered.
WRONG, WITHIN, ADDRESSES = 30, 60.0, 1000

State = dict[str, str]


@dataclass
class Room:
    """One room: ``key`` is its lecturer's alone; ``state`` what a link to the lecturer's page says.

    ``version`` counts its changes. ``answers``: lesson → follower → answer. ``seen``: follower → when.
    """

    code: str
    key: str
    state: State = field(default_factory=dict)
    version: int = 0
    answers: dict[str, dict[str, int]] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    used: float = 0.0


class Rooms:
    """All rooms of a server.

    Args:
        notify: called with the followers of a room whose state has changed.
        alive: whether a follower is still there; who is not gives its place to others.
        clock: seconds that only go on.
    """

    def __init__(
        self,
        notify: Callable[[list[str]], None] = lambda followers: None,
        alive: Callable[[str], bool] = lambda follower: True,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.notify, self.alive, self.clock = notify, alive, clock
        self._rooms: dict[str, Room] = {}
        self._wrong: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def open(self) -> Room:
        """A new room.

        Raises:
            UserError: there are as many as the server holds.
        """
        with self._lock:
            self._tidy()
            if len(self._rooms) >= ROOMS:
                raise UserError(f"This server holds {ROOMS} rooms, and all are in use. Close one, or wait.")
            while (code := "".join(secrets.choice(LETTERS) for _ in range(LENGTH))) in self._rooms:
                pass
            room = self._rooms[code] = Room(code, secrets.token_urlsafe(16), used=self.clock())
            return room

    def join(self, code: str, follower: str, address: str) -> Room:
        """Follow the room with this code; whoever follows it already stays.

        Raises:
            UserError: no such room, a full one, or too many wrong codes from this address; one sentence.
        """
        with self._lock:
            self._tidy()
            now, code = self.clock(), code.strip().upper()
            wrong = self._wrong.get(address, deque())
            while wrong and now - wrong[0] > WITHIN:
                wrong.popleft()
            if len(wrong) >= WRONG:
                raise UserError("Too many wrong codes from this place. Wait a minute, and look at it again.")
            room = self._rooms.get(code)
            if room is None:
                if len(self._wrong) >= ADDRESSES:
                    self._wrong.pop(next(iter(self._wrong)))
                wrong.append(now)
                self._wrong[address] = wrong
                raise UserError("There is no room with this code: six letters, on the lecturer's screen.")
            if follower not in room.seen and len(room.seen) >= FOLLOWERS:
                room.seen = {one: when for one, when in room.seen.items() if self.alive(one)}
            if follower not in room.seen and len(room.seen) >= FOLLOWERS:
                raise UserError(f"This room is full: {FOLLOWERS} follow it.")
            room.seen[follower] = room.used = now
            return room

    def leave(self, code: str, follower: str) -> None:
        """Follow no more."""
        with self._lock:
            if room := self._rooms.get(code):
                room.seen.pop(follower, None)

    def find(self, code: str) -> Room | None:
        """The room with this code, or None where it has ended."""
        with self._lock:
            self._tidy()
            return self._rooms.get(code)

    def claim(self, code: str, key: str) -> Room | None:
        """The room with this code, for whoever has its key; None for anybody else."""
        room = self.find(code)
        return room if room is not None and secrets.compare_digest(room.key, key) else None

    def show(self, code: str, key: str, state: Mapping[str, str]) -> None:
        """Let the followers see what the lecturer sees; another key than the lecturer's changes nothing."""
        with self._lock:
            room = self._rooms.get(code)
            if room is None or not secrets.compare_digest(room.key, key):
                return
            room.used = self.clock()
            if room.state == dict(state):
                return
            room.state, room.version = dict(state), room.version + 1
            followers = list(room.seen)
        self.notify(followers)

    def answer(self, code: str, follower: str, lesson: str, number: int) -> None:
        """Take a follower's prediction; a second one replaces the first."""
        with self._lock:
            room = self._rooms.get(code)
            if room is not None and follower in room.seen and room.state.get("lesson", lesson) == lesson:
                room.answers.setdefault(lesson, {})[follower] = number

    def counts(self, code: str, lesson: str) -> Counter[int]:
        """How many gave each answer, from 1."""
        with self._lock:
            room = self._rooms.get(code)
            return Counter(room.answers.get(lesson, {}).values()) if room else Counter()

    def many(self, code: str) -> int:
        """How many follow a room now."""
        room = self.find(code)
        return sum(map(self.alive, list(room.seen))) if room else 0

    def close(self, code: str, key: str) -> None:
        """End a room."""
        with self._lock:
            room = self._rooms.get(code)
            if room is None or not secrets.compare_digest(room.key, key):
                return
            del self._rooms[code]
        self.notify(list(room.seen))

    def _tidy(self) -> None:
        """End rooms that nobody used for long."""
        now = self.clock()
        for code in [code for code, room in self._rooms.items() if now - room.used > UNUSED]:
            del self._rooms[code]

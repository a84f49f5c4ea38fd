"""The line for the server's cores: who goes first, who is dropped, and that nothing is held for ever."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest

from app import jobs, results
from app.jobs import Line, Rank
from dgflow_core.nets.sndcgan import SNDCGANGenerator
from tests.toys import image_model


class Gone(Exception):
    """Nobody waits for it any more."""


class Works:
    """Computations of several people in one line; each ends when it is told to."""

    def __init__(self, places: int = 2):
        self.line = Line(places, cores=2)
        self.order: list[str] = []
        self.ahead: dict[str, list[int]] = {}
        self.threads: list[threading.Thread] = []
        self.ends: dict[str, threading.Event] = {}

    def add(self, name: str, rank: Rank, person: str = "", wanted=lambda: None) -> None:
        """Somebody asks for a computation; it is in the line, or computes, when this returns."""
        end = self.ends[name] = threading.Event()
        before = self.line.waiting

        def work() -> None:
            with (
                suppress(Gone),
                self.line.place(
                    person or name, rank, wanted, lambda n: self.ahead.setdefault(name, []).append(n)
                ),
            ):
                self.order.append(name)
                while not end.wait(0.01):
                    self.line.look()

        self.threads.append(threading.Thread(target=work, daemon=True))
        self.threads[-1].start()
        until(lambda: self.line.waiting > before or name in self.order)

    def end(self, *names: str) -> None:
        for name in names:
            until(lambda name=name: name in self.order)
            self.ends[name].set()

    def close(self) -> None:
        for end in self.ends.values():
            end.set()
        for thread in self.threads:
            thread.join(10)
        assert (self.line.running, self.line.waiting) == (0, 0)


def until(true, seconds: float = 10) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def works():
    made = Works()
    yield made
    made.close()


def test_as_many_at_once_as_there_are_places(works):
    for name in "abcd":
        works.add(name, Rank.SHORT)
    until(lambda: len(works.order) == 2)
    assert (works.line.running, works.line.waiting) == (2, 2)
    works.end("a", "b", "c", "d")
    until(lambda: works.line.running == 0)
    assert works.order[:2] == ["a", "b"]
    assert sorted(works.order[2:]) == ["c", "d"]


def test_short_ones_pass_and_what_is_left_of_a_run_passes_both(works):
    works.add("one", Rank.SHORT)
    works.add("two", Rank.SHORT)
    works.add("long", Rank.LONG)
    works.add("short", Rank.SHORT)
    works.add("rest", Rank.REST)
    works.end("one")
    until(lambda: "rest" in works.order)
    works.end("rest", "short")
    until(lambda: "long" in works.order)
    assert works.order == ["one", "two", "rest", "short", "long"]


def test_a_long_one_that_has_waited_enough_is_passed_no_more(works, monkeypatch):
    monkeypatch.setattr(jobs, "PATIENCE", 0)
    works.add("one", Rank.SHORT)
    works.add("two", Rank.SHORT)
    works.add("long", Rank.LONG)
    works.add("short", Rank.SHORT)
    works.end("one")
    until(lambda: len(works.order) == 3)
    assert works.order[2] == "long"


def test_a_long_one_in_the_last_place_steps_aside_for_the_short_and_goes_on_after_it(works):
    works.add("long", Rank.LONG)
    works.add("longer", Rank.LONG)
    until(lambda: works.line.running == 2)
    works.add("later", Rank.LONG)
    works.add("short", Rank.SHORT)
    until(lambda: len(works.order) == 3)
    assert works.order == ["long", "longer", "short"]
    assert works.line.waiting == 2
    works.end("short")
    until(lambda: works.line.waiting == 1)  # the later one: who had begun goes on first
    assert len(works.order) == 3
    works.end("longer")
    until(lambda: len(works.order) == 4)
    works.add("another", Rank.REST)
    until(lambda: len(works.order) == 5)
    assert works.line.running == 2


def test_whoever_computes_long_alone_is_not_interrupted():
    works = Works(places=1)
    works.add("long", Rank.LONG)
    works.add("short", Rank.SHORT)
    time.sleep(0.1)
    assert works.order == ["long"]
    works.end("long")
    until(lambda: len(works.order) == 2)
    works.close()


def test_nobody_has_two_long_ones():
    works = Works(places=4)
    works.add("first", Rank.LONG, "she")
    works.add("second", Rank.LONG, "she")
    works.add("his", Rank.LONG, "he")
    until(lambda: len(works.order) == 2)
    assert works.order == ["first", "his"]
    works.end("first", "second")
    works.close()


def test_who_was_served_least_lately_is_first():
    works = Works(places=1)
    works.add("running", Rank.SHORT, "greedy")
    for number in range(3):
        works.add(f"greedy {number}", Rank.SHORT, "greedy")
    works.add("modest", Rank.SHORT, "modest")
    works.end("running")
    until(lambda: len(works.order) == 2)
    assert works.order[1] == "modest"
    works.close()


def test_what_nobody_wants_is_dropped_before_it_starts_and_stops_at_its_next_step(works):
    gone = set()

    def wanted(name):
        def ask():
            if name in gone:
                raise Gone

        return ask

    for name in ("one", "two", "waits"):
        works.add(name, Rank.SHORT, wanted=wanted(name))
    gone.add("waits")
    until(lambda: works.line.waiting == 0, 2)
    assert "waits" not in works.order
    gone.add("one")
    until(lambda: works.line.running == 1, 2)
    works.end("two")


def test_a_failure_gives_the_place_back():
    line = Line(1, cores=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), line.place("", Rank.SHORT):
            _ = 1 / 0
    assert line.running == 0


def test_who_computes_takes_no_second_place():
    line = Line(1, cores=1)
    with line.place("", Rank.SHORT), line.place("", Rank.LONG):
        assert line.running == 1


def test_the_page_hears_how_many_are_before_it(works):
    for name in "abcd":
        works.add(name, Rank.SHORT)
    until(lambda: "d" in works.ahead)
    assert works.ahead["d"][-1] == 3
    works.end("a")
    until(lambda: works.ahead["d"][-1] == 2)
    assert jobs.words(3) == "3 before you…"


def test_cores_are_shared_among_those_that_compute():
    import torch

    line, seen = Line(2, cores=4), []

    def alone() -> None:
        with line.place("", Rank.SHORT):
            seen.append(torch.get_num_threads())
            other = threading.Thread(target=beside)
            other.start()
            other.join()

    def beside() -> None:
        with line.place("", Rank.SHORT):
            seen.append(torch.get_num_threads())

    before = torch.get_num_threads()
    try:
        alone()
    finally:
        torch.set_num_threads(before)
    assert seen == [4, 2]


def test_who_waits_for_a_long_run_sees_its_base_samples_meanwhile(monkeypatch):
    line, seen, first = Line(2, cores=2), [], threading.Event()
    monkeypatch.setattr(jobs, "line", lambda: line)
    model = image_model("Toy GAN", SNDCGANGenerator(4, 1, 2))

    def draw(frame) -> None:
        seen.append(frame.step)
        first.set()

    def ask() -> None:
        results.image_run(model, {"n": 4, "steps": 2, "seed": 0, "space": "latent"}, draw)

    with line.place(jobs.person(), Rank.LONG):
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        assert first.wait(20)
        until(lambda: line.waiting == 1)
        assert seen == [0]
    asking.join(20)
    assert seen == [0, 1, 2]

"""A class at a real server: what it waits for, and that nobody is computed for who has left."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from app.visitors import Answer, Person
from dgflow_core import cli
from dgflow_core.bench import people, server

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def served():
    with server.app() as running:
        visit(running, "flow")  # from here on nobody waits for imports
        yield running


def visit(served: server.Server, page: str, **query: str) -> Answer:
    """One person's visit of a page, until its picture is there."""

    async def come() -> Answer:
        async with Person(served.address, page, **query) as person:
            await person.ask()
            return await asyncio.wait_for(person.answer(Answer(0, 0.0, 0.0), 0.0), 120)

    return asyncio.run(come())


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("flow", {"method": "mhgan", "n": "9500", "steps": "290"}),
        ("images", {"n": "64", "steps": "60", "model": "cifar10/sn-resnet"}),
    ],
    ids=["tabulated", "images"],
)
def test_a_run_whose_person_has_left_stops_within_two_seconds(served, page, query):
    """Seconds of the processor: they do not depend on what else the machine does meanwhile."""

    async def come_and_go() -> float:
        async with Person(served.address, page, **query) as person:
            await person.ask()
            answer = asyncio.create_task(person.answer(Answer(0, 0.0, 0.0), 0.0))
            began = served.seconds()
            while served.seconds() - began < 2:  # the run has begun
                await asyncio.sleep(0.1)
                assert not answer.done(), answer
            answer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await answer
        left = last = served.seconds()
        while True:
            await asyncio.sleep(0.6)
            now = served.seconds()
            if now - last < 0.06:
                return last - left
            assert now - left < 10
            last = now

    assert asyncio.run(come_and_go()) < 2


def test_people_are_answered_and_what_they_cost_is_measured(served):
    result = people.visit(served, people.Crowd(people=3, minutes=0.1, every=1.0))
    assert result["problems"] == []
    assert result["moves"] >= 6
    assert 0 < result["picture"]["median"] <= result["picture"]["p95"] <= result["picture"]["most"]
    assert len({answer["value"] for answer in result["answers"]}) == result["moves"]
    assert result["peak_mb"] > 100
    assert result["core_seconds"] > 0
    table = people.table([result])
    assert table.count("\n") == 2
    assert "| flow | 3 |" in table


def test_percentiles():
    assert people.percentile([1.0]) == 1
    assert people.percentile(list(range(1, 101))) == 95
    assert people.percentile([1, 2, 3]) == 3


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (["--people", "0"], "people must be"),
        (["--people", "2", "--page", "nowhere"], "page must be one of flow"),
        (["--people", "2", "--minutes", "0"], "minutes must be from 0.05"),
    ],
)
def test_a_crowd_that_cannot_be_sent_is_one_sentence(said, sentence, capsys):
    assert cli.main(["bench", *said]) == cli.WRONG
    assert sentence in capsys.readouterr().err

"""A class at a real server: what it waits for, and that nobody is computed for who has left."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import parse_qs

import pytest
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.WidgetStates_pb2 import WidgetState

from app.held_values import HeldValues
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


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("page", "query", "moved"),
    [
        ("flow", {"n": "100", "steps": "3"}, "gamma"),
        ("images", {"n": "8", "steps": "2"}, "gamma"),
        ("compare", {"n": "100", "panels": "3"}, "p2"),
        ("latent", {"n": "600", "steps": "2"}, "gamma"),
        pytest.param("text", {"n": "16"}, "p1", marks=pytest.mark.slow),
    ],
)
def test_a_person_moves_one_control_and_the_others_stay(served, page, query, moved):
    async def move() -> str:
        async with Person(served.address, page, **query) as person:
            await person.ask()
            for value in (None, 0.05, 0.06):
                if value is not None:
                    await person.ask(value)
                answer = await asyncio.wait_for(person.answer(Answer(0, 0.0, 0.0), 0.0), 120)
                assert answer.problem == ""
                assert answer.picture is not None
            return person.query

    said = parse_qs(asyncio.run(move()))
    assert "0.06" in said[moved][0]
    assert {name: said[name] for name in query} == {name: [value] for name, value in query.items()}


def test_a_browser_holds_what_its_page_drew_last():
    held, element = HeldValues(), Element()

    def values() -> dict:
        return {state.id: state for state in held.sent().widgets}

    element.slider.id = "eta"
    element.slider.default.append(0.1)
    held.see(element)
    chosen = Element()
    chosen.selectbox.id, chosen.selectbox.default = "method", 1
    chosen.selectbox.options.extend(["one", "two"])
    held.see(chosen)
    held.whole_run()
    assert values()["method"].string_value == "two"
    held.see(element)  # drawn again, with no value from the server: what a person did stays
    moved = WidgetState(id="eta")
    moved.double_array_value.data.append(0.3)
    held.set(moved)
    held.see(element)
    assert list(values()["eta"].double_array_value.data) == [0.3]
    element.slider.set_value = True
    element.slider.value.append(0.2)
    held.see(element)
    held.whole_run()
    assert list(values()["eta"].double_array_value.data) == [0.2]
    assert values().keys() == {"eta"}


@pytest.mark.slow
def test_people_are_answered_and_what_they_cost_is_measured(served):
    crowd = people.Crowd(people=3, minutes=0.1, every=1.0, beside="flow?exact=1&n=200&steps=5")
    result = people.visit([served, served], crowd)
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
        (["--people", "2", "--servers", "0"], "servers must be"),
    ],
)
def test_a_crowd_that_cannot_be_sent_is_one_sentence(said, sentence, capsys):
    assert cli.main(["bench", *said]) == cli.WRONG
    assert sentence in capsys.readouterr().err

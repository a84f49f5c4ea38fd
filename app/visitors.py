"""People who use the app, each over a websocket of their own as a browser would.

    python -m app.visitors http://127.0.0.1:8501 flow --people 50 --minutes 1

A person opens the page with a seed of their own, waits for its picture, and then moves a slider every few
seconds, always to a run that nobody has seen. Printed as JSON: a line when everybody has
seen the first picture, and one for every ``Answer`` after it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.held_values import HeldValues

#: The component that shows the answer of each page.
PICTURES = {"flow": "player", "compare": "player", "latent": "player", "images": "wall", "text": "reader"}
#: What a page shows of samples while they are computed.
SKETCHES = ("imgs", "code")
#: The slider that is moved, by a word of its label, and where to: anywhere from 0 to this.
SLIDER, TOP = "noise factor", 0.2
#: The longest that a person waits for an answer, in seconds.
PATIENCE = 300


@dataclass
class Answer:
    """One request of one person.

    Attributes:
        at: when it was made, in seconds after the first of all. value: where the slider was moved to.
        bar, sketch, picture: seconds until a progress bar, the first samples and the whole picture were
            there; None where there was no such thing.
        problem: what the page, or the connection, said instead of a picture; "" where all went well.
    """

    person: int
    at: float
    value: float
    bar: float | None = None
    sketch: float | None = None
    picture: float | None = None
    problem: str = ""


class Person:
    """One browser's session on one page, ``name``d as in its address."""

    def __init__(self, address: str, name: str, **query: str):
        where = urlsplit(address)
        self.address = f"ws://{where.netloc}{where.path.rstrip('/')}/_stcore/stream"
        self.name, self.query = name, urlencode(query)
        self.shown, self.slider = 0, ""
        self.held = HeldValues()
        self.socket: ClientConnection | None = None

    async def __aenter__(self) -> Person:
        self.socket = await connect(
            self.address, subprotocols=["streamlit"], max_size=None, compression=None, ping_timeout=None
        )
        return self

    async def __aexit__(self, *_) -> None:
        await self.socket.close()

    async def ask(self, value: float | None = None) -> None:
        """Run the page: as its address says, or with the slider moved."""
        if value is not None:
            moved = WidgetState(id=self.slider)
            moved.double_array_value.data.append(value)
            self.held.set(moved)
        await self.rerun()

    async def rerun(self, *pressed: WidgetState) -> None:
        """Run the page with the values that all its controls have here, and buttons that were ``pressed``."""
        message = BackMsg()
        rerun = message.rerun_script
        rerun.page_name, rerun.query_string = self.name, self.query
        rerun.widget_states.CopyFrom(self.held.sent())
        rerun.widget_states.widgets.extend(pressed)
        await self.socket.send(message.SerializeToString())

    async def heard(self) -> ForwardMsg:
        """The next message of the server."""
        message = ForwardMsg()
        message.ParseFromString(await self.socket.recv())
        kind = message.WhichOneof("type")
        if kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self.held.see(message.delta.new_element)
        elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            self.held.whole_run()
        return message

    async def answer(self, answer: Answer, asked: float) -> Answer:
        """Listen until the page's picture is another one, and its script has ended."""

        def note(name: str) -> None:
            if getattr(answer, name) is None:
                setattr(answer, name, round(time.perf_counter() - asked, 4))

        while True:
            message = await self.heard()
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.WhichOneof("type") in ("new_element", "new_transient"):
                self._look(message, note, answer)
            elif kind == "script_finished" and (answer.picture is not None or answer.problem):
                if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue  # another run follows, whose picture it is
                return answer

    async def ended(self) -> None:
        """Listen until the page's script has ended."""
        while (await self.heard()).WhichOneof("type") != "script_finished":
            pass

    def _look(self, message: ForwardMsg, note: Callable[[str], None], answer: Answer) -> None:
        for element in _elements(message):
            kind = element.WhichOneof("type")
            if kind == "progress":
                note("bar")
            elif kind in SKETCHES:
                note("sketch")
            elif kind == "slider" and SLIDER in element.slider.label:
                self.slider = self.slider or element.slider.id
            elif kind == "exception" or (kind == "alert" and "material/error" in element.alert.icon):
                answer.problem = element.exception.message or element.alert.body
            elif kind == "bidi_component":
                shown = element.bidi_component
                content = hash(shown.bytes)
                if shown.component_name.endswith(PICTURES[self.name]) and content != self.shown:
                    self.shown = content
                    note("picture")


def _elements(message: ForwardMsg) -> Iterator[Element]:
    if message.delta.WhichOneof("type") == "new_element":
        yield message.delta.new_element
    else:
        yield from message.delta.new_transient.elements


async def attend(person: Person, number: int, plan: Plan) -> None:
    """What one person does: open the page, and when all have done so, ask again and again."""
    chance = random.Random(number)
    await asyncio.sleep(number * plan.stagger)
    try:
        async with person:
            await person.ask()
            first = Answer(number, 0.0, 0.0)
            await asyncio.wait_for(person.answer(first, time.perf_counter()), PATIENCE)
            plan.arrived()
            await plan.open.wait()
            await asyncio.sleep(chance.uniform(0, plan.every))
            while (at := time.perf_counter() - plan.began) < plan.seconds:
                answer = Answer(number, round(at, 3), round(chance.uniform(0, TOP), 9))
                asked = time.perf_counter()
                try:
                    await person.ask(answer.value)
                    await asyncio.wait_for(person.answer(answer, asked), PATIENCE)
                except TimeoutError:
                    answer.problem = f"no answer within {PATIENCE} s"
                plan.write(answer)
                rest = plan.every * chance.uniform(0.5, 1.5) - (time.perf_counter() - asked)
                await asyncio.sleep(max(0.0, rest))
    except (OSError, ConnectionClosed, TimeoutError) as error:
        plan.write(Answer(number, 0.0, 0.0, problem=f"{type(error).__name__}: {error}"))
        plan.arrived()


class Plan:
    """How many people there are, for how long (s), how often (s) each asks, and where answers go."""

    def __init__(self, people: int, seconds: float, every: float):
        self.people, self.seconds, self.every = people, seconds, every
        self.stagger, self.missing = min(0.2, every / people), people
        self.open, self.began = asyncio.Event(), 0.0

    def arrived(self) -> None:
        self.missing -= 1
        if self.missing == 0:
            print(json.dumps({"open": self.people}), flush=True)
            self.began = time.perf_counter()
            self.open.set()

    def write(self, answer: Answer) -> None:
        print(json.dumps(asdict(answer)), flush=True)


async def gather(address: str, page: str, plan: Plan, beside: str = "") -> None:
    """Let everybody come, and stay until the last one has gone; see ``insist`` for who is ``beside`` them.

    ``address``: of the server, or of several with commas between, among which people are shared out.
    """
    servers = address.split(",")
    crowd = [
        Person(servers[number % len(servers)], page, seed=str(number + 1)) for number in range(plan.people)
    ]
    other = asyncio.create_task(insist(servers[0], beside)) if beside else None
    await asyncio.gather(*(attend(person, number, plan) for number, person in enumerate(crowd)))
    if other:
        if other.done():
            other.result()  # it never ends by itself: what went wrong is raised
        other.cancel()


async def insist(address: str, link: str) -> None:
    """Open a link ("flow?exact=1&…") with another seed as soon as what it asks for has been computed."""
    name, _, query = link.partition("?")
    for seed in itertools.count(1):
        async with Person(address, name, **{**dict(parse_qsl(query)), "seed": str(seed)}) as person:
            await person.ask()
            await person.ended()


async def tour(address: str, runs: int, images: int) -> None:
    """One person who sees every page, then runs in the plane and of images; a line after each part."""
    for name in ("", "live", "draw", "sweep", *PICTURES):
        async with Person(address, name) as person:
            await person.ask()
            await asyncio.wait_for(person.ended(), PATIENCE)
    await _mark("all pages")
    for name, moves in (("flow", runs), ("images", images)):
        async with Person(address, name) as person:
            await person.ask()
            await asyncio.wait_for(person.answer(Answer(0, 0.0, 0.0), 0.0), PATIENCE)
            for move in range(moves):
                await person.ask(TOP * move / moves)
                await asyncio.wait_for(person.answer(Answer(0, 0.0, 0.0), 0.0), PATIENCE)
            await _mark(f"{moves} runs, {name}")
    await asyncio.sleep(60)
    await _mark("a minute alone")


async def _mark(words: str) -> None:
    await asyncio.sleep(11)  # once round of the server's housekeeping
    print(json.dumps({"mark": words}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", help="of the server; of several, with commas between")
    parser.add_argument("page", choices=[*PICTURES, "tour"])
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--every", type=float, default=6.0, help="seconds from one move to the next (6)")
    parser.add_argument("--beside", default="", help="a link that one more opens again and again")
    parser.add_argument("--runs", type=int, default=300, help="of a tour: runs in the plane (300)")
    parser.add_argument("--images", type=int, default=40, help="of a tour: runs of images (40)")
    args = parser.parse_args()

    async def run() -> None:
        if args.page == "tour":
            await tour(args.address, args.runs, args.images)
            return
        plan = Plan(args.people, 60 * args.minutes, args.every)
        await gather(args.address, args.page, plan, args.beside)

    asyncio.run(run())


if __name__ == "__main__":
    main()

"""A class that follows a lecturer, each phone over a websocket of its own as a browser would.

    python -m app.phones http://127.0.0.1:8501 --phones 50 --moves 20

The lecturer opens a room, the phones join it, and the lecturer goes from lesson to lesson. Printed as JSON,
in seconds from the press: until a phone's page has that lesson ("state"), until its picture is there
("picture"), until a phone that lost its connection has both again ("back"); how often another room saw
anything ("strange"); and how many moves ran the app's frame around a phone's page, too ("whole").
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import time
from urllib.parse import parse_qs

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from app.visitors import PATIENCE, Person, _elements

#: Seconds between two moves of the lecturer, and until everybody has what was shown.
PAUSE, SOON = 1.0, 30.0


class Member(Person):
    """Somebody on the Lessons page: what its link says now, and when that and the picture last changed."""

    def __init__(self, address: str, **query: str):
        super().__init__(address, "lessons", **query)
        self.buttons: dict[str, str] = {}
        self.code, self.at, self.pictured = "", 0.0, 0.0
        self.runs, self.whole = 0, 0

    @property
    def lesson(self) -> str:
        """The lesson that its link says."""
        return parse_qs(self.query).get("lesson", [""])[0]

    async def press(self, label: str) -> None:
        """Press a button."""
        await self.rerun(WidgetState(id=self.buttons[label], trigger_value=True))

    async def listen(self) -> None:
        """Take in whatever the server says, until told otherwise."""
        while True:
            message = await self.heard()
            kind = message.WhichOneof("type")
            if kind == "page_info_changed":
                self.at = time.perf_counter()
            elif kind == "script_finished":
                self.runs += 1
                self.whole += message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
            elif kind == "delta" and message.delta.WhichOneof("type") in ("new_element", "new_transient"):
                for element in _elements(message):
                    self._take(element)

    def _take(self, element) -> None:
        kind = element.WhichOneof("type")
        if kind == "button":
            self.buttons[element.button.label] = element.button.id
        elif kind == "markdown" and (found := re.fullmatch(r"## ([A-Z]{6})", element.markdown.body.strip())):
            self.code = found[1]
        elif kind == "bidi_component" and not element.bidi_component.component_name.endswith("lesson"):
            self.pictured = time.perf_counter()

    async def until(self, holds, patience: float = PATIENCE) -> bool:
        """Whether something comes true in time."""
        end = time.perf_counter() + patience
        while not holds():
            if time.perf_counter() > end:
                return False
            await asyncio.sleep(0.005)
        return True


async def seated(address: str, **query: str) -> tuple[Member, asyncio.Task]:
    """Somebody whose page has been drawn once, and who goes on listening."""
    one = Member(address, **query)
    await one.__aenter__()
    task = asyncio.create_task(one.listen())
    await one.ask()
    if not await one.until(lambda: one.runs > 0):
        raise TimeoutError("The lessons page did not come.")
    return one, task


async def lecturer(address: str) -> tuple[Member, asyncio.Task]:
    """Somebody with a room."""
    one, task = await seated(address)
    await one.press("Open a room")
    if not await one.until(lambda: bool(one.code), SOON):
        raise TimeoutError("No room was opened.")
    return one, task


async def lecture(address: str, phones: int, moves: int) -> dict:
    """What everybody waited for, in seconds."""
    (front, *_), (other, *_) = await lecturer(address), await lecturer(address)
    members = [await seated(address, room=front.code) for _ in range(phones)]
    stranger, _ = await seated(address, room=other.code)
    state, picture, back, strange = [], [], [], 0
    for move in range(moves):
        label = "Next" if move // 4 % 2 == 0 else "Back"
        before, pressed = front.lesson, time.perf_counter()
        await front.press(label)
        await front.until(lambda before=before: front.lesson != before, SOON)
        for one, _ in members:
            if await one.until(lambda one=one: one.lesson == front.lesson, SOON):
                state.append(one.at - pressed)
                if await one.until(lambda one=one, since=pressed: one.pictured > since, SOON):
                    picture.append(one.pictured - pressed)
        strange += stranger.lesson != ""
        if move % 5 == 4:  # a phone loses its connection, and opens its link again
            one, task = members.pop(0)
            task.cancel()
            await one.socket.close()
            began = time.perf_counter()
            again, task = await seated(address, room=front.code)
            if again.lesson == front.lesson:
                back.append(time.perf_counter() - began)
            members.append((again, task))
        await asyncio.sleep(PAUSE)
    return {
        "phones": phones, "moves": moves, "arrived": len(state), "expected": phones * moves,
        "state": _summary(state), "picture": _summary(picture), "back": _summary(back), "strange": strange,
        "whole": sum(one.whole - 1 for one, _ in members),
    }  # fmt: skip


def _summary(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    ordered = sorted(values)
    late = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return {
        "median": round(statistics.median(ordered), 3),
        "95": round(late, 3),
        "most": round(ordered[-1], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address")
    parser.add_argument("--phones", type=int, default=50)
    parser.add_argument("--moves", type=int, default=20)
    args = parser.parse_args()
    print(json.dumps(asyncio.run(lecture(args.address, args.phones, args.moves))))


if __name__ == "__main__":
    main()

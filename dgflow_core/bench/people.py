"""A class at the app: how long people wait for their pictures, and what they cost the server."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from dgflow_core import places
from dgflow_core.bench import server
from dgflow_core.engines import cores
from dgflow_core.errors import UserError
from dgflow_core.flow.request import whole

#: The pages that people can be sent to.
PAGES = ("flow", "images", "compare", "latent", "text")
#: How often the server's memory is read, in seconds.
LOOK = 1.0


class Crowd(NamedTuple):
    """How many people come to which page, for how many minutes, and how often each moves, in seconds.

    ``beside`` them one more opens that link ("flow?exact=1&n=5000") again and again; "" for nobody.
    ``servers``: how many processes serve them, each person stays with one, as behind a sticky proxy.
    """

    people: int
    page: str = "flow"
    minutes: float = 1.0
    every: float = 6.0
    beside: str = ""
    servers: int = 1


def check(crowd: Crowd) -> Crowd:
    """The crowd itself.

    Raises:
        UserError: out of what can be measured; one sentence.
    """
    whole("people", crowd.people, 1, 500)
    whole("servers", crowd.servers, 1, 16)
    if crowd.page not in PAGES:
        raise UserError(f"page must be one of {', '.join(PAGES)}, not {crowd.page!r}.")
    for name, value, low, high in (("minutes", crowd.minutes, 0.05, 600), ("every", crowd.every, 0.1, 600)):
        if not low <= value <= high:
            raise UserError(f"{name} must be from {low:g} to {high:g}, not {value:g}.")
    return crowd


def run(crowd: Crowd) -> dict[str, Any]:
    """Send a crowd to fresh servers; see ``measured`` for what comes back.

    Raises:
        UserError: a wrong crowd, or the app does not start.
    """
    check(crowd)
    share = {"DGFLOW_PLACES": str(max(1, cores() // crowd.servers))}  # each its part of the cores
    with ExitStack() as stack:
        return visit([stack.enter_context(server.app(share)) for _ in range(crowd.servers)], crowd)


def visit(serving: Sequence[server.Server], crowd: Crowd) -> dict[str, Any]:
    """Send a crowd to servers that run already."""
    command = [sys.executable, "-m", "app.visitors", ",".join(one.address for one in serving), crowd.page]
    for name in ("people", "minutes", "every", "beside"):
        command += [f"--{name}", str(getattr(crowd, name))]

    def held() -> float:
        return sum(one.memory() for one in serving)

    def taken() -> float:
        return sum(one.seconds() for one in serving)

    memory, over = [held()], threading.Event()

    def watch() -> None:
        while not over.wait(LOOK):
            memory.append(held())

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    used, answers = 0.0, []
    try:
        with subprocess.Popen(command, cwd=places.HOME, stdout=subprocess.PIPE, text=True) as crowded:
            for line in crowded.stdout:
                said = json.loads(line)
                if "open" in said:  # all are there: what follows is their moves alone
                    used = taken()
                else:
                    answers.append(said)
    finally:
        over.set()
        watching.join()
    if crowded.returncode:
        raise UserError("bench: the people could not be sent; the app's requirements are needed.")
    return {
        **crowd._asdict(), **measured(answers), "answers": answers,
        "core_seconds": (taken() - used) / max(1, len(answers)),
        "memory_mb": memory, "peak_mb": max(memory),
    }  # fmt: skip


def memory(runs: int = 300, images: int = 40) -> dict[str, float]:
    """MB that a fresh server holds after every part of one person's tour: see ``app.visitors.tour``."""
    with server.app() as served:
        found = {"started": served.memory()}
        command = [sys.executable, "-m", "app.visitors", served.address, "tour"]
        command += ["--runs", str(runs), "--images", str(images)]
        with subprocess.Popen(command, cwd=places.HOME, stdout=subprocess.PIPE, text=True) as toured:
            for line in toured.stdout:
                found[json.loads(line)["mark"]] = served.memory()
    if toured.returncode:
        raise UserError("bench: the tour broke off; the app's requirements are needed.")
    return found


def measured(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Median, 95th percentile and most of what people waited for, in seconds, and what went wrong.

    ``first_fifth`` and ``last_fifth``: the 95th percentile of pictures asked for in these parts of the time.
    """
    found: dict[str, Any] = {
        "moves": len(answers),
        "problems": [answer["problem"] for answer in answers if answer["problem"]],
    }
    for what in ("bar", "sketch", "picture"):
        times = sorted(answer[what] for answer in answers if answer[what] is not None)
        if times:
            found[what] = {"median": statistics.median(times), "p95": percentile(times), "most": times[-1]}
    end = max((answer["at"] for answer in answers), default=0.0)
    for name, low, high in (("first_fifth", 0.0, 0.2), ("last_fifth", 0.8, 1.0)):
        part = sorted(
            answer["picture"]
            for answer in answers
            if answer["picture"] is not None and low * end <= answer["at"] <= high * end
        )
        found[name] = percentile(part) if part else None
    return found


def percentile(ranked: Sequence[float], share: float = 0.95) -> float:
    """The value that ``share`` of the ``ranked`` ones do not exceed."""
    return ranked[min(len(ranked) - 1, max(0, -int(-share * len(ranked) // 1) - 1))]


#: The columns of the table: heading → what of a result stands there.
COLUMNS = {
    "page": lambda row: row["page"],
    "people": lambda row: row["people"],
    "servers": lambda row: row["servers"],
    "moves": lambda row: row["moves"],
    "first samples, median": lambda row: _seconds(row.get("sketch"), "median"),
    "picture, median": lambda row: _seconds(row.get("picture"), "median"),
    "95 %": lambda row: _seconds(row.get("picture"), "p95"),
    "core-seconds a move": lambda row: f"{row['core_seconds']:.2f}",
    "most memory": lambda row: f"{row['peak_mb']:,.0f} MB",
    "problems": lambda row: len(row["problems"]),
}


def table(results: Sequence[dict[str, Any]]) -> str:
    """Results as the README's table."""
    lines = [list(COLUMNS), ["---:"] * len(COLUMNS)]
    lines += [[str(column(row)) for column in COLUMNS.values()] for row in results]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _seconds(times: dict[str, float] | None, name: str) -> str:
    return f"{times[name]:.2f} s" if times else "—"

"""Generators that are grown while one watches, and those whose growth ships: what the Grow page shows."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any

import streamlit as st

import dgflow_core as dg
from app import drawing, jobs, results
from app.pictures import Shown
from dgflow_core import pictures
from dgflow_core.errors import UserError
from dgflow_core.pictures import growth_scene
from dgflow_core.pictures.plane_layers import real_points
from dgflow_core.training.growth_record import FILE, GrowthRecord
from dgflow_core.zoo import shelf

log = logging.getLogger("dgflow")

#: Seconds that a training may go on, and the frames shown while it does.
SECONDS, WATCHED = 60, 72
#: Those that stand side by side.
FOUR = ("KL", "JS", "logD", "Jeffreys")


class Job(drawing.Job):
    """One training or several in turns, in a process of its own, with a place on the server.

    Attributes:
        records: what was seen so far, by divergence. packed: something once it is over, else None.
    """

    def __init__(self, dataset: str, chosen: tuple[str, ...], seed: int, wanted: Callable[[], bool]):
        threading.Thread.__init__(self, daemon=True)
        self.dataset, self.chosen, self.wanted = dataset, chosen, wanted
        request = {"dataset": dataset, "divergences": chosen, "seed": seed, "seconds": SECONDS}
        self.request, self.records = json.dumps(request), {}
        self.packed: bytes | None = None
        self.error, self.stopping = "", False
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dgflow_core.training.grown"],
            cwd=drawing.ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def _take(self, row: dict[str, Any]) -> None:
        found = GrowthRecord.read(base64.b64decode(row["record"]))
        if row["divergence"] in self.records:
            self.records[row["divergence"]].extend(found)
        else:
            self.records[row["divergence"]] = found
        self.packed = b"kept"  # there is something to keep, whenever it ends

    @cached_property
    def picture(self) -> Shown:
        """All that was seen, once it is over: composed once, not at every rerun."""
        return shown(self.dataset, [*self.records.values()], f"grown {id(self)}")

    @property
    def loops(self) -> int:
        """Outer loops that are done."""
        return max((record.loops[-1] for record in self.records.values()), default=0)


def start(dataset: str, chosen: tuple[str, ...], seed: int) -> Job:
    """Begin to grow, for this session.

    Raises:
        UserError: the server is busy; one sentence.
    """
    if not drawing.free_place():
        raise UserError("The server is training for others at the moment; try again in a minute.")
    try:
        job = Job(dataset, chosen, seed, jobs.attended())
        job.start()
        drawing.running().add(job)
    except OSError:
        drawing.places().release()
        log.exception("grow: no process for a training")
        raise UserError("The server cannot start a training at the moment; try again in a minute.") from None
    return job


def recorded(dataset: str) -> list[str]:
    """The divergences whose growth on a data set ships."""
    keys = (key for key in dg.divergences if (shelf.root() / _name(dataset, key) / FILE).is_file())
    return list(keys)


def _name(dataset: str, divergence: str) -> str:
    return f"{dataset}/vgrow-{divergence.lower()}"


def shipped(dataset: str, chosen: tuple[str, ...]) -> Shown:
    """The growths that ship, as a picture."""

    def make() -> Shown:
        files = [shelf.root() / _name(dataset, one) / FILE for one in chosen]
        return shown(dataset, [GrowthRecord.read(file.read_bytes()) for file in files])

    key = results.key("growth", dataset, chosen)
    return results.kept(key, make, lambda made: len(made.packed))


def shown(dataset: str, records: list[GrowthRecord], key: str = "", most: int = 240) -> Shown:
    """Growths as a picture; ``key`` is the same for what is still growing."""
    title = f"VGrow on {dg.datasets[dataset].title}"
    if len(records) == 1:
        title = f"VGrow ({records[0].divergence}) on {dg.datasets[dataset].title}"
    scene = growth_scene.compose(records, real_points(dataset), title, key, most)
    return Shown(scene, pictures.pack(scene))


def job() -> Job | None:
    """This session's training, if it has one."""
    return st.session_state.get("grow.job")


def problem() -> str:
    """What kept this session's training from beginning, or ""."""
    return st.session_state.get("grow.problem", "")


def begin(dataset: str, chosen: tuple[str, ...], seed: int) -> None:
    """Start to grow, in place of what grows; what is wrong is kept as the ``problem``."""
    end()
    state = st.session_state
    state["grow.problem"] = ""
    try:
        state["grow.job"] = start(dataset, chosen, seed)
    except UserError as error:
        state["grow.problem"] = str(error)


def end() -> None:
    """Forget the training of this session."""
    running = st.session_state.pop("grow.job", None)
    if running is not None and running.is_alive():
        running.process.kill()

"""Draw a distribution, and train a small WGAN-GP on it: one job a session, in the background."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
import streamlit as st

from app import jobs
from dgflow_core.errors import UserError
from dgflow_core.kinds.plane.drawn_points import SIDE, Drawing
from dgflow_core.prepare import demonstration as recording
from dgflow_core.training.drawn import ALONE, GAME

log = logging.getLogger("dgflow")

ROOT = Path(__file__).resolve().parent.parent
DEMONSTRATION = ROOT / "assets" / "brush" / "demonstration.npz"

#: What one person may ask of the server: iterations, seconds, and trainings at the same time of all.
ITERATIONS, SECONDS, TOGETHER = (50, 600), 60, 2
#: Seconds that a training goes on without its session, which a reload or a lost connection may leave for a
#: moment; and how often it is looked for.
GRACE, LOOK_UP = 20, 1
EMPTY = "0" * SIDE**2
#: The stages of a training → what its samples are called in each.
STAGES = {"game": "generated", "ratio": "refined"}


class Job(threading.Thread):
    """One training, in a process of its own, with a place on the server that it gives back whatever happens.

    The page reads the attributes while it runs.

    Attributes:
        stage: "game", then "ratio". iteration: how far that is. reports: what came so far, the samples left
            out, with the "seconds" when. samples: (n, 2) points as they are now, in "ratio" refined.
        packed: the finished model for ``live``. before, after: what was measured of its samples.
        error: one sentence where it went wrong, else "".
    """

    def __init__(self, drawing: Drawing, code: str, iterations: int, wanted: Callable[[], bool]):
        super().__init__(daemon=True)
        self.drawing, self.iterations, self.wanted = drawing, iterations, wanted
        self.request = json.dumps({"drawing": code, "iterations": iterations, "seconds": SECONDS})
        self.stage, self.iteration, self.reports = "game", 0, []
        self.began, self.before, self.after = time.monotonic(), {}, {}
        self.samples: np.ndarray | None = None
        self.packed: bytes | None = None
        self.error, self.stopping = "", False
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dgflow_core.training.drawn"],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def stop(self) -> None:
        """End the stage under way; the next one, or the finished model, follows."""
        self.stopping = True
        try:
            self.process.stdin.write("stop\n")
            self.process.stdin.flush()
        except OSError:  # it had ended by itself
            return

    def run(self) -> None:
        over = threading.Event()
        threading.Thread(target=self._guard, args=(over,), daemon=True).start()
        try:
            self.process.stdin.write(self.request + "\n")
            self.process.stdin.flush()
            for line in self.process.stdout:
                self._take(json.loads(line))
        except (OSError, ValueError):
            self.process.kill()
        finally:
            over.set()
            self.process.wait()
            places().release()
            if self.packed is None:
                self.error = "The training ended early; train again, or change the drawing."

    def _guard(self, over: threading.Event) -> None:
        """End the process when its time is up, or when nobody has been there to see it for a while."""
        started = seen = time.monotonic()
        while not over.wait(LOOK_UP):
            now = time.monotonic()
            seen = now if self.wanted() else seen
            if now - seen > GRACE or now - started > SECONDS + 120:
                self.process.kill()
                return

    def _take(self, row: dict[str, Any]) -> None:
        if "packed" in row:
            self.before, self.after = row["before"], row["after"]
            self.packed = base64.b64decode(row["packed"])
            return
        self.samples = np.array(row.pop("samples"), np.float32).reshape(-1, 2) / 1000
        self.reports.append({**row, "seconds": round(time.monotonic() - self.began, 1)})
        if row["stage"] != self.stage:
            self.stage, self.stopping = row["stage"], False
        self.iteration = row["iteration"]

    def curves(self) -> dict[str, list]:
        """What was off the drawing over the seconds, in a column for each stage."""
        columns = {
            name: [row["off"] if row["stage"] == stage else None for row in self.reports]
            for stage, name in STAGES.items()
        }
        return {"seconds": [row["seconds"] for row in self.reports], **columns}

    def said(self) -> str:
        """What refinement brought, in a sentence."""
        before, after = self.before, self.after
        return (
            f"Off the drawing: **{before['off']:.0f} %** of the samples before, **{after['off']:.0f} %** "
            f"after; distance to it {before['distance']:.3f} → {after['distance']:.3f}."
        )

    @property
    def share(self) -> float:
        """How much of the work is done, 0…1; the game is less than half of it."""
        if self.stage == "game":
            return GAME * self.iteration / self.iterations
        return GAME + (1 - GAME) * self.iteration / ALONE


@st.cache_resource
def places() -> threading.Semaphore:
    """How many trainings the server runs at the same time, for all sessions together."""
    return threading.BoundedSemaphore(TOGETHER)


@st.cache_resource
def running() -> WeakSet[Job]:
    """The trainings of all sessions."""
    return WeakSet()


def free_place() -> bool:
    """Take a place; one whose training nobody attends is taken from it, whatever its time of grace."""
    if places().acquire(blocking=False):
        return True
    unattended = [job for job in running() if job.is_alive() and not job.wanted()]
    for job in unattended:
        job.process.kill()
    return bool(unattended) and places().acquire(timeout=5)


@cache
def demonstration() -> dict[str, Any]:
    """What the page plays before somebody paints, as the brush reads it: a recorded training."""
    drawing, frames, refined = recording.read(DEMONSTRATION)
    codes = np.rint(frames * 1000 + 32768).astype(np.uint16)
    return {"ink": drawing.ink.astype(np.uint8).ravel(), "frames": codes, "refined": refined}


def start(code: str, iterations: int) -> Job:
    """Begin a training on the ink that ``canvas`` returned, for this session.

    Raises:
        UserError: no drawing, out of the server's limits, or the server is busy; one sentence.
    """
    drawing = Drawing.parse(code)
    low, high = ITERATIONS
    if not low <= iterations <= high:
        raise UserError(f"iterations must be from {low} to {high:,} here, not {iterations:,}.")
    if not free_place():
        raise UserError("The server is training other drawings at the moment; try again in a minute.")
    try:
        job = Job(drawing, code, iterations, jobs.attended())
        job.start()
        running().add(job)
    except BaseException as error:
        places().release()
        if not isinstance(error, (OSError, RuntimeError)):
            raise
        log.exception("draw: no process for a training")
        raise UserError("The server cannot start a training at the moment; try again in a minute.") from None
    return job

"""Draw a distribution, and train a small WGAN-GP on it: one job a session, in the background."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from dgflow_core.kinds.plane.drawing import SIDE, Drawing

ROOT = Path(__file__).resolve().parent.parent

#: What one person may ask of the server: iterations, seconds, and trainings at the same time of all.
ITERATIONS, SECONDS, TOGETHER = (200, 2000), 90, 2
EMPTY = "0" * SIDE**2


class Job(threading.Thread):
    """One training, in a process of its own. The page reads the attributes while it runs.

    Attributes:
        iteration: how far it is. distances: (iteration, critic's Wasserstein estimate) so far.
        samples: (n, 2) generated points as they are now. packed: the finished model for ``live``.
        error: one sentence where it went wrong, else "".
    """

    def __init__(self, drawing: Drawing, code: str, iterations: int, slots: threading.Semaphore):
        super().__init__(daemon=True)
        self.drawing, self.iterations, self.slots = drawing, iterations, slots
        self.request = json.dumps({"drawing": code, "iterations": iterations, "seconds": SECONDS})
        self.iteration, self.distances = 0, []
        self.samples: np.ndarray | None = None
        self.packed: bytes | None = None
        self.error, self.stopping = "", False
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dgflow_core.training.drawn"], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def stop(self) -> None:
        """End at what there is; the finished model follows."""
        self.stopping = True
        try:
            self.process.stdin.write("stop\n")
            self.process.stdin.flush()
        except OSError:  # it had ended by itself
            return

    def run(self) -> None:
        timer = threading.Timer(SECONDS + 120, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(self.request + "\n")
            self.process.stdin.flush()
            for line in self.process.stdout:
                self._take(json.loads(line))
        except (OSError, ValueError):
            self.process.kill()
        finally:
            timer.cancel()
            self.process.wait()
            self.slots.release()
            if self.packed is None:
                self.error = "The training ended early; train again, or change the drawing."

    def _take(self, row: dict[str, Any]) -> None:
        if "packed" in row:
            self.packed = base64.b64decode(row["packed"])
            return
        self.samples = np.array(row["samples"], np.float32).reshape(-1, 2) / 1000
        self.distances.append((row["iteration"], row["distance"]))
        self.iteration = row["iteration"]


@st.cache_resource
def slots() -> threading.Semaphore:
    """How many trainings the server runs at the same time, for all sessions together."""
    return threading.BoundedSemaphore(TOGETHER)


def start(code: str, iterations: int) -> Job:
    """Begin a training on the ink that ``canvas`` returned, for this session.

    Raises:
        ValueError: no drawing, out of the server's limits, or the server is busy; one sentence.
    """
    drawing = Drawing.parse(code)
    low, high = ITERATIONS
    if not low <= iterations <= high:
        raise ValueError(f"iterations must be from {low} to {high:,} here, not {iterations:,}.")
    if not slots().acquire(blocking=False):
        raise ValueError("The server is training other drawings at the moment; try again in a minute.")
    job = Job(drawing, code, iterations, slots())
    job.start()
    return job

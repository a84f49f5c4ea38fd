"""The one bounded place that keeps models and finished runs.

Everything kept here is a pure function of shipped weights and settings, so sessions may share
it; what belongs to one person (an own model, a stopped run) stays in that person's session.
"""

from __future__ import annotations

import functools
import gc
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import streamlit as st

import dgflow_core as dg
from dgflow_core.fields.table import TabulatedField
from dgflow_core.flow.driver import Frame, NonFinite, Recorder, Run
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.text.transcript import Transcriber, Transcript

#: The most that finished runs and packed pictures may hold together, in bytes.
MEMORY = 768 * 2**20
#: The same for one session's results with a model of one's own.
OWN_MEMORY = 128 * 2**20
#: What one person may ask of the server in one run.
MAX_PARTICLES, MAX_STEPS = 20_000, 1000
MAX_POSITIONS = 3_000_000


class _Kept:
    """A least-recently-used store with a limit on bytes, safe to use from several sessions."""

    def __init__(self, limit: int):
        self.limit, self.used = limit, 0
        self.items: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, key: str):
        with self.lock:
            if key not in self.items:
                return None
            self.items.move_to_end(key)
            return self.items[key][0]

    def put(self, key: str, value, size: int) -> None:
        with self.lock:
            if key in self.items:
                self.used -= self.items.pop(key)[1]
            self.items[key] = (value, size)
            self.used += size
            while self.used > self.limit and len(self.items) > 1:
                self.used -= self.items.popitem(last=False)[1][1]


@st.cache_resource
def _kept() -> _Kept:
    return _Kept(MEMORY)


@functools.cache
def settle(page: str) -> None:
    """Take what a page's first visit left for good out of the garbage collector's sight.

    Streamlit collects after every rerun, and nothing is sent meanwhile: with all of torch to look
    through, that is a quarter of a second between a slider and its picture.
    """
    gc.collect()
    gc.freeze()


@st.cache_resource(max_entries=16, show_spinner="Loading the model…")
def model(name: str, raw: bool = False) -> dg.Model:
    """A shipped model, loaded once for all sessions."""
    return dg.load(name, raw=raw)


@st.cache_resource(max_entries=16, show_spinner="Tabulating the logit (once a model)…")
def field(name: str, raw: bool, space: str) -> TabulatedField:
    """The table of a shipped model's (d, ∇d), built once for all sessions."""
    return TabulatedField(model(name, raw), space)


def key(*parts) -> str:
    """A name for anything made from JSON-like ``parts``."""
    return json.dumps(parts, sort_keys=True, default=str)


def _store(own: bool) -> _Kept:
    """Where things are kept: for all sessions; what is made with a person's own model, in theirs alone."""
    return st.session_state.setdefault("_own_results", _Kept(OWN_MEMORY)) if own else _kept()


def kept(name: str, make: Callable[[], Any], size: Callable[[Any], int] = len, own: bool = False):
    """``make()``, or what it gave the last time for this name; ``own`` keeps it in this session only."""
    store = _store(own)
    value = store.get(name)
    if value is None:
        value = make()
        store.put(name, value, size(value))
    return value


def found(name: str, own: bool = False):
    """What is kept under this name, or None."""
    return _store(own).get(name)


def check_size(n: int, steps: int) -> None:
    """Enforce the server's limits on one run.

    Raises:
        ValueError: one sentence naming the limit.
    """
    if n > MAX_PARTICLES:
        raise ValueError(f"particles must be at most {MAX_PARTICLES:,} here, not {n:,}.")
    if steps > MAX_STEPS:
        raise ValueError(f"steps must be at most {MAX_STEPS:,} here, not {steps:,}.")
    if n * (steps + 1) > MAX_POSITIONS:
        raise ValueError(
            f"particles × steps must be at most {MAX_POSITIONS:,} here, not {n * steps:,}; lower one of them."
        )


def trajectory(name: str, settings: dict, *, raw: bool = False, exact: bool = False) -> Trajectory:
    """The run of ``settings`` (as ``dg.refine`` takes them) on a shipped model.

    Tabulated runs of 2D models take a fraction of a second. Exact ones show their progress and
    a stop button; a stopped run keeps its frames, for this person only.

    Raises:
        ValueError: a setting is wrong, or over the server's limits.
    """
    check_size(settings["n"], settings["steps"])
    run_key = key("run", name, model(name, raw).digest, exact, settings)
    done = _kept().get(run_key) or st.session_state.get("_stopped", {}).get(run_key)
    if done is not None:
        return done
    where = None if exact else field(name, raw, settings["space"])
    run = Run(model(name, raw), field=where, **settings)
    return _keep(run_key, _stream(run, run_key) if exact else _collect(run))


def image_run(
    model: dg.Model, settings: dict, draw: Callable[[Frame], Any] | None = None, own: bool = False
) -> Trajectory:
    """The exact run of ``settings`` on an image model; ``draw`` is given every frame as it comes.

    ``own`` says that the model belongs to this session: what it gives is kept there only.

    Raises:
        ValueError: a setting is wrong, or over the server's limits.
    """
    check_size(settings["n"], settings["steps"])
    run_key = key("images", model.digest, settings)
    done = _store(own).get(run_key) or st.session_state.get("_stopped", {}).get(run_key)
    return done or _keep(run_key, _stream(Run(model, **settings), run_key, draw), own)


def text_run(model: dg.Model, settings: dict, draw: Callable[[Frame], Any]) -> Transcript:
    """The exact run of ``settings`` on a text model; ``draw`` is given every frame as it comes.

    Raises:
        ValueError: a setting is wrong, or over the server's limits.
    """
    check_size(settings["n"], settings["steps"])
    run_key = key("text", model.digest, settings)
    done = _kept().get(run_key) or st.session_state.get("_stopped", {}).get(run_key)
    return done or _keep(run_key, _stream(run := Run(model, **settings), run_key, draw, Transcriber(run)))


def _keep(run_key: str, result: Trajectory | Transcript, own: bool = False) -> Trajectory | Transcript:
    if result.ended == "stopped":
        _keep_stopped(run_key, result)
    else:
        _store(own).put(run_key, result, result.nbytes)
    return result


def _keep_stopped(run_key: str, result: Trajectory | Transcript) -> None:
    """Keep a stopped run for this person; the last four, since so many may stand side by side."""
    stopped = {**st.session_state.get("_stopped", {}), run_key: result}
    st.session_state["_stopped"] = dict(list(stopped.items())[-4:])


def _collect(
    run: Run, each: Callable[[Frame], Any] | None = None, recorder: Recorder | None = None
) -> Trajectory:
    recorder = recorder or Recorder(run)
    started = time.perf_counter()
    try:
        for frame in run:
            recorder.add(frame)
            if each:
                each(frame)
    except NonFinite as error:
        if not recorder.frames:
            raise ValueError(str(error)) from None
        recorder.ended, recorder.message = "non-finite", str(error)
    run.provenance["seconds"] = round(time.perf_counter() - started, 3)
    return recorder.trajectory()


def _stream(
    run: Run,
    run_key: str,
    draw: Callable[[Frame], Any] | None = None,
    recorder: Recorder | None = None,
) -> Trajectory | Transcript:
    """Run with a progress bar; pressing stop ends this script run and keeps the frames so far."""
    recorder = recorder or Recorder(run)
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, "Computing exactly…")

        def keep() -> None:
            if recorder.frames:
                recorder.message = f"Stopped at step {len(recorder.frames) - 1} of {run.steps}."
                _keep_stopped(run_key, recorder.trajectory())

        st.button("Stop", icon=":material/stop:", on_click=keep, key=f"stop {run_key}",
                  help="Stop here and keep the steps computed so far.")  # fmt: skip

    def show(frame: Frame) -> None:
        bar.progress(frame.step / max(run.steps, 1), f"Exact step {frame.step} of {run.steps}")
        if draw:
            draw(frame)

    result = _collect(run, show, recorder)
    place.empty()
    return result

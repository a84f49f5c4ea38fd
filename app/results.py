"""The one bounded place that keeps models and finished runs.

Everything kept here is a pure function of shipped weights and settings, so sessions may share
it; what belongs to one person (an own model, a stopped run) stays in that person's session.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from itertools import islice
from typing import Any

import streamlit as st

import dgflow_core as dg
from app import housekeeping, jobs, limits, uploads
from app.cache import FOUNDATION, Budget, Store
from app.jobs import Rank
from dgflow_core.errors import UserError
from dgflow_core.fields.table import TabulatedField
from dgflow_core.flow.driver import Frame, NonFinite, Recorder, Run
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.text.transcript import Transcriber, Transcript
from dgflow_core.prepare import first_run
from dgflow_core.zoo import shelf

#: The most of one session's results with a model of one's own: one run, and its picture.
OWN_MEMORY = limits.RUN["image"] + 64 * 2**20
#: Stopped runs that one session keeps, since so many may stand side by side.
STOPPED = 4

Result = Trajectory | Transcript


@cache
def budget() -> Budget:
    """What models, their tables, finished runs and pictures of all sessions may hold together."""
    return Budget(limits.MEMORY)


@cache
def store() -> Store:
    """What is kept for all sessions."""
    housekeeping.start(budget(), jobs.line())
    return Store(limits.MEMORY, budget())


def _store(own: bool) -> Store:
    """Where things are kept: for all sessions; what is made with a person's own model, in theirs alone."""
    if not own:
        return store()
    return st.session_state.setdefault("_own_results", Store(OWN_MEMORY, budget()))


def model(name: str, raw: bool = False) -> dg.Model:
    """A shipped model, loaded once for all sessions (from whichever folder is the models' now), or one's own.

    Raises:
        UserError: there is none, or it is damaged.
    """
    if uploads.private(name):
        own = uploads.get(name)
        return own.with_offset(0.0) if raw else own
    return _foundation(
        "Loading the model…", key("model", shelf.root(), name, raw), lambda: dg.load(name, raw=raw)
    )


def field(name: str, raw: bool, space: str) -> TabulatedField:
    """The table of a model's (d, ∇d), built once for all sessions; of one's own model, for its session."""

    def make(keep: bool = True) -> TabulatedField:
        place = st.empty()

        def show(share: float) -> None:
            jobs.look()
            place.progress(min(share, 1.0), f"Tabulating the logit, once a model: {share:.0%}")

        made = TabulatedField(model(name, raw), space, keep=keep, progress=show)
        place.empty()
        return made

    wanted, own = _field_key(name, raw, space)
    if own:
        return kept(wanted, lambda: make(False), lambda made: made.nbytes, True, Rank.SHORT)
    return _foundation(None, wanted, make)


def quick(name: str, raw: bool, space: str) -> bool:
    """Whether runs of a model by its table take no time, because that is there."""
    return found(*_field_key(name, raw, space)) is not None


def _field_key(name: str, raw: bool, space: str) -> tuple[str, bool]:
    """What a table is kept as, and whether it is one session's own."""
    if uploads.private(name):
        return key("field", model(name).digest, raw, space), True
    return key("field", shelf.root(), name, raw, space), False


def _foundation(words: str | None, name: str, make: Callable[[], Any]) -> Any:
    """What everybody's runs are made with, given up last; ``words`` are shown while it is made."""
    value = store().get(name)
    if value is None:
        with st.spinner(words) if words else nullcontext():
            value = store().make(name, make, lambda made: made.nbytes, jobs.wanted(), FOUNDATION)
    return value


def key(*parts) -> str:
    """A name for anything made from JSON-like ``parts``."""
    return json.dumps(parts, sort_keys=True, default=str)


def identity(run: Result) -> tuple[dict, dict, int]:
    """What tells a run from every other, as parts of a ``key``."""
    return run.settings, run.provenance, run.steps


def kept(
    name: str,
    make: Callable[[], Any],
    size: Callable[[Any], int] = len,
    own: bool = False,
    rank: Rank = Rank.REST,
):
    """``make()``, or what it gave the last time for this name; ``own`` keeps it in this session only."""
    store = _store(own)
    if jobs.line().inside:  # who has a place must not wait for somebody who may be waiting for one
        value = store.get(name)
        if value is None:
            value = make()
            store.put(name, value, size(value))
        return value

    def placed() -> Any:
        with jobs.place(rank):
            return make()

    return store.make(name, placed, size, jobs.wanted())


def found(name: str, own: bool = False):
    """What is kept under this name, or None."""
    return _store(own).get(name)


def trajectory(
    name: str,
    settings: dict,
    *,
    raw: bool = False,
    exact: bool = False,
    draw: Callable[[Frame], Any] | None = None,
) -> Trajectory:
    """The run of ``settings`` (as ``dg.refine`` takes them) on a model of the plane.

    Tabulated runs of 2D models take a fraction of a second. Exact ones show their progress and
    a stop button, and give every frame to ``draw`` as it comes; a stopped run keeps its frames, for
    this person only.

    Raises:
        UserError: a setting is wrong, or over the server's limits.
    """
    shipped = model(name, raw)
    limits.check(shipped, settings, tabulated=not exact)
    run_key = key("run", name, shipped.digest, exact, settings)

    def start() -> Recorder:
        where = None if exact else field(name, raw, settings["space"])
        return Recorder(Run(shipped, field=where, **settings))

    return _result(run_key, start, draw if exact else None, uploads.private(name), quiet=not exact)


def image_run(
    model: dg.Model, settings: dict, draw: Callable[[Frame], Any] | None = None, own: bool = False
) -> Trajectory:
    """The exact run of ``settings`` on an image model; ``draw`` is given every frame as it comes.

    ``own`` says that the model belongs to this session: what it gives is kept there only.

    Raises:
        UserError: a setting is wrong, or over the server's limits.
    """
    limits.check(model, settings)
    run_key = key("images", model.digest, settings)
    if not own:
        _take_first(run_key, model, settings)
    return _result(run_key, lambda: Recorder(Run(model, **settings)), draw, own)


def text_run(model: dg.Model, settings: dict, draw: Callable[[Frame], Any], own: bool = False) -> Transcript:
    """The exact run of ``settings`` on a text model; ``draw`` is given every frame as it comes.

    Raises:
        UserError: a setting is wrong, or over the server's limits.
    """
    limits.check(model, settings)
    run_key = key("text", model.digest, settings)
    if not own:
        _take_first(run_key, model, settings)
    return _result(run_key, lambda: Transcriber(Run(model, **settings)), draw, own)


def _take_first(run_key: str, model: dg.Model, settings: dict) -> None:
    """Keep the run that a page begins with, where it lies beside the model: nobody computes it."""
    if store().get(run_key) is None and (run := first_run.read(model, settings)) is not None:
        store().put(run_key, run, run.nbytes)


class _Work:
    """A run under way: its frames so far, and the iterator from which the others come."""

    def __init__(self, recorder: Recorder):
        self.recorder, self.frames = recorder, iter(recorder.run)
        self.seconds, self.stopped = 0.0, False
        self.shown: Result | None = None

    @property
    def steps(self) -> int:
        """Steps done."""
        return self.recorder.count - 1

    def go(self, each: Callable[[Frame], Any]) -> Result:
        """Compute what is missing; ``each`` is given every frame and may raise to interrupt."""
        self.compute(each)
        self.recorder.run.provenance["seconds"] = round(self.seconds, 3)
        return self.recorder.trajectory()

    def compute(self, each: Callable[[Frame], Any], most: int | None = None) -> None:
        """Compute the next frames, ``most`` of them or all."""
        recorder, started = self.recorder, time.perf_counter()
        try:
            for frame in islice(self.frames, most):
                recorder.add(frame)
                each(frame)
        except NonFinite as error:
            if not recorder.count:
                raise UserError(str(error)) from None
            recorder.ended, recorder.message = "non-finite", str(error)
        finally:
            self.seconds += time.perf_counter() - started

    def stop(self) -> None:
        """Leave it at the frames so far, until it is told to go on."""
        self.recorder.message = f"Stopped at step {self.steps} of {self.recorder.run.steps}."
        self.shown, self.stopped = self.recorder.trajectory(), True
        self.recorder.message = ""


def _stopped() -> dict[str, _Work]:
    """This session's stopped runs by their keys."""
    return st.session_state.setdefault("_stopped", {})


def _keep_stopped(run_key: str, work: _Work) -> None:
    """Keep a stopped run, and of older ones as many as the session may hold."""
    stopped = _stopped()
    stopped.pop(run_key, None)
    stopped[run_key] = work
    while len(stopped) > STOPPED or sum(old.shown.nbytes for old in stopped.values()) > OWN_MEMORY:
        if len(stopped) == 1:
            break
        del stopped[next(iter(stopped))]


def can_go_on(result: Result) -> bool:
    """Whether this run was stopped here and can be finished."""
    return any(work.shown is result for work in _stopped().values())


def go_on(result: Result) -> None:
    """Let a stopped run be finished when it is asked for the next time."""
    for work in _stopped().values():
        work.stopped &= work.shown is not result


def _result(
    run_key: str,
    start: Callable[[], Recorder],
    draw: Callable[[Frame], Any] | None = None,
    own: bool = False,
    quiet: bool = False,
) -> Result:
    """The finished run of that key, or as far as this person stopped it; ``quiet`` shows no progress."""
    kept_in, work = _store(own), _stopped().get(run_key)
    done = kept_in.get(run_key)
    if done is None and work is not None and work.stopped:
        return work.shown
    if done is None:
        place = st.empty()
        with kept_in.alone(run_key, lambda: place.progress(0.0, "Another page is computing the same…")):
            done = kept_in.get(run_key)
            if done is None:
                if draw and work is None:  # the base samples: something to see for who waits in line
                    with jobs.place(Rank.SHORT, place.progress):
                        work = _Work(start())
                        work.compute(draw, most=1)
                with jobs.place(Rank.SHORT if quiet else Rank.LONG, place.progress):
                    work = work or _Work(start())
                    done = (_quietly if quiet else _visibly)(place, run_key, work, draw)
                kept_in.put(run_key, done, done.nbytes)
        place.empty()
    _stopped().pop(run_key, None)
    return done


def _quietly(place, run_key: str, work: _Work, draw: Callable[[Frame], Any] | None) -> Result:
    """Compute without a word."""
    return work.go(lambda frame: jobs.look())


def _visibly(place, run_key: str, work: _Work, draw: Callable[[Frame], Any] | None) -> Result:
    """Compute under a progress bar; pressing stop ends this script run and keeps the frames so far."""
    total = work.recorder.run.steps

    def stop() -> None:
        if work.recorder.count:
            work.stop()
            _keep_stopped(run_key, work)

    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, "Computing exactly…")
        st.button(
            "Stop",
            icon=":material/stop:",
            on_click=stop,
            key=f"stop {run_key}",
            help="Stop here and keep the steps computed so far.",
        )

    def show(frame: Frame) -> None:
        jobs.look()
        bar.progress(frame.step / max(total, 1), f"Exact step {frame.step} of {total}")
        if draw:
            draw(frame)

    return work.go(show)

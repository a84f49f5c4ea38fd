"""The one driver: seeds, the loop, recording, progress and stopping, for every method."""

from __future__ import annotations

import math
import platform
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.fields.network import ExactField
from dgflow_core.flow import stopping
from dgflow_core.flow.priors import seeded
from dgflow_core.flow.request import Request
from dgflow_core.flow.trajectory import Ended, Trajectory
from dgflow_core.methods.dgflow import drift as dgflow_drift
from dgflow_core.zoo.model import Model

#: How many times as far out as the data and the start a particle counts as lost.
FAR = 10


class Frame(NamedTuple):
    """One recorded step, as it comes."""

    step: int
    positions: Tensor  # (n, *point)
    samples: Tensor  # (n, *sample_shape)
    logits: Tensor  # (n,)
    info: Mapping[str, float]


class NonFinite(ArithmeticError):
    """A step left numbers that are not finite; frames already given are good."""


class Run:
    """A validated run, ready to be iterated: ``for frame in run``.

    Iterating yields ``steps + 1`` frames, the first being the start. A caller that stops
    iterating stops the work. See ``refine`` for the arguments and errors.

    Attributes:
        note: what a person should know of the run, one sentence or "": complete with the last frame.
    """

    def __init__(self, model: Model, method: str = "dgflow", *, start=None, field=None, **settings: Any):
        request = Request.of(model, method, settings)
        self.model, self.method, self.values = model, request.method, request.values
        self.seed, self.until, self.space = request.seed, request.until, request.space
        self.field = field or ExactField(model, self.space, request.batch_size)
        if (self.field.space, self.field.model.digest) != (self.space, model.digest):
            raise UserError("field must have been made for this model and this space.")
        if start is not None:
            self.start = self.field.points("start", start)
        elif self.space == "latent":
            self.start = model.prior.sample(request.n, self.seed).to(model.device)
        else:
            self.start = model.start(request.n, self.seed)
        self.n = len(self.start)
        self.note = ""
        self.settings = request.settings(self.n)
        self.provenance: dict[str, Any] = {
            "model": model.name, "digest": model.digest, "logit_offset": model.logit_offset,
            "raw": model.logit_offset == 0, "field": self.field.name, "own_start": start is not None,
            "torch": torch.__version__, "python": platform.python_version(),
        }  # fmt: skip

    @property
    def steps(self) -> int:
        return self.values.steps

    def __iter__(self) -> Iterator[Frame]:
        rule = stopping.Rule(self.until, self.model)
        state = self.method.init(self.field.at(0.0), self.start, self.values)
        for step in range(self.steps + 1):
            info = {}
            if step:
                moving = rule.ask(state.at.logit)
                noise = seeded(self.seed, step)
                field = self.field.at(step * getattr(self.values, "eta", 0.0) if self.method.flow else 0.0)
                state = stopping.step(self.method, field, state, self.values, noise, moving)
                info = {} if self.until == "steps" else {"moving": float(moving.sum())}
            self._check(step, state)
            self.note = state.note
            if step == self.steps:
                self.note = " ".join(filter(None, (state.note, self._lost(state.points))))
            yield Frame(step, state.points, state.at.sample, state.at.logit, {**state.info, **info})

    def _check(self, step: int, state) -> None:
        if math.isfinite((state.points.sum() + state.at.logit.sum()).item()):  # one look at the usual case
            return
        good = torch.isfinite(state.points).flatten(1).all(1) & torch.isfinite(state.at.logit)
        bad = int((~good).sum())
        if not bad:  # only the sum was too large to represent
            return
        if step == 0:
            raise NonFinite(f"{bad} of {self.n} starting points have no finite logit.")
        raise NonFinite(
            f"At step {step} of {self.steps}, {bad} of {self.n} particles left the finite range"
            f"{self._advice}."
        )

    @property
    def _advice(self) -> str:
        eta = self.settings.get("eta")  # methods that only accept or reject have none
        return f"; a smaller eta than {eta:g} should keep them" if eta else ""

    def _lost(self, points: Tensor) -> str:
        """A sentence where particles (n, *point) are far from the data and from all starting points."""
        out = points.flatten(1).abs().amax(1)
        if out.max() <= FAR * self.model.reach(self.space):  # the usual case
            return ""
        reach = max(self.model.reach(self.space), float(self.start.abs().max()))
        lost = int((out > FAR * reach).sum())
        if not lost:
            return ""
        share = f"{lost:,} of {self.n:,} particles"
        return f"{share} ended more than {FAR} times as far out as the data{self._advice}."


class Recorder:
    """Collects a run's frames; ``trajectory`` may be asked for at any moment.

    Every frame is written to its place at once: nothing is held twice, neither here nor in a trajectory.

    Attributes:
        count: how many frames there are so far.
    """

    def __init__(self, run: Run):
        self.run = run
        self.count = 0
        self.ended: Ended = "stopped"
        self.message = ""
        self._kept: dict[str, Tensor] = {}
        self._infos: list[Mapping[str, float]] = []

    def add(self, frame: Frame) -> None:
        rows = {"positions": frame.positions, "logits": frame.logits, **self.read(frame)}
        for name, row in rows.items():
            if name not in self._kept:
                self._kept[name] = torch.empty((self.run.steps + 1, *row.shape), dtype=row.dtype)
            self._kept[name][self.count] = row
        self._infos.append(frame.info)
        self.count += 1
        if frame.step == self.run.steps:
            self.ended, self.message = "complete", self.run.note

    def read(self, frame: Frame) -> dict[str, Tensor]:
        """What is kept of a frame's samples, by name; nothing in data space, where they are the positions."""
        return {} if self.run.space == "data" else {"samples": frame.samples}

    def kept(self, name: str) -> Tensor:
        """Those frames so far, (count, …) on the CPU."""
        return self._kept[name][: self.count]

    @property
    def info(self) -> dict[str, list[float]]:
        """The scalars of every frame by name."""
        names = sorted({name for info in self._infos for name in info})
        return {name: [info.get(name, float("nan")) for info in self._infos] for name in names}

    def trajectory(self) -> Trajectory:
        """The frames so far as a trajectory on the CPU."""
        positions = self.kept("positions")
        samples = self.kept("samples") if "samples" in self._kept else positions
        return Trajectory(
            positions, samples, self.kept("logits"), dict(self.run.settings), dict(self.run.provenance),
            self.info, self.ended, self.message, self.run.model.kind,
        )  # fmt: skip


def refine(
    model: Model,
    method: str = "dgflow",
    *,
    start=None,
    field=None,
    progress: Callable[[Frame], Any] | None = None,
    stop: Callable[[], bool] | None = None,
    **settings: Any,
) -> Trajectory:
    """Refine samples of ``model`` and return every step.

    Args:
        model: what to refine.
        method: "dgflow", "dot", "ddls", … (``dg.methods``).
        start: one's own starting points in that space, (n, *point), array or tensor.
        field: a ``TabulatedField`` for 2D models; None evaluates the model exactly.
        progress: called with every frame. stop: asked after every frame; true ends the run.
        settings: those below, and the method's own (``eta``, ``gamma``, ``divergence``, …).

    Settings of every run:
        n: particles, 1 to 1,000,000 (5,000). Where ``start`` is given, as many as it has.
        steps: how many steps; None takes the method's default.
        seed: seeds the starting points and the noise; methods share starting points (0).
        space: "data" moves x with d(x); "latent" moves z with d(g(z)) ("data").
        batch_size: rows through the networks at once (None: what fits memory). It changes memory, and d
            and ∇d by rounding, about 10⁻⁷ of their size; nothing else. Where ∇d jumps, as a ReLU network's
            does, rounding may put single particles on another path.
        until: when a sample stops before the last step (``stopping``): "steps" (not before),
            "real5" … "real95" or "flat". ``info["moving"]`` then counts the samples that moved.

    Returns:
        A ``Trajectory``. Where numbers cease to be finite it holds the frames before that, ``ended`` is
        "non-finite" and ``message`` names the step; where particles are lost far from the data, or the
        method has something to say, ``message`` says that. A message is issued as a warning, too.

    Raises:
        UserError: a wrong argument; one sentence that names it and what is allowed (a ``ValueError``).
    """
    run = Run(model, method, start=start, field=field, **settings)
    trajectory = record(run, each=progress, stop=stop)
    if trajectory.message and trajectory.ended != "stopped":
        warnings.warn(trajectory.message, RuntimeWarning, stacklevel=2)
    return trajectory


def record(
    run: Run,
    recorder: Recorder | None = None,
    *,
    each: Callable[[Frame], Any] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Any:
    """Iterate ``run`` to its end, or to where ``stop`` says: the one loop of notebook, command line and app.

    Args:
        recorder: what keeps the frames (None: all of them, as a ``Trajectory``).
        each: called with every frame once it is kept. stop: asked after that; true ends the run.

    Returns:
        What the recorder makes of the frames.

    Raises:
        UserError: the start has no finite logits.
    """
    recorder = recorder or Recorder(run)
    began = time.perf_counter()
    try:
        for frame in run:
            recorder.add(frame)
            if each:
                each(frame)
            if stop and stop():
                if recorder.ended == "stopped":
                    recorder.message = (
                        f"Stopped after step {frame.step} of {run.steps}; what was done is kept."
                    )
                break
    except NonFinite as error:
        if not recorder.count:
            raise UserError(f"start must have finite logits: {error}") from None
        recorder.ended, recorder.message = "non-finite", str(error)
    run.provenance["seconds"] = round(time.perf_counter() - began, 3)
    return recorder.trajectory()


def drift(model: Model, points, divergence: str = "KL", space: str = "data", field=None) -> Tensor:
    """−∇f′(ρ/μ) = w_f(d) ∇d at ``points`` (n, *point): the deterministic part of DGflow's velocity.

    In latent space the gradient is that of d∘g with respect to z.

    Raises:
        UserError: unknown divergence or space, or points of another shape.
    """
    field = field or ExactField(model, space)
    return dgflow_drift(field.evaluate(field.points("points", points)), divergence)

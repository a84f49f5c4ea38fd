"""The one driver: seeds, the loop, recording, progress and stopping, for every method."""

from __future__ import annotations

import math
import platform
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.fields.network import ExactField
from dgflow_core.flow import stopping
from dgflow_core.flow.priors import seeded
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.methods import get as get_method
from dgflow_core.methods.dgflow import drift as dgflow_drift
from dgflow_core.zoo.model import Model

MAX_PARTICLES = 1_000_000


class Frame(NamedTuple):
    """One recorded step, as it comes."""

    step: int
    positions: Tensor  # (n, *point)
    samples: Tensor  # (n, *sample_shape)
    logits: Tensor  # (n,)
    info: Mapping[str, float]


class NonFinite(ArithmeticError):
    """A step left numbers that are not finite; frames already given are good."""


def whole(name: str, value: Any, low: int, high: int) -> int:
    """``value`` as an int in [low, high], or a UserError that names it."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or not low <= value <= high:
        raise UserError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


class Run:
    """A validated run, ready to be iterated: ``for frame in run``.

    Iterating yields ``steps + 1`` frames, the first being the start. A caller that stops
    iterating stops the work. See ``refine`` for the arguments and errors.
    """

    def __init__(
        self,
        model: Model,
        method: str = "dgflow",
        *,
        n: int = 5000,
        seed: int = 0,
        space: str = "data",
        start=None,
        field=None,
        batch_size: int | None = None,
        until: str = "steps",
        **settings,
    ):
        self.model, self.method = model, get_method(method)
        model.dim(space)
        if space not in self.method.spaces:
            spaces = " or ".join(map(repr, self.method.spaces))
            raise UserError(f"space must be {spaces} for {self.method.title}, not {space!r}.")
        self.seed = whole("seed", seed, 0, 2**31 - 1)
        self.field = field or ExactField(model, space, batch_size)
        if (self.field.space, self.field.model.digest) != (space, model.digest):
            raise UserError("field must have been made for this model and this space.")
        if settings.get("steps", 0) is None:
            del settings["steps"]
        if self.method.planar and self.field.shape != (2,):
            raise UserError(
                f"method {self.method.title} needs points of two dimensions, not {self.field.shape}."
            )
        self.values = self.method.Settings.parse(settings)
        self.until = stopping.Stopping.parse({"until": until}).until
        if self.until != "steps" and not stopping.applies(self.method):
            raise UserError(f"until must be 'steps' for {self.method.title}, not {until!r}.")
        stopping.Rule(self.until, model)  # says now what would go wrong later
        if start is None:
            self.n = whole("n", n, 1, MAX_PARTICLES)
            latent = space == "latent"
            self.start = (
                model.prior.sample(self.n, self.seed).to(model.device)
                if latent else model.start(self.n, self.seed)
            )  # fmt: skip
        else:
            self.start = self.field.points("start", start)
            self.n = len(self.start)
        self.settings = {
            "method": method, "n": self.n, "seed": self.seed, "space": space, **self.values.model_dump(),
        }  # fmt: skip
        if self.until != "steps":
            self.settings["until"] = self.until
        self.provenance = {
            "model": model.name, "digest": model.digest, "logit_offset": model.logit_offset,
            "field": self.field.name, "own_start": start is not None,
            "torch": torch.__version__, "python": platform.python_version(),
        }  # fmt: skip

    @property
    def steps(self) -> int:
        return self.values.steps

    def __iter__(self) -> Iterator[Frame]:
        rule = stopping.Rule(self.until, self.model)
        state = self.method.init(self.field, self.start, self.values)
        for step in range(self.steps + 1):
            info = {}
            if step:
                moving = rule.ask(state.at.logit)
                noise = seeded(self.seed, step)
                state = stopping.step(self.method, self.field, state, self.values, noise, moving)
                info = {} if self.until == "steps" else {"moving": float(moving.sum())}
            self._check(step, state)
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
        eta = self.settings.get("eta")  # methods that only accept or reject have none
        advice = f"; a smaller eta than {eta:g} should keep them" if eta else ""
        raise NonFinite(
            f"At step {step} of {self.steps}, {bad} of {self.n} particles left the finite range{advice}."
        )


class Recorder:
    """Collects a run's frames; ``trajectory`` may be asked for at any moment."""

    def __init__(self, run: Run):
        self.run = run
        self.frames: list[Frame] = []
        self.ended, self.message = "stopped", ""

    def add(self, frame: Frame) -> None:
        self.frames.append(frame)
        if frame.step == self.run.steps:
            self.ended = "complete"

    def trajectory(self) -> Trajectory:
        """The frames so far as a trajectory on the CPU."""
        frames = self.frames
        positions = torch.stack([frame.positions for frame in frames]).cpu()
        same = all(frame.samples is frame.positions for frame in frames[1:])
        same = same or self.run.settings["space"] == "data"
        samples = positions if same else torch.stack([frame.samples for frame in frames]).cpu()
        logits = torch.stack([frame.logits for frame in frames]).cpu()
        names = sorted({name for frame in frames for name in frame.info})
        info = {name: [frame.info.get(name, float("nan")) for frame in frames] for name in names}
        return Trajectory(
            positions, samples, logits, dict(self.run.settings), dict(self.run.provenance),
            info, self.ended, self.message, self.run.model.kind,
        )  # fmt: skip


def refine(
    model: Model,
    method: str = "dgflow",
    *,
    n: int = 5000,
    steps: int | None = None,
    seed: int = 0,
    space: str = "data",
    start=None,
    field=None,
    batch_size: int | None = None,
    until: str = "steps",
    progress: Callable[[Frame], Any] | None = None,
    stop: Callable[[], bool] | None = None,
    **settings,
) -> Trajectory:
    """Refine ``n`` samples of ``model`` and return every step.

    Args:
        model: what to refine.
        method: "dgflow", "dot", "ddls", … (``dg.methods``).
        n: particles, 1 to 1,000,000. Ignored where ``start`` is given.
        steps: None takes the method's default.
        seed: seeds the starting points and the noise; methods share starting points.
        space: "data" moves x with d(x); "latent" moves z with d(g(z)).
        start: one's own starting points in that space, (n, *point), array or tensor.
        field: a ``TabulatedField`` for 2D models; None evaluates the model exactly.
        batch_size: rows through the networks at once; changes memory, not the result.
        until: when a sample stops before the last step (``stopping``): "steps" (not before),
            "real5" … "real95" or "flat". ``info["moving"]`` then counts the samples that moved.
        progress: called with every frame. stop: asked after every frame; true ends the run.
        settings: the method's own (``eta``, ``gamma``, ``divergence``, …).

    Returns:
        A ``Trajectory``. Where numbers cease to be finite it holds the frames before that,
        ``ended`` is "non-finite", ``message`` names the step, and a warning is issued.

    Raises:
        UserError: a wrong argument; one sentence that names it and what is allowed.
    """
    run = Run(
        model, method, n=n, steps=steps, seed=seed, space=space, start=start, field=field,
        batch_size=batch_size, until=until, **settings,
    )  # fmt: skip
    return record(run, progress, stop)


def record(
    run: Run,
    progress: Callable[[Frame], Any] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Trajectory:
    """Iterate ``run`` to its end, or to where ``stop`` says, and keep every frame."""
    recorder = Recorder(run)
    try:
        for frame in run:
            recorder.add(frame)
            if progress:
                progress(frame)
            if stop and stop():
                break
    except NonFinite as error:
        if not recorder.frames:
            raise UserError(f"start must have finite logits: {error}") from None
        recorder.ended, recorder.message = "non-finite", str(error)
        warnings.warn(str(error), RuntimeWarning, stacklevel=3)
    return recorder.trajectory()


def drift(model: Model, points, divergence: str = "KL", space: str = "data", field=None) -> Tensor:
    """−∇f′(ρ/μ) = w_f(d) ∇d at ``points`` (n, *point): the deterministic part of DGflow's velocity.

    In latent space the gradient is that of d∘g with respect to z.

    Raises:
        UserError: unknown divergence or space, or points of another shape.
    """
    field = field or ExactField(model, space)
    return dgflow_drift(field.evaluate(field.points("points", points)), divergence)

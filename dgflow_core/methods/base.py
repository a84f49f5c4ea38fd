"""What every method is made of: declared settings, a state, ``init`` and ``step``.

The declaration of a setting (range, step, symbol, help) is the only one there is: sliders,
command-line options, links and error messages are all made from it.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.fields.network import Evaluation, ExactField


class Slider(NamedTuple):
    """What a slider offers, often less than is allowed: its ends and its step; None moves by factors."""

    low: float
    high: float
    step: float | None = None


def setting(
    default: Any,
    *,
    symbol: str,
    help: str,
    ge: float | None = None,
    le: float | None = None,
    slider: Slider | None = None,
):
    """Declare one setting: its default, its allowed range, and how a control shows it.

    Args:
        ge, le: the allowed range, both ends included; enforced everywhere.
        slider: of a number.
    """
    ends, step = ((slider.low, slider.high), slider.step) if slider else ((ge, le), None)
    extra: Any = {"symbol": symbol, "slider": ends, "step": step, "log": slider is not None and step is None}
    return Field(default, ge=ge, le=le, description=help, json_schema_extra=extra)


def step_size(help: str, *, symbol: str = "η", slider: Slider | None = None):
    """The setting ``eta``, which every method that moves points has."""
    return setting(0.01, symbol=symbol, help=help, ge=1e-6, le=100, slider=slider or Slider(0.001, 1.0))


def step_count(default: int = 100, *, symbol: str = "N", help: str = "How many steps to run."):
    """The setting ``steps``, which every method has."""
    return setting(default, symbol=symbol, help=help, ge=0, le=10_000, slider=Slider(1, 300, 1))


class Settings(BaseModel):
    """Base of every method's settings: frozen, no unknown names, one-sentence errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    if TYPE_CHECKING:  # every method declares it, with a default of its own
        steps: int

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Self:
        """The settings with ``values`` filled in.

        Raises:
            UserError: one sentence naming the setting and what is allowed.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise UserError(explain(cls, error)) from None


def allowed(cls: type[BaseModel], name: str) -> str:
    """What the setting ``name`` may be, in words: "a number from 0 to 10"."""
    info = cls.model_fields[name]
    options = typing.get_args(info.annotation)
    if typing.get_origin(info.annotation) is Literal:
        return "one of " + ", ".join(options)
    words = "a whole number" if info.annotation is int else "a number"
    for bound, word in (("ge", "from"), ("le", "to" if _bound(info, "ge") is not None else "up to")):
        value = _bound(info, bound)
        words += "" if value is None else f" {word} {value:g}"
    return words + " or none" if type(None) in options else words


def _bound(info, name: str) -> float | None:
    return next((getattr(rule, name) for rule in info.metadata if hasattr(rule, name)), None)


def explain(cls: type[BaseModel], error: ValidationError) -> str:
    """One sentence for the first thing wrong: the setting, what is allowed, what was given."""
    first = error.errors()[0]
    name = str(first["loc"][0])
    if name not in cls.model_fields:
        return f"{name} is not a setting here; the settings are {', '.join(cls.model_fields)}."
    return f"{name} must be {allowed(cls, name)}, not {first['input']!r}."


class State(NamedTuple):
    """Where a run is: the points, what the field says there, and what the method remembers."""

    points: Tensor  # (n, *point)
    at: Evaluation  # d and ∇d at the points
    memory: Any = None
    info: Mapping[str, float] = MappingProxyType({})  # scalars of the last step, such as an acceptance rate
    note: str = ""  # what a person should know of this step: one sentence, for the end of the run


def start(field: ExactField, points: Tensor, settings: Settings) -> State:
    """The ``init`` of a method without memory: the points and the field there."""
    return State(points, field.evaluate(points))


class Work(NamedTuple):
    """What a run asks for, counted before it starts: that is what it costs."""

    evaluated: int  # points at which (d, ∇d) is asked for
    drawn: int = 0  # fresh samples of the generator
    smoothed: int = 0  # density estimates of all particles


def work(settings: Settings, n: int) -> Work:
    """The work of a method that evaluates every point once a step, and at the start."""
    return Work(n * (settings.steps + 1))


#: A method's settings model; inside ``Method``, whose attribute has the class's name, it needs another.
Declared = type[Settings]


@dataclass(frozen=True)
class Method:
    """A refinement method.

    Attributes:
        name: the key in code, links and the command line; ``title``: the name in text.
        Settings: its settings model.
        step: (field, state, settings, generator) → next state. Pure: it changes nothing.
        init: (field, points, settings) → first state.
        update_rule: (settings, space) → the rule being run, as LaTeX with the numbers in it.
        spaces: where it can run. ``order``: its place in lists.
        gradient: whether a step needs ∇d, or d alone. ``planar``: whether it needs two dimensions.
        flow: whether its steps add up to a time along DGflow's flow, on which the critic may depend.
        paper: who, where. ``about``: one sentence. ``caveat``: (space, prior) → a warning or "".
        work: (settings, n) → what a run of n particles asks for.
    """

    name: str
    title: str
    Settings: type[Settings]
    step: Callable[[ExactField, State, Any, torch.Generator], State]
    update_rule: Callable[[Any, str], str]
    paper: str
    about: str
    init: Callable[[ExactField, Tensor, Any], State] = start
    spaces: tuple[str, ...] = ("data", "latent")
    order: int = 50
    gradient: bool = True
    planar: bool = False
    flow: bool = False
    caveat: Callable[[str, Any], str] = field(default=lambda space, prior: "")
    work: Callable[[Any, int], Work] = work

    @classmethod
    def of(cls, module: str, settings: Declared, *, title: str, name: str = "", **more: Any) -> Method:
        """The method that the file ``module`` is: its functions ``step``, ``update_rule`` and, where it has
        them, ``init``, ``caveat`` and ``work``. The first paragraph of its docstring says what it does, in
        one sentence, and the last where it is from. ``name`` is the file's own unless it is given.
        """
        file = vars(sys.modules[module])
        about, *_, paper = (" ".join(words.split()) for words in file["__doc__"].strip().split("\n\n"))
        own = {part: file[part] for part in ("init", "caveat", "work") if part in file}
        return cls(
            name or module.rpartition(".")[2], title, settings, file["step"], file["update_rule"],
            paper, about, **own, **more,
        )  # fmt: skip


def rows(weights: Tensor, like: Tensor) -> Tensor:
    """Per-particle scalars (n,) shaped so that they multiply points (n, *point)."""
    return weights.reshape(-1, *[1] * (like.dim() - 1))


def noise(points: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise shaped like ``points``, drawn on the CPU."""
    return torch.randn(points.shape, generator=generator).to(points.device)


def proposals(field, n: int, generator: torch.Generator) -> Tensor:
    """``n`` fresh samples of the generator, as points of the field's space."""
    seed = int(torch.randint(2**31, (1,), generator=generator))
    z = field.model.prior.sample(n, seed).to(field.model.device)
    return z if field.space == "latent" else field.model.generate(z)


def where(taken: Tensor, new: Evaluation, old: Evaluation) -> Evaluation:
    """The rows of ``new`` where ``taken`` (n,), those of ``old`` elsewhere."""
    pairs = zip(new, old, strict=True)
    return Evaluation(*(torch.where(rows(taken, a), a, b) for a, b in pairs))


def put(old: Evaluation, chosen: Tensor, new: Evaluation) -> Evaluation:
    """``old`` with the rows ``chosen`` (n,) replaced, in order, by those of ``new``."""
    parts = [part.clone() for part in old]
    for part, value in zip(parts, new, strict=True):
        part[chosen] = value
    return Evaluation(*parts)


def tally(info: Mapping[str, float], proposed: int, accepted: int, evaluations: int) -> dict[str, float]:
    """The next step's ``info`` of a method that accepts or rejects.

    "acceptance" is the share of all proposals so far that were accepted; "evaluations" counts
    the points at which this step asked for d.
    """
    proposed += int(info.get("proposed", 0))
    accepted += int(info.get("accepted", 0))
    return {
        "proposed": proposed, "accepted": accepted,
        "acceptance": accepted / max(proposed, 1), "evaluations": evaluations,
    }  # fmt: skip


def number(value: float) -> str:
    """A number as LaTeX shows it: four significant digits, no exponent for common sizes."""
    text = f"{value:.4g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        return rf"{mantissa}\cdot 10^{{{int(exponent)}}}"
    return text

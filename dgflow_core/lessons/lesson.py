"""What a lesson is: a story, one live picture, a prediction, what came of it, a goal, a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dgflow_core.errors import UserError
from dgflow_core.methods import methods

#: A method, its space and its settings, as ``dg.refine`` takes them; "title" names it beside others.
Run = dict[str, Any]
Value = bool | int | float | str
#: What a control may change beside the settings of runs.
OF_PICTURE = ("model", "raw", "corrector", "map")


class Block(BaseModel):
    """Base of every declared block of a lesson's file: no unknown names, nothing converted in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Picture(Block):
    """What is shown: one to four runs of a shipped model.

    Attributes:
        show: "flow": particles of the plane on a map. "density": their density in latent space, beside its
            target. "images": a wall.
        map: what lies behind the particles. curves: the metrics of every step under them.
        difference: one more panel, from where the first run ends to where the second does.
    """

    show: Literal["flow", "density", "images"] = "flow"
    model: str = "25gaussians/wgan-gp"
    raw: bool = False
    corrector: bool = True
    n: int = Field(1000, ge=4, le=5000)
    seed: int = Field(0, ge=0)
    map: Literal["logit", "ratio", "weight"] = "logit"
    curves: bool = True
    difference: bool = False
    runs: tuple[Run, ...] = Field(({},), min_length=1, max_length=4)

    @field_validator("runs")
    @classmethod
    def _whole(cls, runs: tuple[Run, ...]) -> tuple[Run, ...]:
        return tuple(whole(run) for run in runs)

    def settings(self, run: Run, still: bool = False) -> dict[str, Any]:
        """What ``dg.refine`` takes for one of the runs; ``still``: for its start alone."""
        said = {name: value for name, value in run.items() if name != "title"}
        return {**said, "n": self.n, "seed": self.seed, **({"steps": 0} if still else {})}

    def changed(self, controls: tuple[Control, ...], chosen: tuple[int, ...]) -> Picture:
        """The picture with the ``chosen`` value of each control."""
        fields, runs = {name: getattr(self, name) for name in type(self).model_fields}, list(self.runs)
        for control, index in zip(controls, chosen, strict=True):
            value = control.values[index]
            if control.name in OF_PICTURE:
                fields[control.name] = value
                continue
            for number, run in enumerate(runs, 1):
                if control.run in (None, number) and control.name in run:
                    runs[number - 1] = {**run, control.name: value}
        return Picture(**{**fields, "runs": tuple(runs)})


def whole(run: Run) -> Run:
    """A run with every setting of its method filled in.

    Raises:
        UserError: no such method, space or setting; one sentence.
    """
    rest = dict(run)
    name, title = rest.pop("method", "dgflow"), rest.pop("title", "")
    if name not in methods:
        raise UserError(f"method must be one of {', '.join(methods)}, not {name!r}.")
    method = methods[name]
    space = rest.pop("space", method.spaces[0])
    if space not in method.spaces:
        raise UserError(f"the space of {name} must be {' or '.join(method.spaces)}, not {space!r}.")
    if not isinstance(title, str):
        raise UserError(f"title must be text, not {title!r}.")
    return {"method": name, "space": space, **method.Settings.parse(rest).model_dump(), "title": title}


class Option(Block):
    """One answer; it is right where ``when`` holds of the run."""

    text: str
    when: str


class Ask(Block):
    """A prediction, asked before the picture moves."""

    question: str
    options: tuple[Option, ...] = Field(min_length=2, max_length=4)


class Control(Block):
    """A choice among a few ``values`` of a setting; ``run`` says of which run, None of all that have it."""

    name: str
    values: tuple[Value, ...] = Field(min_length=2, max_length=12)
    start: int = Field(0, ge=0)
    run: int | None = Field(None, ge=1, le=4)
    label: str = ""

    @model_validator(mode="after")
    def _starts_inside(self) -> Control:
        if self.start >= len(self.values):
            raise UserError(f"start must be a place among the {len(self.values)} values, counted from 0.")
        return self


class Attempt(Block):
    """Something to find: ``goal`` in words, ``check`` as a condition on what is measured, few controls.

    ``picture`` holds what differs from the lesson's own picture.
    """

    goal: str
    check: str
    tell: str
    controls: tuple[Control, ...] = Field(min_length=1, max_length=3)
    picture: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def start(self) -> tuple[int, ...]:
        """Where its controls stand at first."""
        return tuple(control.start for control in self.controls)


class After(Block):
    """A question that one can answer once the lesson is done, and the answer, with numbers of its run."""

    question: str
    answer: str


@dataclass(frozen=True)
class Lesson:
    """A lesson as it was read.

    Attributes:
        slug: its name in links. title, story, reveal, take, mathematics, notes: its texts, as Markdown.
        picture, ask, attempt, after: what it declares; a lesson may have no ``after``.
        file: where it was read. language: "en", "de", …
    """

    slug: str
    title: str
    story: str
    picture: Picture
    ask: Ask
    reveal: str
    attempt: Attempt
    take: str
    mathematics: str
    notes: str
    file: Path
    language: str = "en"
    after: After | None = None

    @property
    def tried(self) -> Picture:
        """The picture of the goal, before its controls are moved."""
        fields = {name: getattr(self.picture, name) for name in Picture.model_fields}
        return Picture(**{**fields, **self.attempt.picture})

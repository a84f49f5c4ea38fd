"""What a page lets a person choose: each parameter declares its default, range, control and help once.

From that come the control, what a link may say, the sentence where it says something else, and the check of
what a browser returns.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import streamlit as st

from app import controls, uploads, widgets
from app.escape import short
from app.words import say
from dgflow_core import methods
from dgflow_core.errors import UserError
from dgflow_core.methods import Method, Settings


def as_text(value: Any) -> str:
    """A value as links carry it, with every digit that matters; ``Parameter.read`` reads it back."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(int(value))
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Parameter:
    """One thing that a page remembers, and that its link says where it is not the default.

    Attributes:
        default: what it is at first. label, help: of its control.
        browser: whether a canvas decides it, with controls of its own; presets leave it as it is.
        written: whether that canvas also writes it into the address, so that nothing has to run again.
    """

    default: Any
    label: str = ""
    help: str = ""
    browser: bool = field(default=False, kw_only=True)
    written: bool = field(default=False, kw_only=True)
    #: Whether what was allowed once is allowed for good.
    lasting: ClassVar[bool] = True

    def read(self, name: str, text: str) -> Any:
        """The value that a link's ``text`` stands for. Raises: ValueError, one sentence with the range."""
        return self.check(name, text)

    def check(self, name: str, value: Any) -> Any:
        """``value`` where it is allowed. Raises: ValueError, one sentence with the range."""
        raise NotImplementedError

    def draw(self, key: str, place, **how) -> Any:
        """Draw the control whose value is ``st.session_state[key]``; return that value."""
        raise NotImplementedError


@dataclass(frozen=True)
class Choice(Parameter):
    """One of ``options``: keys, or keys with their titles. ``segments`` stand beside each other."""

    options: Iterable[str] | Mapping[str, str] = field(default=(), kw_only=True)
    segments: bool = field(default=False, kw_only=True)
    lasting = False  # a folder with a model may go

    def check(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in self.options:
            given = short(value) if isinstance(value, str) else value
            raise UserError(f"{name} must be one of {', '.join(self.options)}, not {given!r}.")
        return value

    def draw(self, key: str, place, options: Iterable[str] | None = None, **how) -> str:
        """``options``: those that can be chosen now, where not all can."""
        shown = list(self.options if options is None else options)
        if st.session_state[key] not in shown:
            widgets.assign(key, shown[0])
        titles = self.options if isinstance(self.options, Mapping) else {}
        titled = {"help": say(self.help), "format_func": lambda name: say(titles.get(name, name))}
        how = titled | how | {"key": widgets.key_of(key)}
        if self.segments:
            return place.segmented_control(
                say(self.label), shown, required=True, disabled=len(shown) == 1, **how
            )
        return place.selectbox(say(self.label), shown, **how)


@dataclass(frozen=True)
class Whole(Parameter):
    """A whole number from ``low`` to ``high``. ``default`` may lie outside and then stands for "not said".

    With a ``step`` it is a slider (over the range ``slider``, where that is narrower), as ``segments`` a row
    of buttons, and else a field to type in.
    """

    low: int = 0
    high: int = 2**31 - 1
    step: int | None = None
    slider: tuple[int, int] | None = None
    segments: bool = field(default=False, kw_only=True)

    def read(self, name: str, text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = short(text)
        return self.check(name, value)

    def check(self, name: str, value: Any) -> int:
        if isinstance(value, type(self.default)) and value == self.default:
            return value
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not self.low <= value <= self.high:
            raise UserError(f"{name} must be a whole number from {self.low} to {self.high}, not {value!r}.")
        return value

    def draw(self, key: str, place, high: int | None = None, **how) -> int:
        """``high``: the most that can be chosen now, where that is less than a link may ever say."""
        low, most, value = self.low, self.high if high is None else high, st.session_state[key]
        if value > most:
            value = most
            widgets.assign(key, most)
        how, label = {"help": say(self.help)} | how, say(self.label)
        if self.segments:
            how["key"] = widgets.key_of(key)
            return place.segmented_control(label, range(low, most + 1), required=True, **how)
        if self.step is None:
            return place.number_input(label, low, most, key=widgets.key_of(key), **how)
        first, last = self.slider or (low, most)  # it grows to hold what a link said
        ends = min(first, value), max(last, value)
        return place.slider(label, *ends, step=self.step, key=widgets.key_of(key, ends), **how)


@dataclass(frozen=True)
class Flag(Parameter):
    """On (1) or off (0)."""

    def read(self, name: str, text: str) -> bool:
        return self.check(name, {"0": False, "1": True}.get(text, short(text)))

    def check(self, name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise UserError(f"{name} must be 0 or 1, not {value!r}.")
        return value

    def draw(self, key: str, place, **how) -> bool:
        return place.toggle(say(self.label), key=widgets.key_of(key), help=say(self.help), **how)


@dataclass(frozen=True)
class Names(Parameter):
    """Names with commas between them; "" for what is shown of itself."""

    most: int = field(default=300, kw_only=True)

    def check(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) > self.most:
            raise UserError(f"{name} must be names with commas between them, at most {self.most} letters.")
        return value


@dataclass(frozen=True)
class Setting(Parameter):
    """A method's setting, with the range, the control and the sentence of its own declaration.

    ``most``: where this page allows less than the method does.
    """

    settings: type[Settings] = field(kw_only=True)
    name: str = field(kw_only=True)
    most: float | None = field(default=None, kw_only=True)

    def read(self, name: str, text: str) -> Any:
        optional = type(None) in typing.get_args(self.settings.model_fields[self.name].annotation)
        return self.check(name, None if text == "none" and optional else short(text))

    def check(self, name: str, value: Any) -> Any:
        value = getattr(self.settings.parse({self.name: value}), self.name)
        if self.most is not None and value is not None and value > self.most:
            raise UserError(f"{self.name} must be at most {self.most:,} here, not {value:,}.")
        return value

    def draw(self, key: str, place, **how) -> Any:
        return controls.setting(
            place, self.settings.model_fields[self.name], self.name, key, self.most, **how
        )


def setting(settings: type[Settings], name: str, default: Any = None, most: float | None = None) -> Setting:
    """The parameter of one setting; ``default`` where the page wants another than the declared one."""
    declared = settings.model_fields[name].default
    return Setting(declared if default is None else default, settings=settings, name=name, most=most)


def settings(
    method: Method, defaults: Mapping[str, Any] | None = None, most: Mapping[str, float] | None = None
) -> dict[str, Setting]:
    """A method's parameters, named "<method>.<setting>"; a link says only "<setting>".

    ``defaults``, ``most``: setting → where this page differs from the declaration.
    """
    defaults, most = defaults or {}, most or {}
    return {
        f"{method.name}.{name}": setting(method.Settings, name, defaults.get(name), most.get(name))
        for name in method.Settings.model_fields
    }


#: Parameters that several pages have, word for word.
SPACES = {"data": "Data", "latent": "Latent"}
SPACE = Choice(
    "data",
    "Space",
    "Data: move the samples x with d(x). Latent: move the codes z with d(g(z)).",
    options=SPACES,
    segments=True,
)
SEED = Whole(0, "Seed", "The same seed gives the same samples and the same noise.")
RAW = Flag(
    False,
    "Raw critic offset",
    "A WGAN critic is only fixed up to a constant. Calibrated, exp(d) averages 1 over generated samples; "
    "raw, it does not, and every f but KL notices.",
)


def player() -> dict[str, Parameter]:
    """What a link says of the player of a scene."""
    written = {"browser": True, "written": True}
    return {
        "step": Whole(None, "", None, 0, 10_000, **written),
        "layers": Names("", **written),
        "curves": Names("", **written),
        "speed": Choice("1", options=("0.25", "0.5", "1", "2", "4"), **written),
    }


def of_methods(
    chosen: Iterable[Method],
    defaults: Mapping[str, Mapping[str, Any]] | None = None,
    most: Mapping[str, float] | None = None,
) -> dict[str, Setting]:
    """The parameters of several methods; ``defaults``: method → {setting: value}."""
    rows: dict[str, Setting] = {}
    for row in chosen:
        rows |= settings(row, (defaults or {}).get(row.name), most)
    return rows


def particles(default: int, help: str, low: int = 100, high: int = 5000) -> Whole:
    """How many particles move."""
    return Whole(default, "n · particles", help, low, high, step=100)


def planar_model(
    help: str = "A generator with its critic, trained on one data set.", own: bool = True
) -> Choice:
    """The choice among the shipped 2D models, and this session's own."""
    return shipped_model("2d", help, "25gaussians/wgan-gp", uploads.choices("2d") if own else None)


def shipped_model(kind: str, help: str, first: str = "", others: Mapping[str, str] | None = None) -> Choice:
    """The choice among the shipped models of a kind, beginning with ``first``, and ``others`` (key → title).

    Raises:
        UserError: there is none.
    """
    models = controls.shipped(kind) | dict(others or {})
    if not models:
        words = "python -m dgflow_core train --list names those that can be made"
        raise UserError(f"No model of kind {kind} is shipped; {words}.")
    return Choice(first if first in models else next(iter(models)), "Model", help, options=models)


def method(names: Iterable[str], help: str | None = None) -> Choice:
    """The choice among methods."""
    words = help or "Which refinement method moves the samples. All start from the same ones."
    return Choice("dgflow", "Method", words, options={name: methods[name].title for name in names})

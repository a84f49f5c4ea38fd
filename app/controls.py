"""Controls made from the declarations of methods and models: a setting becomes a slider, with its help."""

from __future__ import annotations

import math
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from pydantic.fields import FieldInfo

from app import widgets
from app.words import say
from dgflow_core import Model, datasets, models
from dgflow_core.flow import stopping
from dgflow_core.flow.divergences import divergences
from dgflow_core.methods import Method
from dgflow_core.zoo import shelf

WORDS = {"eta": "step size", "gamma": "noise factor"}
OPTIONS = {"adam": "Adam", "sgd": "SGD"}


@st.cache_resource(ttl=10, max_entries=4, show_spinner=False)
def _shelf(root: Path, names: tuple[str, ...]) -> dict[str, dict]:
    """What the shipped models say of themselves; kept for a while, because a rerun asks dozens of times.

    The names are part of the question, so that a model just trained is there at once.
    """
    return {name: shelf.describe(name) for name in names}


def shipped(kind: str) -> dict[str, str]:
    """The shipped models of a kind: name → title; those of the plane in the paper's order."""
    found = {
        name: row["title"]
        for name, row in _shelf(shelf.root(), tuple(models())).items()
        if row["kind"] == kind
    }
    if kind != "2d":
        return found
    order = list(datasets)
    parts = {name: name.split("/", 1) for name in found if name.split("/")[0] in order}
    ordered = sorted(parts, key=lambda name: (order.index(parts[name][0]), parts[name][1] != "wgan-gp"))
    return {name: found[name] for name in ordered}


def stopping_rule(method: Method, model: Model, key: str) -> str:
    """Draw the choice of when a sample stops, in ``st.session_state[key]``; return the rule."""
    rules, state = stopping.rules(method, model), st.session_state
    if state[key] not in rules:
        widgets.assign(key, "steps")
    if len(rules) == 1:
        return "steps"
    words, key = say(stopping.Stopping.model_fields["until"].description), widgets.key_of(key)
    return st.selectbox(
        say("A sample stops"), rules, key=key, format_func=lambda rule: say(stopping.TITLES[rule]), help=words
    )


def setting_title(info: FieldInfo, name: str) -> str:
    """A setting as its control and its axis name it: "η · step size"."""
    return f"{info.json_schema_extra['symbol']} · {say(WORDS.get(name, name.replace('_', ' ')))}"


def setting(
    place, info: FieldInfo, name: str, key: str, most: float | None = None, on_change: Callable | None = None
) -> Any:
    """Draw the control of a declared setting, in ``st.session_state[key]``; return the value.

    ``most``: the most that can be chosen here, where that is less than the slider's declared end.
    ``on_change``: called once the person has moved it.
    """
    extra, value = info.json_schema_extra, st.session_state[key]
    label, options = setting_title(info, name), typing.get_args(info.annotation)
    how = {"help": say(info.description), "on_change": on_change}
    if typing.get_origin(info.annotation) is Literal:
        return place.selectbox(label, options, format_func=_option_title, key=widgets.key_of(key), **how)
    low, high = extra["slider"]
    high = high if most is None else min(high, most)
    if type(None) in options:
        return _optional(place, label, (low, high), how | {"key": key})
    if extra["log"]:
        options = _log_options(low, high, value)
        return place.select_slider(label, options, format_func=_short, key=widgets.key_of(key), **how)
    # A link may carry a value that is allowed but outside the slider: the slider grows to hold it.
    kind = int if info.annotation is int else float
    bounds, step = (kind(min(low, value)), kind(max(high, value))), kind(extra["step"])
    key = widgets.key_of(key, bounds)
    return place.slider(label, *bounds, step=step, format=_format(step), key=key, **how)


def _optional(place, label: str, ends: tuple[float, float], how: dict[str, Any]) -> float | None:
    """A number that may be left to be estimated: a toggle, and a slider when it is set by hand."""
    state, key, after = st.session_state, how["key"], how["on_change"] or (lambda: None)
    toggle, slider = f"{key}._own", f"{key}._value"
    # Both widgets are mirrors of the one value in the session's state.
    widgets.assign(toggle, state[key] is not None)

    def switched() -> None:
        state[key] = math.sqrt(ends[0] * ends[1]) if state[toggle] else None
        after()

    place.toggle(
        say("{label} by hand", label=label), **how | {"key": widgets.key_of(toggle), "on_change": switched}
    )
    if state[key] is not None:
        widgets.assign(slider, state[key])

        def moved() -> None:
            state[key] = state[slider]
            after()

        options, how = _log_options(*ends, state[key]), how | {"on_change": moved}
        how["key"] = widgets.key_of(slider)
        place.select_slider(label, options, format_func=_short, **how)
    return state[key]


def _log_options(low: float, high: float, value: float) -> list[float]:
    """Round numbers (1, 1.5, 2, 3, 5, 7 × powers of ten) from ``low`` to ``high``, and ``value``."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ladder = {float(f"{m}e{e}") for e in decades for m in (1, 1.5, 2, 3, 5, 7)}
    return sorted({x for x in ladder if low <= x <= high} | {value})


def _option_title(option: str) -> str:
    return say(divergences[option].title if option in divergences else OPTIONS.get(option, option))


def _short(value: float) -> str:
    return f"{value:g}"


def _format(step: float) -> str:
    return "%d" if step >= 1 else f"%.{max(0, -math.floor(math.log10(step)))}f"

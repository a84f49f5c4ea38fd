"""Controls made from declarations: a method's settings become sliders, with their help."""

from __future__ import annotations

import math
import typing
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from dgflow_core import Model, datasets, methods, models
from dgflow_core.flow import stopping
from dgflow_core.flow.divergences import divergences
from dgflow_core.methods import Method
from dgflow_core.zoo import shelf


@st.cache_resource(ttl=10, show_spinner=False)
def _shelf(root: Path) -> dict[str, dict]:
    """What the shipped models say of themselves; kept for a while, because a rerun asks dozens of times."""
    return {name: shelf.describe(name) for name in models()}


def planar_models() -> list[str]:
    """Names of the shipped 2D models, the paper's first."""
    order = list(datasets)
    names = [
        name for name, config in _shelf(shelf.root()).items()
        if config["kind"] == "2d" and name.split("/")[0] in order
    ]  # fmt: skip
    return sorted(names, key=lambda name: (order.index(name.split("/")[0]), name.split("/")[1] != "wgan-gp"))


def model_title(name: str) -> str:
    """A model's name as people read it."""
    return _shelf(shelf.root())[name]["title"]


def method_settings(method: Method, page: str, columns=None, only=None) -> dict[str, Any]:
    """Draw one control a setting and return the values.

    The state lives in ``st.session_state["<page>.<method>.<setting>"]`` and must be there
    already (``links.restore``). ``columns`` are containers to fill in turn; ``only`` names the
    settings to draw, None all.
    """
    values = {}
    for index, name in enumerate(method.Settings.model_fields if only is None else only):
        place = columns[index % len(columns)] if columns else st
        values[name] = _control(place, method, name, f"{page}.{method.name}.{name}")
    return values


def stopping_rule(method: Method, model: Model, page: str) -> str:
    """Draw the choice of when a sample stops, in ``st.session_state["<page>.until"]``; return the rule."""
    rules, key = stopping.rules(method, model), f"{page}.until"
    if st.session_state[key] not in rules:
        st.session_state[key] = "steps"
    if len(rules) == 1:
        return "steps"
    words = stopping.Stopping.model_fields["until"].description
    return st.selectbox("A sample stops", rules, key=key, format_func=stopping.TITLES.get, help=words)


def _control(place, method: Method, name: str, key: str):
    info = method.Settings.model_fields[name]
    extra = info.json_schema_extra
    words = {"eta": "step size", "gamma": "noise factor", "steps": "steps", "divergence": "divergence"}
    label = words.get(name, name.replace("_", " "))
    label = f"{extra['symbol']} · {label}"
    options = typing.get_args(info.annotation)
    if typing.get_origin(info.annotation) is Literal:
        return place.selectbox(label, options, key=key, help=info.description, format_func=_option_title)
    low, high = extra["slider"]
    if type(None) in options:
        return _optional(place, label, key, low, high, info.description)
    value = st.session_state[key]
    if extra["log"]:
        return place.select_slider(
            label, _log_options(low, high, value), key=key, help=info.description, format_func=_short
        )
    # A link may carry a value that is allowed but outside the slider: the slider grows to hold it.
    kind = int if info.annotation is int else float
    bounds = kind(min(low, value)), kind(max(high, value))
    step = kind(extra["step"])
    return place.slider(label, *bounds, step=step, key=key, help=info.description, format=_format(step))


def _optional(place, label: str, key: str, low: float, high: float, help: str):
    """A number that may be left to be estimated: a toggle, and a slider when it is set by hand."""
    toggle = f"{key}._own"
    # Both widgets are mirrors of the one value in the session's state.
    st.session_state[toggle] = st.session_state[key] is not None

    def switched():
        st.session_state[key] = math.sqrt(low * high) if st.session_state[toggle] else None

    place.toggle(f"{label} by hand", key=toggle, help=help, on_change=switched)
    if st.session_state[key] is None:
        return None
    mirror = f"{key}._value"
    st.session_state[mirror] = st.session_state[key]

    def moved():
        st.session_state[key] = st.session_state[mirror]

    options = _log_options(low, high, st.session_state[key])
    place.select_slider(label, options, key=mirror, help=help, format_func=_short, on_change=moved)
    return st.session_state[key]


def _log_options(low: float, high: float, value: float) -> list[float]:
    """Round numbers (1, 1.5, 2, 3, 5, 7 × powers of ten) from ``low`` to ``high``, and ``value``."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ladder = {float(f"{m}e{e}") for e in decades for m in (1, 1.5, 2, 3, 5, 7)}
    return sorted({x for x in ladder if low <= x <= high} | {value})


def _option_title(option: str) -> str:
    if option in divergences:
        return divergences[option].title
    return {"adam": "Adam", "sgd": "SGD"}.get(option, option)


def _short(value: float) -> str:
    return f"{value:g}"


def _format(step: float) -> str:
    return "%d" if step >= 1 else f"%.{max(0, -math.floor(math.log10(step)))}f"


def method_choice(key: str, space: str | None = None) -> Method:
    """A control that picks a method; only those that run in ``space`` where it is given."""
    names = [name for name, row in methods.items() if space is None or space in row.spaces]
    name = st.selectbox(
        "Method",
        names,
        key=key,
        format_func=lambda name: methods[name].title,
        help="Which refinement method moves the particles. All start from the same ones.",
    )
    return methods[name]

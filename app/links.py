"""Permalinks: a page's state in the address bar, and back.

A page declares its parameters once, as ``{name: Parameter(default, parse)}``. ``restore`` fills
the session's widget state from the address on the first visit, ``publish`` writes the state
back. A parameter that cannot be used falls back to its default with one sentence.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dgflow_core.methods import Method, Settings


@dataclass(frozen=True)
class Parameter:
    """One thing a link says: its default, and how its text becomes a value (or a ValueError)."""

    default: Any
    parse: Callable[[str], Any]


def choice(name: str, options, default) -> Parameter:
    """A parameter that is one of ``options`` (strings)."""
    options = list(options)

    def parse(text: str) -> str:
        if text not in options:
            raise ValueError(f"{name} must be one of {', '.join(options)}, not {text!r}.")
        return text

    return Parameter(default, parse)


def whole(name: str, default: int, low: int, high: int) -> Parameter:
    """A parameter that is a whole number from ``low`` to ``high``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise ValueError(f"{name} must be a whole number from {low} to {high}, not {text!r}.")
        return value

    return Parameter(default, parse)


def flag(name: str, default: bool) -> Parameter:
    """A parameter that is on (1) or off (0)."""

    def parse(text: str) -> bool:
        if text not in ("0", "1"):
            raise ValueError(f"{name} must be 0 or 1, not {text!r}.")
        return text == "1"

    return Parameter(default, parse)


def setting(settings: type[Settings], name: str, default: Any = None) -> Parameter:
    """A method's setting, with the range and the message of its own declaration."""
    info = settings.model_fields[name]

    def parse(text: str) -> Any:
        value: Any = text
        if text == "none" and type(None) in typing.get_args(info.annotation):
            value = None
        return getattr(settings.parse({name: value}), name)

    return Parameter(info.default if default is None else default, parse)


def settings(method: Method) -> dict[str, Parameter]:
    """The parameters of a method, named "<method>.<setting>"; a link says only "<setting>"."""
    return {f"{method.name}.{name}": setting(method.Settings, name) for name in method.Settings.model_fields}


def restore(page: str, parameters: dict[str, Parameter]) -> None:
    """Fill ``st.session_state["<page>.<name>"]`` for every parameter.

    Arriving at a page with a link, every parameter is what the link says, or its default; what is
    wrong there is said in one sentence each, by ``complaints``. Otherwise what the session holds stays.
    """
    state, link = st.session_state, _link(page)
    known = state.setdefault(f"{page}._known", set())
    kept = state.setdefault(f"{page}._kept", {})  # Streamlit forgets widgets that a run did not draw
    for name, parameter in parameters.items():
        key, said = f"{page}.{name}", _said(name)
        known.add(said)
        if link:
            state[key] = parameter.default
        if said in link:
            try:
                state[key] = parameter.parse(link[said])
            except ValueError as error:
                state[f"{page}._problems"].append(f"In the link, {error} The default is shown instead.")
        state[key] = kept[name] = state.get(key, kept.get(name, parameter.default))


def _link(page: str) -> dict[str, str]:
    """The link being followed: what the address says, while the page is being arrived at."""
    if st.session_state.get("_page") == page:
        return {}
    if f"{page}._arriving" not in st.session_state:
        st.session_state[f"{page}._arriving"] = True
        st.session_state[f"{page}._problems"] = []
    return st.query_params.to_dict()


def _said(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def complaints(page: str) -> None:
    """Say what was wrong with the link that led here, once all its parameters have been restored."""
    state = st.session_state
    for name in sorted(set(_link(page)) - state.get(f"{page}._known", set())):
        state[f"{page}._problems"].append(
            f"In the link, {name[:40]!r} is not a setting of this page and was left out."
        )
    state["_page"] = page
    state.pop(f"{page}._arriving", None)
    for problem in state.get(f"{page}._problems", []):
        st.warning(problem, icon=":material/link_off:")


def forget_complaints(page: str) -> None:
    """Stop repeating them: the person has moved on."""
    st.session_state[f"{page}._problems"] = []


def publish(page: str, parameters: dict[str, Parameter]) -> None:
    """Write the state that differs from the defaults to the address bar."""
    values = {}
    for name, parameter in parameters.items():
        value = st.session_state[f"{page}.{name}"]
        if value != parameter.default:
            values[_said(name)] = as_text(value)
    if values != st.query_params.to_dict():
        st.query_params.from_dict(values)


def as_text(value: Any) -> str:
    """A value as links carry it; ``Parameter.parse`` reads it back."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else str(value)

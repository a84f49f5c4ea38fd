"""Panels of the compare page: one method with its space and settings, as controls and as link text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import streamlit as st

import dgflow_core as dg
from app import controls, links

BASE = "base"


class Slot(NamedTuple):
    """What one panel runs. ``method`` "base" runs nothing."""

    method: str
    space: str = "data"
    settings: Mapping[str, Any] = MappingProxyType({})

    @property
    def title(self) -> str:
        if self.method == BASE:
            return "Base"
        name = dg.methods[self.method].title
        return f"{name} ({self.settings['divergence']})" if "divergence" in self.settings else name

    def run(self, n: int, seed: int) -> dict[str, Any]:
        """The settings that ``dg.refine`` takes; the base is a run of no steps."""
        if self.method == BASE:
            return {
                "method": "dgflow",
                "space": "data",
                "n": n,
                "seed": seed,
                **_defaults("dgflow"),
                "steps": 0,
            }
        return {"method": self.method, "space": self.space, "n": n, "seed": seed, **self.settings}


def read(text: str) -> Slot:
    """A slot from link text such as "dgflow;latent;eta=0.03;gamma=0".

    Raises:
        ValueError: one sentence naming what is wrong.
    """
    method, *rest = text.split(";")
    if method == BASE:
        return Slot(BASE)
    if method not in dg.methods:
        raise ValueError(f"a panel's method must be one of {', '.join(dg.methods)}, not {method[:40]!r}.")
    spaces = dg.methods[method].spaces
    space = rest.pop(0) if rest else spaces[0]
    if space not in spaces:
        raise ValueError(f"the space of {method} must be {' or '.join(spaces)}, not {space[:40]!r}.")
    declared = links.settings(dg.methods[method])
    settings = _defaults(method)
    for part in rest:
        name, _, value = part.partition("=")
        if name not in settings:
            raise ValueError(f"{name[:40]!r} is not a setting of {method}.")
        settings[name] = declared[f"{method}.{name}"].parse(value)
    return Slot(method, space, settings)


def write(slot: Slot) -> str:
    """Link text for a slot; settings at their defaults are left out."""
    if slot.method == BASE:
        return BASE
    defaults = _defaults(slot.method)
    changed = [f"{k}={links.as_text(v)}" for k, v in slot.settings.items() if v != defaults[k]]
    return ";".join([slot.method, slot.space, *changed])


def parameter(text: str) -> links.Parameter:
    """A link parameter that holds a slot's text, checked and in its shortest form."""
    return links.Parameter(text, lambda given: write(read(given)))


def control(page: str, name: str, number: int) -> Slot:
    """Draw a slot's controls, its settings folded away; keep its text in ``<page>.<name>``."""
    state, here = st.session_state, f"{page}.{name}"
    # A link or a preset changed it, or the page was left and its widgets forgotten: show what it says.
    if state.get(f"{here}._shown") != state[here] or f"{here}.method" not in state:
        slot = read(state[here])
        state[f"{here}.method"], state[f"{here}.space"] = slot.method, slot.space
        for key, value in slot.settings.items():
            state[f"{here}.{slot.method}.{key}"] = value
    state[f"{here}.method"] = state[f"{here}.method"]
    method = st.selectbox(
        f"Panel {number}", [BASE, *dg.methods], key=f"{here}.method",
        format_func=lambda key: "Base samples" if key == BASE else dg.methods[key].title,
        help="What moves the particles of this panel.",
    )  # fmt: skip
    slot = Slot(BASE) if method == BASE else _settings(dg.methods[method], here)
    state[here] = state[f"{here}._shown"] = write(slot)
    return slot


def _settings(method, here: str) -> Slot:
    state = st.session_state
    if state.get(f"{here}.space") not in method.spaces:
        state[f"{here}.space"] = method.spaces[0]
    state[f"{here}.space"] = state[f"{here}.space"]
    for key, value in _defaults(method.name).items():
        at = f"{here}.{method.name}.{key}"
        state[at] = state.get(at, value)
    with st.expander("Settings"):
        st.segmented_control("Space", method.spaces, key=f"{here}.space", required=True,
                             format_func=str.capitalize, disabled=len(method.spaces) == 1,
                             help="Data: move the samples. Latent: move the codes.")  # fmt: skip
        values = controls.method_settings(method, here)
    return Slot(method.name, state[f"{here}.space"], values)


def _defaults(method: str) -> dict[str, Any]:
    return dg.methods[method].Settings().model_dump()

"""Panels side by side: each one method with its space and settings, as controls and as link text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import streamlit as st

import dgflow_core as dg
from app import controls, links

BASE = "base"


class Ground(NamedTuple):
    """Where panels stand: what may run there, and the settings that start otherwise than declared.

    Attributes:
        methods: names. spaces: "data", "latent" or both.
        own: "<method>.<setting>" → default.
    """

    methods: tuple[str, ...] = tuple(dg.methods)
    spaces: tuple[str, ...] = ("data", "latent")
    own: Mapping[str, Any] = MappingProxyType({})

    def spaces_of(self, method: str) -> list[str]:
        return [space for space in dg.methods[method].spaces if space in self.spaces]

    def defaults(self, method: str) -> dict[str, Any]:
        declared = dg.methods[method].Settings().model_dump()
        return {name: self.own.get(f"{method}.{name}", value) for name, value in declared.items()}

    def base(self) -> Slot:
        return Slot(BASE, self.spaces[0])


PLANE = Ground()


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
                "space": self.space,
                "n": n,
                "seed": seed,
                **PLANE.defaults("dgflow"),
                "steps": 0,
            }
        return {"method": self.method, "space": self.space, "n": n, "seed": seed, **self.settings}


def read(text: str, ground: Ground = PLANE) -> Slot:
    """A slot from link text such as "dgflow;latent;eta=0.03;gamma=0".

    Raises:
        ValueError: one sentence naming what is wrong.
    """
    method, *rest = text.split(";")
    if method == BASE:
        return ground.base()
    if method not in ground.methods:
        raise ValueError(f"a panel's method must be one of {', '.join(ground.methods)}, not {method[:40]!r}.")
    spaces = ground.spaces_of(method)
    space = rest.pop(0) if rest else spaces[0]
    if space not in spaces:
        raise ValueError(f"the space of {method} must be {' or '.join(spaces)}, not {space[:40]!r}.")
    declared = links.settings(dg.methods[method])
    settings = ground.defaults(method)
    for part in rest:
        name, _, value = part.partition("=")
        if name not in settings:
            raise ValueError(f"{name[:40]!r} is not a setting of {method}.")
        settings[name] = declared[f"{method}.{name}"].parse(value)
    return Slot(method, space, settings)


def write(slot: Slot, ground: Ground = PLANE) -> str:
    """Link text for a slot; settings at their defaults are left out."""
    if slot.method == BASE:
        return BASE
    defaults = ground.defaults(slot.method)
    changed = [f"{k}={links.as_text(v)}" for k, v in slot.settings.items() if v != defaults[k]]
    return ";".join([slot.method, slot.space, *changed])


def parameter(text: str, ground: Ground = PLANE) -> links.Parameter:
    """A link parameter that holds a slot's text, checked and in its shortest form."""
    return links.Parameter(text, lambda given: write(read(given, ground), ground))


def control(page: str, name: str, number: int, ground: Ground = PLANE) -> Slot:
    """Draw a slot's controls, its settings folded away; keep its text in ``<page>.<name>``."""
    state, here = st.session_state, f"{page}.{name}"
    # A link or a preset changed it, or the page was left and its widgets forgotten: show what it says.
    if state.get(f"{here}._shown") != state[here] or f"{here}.method" not in state:
        slot = read(state[here], ground)
        state[f"{here}.method"], state[f"{here}.space"] = slot.method, slot.space
        for key, value in slot.settings.items():
            state[f"{here}.{slot.method}.{key}"] = value
    state[f"{here}.method"] = state[f"{here}.method"]
    method = st.selectbox(
        f"Panel {number}", [BASE, *ground.methods], key=f"{here}.method",
        format_func=lambda key: "Base samples" if key == BASE else dg.methods[key].title,
        help="What moves the particles of this panel.",
    )  # fmt: skip
    slot = ground.base() if method == BASE else _settings(dg.methods[method], here, ground)
    state[here] = state[f"{here}._shown"] = write(slot, ground)
    return slot


def _settings(method, here: str, ground: Ground) -> Slot:
    state, spaces = st.session_state, ground.spaces_of(method.name)
    if state.get(f"{here}.space") not in spaces:
        state[f"{here}.space"] = spaces[0]
    state[f"{here}.space"] = state[f"{here}.space"]
    for key, value in ground.defaults(method.name).items():
        at = f"{here}.{method.name}.{key}"
        state[at] = state.get(at, value)
    with st.expander("Settings"):
        if len(ground.spaces) > 1:
            st.segmented_control("Space", spaces, key=f"{here}.space", required=True,
                                 format_func=str.capitalize, disabled=len(spaces) == 1,
                                 help="Data: move the samples. Latent: move the codes.")  # fmt: skip
        values = controls.method_settings(method, here)
    return Slot(method.name, state[f"{here}.space"], values)

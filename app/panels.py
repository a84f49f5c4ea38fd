"""Panels side by side: each one method with its space and settings, as controls and as link text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import streamlit as st

import dgflow_core as dg
from app import parameters, widgets
from app.escape import short
from app.parameters import Parameter, as_text
from app.words import say
from dgflow_core.errors import UserError

BASE = "base"


class Ground(NamedTuple):
    """Where panels stand: what may run there, and the settings that start otherwise than declared.

    Attributes:
        methods: names. spaces: "data", "latent" or both.
        defaults: method → {setting: value}. most: setting → the most that is allowed.
    """

    methods: tuple[str, ...] = tuple(dg.methods)
    spaces: tuple[str, ...] = ("data", "latent")
    defaults: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    most: Mapping[str, float] = MappingProxyType({})

    def spaces_of(self, method: str) -> list[str]:
        return [space for space in dg.methods[method].spaces if space in self.spaces]

    def declared(self, method: str) -> dict[str, parameters.Setting]:
        """The settings of a method as parameters, under their own names."""
        rows = parameters.settings(dg.methods[method], self.defaults.get(method), self.most)
        return {row.name: row for row in rows.values()}

    def panel(self, method: str, space: str | None = None) -> Panel:
        """A method at its defaults, in the first space that it has here."""
        if method == BASE:
            return Panel(BASE, self.spaces[0])
        settings = {name: row.default for name, row in self.declared(method).items()}
        return Panel(method, space or self.spaces_of(method)[0], settings)


PLANE = Ground()


class Panel(NamedTuple):
    """What one panel runs. ``method`` "base" runs nothing."""

    method: str
    space: str = "data"
    settings: Mapping[str, Any] = MappingProxyType({})

    @property
    def title(self) -> str:
        return say("Base") if self.method == BASE else run_title(self.method, self.settings)

    @property
    def update_rule(self) -> str:
        """The rule being run, as LaTeX; "" for the base."""
        if self.method == BASE:
            return ""
        method = dg.methods[self.method]
        return method.update_rule(method.Settings.parse(dict(self.settings)), self.space)

    def run(self, n: int, seed: int) -> dict[str, Any]:
        """The settings that ``dg.refine`` takes; the base is a run of no steps."""
        common = {"space": self.space, "n": n, "seed": seed}
        if self.method == BASE:
            return {"method": "dgflow", **common, **PLANE.panel("dgflow").settings, "steps": 0}
        return {"method": self.method, **common, **self.settings}


def run_title(method: str, settings: Mapping[str, Any]) -> str:
    """A run's short name: "DGflow (KL)"."""
    title = say(dg.methods[method].title)
    return f"{title} ({settings['divergence']})" if "divergence" in settings else title


def read(text: str, ground: Ground = PLANE) -> Panel:
    """A panel from link text such as "dgflow;latent;eta=0.03;gamma=0".

    Raises:
        ValueError: one sentence naming what is wrong.
    """
    method, *rest = text.split(";")
    if method == BASE:
        return ground.panel(BASE)
    if method not in ground.methods:
        raise UserError(
            f"a panel's method must be one of {', '.join(ground.methods)}, not {short(method)!r}."
        )
    spaces = ground.spaces_of(method)
    space = rest.pop(0) if rest else spaces[0]
    if space not in spaces:
        raise UserError(f"the space of {method} must be {' or '.join(spaces)}, not {short(space)!r}.")
    declared, panel = ground.declared(method), ground.panel(method, space)
    changed = {}
    for part in rest:
        name, _, value = part.partition("=")
        if name not in declared:
            raise UserError(f"{short(name)!r} is not a setting of {method}.")
        changed[name] = declared[name].read(name, value)
    return panel._replace(settings={**panel.settings, **changed})


def write(panel: Panel, ground: Ground = PLANE) -> str:
    """Link text for a panel; settings at their defaults are left out."""
    if panel.method == BASE:
        return BASE
    defaults = ground.panel(panel.method).settings
    changed = [
        f"{name}={as_text(value)}" for name, value in panel.settings.items() if value != defaults[name]
    ]
    return ";".join([panel.method, panel.space, *changed])


@dataclass(frozen=True)
class PanelText(Parameter):
    """A panel, as link text in its shortest form: the one thing that the session keeps of it.

    Its controls are filled from that text whenever they are drawn, and write it when they are moved.
    """

    number: int = field(default=1, kw_only=True)
    ground: Ground = field(default=PLANE, kw_only=True)

    def check(self, name: str, value: Any) -> str:
        return write(read(str(value), self.ground), self.ground)

    def draw(self, key: str, place=st, **how) -> Panel:
        state, ground, panel = st.session_state, self.ground, read(st.session_state[key], self.ground)
        widgets.assign(f"{key}.method", panel.method)
        widgets.assign(f"{key}.space", panel.space)
        for name, value in panel.settings.items():
            widgets.assign(f"{key}.{panel.method}.{name}", value)

        def moved() -> None:
            chosen = ground.panel(state[f"{key}.method"])
            if chosen.method == panel.method:
                values = {name: state[f"{key}.{panel.method}.{name}"] for name in panel.settings}
                chosen = Panel(panel.method, state[f"{key}.space"], values)
            state[key] = write(chosen, ground)

        place.selectbox(
            say("Panel {number}", number=self.number),
            [BASE, *ground.methods],
            key=widgets.key_of(f"{key}.method"),
            format_func=lambda name: say("Base samples" if name == BASE else dg.methods[name].title),
            help=say("What moves the particles of this panel."),
            on_change=moved,
        )
        if panel.method != BASE:
            with place.expander(say("Settings")):
                if len(ground.spaces) > 1:
                    spaces = ground.spaces_of(panel.method)
                    parameters.SPACE.draw(f"{key}.space", st, spaces, on_change=moved)
                for name, row in ground.declared(panel.method).items():
                    row.draw(f"{key}.{panel.method}.{name}", st, on_change=moved)
        return panel


def panel_texts(texts: tuple[str, ...], ground: Ground = PLANE) -> dict[str, PanelText]:
    """The parameters "p1", "p2", … of panels that start as ``texts``."""
    return {
        f"p{number}": PanelText(text, number=number, ground=ground) for number, text in enumerate(texts, 1)
    }


def captions(panels: Iterable[Panel], model: dg.Model, about: bool = False) -> None:
    """A line on the method of every panel: its paper, what to beware of, and what it does if ``about``."""
    for panel in panels:
        if panel.method != BASE:
            row = dg.methods[panel.method]
            words = [say(row.about)] if about else []
            words += [say(row.caveat(panel.space, model.prior)), f"{row.paper}."]
            st.caption(f"**{say(row.title)}**: {' '.join(filter(None, words))}")

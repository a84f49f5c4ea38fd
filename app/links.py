"""A page's state in this session, in the address bar, and back.

``restore`` fills ``st.session_state["<page>.<parameter>"]`` from the link that led here, ``publish`` writes
the state back to the address. What a link gets wrong falls back to the default with one sentence.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import widgets, words
from app.escape import short
from app.parameters import Parameter, as_text

#: What others append to addresses to follow people about: no part of a link, and no fault of the person's.
TRACKING = re.compile(
    r"utm_\w+|mc_[ce]id|_hs\w+|_ga|_gl|fbclid|gclid|dclid|[gw]braid|msclkid|yclid|twclid|ttclid|igshid|igsh|"
    r"li_fat_id|mkt_tok|srsltid|ref_src|oly_\w+|vero_id",
    re.IGNORECASE,
)
#: No more complaints than a person reads.
COMPLAINTS = 5
_FORGOTTEN = object()


class Values:
    """The values of a page's parameters, in the session of one person.

    A parameter "<method>.<setting>" is said in a link as "<setting>", and in use while its method is chosen.
    """

    def __init__(self, page: str, parameters: Mapping[str, Parameter]):
        self.page, self.parameters = page, dict(parameters)

    def key(self, name: str) -> str:
        """Where the session keeps a parameter; also its widget's key."""
        return f"{self.page}.{name}"

    def __getitem__(self, name: str) -> Any:
        return st.session_state[self.key(name)]

    def __setitem__(self, name: str, value: Any) -> None:
        self._kept[name] = value
        widgets.assign(self.key(name), value)

    def of(self, method: str) -> dict[str, Any]:
        """The settings of a method, as ``dg.refine`` takes them."""
        return {_said(name): self[name] for name in self.parameters if name.startswith(f"{method}.")}

    def run(self, method: str, **fixed: Any) -> dict[str, Any]:
        """What ``dg.refine`` takes for the page's run of a method; ``fixed``: what the page does not ask."""
        common = {name: self[name] for name in ("space", "n", "seed") if name not in fixed}
        return {"method": method, **common, **fixed, **self.of(method)}

    def in_use(self) -> dict[str, Parameter]:
        """The parameters that the page reads now, which are those of its link."""
        method = self["method"] if "method" in self.parameters else None
        return {
            name: parameter
            for name, parameter in self.parameters.items()
            if method is None or "." not in name or name.startswith(f"{method}.")
        }

    @property
    def _kept(self) -> dict[str, Any]:
        """Streamlit forgets the widgets that a run did not draw; this does not."""
        return st.session_state.setdefault(f"{self.page}._kept", {})

    @property
    def complaints(self) -> list[str]:
        """What was wrong with the link that led here, a sentence each."""
        return st.session_state.setdefault(f"{self.page}._problems", [])

    def restore(self) -> None:
        """Give every parameter its value.

        Arriving with a link, and going back or forward to an address, a parameter is what that says, or its
        default. Otherwise it stays what the session holds, as long as that is still allowed (a folder with a
        model may have gone).
        """
        state, link, kept = st.session_state, {}, self._kept
        arrived, returned = state.get("_page") != self.page, _returned()
        if arrived or returned:
            state["_page"] = self.page
            self.complaints.clear()
            link = {k: v for k, v in st.query_params.to_dict().items() if not _elsewhere(k)}
        follow = bool(link) or returned
        for name in self.parameters:
            if "." not in name:  # first what says which method is in use
                self._restore(name, link, kept, said=True, follow=follow)
        used = self.in_use()
        for name in self.parameters:
            if "." in name:
                self._restore(name, link, kept, said=name in used, follow=follow)
        for name in sorted(link.keys() - {_said(name) for name in used}):
            self.complaints.append(
                f"In the link, {short(name)!r} is not a setting of this page and was left out."
            )

    def _restore(self, name: str, link: dict[str, str], kept: dict, said: bool, follow: bool) -> None:
        parameter, text = self.parameters[name], link.get(_said(name)) if said else None
        if follow:
            value = parameter.default
        else:
            given = st.session_state.get(self.key(name), _FORGOTTEN)
            value = kept.get(name, parameter.default) if given is _FORGOTTEN else given
            if name in kept and _same(given, kept[name]) and parameter.lasting:
                return  # as the last run left it: nearly all of them, at nearly every run
        try:
            value = parameter.check(name, value) if text is None else parameter.read(_said(name), text)
        except ValueError as error:
            value = parameter.default
            if text is not None:
                self.complaints.append(f"In the link, {error} The default is shown instead.")
        self[name] = value

    def take(self, given: Any) -> None:
        """Accept what a browser returned, parameter → value, leaving out whatever is not allowed."""
        for name, value in given.items() if isinstance(given, Mapping) else ():
            try:
                self[name] = self.parameters[name].check(name, value)
            except (KeyError, ValueError) as error:
                logging.getLogger("dgflow").warning("%s: the browser returned %s", self.page, error)

    def texts(self) -> dict[str, str]:
        """What a link to this state says: the parameters in use that are not at their defaults."""
        used, there = self.in_use(), st.query_params.to_dict()
        said = {
            _said(name): as_text(self[name])
            for name, parameter in used.items()
            if not parameter.written and self[name] != parameter.default
        }
        return said | {name: there[name] for name in used if used[name].written and name in there}

    def publish(self) -> None:
        """Write the state to the address bar."""
        if (said := self.texts() | words.in_link()) != st.query_params.to_dict():
            st.query_params.from_dict(said)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _elsewhere(name: str) -> bool:
    """Whether what an address says by this name is not the page's to read."""
    return name == words.NAME or TRACKING.fullmatch(name) is not None


def _returned() -> bool:
    """Whether this run shows an address that the person went back or forward to."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _said(name: str) -> str:
    return name.rsplit(".", 1)[-1]

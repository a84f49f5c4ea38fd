"""The values that a browser holds of a page's controls, and sends whole whenever its page runs again.

A control that is left out of them is, to the server, one that has gone: it loses its value.
"""

from __future__ import annotations

from streamlit.proto.Element_pb2 import Element
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates


class HeldValues:
    """What one browser holds."""

    def __init__(self):
        self._states: dict[str, WidgetState] = {}
        self._seen: set[str] = set()

    def see(self, element: Element) -> None:
        """The page has drawn ``element``: its value is held where it is new, or the server gave one."""
        kind = element.WhichOneof("type")
        if kind not in _VALUES:
            return
        control = getattr(element, kind)
        self._seen.add(control.id)
        if control.set_value or control.id not in self._states:
            state = WidgetState(id=control.id)
            _VALUES[kind](control, state)
            self._states[control.id] = state

    def whole_run(self) -> None:
        """The page has run to its end: what it drew no more is forgotten."""
        self._states = {name: state for name, state in self._states.items() if name in self._seen}
        self._seen.clear()

    def set(self, state: WidgetState) -> None:
        """A person has moved a control."""
        self._states[state.id] = state

    def sent(self) -> WidgetStates:
        """All of it, as a run of the page is asked for."""
        return WidgetStates(widgets=[state for state in self._states.values() if state.WhichOneof("value")])


def _slider(control, state: WidgetState) -> None:
    if control.options:  # one of a few words
        given = control.raw_value if control.set_value else [control.options[int(i)] for i in control.default]
        state.string_array_value.data.extend(given)
    else:
        state.double_array_value.data.extend(control.value if control.set_value else control.default)


def _chosen(control, state: WidgetState) -> None:
    if control.set_value:
        state.string_value = control.raw_value
    elif control.HasField("default"):
        state.string_value = control.options[control.default]


def _buttons(control, state: WidgetState) -> None:
    words = [option.content or option.content_icon for option in control.options]
    given = control.raw_values if control.set_value else [words[i] for i in control.default]
    state.string_array_value.data.extend(given)


def _number(control, state: WidgetState) -> None:
    name = "value" if control.set_value else "default"
    if control.HasField(name):
        state.double_value = getattr(control, name)


def _text(control, state: WidgetState) -> None:
    name = "value" if control.set_value else "default"
    if control.HasField(name):
        state.string_value = getattr(control, name)


def _switch(control, state: WidgetState) -> None:
    state.bool_value = control.value if control.set_value else control.default


_VALUES = {
    "slider": _slider,
    "selectbox": _chosen,
    "radio": _chosen,
    "button_group": _buttons,
    "number_input": _number,
    "text_input": _text,
    "text_area": _text,
    "checkbox": _switch,
}

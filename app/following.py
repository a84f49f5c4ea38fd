"""A lecturer's page that others follow: opening a room, joining one, being shown what the lecturer sees."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache

import streamlit as st
from streamlit import runtime
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from app import navigation, sharing
from app.escape import plain, short
from app.failures import calm
from app.links import Values
from app.parameters import Parameter
from app.rooms import LENGTH, LETTERS, Rooms
from app.words import say
from dgflow_core.errors import UserError

#: What a follower's page keeps to itself.
OWN = ("room", "answer", "notes")
#: Seconds between two looks at the counts, on the lecturer's page; and at the room, on a follower's.
LOOK, BEAT = 2.0, 30.0


@dataclass(frozen=True)
class Code(Parameter):
    """A room's code, or "" for none."""

    def check(self, name: str, value) -> str:
        text = str(value).upper()
        if text and (len(text) != LENGTH or set(text) - set(LETTERS)):
            raise UserError(f"{name} must be a code of {LENGTH} letters, not {short(str(value))!r}.")
        return text


@cache
def rooms() -> Rooms:
    """The rooms of this server."""
    return Rooms(_run_again, lambda session: _session(session) is not None)


def _session(session: str):
    """The session of that name whose browser is connected, or None."""
    if not runtime.exists():
        return None
    found = runtime.get_instance()._session_mgr.get_active_session_info(session)
    return None if found is None else found.session


#: How many followers' pages are made at a time, and seconds between their beginnings. Made all at once, they
#: would share the processor, and everybody would wait for the last; in turn, half a class waits half as long.
_turns, PACE = threading.BoundedSemaphore(2), 0.012
#: Session → the fragment that its Lessons page is: it runs again without the app's frame.
_pages: dict[str, str] = {}


def _run_again(sessions: list[str]) -> None:
    """Let the pages of these sessions run, as if their people had asked for it."""
    if not runtime.exists():
        return
    loop = runtime.get_instance()._get_async_objs().eventloop

    def one_after_another() -> None:
        for number, name in enumerate(sessions):
            loop.call_later(PACE * number, _ask, name)

    loop.call_soon_threadsafe(one_after_another)


def _ask(name: str) -> None:
    """Ask for a run as the browser of that session would, where it is still connected."""
    session, page, state = _session(name), _pages.get(name), ClientState()
    if session is None:
        return
    state.CopyFrom(session._client_state)
    if page and session.has_fragment(page):
        state.fragment_id = page
    session.request_rerun(state)


def _me() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""


def _note_page() -> None:
    """Remember which fragment this page is; those of sessions that are gone are forgotten."""
    context, page = get_script_run_ctx(), ThreadState.get().fragment_id
    if context is None or page is None or _pages.get(context.session_id) == page:
        return
    for gone in [name for name in _pages if _session(name) is None]:
        _pages.pop(gone, None)
    _pages[context.session_id] = page


class Seat:
    """Where this person sits: at the front with a room's key, in a room, or nowhere."""

    def __init__(self, page: Values):
        self.page, self.state = page, st.session_state
        self.problem = ""

    @property
    def hosts(self) -> tuple[str, str] | None:
        """The code and the key of the room that this person opened."""
        held = self.state.get("_hosts")
        return held if held and rooms().find(held[0]) else None

    def take_back(self, told: object) -> bool:
        """Sit at the front again after a reload: ``told`` is [code, key] as the browser's tab kept it."""
        match told:
            case [str(code), str(key)] if self.hosts is None and rooms().claim(code, key):
                self.state["_hosts"] = code, key
                return True
        return False

    @property
    def follows(self) -> bool:
        return bool(self.page["room"]) and self.state.get("_follows", True)

    def turn(self) -> AbstractContextManager:
        """Inside, a page that follows is made, when its turn has come; any other has no need to wait."""
        return _turns if self.follows else nullcontext()

    def take(self) -> None:
        """Join the room that the link names, and be where its lecturer is. Says what is wrong."""
        page = self.page
        if not page["room"]:
            return
        try:
            room = rooms().join(page["room"], _me(), st.context.ip_address or "")
            _note_page()
        except UserError as error:
            if self.state.pop("_room_seen", None) is not None:
                self.problem = say("The room has ended.")
            else:
                self.problem = say(str(error))
            page["room"] = ""
            return
        if self.follows and self.state.get("_room_seen") != (room.code, room.version):
            self.state["_room_seen"] = room.code, room.version
            self._be_at(room.state)
        if self.follows:
            _beat(room.code)

    def _be_at(self, state: dict[str, str]) -> None:
        """Give every parameter the lecturer's value; what moves is played."""
        page, before = self.page, self.page.texts()
        for name, parameter in page.parameters.items():
            if name in OWN or parameter.written:
                continue
            page[name] = parameter.read(name, state[name]) if name in state else parameter.default
        after = page.texts()
        if after.get("lesson") != before.get("lesson"):
            page["answer"] = None
        if after != before:
            self.state[f"{page.page}._play"] = self.state.get(f"{page.page}._play", 0) + 1

    def show(self) -> None:
        """Let followers see this page as it is now, where it is the lecturer's."""
        if held := self.hosts:
            texts = {name: text for name, text in self.page.texts().items() if name not in OWN}
            rooms().show(*held, texts)

    def answer(self, lesson: str) -> None:
        """Send in the prediction that was made."""
        if self.page["room"] and self.page["answer"] is not None:
            rooms().answer(self.page["room"], _me(), lesson, self.page["answer"])

    def popover(self) -> None:
        """Draw what one does with rooms; a guest's page, drawn at every move, has no more than two."""
        held = self.hosts
        if self.page["room"] and not held:
            self._guest()
        else:
            help = say("Let others follow, or follow.")
            words = held[0] if held else say("Class")
            with st.popover(words, icon=":material/groups:", key="lessons._class", help=help):
                if held:
                    self._host(*held)
                else:
                    self._outside()
        if self.problem:
            st.warning(plain(self.problem), icon=":material/groups:")

    def _host(self, code: str, key: str) -> None:
        link = sharing.address({"room": code})
        st.markdown(f"## {code}")
        st.caption(say("Whoever opens this link, or enters the code on the Lessons page, sees what you see."))
        st.html(sharing.image(link, say("QR code of the room"), "14rem"))
        st.code(link, language=None, wrap_lines=True)
        _count(code)
        notes = f"{navigation.address('lessons')}?room={code}&notes=1"
        st.link_button(
            say("Notes"),
            notes,
            icon=":material/speaker_notes:",
            help=say("Your notes and the clock, in a window."),
        )
        st.button(
            say("Close the room"), icon=":material/close:", key="lessons._close",
            on_click=rooms().close, args=(code, key), help=say("Nobody follows any more."),
        )  # fmt: skip

    def _guest(self) -> None:
        st.toggle(
            say("Follow {code}", code=self.page["room"]),
            value=self.follows,
            key="lessons._follow",
            on_change=self._switch,
            help=say(
                "Your page goes where the lecturer's goes. Let go to look around; come back when you like."
            ),
        )
        st.button(
            say("Leave"),
            icon=":material/logout:",
            key="lessons._leave",
            on_click=self._leave,
            help=say("Forget this room."),
        )

    def _switch(self) -> None:
        self.state["_follows"] = self.state["lessons._follow"]
        self.state.pop("_room_seen", None)

    def _leave(self) -> None:
        rooms().leave(self.page["room"], _me())
        self.page["room"] = ""
        self.state.pop("_room_seen", None)

    def _outside(self) -> None:
        def enter() -> None:
            try:
                self.page["room"] = self.page.parameters["room"].check(
                    "room", self.state["lessons._code"].strip()
                )
                self.state["_follows"] = True
            except UserError as error:
                self.state["_room_problem"] = say(str(error))

        st.text_input(
            say("Code of a room"),
            key="lessons._code",
            max_chars=LENGTH,
            on_change=enter,
            help=say("Six letters."),
        )
        if problem := self.state.pop("_room_problem", None):
            st.warning(plain(problem))
        st.button(
            say("Open a room"), icon=":material/add:", key="lessons._open", on_click=self._open,
            help=say("Others see what you see, on their own screens. No names: you see how many they are."),
        )  # fmt: skip

    def _open(self) -> None:
        try:
            room = rooms().open()
            self.state["_hosts"] = room.code, room.key
        except UserError as error:
            self.state["_room_problem"] = str(error)

    def bars(self, lesson: str, options: Sequence[str]) -> None:
        """On the lecturer's page, how many gave each answer, as it comes in."""
        if held := self.hosts:
            _bars(held[0], lesson, tuple(options))


@st.fragment(run_every=BEAT)
@calm("rooms")
def _beat(code: str) -> None:
    """Run the page again where its room has moved on, or ended, without its being told.

    A page that has such a clock is also run again by its browser as soon as a lost connection is back, which
    is what brings a phone to where the lecturer is by then; one without would wait for the next move.
    """
    room = rooms().find(code)
    if st.session_state.get("_room_seen") != (room and (room.code, room.version)):
        st.rerun()


@st.fragment(run_every=LOOK)
@calm("rooms")
def _count(code: str) -> None:
    many = rooms().many(code)
    st.caption(say("{many} follow.", many=many) if many != 1 else say("One follows."))


@st.fragment(run_every=LOOK)
@calm("rooms")
def _bars(code: str, lesson: str, options: tuple[str, ...]) -> None:
    counts = rooms().counts(code, lesson)
    whole = max(sum(counts.values()), 1)
    for number, option in enumerate(options, 1):
        st.progress(counts[number] / whole, f"{counts[number]} · {plain(option)}")

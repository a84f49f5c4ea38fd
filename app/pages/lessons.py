"""The lessons: a story, a picture, a prediction, what came of it, a goal, a sentence to take home."""

from __future__ import annotations

import streamlit as st

from app import classroom, lesson_pictures, parameters
from app.escape import plain
from app.following import Code, Seat
from app.page import Page, Visit
from app.parameters import Choice, Flag, Whole

PAGE = Page(
    "lessons",
    "Lessons",
    ":material/school:",
    "lessons",
    5,
    tour="Nine lessons of five minutes: guess, look, try.",
    alone=True,
)


def declared() -> dict[str, parameters.Parameter]:
    titles = classroom.titles()
    return {
        "lesson": Choice(next(iter(titles), ""), "Lesson", "A tick: its goal was reached.", options=titles),
        "part": Whole(0, "", None, 0, len(classroom.PARTS) - 1),
        "answer": Whole(None, "", None, 1, 4),
        "c1": Whole(None, "", None, 0, 11),
        "c2": Whole(None, "", None, 0, 11),
        "c3": Whole(None, "", None, 0, 11),
        "room": Code("", "Room"),
        "notes": Flag(False, "Notes", "The lecturer's notes, in a window of their own."),
        **parameters.player(),
    }


def show(page: Visit) -> None:
    for sentence in classroom.found().broken:
        st.warning(plain(sentence), icon=":material/error:")
    seat = Seat(page)
    with seat.turn():  # not for the picture, which may have to be computed
        seat.take()
        room = classroom.Room(page)
        places = None if page["notes"] else opening(page, room, seat)
    if places is None:
        page.publish()
        room.notes()
        return
    words, picture, said, tried = places
    with picture:
        shown = lesson_pictures.compute(room.picture, still=not room.revealed)
        shown.draw(PAGE.name, **page.player())
    if room.revealed:
        with said:
            room.reveal()
        with tried:
            room.verdict(shown)
        with words:
            room.take_home()
            room.after()
    with words:
        room.mathematics()
    classroom.keep(f"{page['lesson']} {room.part}", seat)


def opening(page: Visit, room: classroom.Room, seat: Seat) -> tuple:
    """Draw what needs no picture; returns the places of words, picture, what came of it, and goal."""
    room.bar(seat)
    with st.container(key="lesson_room"):
        words, picture = st.columns([5, 7], gap="large")
    with words:
        st.markdown(room.lesson.story)
        room.ask(seat)
        said, tried = st.container(), st.container()
    if room.revealed:
        with tried:
            room.attempt()
    page.publish()
    seat.show()
    return words, picture, said, tried


if __name__ == "__main__":
    PAGE.run(show, declared)

"""What the lessons page does: ask, reveal, measure, let try; and how far this session is in the course."""

from __future__ import annotations

import time
from functools import lru_cache

import streamlit as st

from app import components, controls, lesson_pictures, results, widgets
from app.escape import plain
from app.following import Seat
from app.links import Values
from app.words import language, say
from dgflow_core import pictures
from dgflow_core.flow.divergences import divergences
from dgflow_core.lessons import course, handout, mathematics
from dgflow_core.lessons.conditions import Condition, told
from dgflow_core.lessons.lesson import Control, Lesson, Picture
from dgflow_core.methods import methods

#: The parts of a lesson in their order: the prediction, what came of it, what to try.
PARTS = ("ask", "reveal", "try")
#: The places of controls in links.
PLACES = ("c1", "c2", "c3")
#: Words of what is no setting of a method.
LABELS = {"model": "Model", "raw": "Raw critic offset", "corrector": "Corrected ratio", "map": "Background"}


def found() -> course.Course:
    """All lessons, and what is wrong with files that are none, as they were within this second."""
    return _found(tuple(course.folders()), language(), int(time.monotonic()))


@lru_cache(maxsize=4)
def _found(folders: tuple, language: str, second: int) -> course.Course:
    return course.course(language)


def titles() -> dict[str, str]:
    """Slug → title, numbered, with a tick where the goal was reached."""
    done = progress()["passed"]
    rows = enumerate(found().lessons.values(), 1)
    return {row.slug: f"{number} · {row.title}{' ✓' if row.slug in done else ''}" for number, row in rows}


def progress() -> dict[str, list[str]]:
    """Which lessons' predictions were made, and which goals reached, in this browser so far."""
    return st.session_state.setdefault("_lessons", {"predicted": [], "passed": []})


def note(what: str, slug: str) -> None:
    """Remember that a lesson was "predicted" or "passed"."""
    if slug not in progress()[what]:
        progress()[what].append(slug)
        st.session_state["_lessons_news"] = True  # a tick in the list, which is drawn already


def keep(at: str, seat: Seat) -> None:
    """Let the browser keep the progress, and tell what it kept before; with it come the keys of a clicker.

    ``at``: where in the course this page is; it stands in the page once the rest does. ``seat``: whose room's
    key the browser's tab keeps, too.
    """
    here = progress()
    packed = pictures.encode({**here, "at": at, "room": list(seat.hosts or ())})
    told = components.mount("lesson", packed, "lessons.keeper", here)
    if seat.take_back(told.get("room")):
        st.session_state["_lessons_news"] = True
    slugs = set(found().lessons)
    news = {name: sorted({*here[name], *(set(told.get(name, ())) & slugs)}) for name in here}
    if any(len(news[name]) > len(here[name]) for name in here):
        st.session_state["_lessons"] = news
        st.session_state["_lessons_news"] = True
    if st.session_state.pop("_lessons_news", False):
        st.rerun()


class Room:
    """One lesson, as far as this person is in it."""

    def __init__(self, page: Values):
        self.page, self.all = page, found().lessons
        self.lesson: Lesson = self.all[page["lesson"]]
        self.part = PARTS[page["part"]]

    @property
    def revealed(self) -> bool:
        return self.part != "ask"

    @property
    def picture(self) -> Picture:
        """What is shown now: the lesson's picture, or that of the goal with its controls as they stand."""
        if self.part != "try":
            return self.lesson.picture
        return self.lesson.tried.changed(self.lesson.attempt.controls, self.chosen)

    @property
    def chosen(self) -> tuple[int, ...]:
        """Where the goal's controls stand."""
        attempt = self.lesson.attempt
        said = [self.page[place] for place in PLACES[: len(attempt.controls)]]
        pairs = zip(attempt.controls, attempt.start, said, strict=True)
        return tuple(start if at is None else min(at, len(one.values) - 1) for one, start, at in pairs)

    def enter(self, part: str, lesson: str | None = None) -> None:
        """Go to a part, of another lesson or of this one; the picture plays from its start."""
        page = self.page
        if lesson is not None:
            page["lesson"], page["answer"] = lesson, None
            for place in PLACES:
                page[place] = None
        page["part"] = PARTS.index(part)
        st.session_state[f"{page.page}._play"] = st.session_state.get(f"{page.page}._play", 0) + 1

    def beside(self, by: int) -> str | None:
        """The lesson before (−1) or after (+1) this one; None where there is none."""
        slugs = list(self.all)
        at = slugs.index(self.lesson.slug) + by
        return slugs[at] if 0 <= at < len(slugs) else None

    def bar(self, seat: Seat) -> None:
        """Draw the way through the course; who follows is taken along it, and sees where it is."""
        if seat.follows:
            with st.container(key="lesson_bar", horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(f"**{plain(titles()[self.lesson.slug])}**", width="stretch")
                seat.popover()
            return
        before, after, page = self.beside(-1), self.beside(1), self.page
        ticks, key = tuple(progress()["passed"]), page.key("lesson")
        if st.session_state.get("_lessons_ticks") != ticks:
            # The browser knows an option by its title, which a tick changes: it is told its value anew.
            st.session_state["_lessons_ticks"] = ticks
            st.session_state[key] = page["lesson"]
        with st.container(key="lesson_bar", horizontal=True, vertical_alignment="bottom", gap="small"):
            how = {"on_click": self.enter, "icon_position": "left"}
            st.button(
                say("Back"), key="lesson_back", icon=":material/arrow_back:", disabled=before is None,
                args=("ask", before), help=say("The lesson before. Key: Page Up."), **how,
            )  # fmt: skip
            page.parameters["lesson"].draw(
                page.key("lesson"), st, width=420, label_visibility="collapsed",
                on_change=lambda: self.enter("ask", page["lesson"]),
            )  # fmt: skip
            st.button(
                say("Next"), key="lesson_next", icon=":material/arrow_forward:", disabled=after is None,
                args=("ask", after), help=say("The next lesson. Page Down goes on within a lesson."), **how,
            )  # fmt: skip
            seat.popover()

    def ask(self, seat: Seat) -> None:
        """Draw the prediction; in a room, what others answered."""
        ask, page = self.lesson.ask, self.page
        st.radio(
            ask.question, range(1, len(ask.options) + 1), index=None, key=widgets.key_of(page.key("answer")),
            format_func=lambda number: ask.options[number - 1].text, disabled=self.revealed,
            help=say("Choose before you see it move: it is the guess that makes one look."),
        )  # fmt: skip
        seat.answer(self.lesson.slug)
        seat.bars(self.lesson.slug, [option.text for option in ask.options])
        if not self.revealed:
            st.button(
                say("Reveal"), type="primary", key="lesson_on", icon=":material/play_arrow:",
                disabled=page["answer"] is None and not seat.hosts, on_click=self.enter, args=("reveal",),
                help=say("Let it move, and measure. Key: Page Down."),
            )  # fmt: skip

    def right(self) -> list[int]:
        """The answers that hold of the lesson's run, from 1."""
        measured = lesson_pictures.compute(self.lesson.picture).measured
        options = enumerate(self.lesson.ask.options, 1)
        return [number for number, option in options if Condition(option.when).holds(measured)]

    def reveal(self) -> None:
        """Say what was measured, and whether it was predicted."""
        lesson, picture = self.lesson, self.lesson.picture

        def make() -> tuple[str, list[int]]:
            return told(lesson.reveal, lesson_pictures.compute(picture).measured), self.right()

        name = results.key(
            "told", lesson.reveal, [one.when for one in lesson.ask.options], picture.model_dump()
        )
        words, right = results.kept(name, make, lambda made: len(made[0]))
        answer = self.page["answer"]
        shown = " / ".join(lesson.ask.options[number - 1].text for number in right) or say("none of these")
        if answer in right:
            note("predicted", lesson.slug)
            st.success(say("As you predicted: {what}.", what=plain(shown)), icon=":material/check:")
        elif answer is not None:
            note("predicted", lesson.slug)
            st.info(say("Measured: {what}.", what=plain(shown)), icon=":material/straighten:")
        st.markdown(words)

    def attempt(self) -> None:
        """Draw the goal and its controls, or the button that leads there."""
        if self.part == "reveal":
            st.button(
                say("Try this"), type="primary", key="lesson_on", icon=":material/tune:",
                on_click=self.enter, args=("try",), help=say("A goal, and the knob for it. Key: Page Down."),
            )  # fmt: skip
            return
        st.markdown(f"**{say('Try this.')}** {self.lesson.attempt.goal}")
        pairs = zip(PLACES, self.lesson.attempt.controls, self.chosen, strict=False)
        for place, control, at in pairs:
            self.control(place, control, at)

    def control(self, place: str, control: Control, at: int) -> None:
        """Draw one control of the goal: a few values, side by side."""
        key = self.page.key(place)
        widgets.assign(key, at)
        label, help = control.label or label_of(control.name), help_of(control.name)
        names = [value_name(control, value) for value in control.values]
        form = (self.lesson.slug, place)
        draw = (
            st.select_slider
            if all(isinstance(v, float | int) and not isinstance(v, bool) for v in control.values)
            else st.radio
        )
        draw(
            label, range(len(names)), format_func=names.__getitem__, key=widgets.key_of(key, *form), help=help
        )

    def verdict(self, shown: lesson_pictures.Shown) -> None:
        """Say how near the goal is; and, once it is reached, that it is."""
        if self.part != "try":
            return
        attempt = self.lesson.attempt
        words = told(attempt.tell, shown.measured)
        if Condition(attempt.check).holds(shown.measured):
            note("passed", self.lesson.slug)
            st.success(f"{say('Reached.')} {plain(words)}", icon=":material/flag:")
        else:
            st.warning(f"{say('Not yet.')} {plain(words)}", icon=":material/flag:")

    def take_home(self) -> None:
        """Draw what remains of the lesson, and the way on."""
        with st.container(key="lesson_take"):
            st.markdown(f"**{say('To take home.')}** {self.lesson.take}")
        after = self.beside(1)
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if self.part == "try" and after is not None:
                st.button(
                    say("Next lesson"), type="primary", key="lesson_on", icon=":material/arrow_forward:",
                    on_click=self.enter, args=("ask", after), help=self.all[after].title,
                )  # fmt: skip
            lesson_pictures.full_page(self.picture)
            st.download_button(
                say("Hand-out"), self.hand_out, f"{self.lesson.slug}.html", "text/html", type="tertiary",
                icon=":material/print:", on_click="ignore",
                help=say("This lesson as a page: it plays without a network, and prints on one sheet."),
            )  # fmt: skip

    def hand_out(self) -> str:
        """This lesson as a page of its own."""
        return handout.html([self.lesson], lambda picture: lesson_pictures.compute(picture).sheet)

    def after(self) -> None:
        """A question that one can answer by now, with its answer folded."""
        lesson = self.lesson
        if lesson.after is None:
            return
        with st.expander(
            say("Can you say? {question}", question=lesson.after.question), icon=":material/psychology_alt:"
        ):
            st.markdown(told(lesson.after.answer, lesson_pictures.compute(lesson.picture).measured))

    def notes(self) -> None:
        """The lecturer's second window: where the lecture is, what to say, what comes next, and the clock."""
        lesson, after = self.lesson, self.beside(1)
        st.title(lesson.title, anchor=False)
        st.markdown(lesson.notes or say("This lesson has no notes."))
        st.markdown(say("**Ask:** {question}", question=lesson.ask.question))
        parts = {"ask": say("Reveal"), "reveal": say("Try this: {goal}", goal=lesson.attempt.goal)}
        rest = say("Next lesson: {title}", title=self.all[after].title) if after else say("The end.")
        st.markdown(say("**Next:** {what}", what=parts.get(self.part, rest)))
        _clock(st.session_state.setdefault("_notes_began", time.monotonic()))

    def mathematics(self) -> None:
        """The derivation, folded; its pictures are drawn once it is opened."""
        if not self.lesson.mathematics:
            return
        slug = self.lesson.slug
        fold = st.expander(
            say("The mathematics"), icon=":material/function:", key=f"{slug}.math", on_change="rerun"
        )
        if not fold.open:
            return
        with fold:
            for piece in mathematics.pieces(self.lesson.mathematics):
                if piece.kind == "text":
                    st.markdown(piece.text)
                elif piece.kind == "code":
                    st.code(mathematics.source(piece.text), language="python")
                    st.caption(mathematics.place(piece.text))
                else:
                    still = lesson_pictures.still(self.lesson.picture, int(piece.text))
                    st.image(still, caption=say("Step {step}", step=piece.text))


@st.fragment(run_every=5.0)
def _clock(began: float) -> None:
    """Minutes since this window was opened."""
    minutes, seconds = divmod(int(time.monotonic() - began), 60)
    st.markdown(f"## {minutes}:{seconds:02d}")


def label_of(name: str) -> str:
    """What a control is called."""
    found = setting_of(name)
    return say(LABELS.get(name, name)) if found is None else controls.setting_title(found, name)


def help_of(name: str) -> str:
    """What a control does."""
    found = setting_of(name)
    return say("What the goal may change." if found is None else found.description)


def setting_of(name: str):
    """The declaration of a setting, of the first method that has it."""
    return next(
        (row.Settings.model_fields[name] for row in methods.values() if name in row.Settings.model_fields),
        None,
    )


def value_name(control: Control, value) -> str:
    """A value as its control shows it."""
    if isinstance(value, bool):
        return say("on" if value else "off")
    if control.name == "model":
        return say({**controls.shipped("2d"), **controls.shipped("image")}.get(value, value))
    if control.name == "divergence":
        return say(divergences[value].title)
    return f"{value:g}" if isinstance(value, float | int) else str(value)

"""What can go wrong, by what one sees: the picture, the cause in a sentence, and the knob."""

from __future__ import annotations

import streamlit as st

from app import lesson_pictures, navigation, parameters, widgets
from app.page import Page, Visit
from app.parameters import Choice
from app.words import say
from dgflow_core.lessons.conditions import told
from dgflow_core.lessons.mishaps import mishaps

PAGE = Page("wrong", "What can go wrong", ":material/healing:", "wrong", order=95)

HELP = "The sentence that is nearest to what you see."


def declared() -> dict[str, parameters.Parameter]:
    rows = mishaps()
    options = {name: row.symptom for name, row in rows.items()}
    return {
        "symptom": Choice(next(iter(rows)), "What do you see?", HELP, options=options)
    } | parameters.player()


def show(page: Visit) -> None:
    words, picture = st.columns([4, 8], gap="large")
    with words:
        st.title(say(PAGE.title), anchor=False)
        symptom = page.parameters["symptom"]
        st.radio(
            say(symptom.label), list(symptom.options), key=widgets.key_of(page.key("symptom")),
            format_func=lambda name: say(symptom.options[name]), help=say(symptom.help),
        )  # fmt: skip
    page.publish()
    mishap = mishaps()[page["symptom"]]
    with picture:
        shown = lesson_pictures.compute(mishap.picture)
        shown.draw(PAGE.name, **page.player())
    with words:
        st.markdown(f"**{say('The cause.')}** {told(say(mishap.cause), shown.measured)}")
        st.markdown(f"**{say('The knob.')}** {told(say(mishap.knob), shown.measured)}")
        with st.container(horizontal=True):
            for run, label in zip(mishap.picture.runs, ("As it was", "With the knob turned"), strict=True):
                if mishap.picture.show == "images" and run["space"] == "data":
                    continue  # the Images page moves codes alone
                name, said = lesson_pictures.place(mishap.picture, run)
                help = "Opens the page in that state, with every control."
                navigation.link(name, label, ":material/open_in_new:", help, said)


if __name__ == "__main__":
    PAGE.run(show, declared)

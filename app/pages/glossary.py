"""The glossary: the words that the other pages use."""

from __future__ import annotations

import streamlit as st

from app import navigation
from app.page import Page, Visit
from app.terms import TERMS
from app.words import say

PAGE = Page("glossary", "Glossary", ":material/menu_book:", "glossary", order=100)


def show(page: Visit) -> None:
    st.title(say("The words"), anchor=False)
    for term, meaning in TERMS.items():
        st.markdown(f"**{say(term)[0].upper()}{say(term)[1:]}.** {say(meaning)}")
    navigation.link("flow", "See them move", ":material/air:", "Open the 2D flow page.")


if __name__ == "__main__":
    PAGE.run(show)

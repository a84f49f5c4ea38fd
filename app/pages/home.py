"""The home page: what DGflow does, in one screen, moving."""

from __future__ import annotations

import streamlit as st

from app import navigation, pictures, results
from app.components import stage
from app.page import Page
from app.words import say
from dgflow_core import methods

PAGE = Page("home", "Home", ":material/home:", "", order=0)

MODEL = "25gaussians/wgan-gp"


def show(page) -> None:
    with st.container(key="opening"):
        words, picture = st.columns([5, 7], gap="large", vertical_alignment="center")
    with words:
        st.title(say("See a GAN mend its samples"), anchor=False)
        st.markdown(say(
            "A GAN's discriminator knows **where its generator is wrong**. "
            "Discriminator Gradient flow listens: it moves every sample along the drift that the "
            "discriminator points out, until samples look like data."
        ))  # fmt: skip
        st.latex(
            r"x \;\leftarrow\; x - "
            r"\underbrace{\eta\,\nabla f'\!\left(e^{-d(x)}\right)}"
            rf"_{{\text{{{say('towards the data')}}}}}"
            rf"\;+\; \underbrace{{\sqrt{{2\eta\gamma}}\;\xi}}_{{\text{{{say('keeps samples apart')}}}}}"
        )
        st.markdown(say(
            "Here a WGAN-GP was trained on 25 Gaussians (brown). Its samples (blue) lie on bridges between "
            "the modes; a hundred steps of the flow take them home (red)."
        ))  # fmt: skip
        with st.container(horizontal=True, gap="medium"):
            navigation.link("lessons", "Start the lessons", ":material/school:", "Guess, look, try.")
            navigation.link("flow", "Move the sliders", ":material/arrow_forward:", "Open the 2D flow page.")
    with picture:
        defaults = methods["dgflow"].Settings().model_dump()
        run = results.trajectory(
            MODEL, {"method": "dgflow", "space": "data", "n": 2000, "seed": 0, **defaults}
        )
        stage(pictures.flow(MODEL, False, [run], pictures.Composition(curves=False)).packed, key="home")
    tour = navigation.tour()
    for start in range(0, len(tour), 4):
        columns = st.columns(4, gap="medium")
        for column, other in zip(columns, tour[start : start + 4], strict=False):
            with column.container(border=True, height="stretch"):
                st.page_link(navigation.page(other.name))
                st.caption(say(other.tour))


if __name__ == "__main__":
    PAGE.run(show)

"""The home page: what DGflow does, in one screen, moving."""

from __future__ import annotations

import streamlit as st

from app import links, navigation, pictures, results
from app.components import stage
from dgflow_core import methods

MODEL = "25gaussians/wgan-gp"
SETTINGS = {
    "method": "dgflow", "space": "data", "n": 2000, "seed": 0,
    **methods["dgflow"].Settings().model_dump(),
}  # fmt: skip
TOUR = (
    ("flow2d", "Move a slider, see the drift field and the particles change."),
    ("live", "The same flow, running while you turn the knobs. Drop your own particles."),
    ("draw", "Draw a distribution, train a GAN on it, refine it."),
    ("latent", "Does refinement reach its target? Watch the density get there, and overshoot."),
    ("compare", "DGflow, DOT, DDLS and their rivals from the same starting points."),
    ("sweep", "A whole grid of settings at once; click a cell to open its run."),
    ("images", "Single pictures mend, step by step."),
    ("text", "Strings of a character-level GAN: watch letters become words."),
)

links.complaints("home")

words, picture = st.columns([5, 7], gap="large", vertical_alignment="center")
with words:
    st.title("See a GAN mend its samples", anchor=False)
    st.markdown(
        "A GAN's discriminator knows **where its generator is wrong**. "
        "Discriminator Gradient flow listens: it moves every sample along the drift that the "
        "discriminator points out, until samples look like data."
    )
    st.latex(
        r"x \;\leftarrow\; x - \underbrace{\eta\,\nabla f'\!\left(e^{-d(x)}\right)}_{\text{towards the data}}"
        r"\;+\; \underbrace{\sqrt{2\eta\gamma}\;\xi}_{\text{keeps samples apart}}"
    )
    st.markdown(
        "Here a WGAN-GP was trained on 25 Gaussians (brown). Its samples (blue) lie on bridges between "
        "the modes; a hundred steps of the flow take them home (red)."
    )
    st.page_link(navigation.page("flow2d"), label="Move the sliders", icon=":material/arrow_forward:",
                 help="Open the 2D flow page.")  # fmt: skip
with picture:
    run = results.trajectory(MODEL, SETTINGS)
    stage(pictures.flow(MODEL, False, [run], pictures.Composition(curves=False)).packed, key="home")

shown = [(name, text) for name, text in TOUR if (navigation.PAGES / f"{name}.py").exists()]
for start in range(0, len(shown), 4):
    for column, (name, text) in zip(st.columns(4, gap="medium"), shown[start : start + 4], strict=False):
        with column.container(border=True, height="stretch"):
            st.page_link(navigation.page(name))
            st.caption(text)

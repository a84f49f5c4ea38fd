"""The draw page: paint a distribution, train a small GAN on it, refine it live."""

from __future__ import annotations

import streamlit as st

from app import drawing
from app.components import brush, live
from app.failures import calm
from app.page import Page, Visit
from app.parameters import Whole
from dgflow_core.errors import UserError
from dgflow_core.pictures import palette
from dgflow_core.pictures.live_page import live_html

PAGE = Page("draw", "Draw", ":material/brush:", "draw", 30, "Draw a distribution, train a GAN on it, refine.")

JOB, INK, DRAWING, PROBLEM = (f"{PAGE.name}.{part}" for part in ("job", "ink", "drawing", "problem"))
STEPS = """
1. Paint where real data should lie.
2. A small GAN plays its game on it for a moment: its samples lie about right.
3. Its critic then learns how much too often they lie where, and moves them, live.
"""


def declared() -> dict[str, Whole]:
    words = "Of the game between generator and critic. More of them: a generator that needs less mending."
    return {"iterations": Whole(150, "Training iterations", words, *drawing.ITERATIONS, step=50)}


def begin() -> None:
    """Start the training of what is drawn; what is wrong is said on the page."""
    state = st.session_state
    state[PROBLEM] = ""
    try:
        job = drawing.start(state.get(INK) or drawing.EMPTY, state[f"{PAGE.name}.iterations"])
        state[JOB], state[DRAWING] = job, job.drawing
    except UserError as error:
        state[PROBLEM] = str(error)


def again() -> None:
    """Back to the canvas, with the ink that was there."""
    running = st.session_state.pop(JOB, None)
    if running:
        running.stop()


@st.fragment(run_every=0.7)
@calm(PAGE.name)
def watch(job: drawing.Job) -> None:
    """The training as it goes; the page follows when it is over."""
    (left, right), refined = st.columns([3, 2], gap="large"), job.stage == "ratio"
    with left:
        brush(f"{PAGE.name}.watch", job.drawing, job.samples, locked=True, refined=refined)
    with right:
        st.markdown("#### The critic learns the ratio" if refined else "#### The game on your drawing")
        words = f"Iteration {job.iteration:,}" if job.iteration else "Starting…"
        st.progress(min(job.share, 1.0), words)
        said = "Red: the samples, refined" if refined else "Blue: what the generator makes of noise"
        st.caption(f"Brown: your drawing. {said}, now.")
        if job.reports:
            st.line_chart(job.curves(), x="seconds", y=list(drawing.STAGES.values()), height=220,
                          y_label="off the drawing (%)", color=[palette.BASE, palette.REFINED])  # fmt: skip
        help = "Go on with the networks as they are now."
        done = job.stopping
        st.button("Stop here and refine", icon=":material/stop:", on_click=job.stop, disabled=done, help=help)
    if not job.is_alive():
        st.rerun()


def paint(page: Visit, job: drawing.Job | None) -> None:
    """The empty canvas and what to do with it."""
    state = st.session_state
    left, right = st.columns([3, 2], gap="large")
    with left:
        ink = brush(PAGE.name, state.get(DRAWING), None, demonstration=drawing.demonstration())
        if ink:
            state[INK] = ink
    with right:
        st.markdown("#### Draw your own distribution")
        st.markdown(STEPS)
        page.controls("iterations")
        st.button("Train", type="primary", icon=":material/model_training:", on_click=begin,
                  help="Train a generator and a critic (three layers of 128) on your drawing.")  # fmt: skip
        for problem in filter(None, (state.get(PROBLEM), job and job.error)):
            st.error(problem, icon=":material/error:")
        st.caption(
            f"It takes about 15 seconds of an idle core, and is given {drawing.SECONDS} at most: a busy "
            "server ends earlier with what there is. Drawing and networks stay in this session."
        )


def show(page: Visit) -> None:
    job: drawing.Job | None = st.session_state.get(JOB)
    if job is None or job.error:
        paint(page, job)
    elif job.packed is None:
        watch(job)
    else:
        bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
        bar.button("Draw again", icon=":material/brush:", on_click=again, help="Your ink is kept.")
        title = "DGflow live: a drawn distribution"
        page.course_page(bar, lambda: live_html(None, job.packed, title), "dgflow-live-drawing.html")
        bar.caption(job.said())
        live(job.packed, f"{PAGE.name}.live")


if __name__ == "__main__":
    PAGE.run(show, declared)

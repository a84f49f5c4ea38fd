"""The draw page: paint a distribution, train a small WGAN-GP on it, refine it live."""

from __future__ import annotations

import streamlit as st

from app import drawing
from app.components import brush, live
from app.failures import calm
from app.page import Page, Visit
from app.parameters import Whole
from dgflow_core.errors import UserError
from dgflow_core.pictures.live_page import live_html

PAGE = Page("draw", "Draw", ":material/brush:", "draw", 30, "Draw a distribution, train a GAN on it, refine.")

JOB, INK, DRAWING, PROBLEM = (f"{PAGE.name}.{part}" for part in ("job", "ink", "drawing", "problem"))
STEPS = """
1. Paint where real data should lie.
2. A small WGAN-GP learns it here: as many iterations as you ask, or as {seconds} seconds allow.
3. Its critic then refines its generator, live.
"""


def declared() -> dict[str, Whole]:
    words = "More iterations: a better generator and a sharper critic. Stop whenever you like what there is."
    return {"iterations": Whole(800, "Training iterations", words, *drawing.ITERATIONS, step=100)}


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
    left, right = st.columns([3, 2], gap="large")
    with left:
        brush(f"{PAGE.name}.watch", job.drawing, job.samples, locked=True)
    with right:
        st.markdown("#### Training on your drawing")
        done = job.iteration >= job.iterations or job.stopping
        words = f"Iteration {job.iteration} of {job.iterations}" if job.iteration else "Starting…"
        st.progress(job.iteration / job.iterations, "Tabulating the critic…" if done else words)
        st.caption("Brown: what you drew. Blue: what the generator makes of noise now.")
        if job.distances:
            steps, distances = zip(*job.distances, strict=True)
            name = "Wasserstein estimate"
            words = {"x_label": "iteration", "y_label": "critic's Wasserstein estimate (nats)"}
            st.line_chart({"iteration": steps, name: distances}, x="iteration", y=name, height=220, **words)
        help = "Go on with the networks as they are now."
        st.button("Stop here and refine", icon=":material/stop:", on_click=job.stop, disabled=done, help=help)
    if not job.is_alive():
        st.rerun()


def paint(page: Visit, job: drawing.Job | None) -> None:
    """The empty canvas and what to do with it."""
    state = st.session_state
    left, right = st.columns([3, 2], gap="large")
    with left:
        ink = brush(PAGE.name, state.get(DRAWING), None, locked=False)
        if ink:
            state[INK] = ink
    with right:
        st.markdown("#### Draw your own distribution")
        st.markdown(STEPS.format(seconds=drawing.SECONDS))
        page.controls("iterations")
        help = "Train a generator and a critic (128 units wide) on your drawing."
        st.button("Train", type="primary", icon=":material/model_training:", on_click=begin, help=help)
        for problem in filter(None, (state.get(PROBLEM), job and job.error)):
            st.error(problem, icon=":material/error:")
        st.caption("Your drawing and the networks stay in this session and are forgotten with it.")


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
        whole = job.stopping or job.iteration >= job.iterations
        cut = "" if whole else f" of {job.iterations:,}: time was up"
        bar.caption(f"Trained for {job.iteration:,} iterations{cut}. Brown: your drawing. Red: refined.")
        live(job.packed, f"{PAGE.name}.live")


if __name__ == "__main__":
    PAGE.run(show, declared)

"""The draw page: paint a distribution, train a small WGAN-GP on it, refine it live."""

from __future__ import annotations

import streamlit as st

from app import drawing
from app.components import brush, live
from dgflow_core.pictures.live_page import live_html

PAGE = "draw"
state = st.session_state
job: drawing.Job | None = state.get(f"{PAGE}.job")


def begin() -> None:
    """Start the training of what is drawn; what is wrong is said on the page."""
    state[f"{PAGE}.problem"] = ""
    try:
        job = drawing.start(state.get(f"{PAGE}.ink") or drawing.EMPTY, state[f"{PAGE}.iterations"])
        state[f"{PAGE}.job"], state[f"{PAGE}.drawing"] = job, job.drawing
    except ValueError as error:
        state[f"{PAGE}.problem"] = str(error)


def again() -> None:
    """Back to the canvas, with the ink that was there."""
    running = state.pop(f"{PAGE}.job", None)
    if running:
        running.stop()


@st.fragment(run_every=0.7)
def watch(job: drawing.Job) -> None:
    """The training as it goes; the whole page follows when it is over."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        brush(f"{PAGE}.watch", job.drawing, job.samples, locked=True)
    with right:
        st.markdown("#### Training on your drawing")
        share = job.iteration / job.iterations
        done = job.iteration >= job.iterations or job.stopping
        words = f"Iteration {job.iteration} of {job.iterations}" if job.iteration else "Starting…"
        words = "Tabulating the critic…" if done else words
        st.progress(share, words)
        st.caption("Brown: what you drew. Blue: what the generator makes of noise now.")
        if job.distances:
            steps, distances = zip(*job.distances, strict=True)
            st.line_chart(
                {"iteration": steps, "Wasserstein estimate": distances}, x="iteration",
                y="Wasserstein estimate", x_label="iteration", y_label="critic's Wasserstein estimate (nats)",
                height=220,
            )  # fmt: skip
        st.button("Stop here and refine", icon=":material/stop:", on_click=job.stop, disabled=done,
                  help="Go on with the networks as they are now.")  # fmt: skip
    if not job.is_alive():
        st.rerun()


def paint() -> None:
    """The empty canvas and what to do with it."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        ink = brush(PAGE, state.get(f"{PAGE}.drawing"), None, locked=False)
        if ink:
            state[f"{PAGE}.ink"] = ink
    with right:
        st.markdown("#### Draw your own distribution")
        st.markdown(
            "1. Paint where real data should lie.\n"
            "2. A small WGAN-GP learns it here, in about a minute.\n"
            "3. Its critic then refines its generator, live."
        )
        low, high = drawing.ITERATIONS
        state.setdefault(f"{PAGE}.iterations", 800)
        st.slider("Training iterations", low, high, step=100, key=f"{PAGE}.iterations",
                  help="More iterations: a better generator and a sharper critic; 800 take about half a "
                       "minute. Stop at any time and go on with what there is.")  # fmt: skip
        st.button("Train", type="primary", icon=":material/model_training:", on_click=begin,
                  help="Train a generator and a critic (128 units wide) on your drawing.")  # fmt: skip
        if state.get(f"{PAGE}.problem"):
            st.error(state[f"{PAGE}.problem"], icon=":material/error:")
        if job and job.error:
            st.error(job.error, icon=":material/error:")
        st.caption("Your drawing and the networks stay in this session and are forgotten with it.")


if job is None or job.error:
    paint()
elif job.packed is None:
    watch(job)
else:
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    bar.button("Draw again", icon=":material/brush:", on_click=again,
               help="Back to the canvas; your ink is kept.")  # fmt: skip
    bar.download_button(
        "Page for your course", lambda: live_html(None, job.packed, "DGflow live: a drawn distribution"),
        file_name="dgflow-live-drawing.html", mime="text/html", icon=":material/download:",
        help="This canvas as one HTML file: it runs without a server and without a network.",
    )  # fmt: skip
    bar.caption(f"Trained for {job.iteration:,} iterations. Brown: your drawing. Red: samples being refined.")
    live(job.packed, f"{PAGE}.live")

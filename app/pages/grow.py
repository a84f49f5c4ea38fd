"""The grow page: a generator is trained by the flow itself, and follows its particles."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import export_menu, growth, parameters
from app.components import stage
from app.failures import calm
from app.page import Page, Visit
from app.parameters import Choice, Flag
from dgflow_core.flow.divergences import get

PAGE = Page("grow", "Grow", ":material/potted_plant:", "grow", 45, "The flow itself trains a generator.")

WORDS = """One outer loop: the generator puts a pool of particles; the critic learns and they move, five times
over; then the generator is fitted to where they are. The ratio is always fresh, so its logit needs no
calibration: exp(d) averages 1 over the particles by itself. Gao et al., ICML 2019."""


def declared() -> dict[str, parameters.Parameter]:
    targets = {name: row.title for name, row in dg.datasets.items()}
    keys = {key: row.title for key, row in dg.divergences.items()}
    return {
        "dataset": Choice("25gaussians", "Data", "What the generator has to learn.", options=targets),
        "divergence": Choice("KL", "f-divergence", "Whose gradient flow the particles follow.", options=keys),
        "four": Flag(
            False, "Four side by side", "KL, JS, log D and Jeffreys from the same start, on one scrubber."
        ),
        "seed": parameters.SEED,
    }


@st.fragment(run_every=1.0)
@calm(PAGE.name)
def watch(job: growth.Job) -> None:
    """The training as it goes; the page follows when it is over."""
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    words = f"Outer loop {job.loops}" if job.loops else "Starting…"
    bar.caption(f"Growing {', '.join(job.chosen)}: {words}. {growth.SECONDS} seconds at most.")
    help = "Keep what there is: it stays on the scrubber."
    bar.button("Stop", icon=":material/stop:", on_click=job.stop, disabled=job.stopping, help=help)
    if len(job.records) == len(job.chosen):
        stage(growth.shown(job.dataset, [*job.records.values()], "live", growth.WATCHED).packed, PAGE.name)
    if not job.is_alive():
        st.rerun()


def show(page: Visit) -> None:
    with st.sidebar:
        page.controls("dataset")
        page.draw("divergence", disabled=page["four"])
        page.controls("four", "seed")
        chosen = growth.FOUR if page["four"] else (page["divergence"],)
        st.button(
            "Grow it live", type="primary", icon=":material/play_arrow:", on_click=growth.begin,
            args=(page["dataset"], chosen, page["seed"]),
            help=f"Trains small networks here, for {growth.SECONDS} seconds at most; stop when you like.",
        )  # fmt: skip
    weight = f"({get(chosen[0]).latex_weight})" if len(chosen) == 1 else "w_f(d)"
    weight = "" if weight == "(1)" else weight
    save = page.head(rf"x \leftarrow x + \eta\,{weight}\,\nabla d(x),\qquad g(z) \rightarrow x")
    if problem := growth.problem():
        st.error(problem, icon=":material/error:")
    job, ready = growth.job(), growth.recorded(page["dataset"])
    if job is not None and (job.dataset, job.chosen) != (page["dataset"], chosen):
        growth.end()
        job = None
    if job is not None and job.is_alive():
        watch(job)
    elif job is not None and job.records:
        save.button("Recorded", icon=":material/history:", on_click=growth.end, help="Back to what ships.")
        finished(page, save, job.picture)
    elif set(chosen) <= set(ready):
        finished(page, save, growth.shipped(page["dataset"], chosen))
    else:
        st.info(f"No recorded growth ships here: {', '.join(ready) or 'none'} do. Grow it live.")
    if job is not None and job.error:
        st.error(job.error, icon=":material/error:")
    st.caption(WORDS)


def finished(page: Visit, save, picture) -> None:
    """A growth that is over, with what saves it."""
    stage(picture.packed, key=PAGE.name)
    page.tell(picture.scene)
    with save:
        export_menu.popover(picture.scene, PAGE.name)


if __name__ == "__main__":
    PAGE.run(show, declared)

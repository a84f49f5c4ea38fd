"""The latent density page: does refinement reach its target, and when does a stale ratio overshoot?"""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import export_menu, parameters, pictures, results
from app.components import stage
from app.page import Page, Visit
from app.parameters import Choice, Flag

PAGE = Page(
    "latent",
    "Latent density",
    ":material/blur_on:",
    "latent",
    order=40,
    tour="Does refinement reach its target? Watch the density get there, and overshoot.",
)

FLOW, EXACT = dg.methods["dgflow"], dg.methods["exact"]
DEFAULTS = {"eta": 0.002, "gamma": 0.0, "steps": 100}


def declared() -> dict[str, parameters.Parameter]:
    return {
        "model": parameters.planar_model("Its latent codes are what moves."),
        "show": Choice(
            "latent",
            "Show",
            "In latent space, or pushed through g into data space.",
            options={"latent": "Codes z", "data": "Samples g(z)"},
            segments=True,
        ),
        **parameters.settings(FLOW, DEFAULTS),
        "n": parameters.particles(2000, "More particles, a finer density.", low=500),
        "exact": Flag(
            True,
            "Exact flow beside it",
            "The McKean–Vlasov flow: the density ratio is estimated afresh at every step, from the "
            "particles. Takes a few seconds.",
        ),
        "seed": parameters.SEED,
        **parameters.player(),
    }


def show(page: Visit) -> None:
    with st.sidebar:
        page.controls(*(name for name, row in page.parameters.items() if not row.browser))
    settings, name, space = page.of(FLOW.name), page["model"], page["show"]
    rule = FLOW.update_rule(FLOW.Settings.parse(settings), "latent")
    save = page.head(r"q(z)\;\propto\;p_Z(z)\,e^{d(g(z))}\qquad " + rule)

    run = page.run(FLOW.name, space="latent")
    titles, runs = ["Stale ratio (DGflow)"], [results.trajectory(name, run)]
    if page["exact"]:
        with st.spinner("Following the exact flow…"):
            fresh = {**EXACT.Settings().model_dump(), **run, "method": EXACT.name}
            runs.append(results.trajectory(name, fresh))
        titles.append("Fresh ratio (exact)")
    page.say(runs, titles)

    with st.spinner("Measuring the distance to the target…"):
        measured = [pictures.approach(name, run, space) for run in runs]
    picture = pictures.densities(name, runs, titles, space)
    stage(picture.packed, key=PAGE.name, **page.player())
    page.tell(picture.scene)
    with save:
        export_menu.popover(picture.scene, PAGE.name)

    for column, title, one, run in zip(st.columns(len(runs)), titles, measured, runs, strict=True):
        first, best, last = (one.curves["Total variation"][step] for step in (0, one.best, -1))
        column.markdown(
            f"**{title}.** Total variation {first:.3f} at the start, least at step **{one.best}** "
            f"({best:.3f}), {last:.3f} at step {run.steps}; {one.floor['Total variation']:.3f} for as many "
            "draws from q."
        )
    st.caption(
        "Every density is seen through the same kernel. A stale ratio was true for the base samples only: "
        "past its best step it overshoots. Wasserstein-2 is measured at 11 steps and joined by lines."
    )


if __name__ == "__main__":
    PAGE.run(show, declared)

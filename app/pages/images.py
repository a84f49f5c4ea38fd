"""The images page: a wall of samples that mends step by step, or the same samples under several settings."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import controls, export_menu, model_card, parameters, ratio_curves, uploads, variations, wall_runs
from app.components import ORDERS, WALL_PANES, WALL_VIEWS, wall
from app.page import Page, Visit
from app.parameters import Choice, Flag, Whole
from dgflow_core import kinds
from dgflow_core.flow import stopping

PAGE = Page(
    "images", "Images", ":material/image:", "images", order=70, tour="Single pictures mend, step by step."
)

KIND = kinds.get("image")
METHODS = {name: row for name, row in dg.methods.items() if "latent" in row.spaces and not row.planar}
VIEWS = {"wall": "One wall", "grid": "Same samples, other settings"}
#: What the wall in the browser decides, under its names and ours.
DISPLAY = {"view": "shown", "order": "order", "selected": "sample", "pane": "pane", "step": "step"}


def declared() -> dict[str, parameters.Parameter]:
    words = "A generator, and the critic that refines its samples."
    rows = {
        "model": parameters.shipped_model("image", words, "fashion_mnist/sndcgan-r1", uploads.choices()),
        "method": parameters.method(METHODS, "Which method moves the codes. All start from the same ones."),
        "until": parameters.setting(stopping.Stopping, "until"),
        "n": Whole(64, "n · samples", "How many pictures hang on the wall.", 4, KIND.limits.n, step=1),
        "seed": parameters.SEED,
        "corrector": Flag(
            True,
            "Corrected ratio d_φ + d_λ",
            "This generator borrows another GAN's critic d_φ; the corrector d_λ accounts for the difference "
            "between the two generators.",
        ),
        "view": Choice("wall", "View", "A wall, or a row for every value.", options=VIEWS, segments=True),
        "over": Choice("method", "A row for every", "What differs.", options=variations.OVER, segments=True),
        "order": Choice("drawn", options=ORDERS, browser=True),
        "sample": Whole(-1, "", None, -1, KIND.limits.n - 1, browser=True),  # −1: the most improved
        "pane": Choice("logits", options=WALL_PANES, browser=True),
        "shown": Choice("now", options=WALL_VIEWS, browser=True),
        "step": Whole(-1, "", None, -1, KIND.limits.steps, browser=True),  # −1: it plays
    }
    return rows | parameters.of_methods(METHODS.values(), KIND.defaults, {"steps": KIND.limits.steps})


def show(page: Visit) -> None:
    with st.sidebar:
        page.controls("model")
        uploads.control(PAGE.name)
    name, model = model_card.chosen(page["model"], page.parameters["model"].default)
    private, single = uploads.private(name), page["view"] == "wall"
    whole = model
    with st.sidebar:
        if model.corrector is not None and not page.draw("corrector"):
            model = model.without_corrector()
        method = METHODS[page.draw("method")]
        values = page.method_settings(method)
        until = controls.stopping_rule(method, model, page.key("until"))
        page.draw("n", disabled=not single)
        page.controls("seed")
    settings = page.run(method.name, space="latent") | ({} if until == "steps" else {"until": until})

    model_card.card(name, whole)

    def lead() -> bool:
        page.draw("view", label_visibility="collapsed")
        if not single:
            page.draw("over", options=variations.over(method, model), label_visibility="collapsed")
        return single

    save = page.head(method.update_rule(method.Settings.parse(values), "latent"), lead)
    rows = [variations.Row("", settings)]
    if not single:
        others = {name: page.of(name) for name, row in METHODS.items() if stopping.applies(row)}
        rows = variations.rows(page["over"], settings, model, others)
    labels = None if single else [row.label for row in rows]
    runs = wall_runs.compute(model, rows, private)
    page.say(runs, labels)
    packed, around = wall_runs.packed(model, runs, labels, private)
    start = {theirs: page[ours] for theirs, ours in DISPLAY.items()}
    seen = wall(packed, f"{PAGE.name}.{page['view']}", start, **page.player())
    page.take({ours: seen.get(theirs) for theirs, ours in DISPLAY.items()})
    with save:
        export_menu.popover(wall_runs.picture(page, runs, labels), PAGE.name)
    if single and until != "steps":
        mean = stopping.mean_steps(runs[0])
        st.caption(f"By this rule a sample took {mean:.1f} of {runs[0].steps} steps on average.")
    if not single and page["over"] == "ratio" and ratio_curves.measured(name):
        ratio_curves.show(name, PAGE.name)
    if not private and (words := wall_runs.quality(model)):
        st.caption(words)
    st.caption(f"{method.about} {method.caveat('latent', model.prior)} {method.paper}.")
    page.publish()
    if around is None:
        wall_runs.find_surroundings(model, runs, private)
        st.rerun()


if __name__ == "__main__":
    PAGE.run(show, declared)

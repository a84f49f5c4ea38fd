"""The compare page: the same particles under two to four methods, on one scrubber."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import export_menu, panels, parameters, pictures, results, uploads
from app.components import stage
from app.numbers_table import numbers_table
from app.page import Page, Visit
from app.parameters import Flag, Whole

PAGE = Page(
    "compare",
    "Compare",
    ":material/compare:",
    "compare",
    order=50,
    tour="DGflow, DOT, DDLS and their rivals from the same starting points.",
)

PANELS = ("base", "dgflow;data", "dot;data", "ddls;latent")


def declared() -> dict[str, parameters.Parameter]:
    return {
        "model": parameters.planar_model("Every panel refines this model's samples."),
        "panels": Whole(
            4, "Panels", "How many methods stand side by side.", low=2, high=len(PANELS), segments=True
        ),
        **panels.panel_texts(PANELS),
        "n": parameters.particles(1000, "The same particles start in every panel."),
        "raw": parameters.RAW,
        "difference": Flag(
            False,
            "Draw the difference",
            "One more panel: arrows from where particles end in panel 1 to where they end in panel 2. With "
            "up to three panels.",
        ),
        "seed": parameters.SEED,
        **parameters.player(),
    }


def sidebar(page: Visit) -> list[panels.Panel]:
    """Draw the controls; return what each panel runs."""
    page.controls("model", "panels")
    shown = [page.draw(f"p{number}") for number in range(1, page["panels"] + 1)]
    page.controls("n")
    with st.expander("Critic, seed and difference"):
        page.controls("raw")
        page.draw("difference", disabled=len(shown) == len(PANELS))
        page.controls("seed")
    return shown


def show(page: Visit) -> None:
    with st.sidebar:
        shown = sidebar(page)
    save = page.head()
    name, raw, titles = page["model"], page["raw"], [panel.title for panel in shown]
    runs = [results.trajectory(name, panel.run(page["n"], page["seed"]), raw=raw) for panel in shown]
    page.say(runs, titles)
    model = results.model(name, raw)
    difference = page["difference"] and len(shown) < len(PANELS)
    composition = pictures.Composition(tuple(titles), arrows=False, difference=difference)
    picture = pictures.flow(name, raw, runs, composition)
    stage(picture.packed, key=PAGE.name, **page.player())
    page.tell(picture.scene)
    with save:
        export_menu.popover(picture.scene, PAGE.name)
    stem = f"compare-{name.replace('/', '-')}-seed{page['seed']}"
    if model.dataset in dg.datasets:
        numbers_table(titles, runs, model.dataset, stem, uploads.private(name))
    panels.captions(shown, model)


if __name__ == "__main__":
    PAGE.run(show, declared)

"""The text page: strings of a character-level GAN mend step by step."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import export_menu, model_card, panels, parameters, results, uploads
from app.components import ORDERS, READER_VIEWS, reader
from app.own_text import own_text
from app.page import Page, Visit
from app.parameters import Choice, Flag, Whole, as_text
from app.reader import pack
from dgflow_core import kinds
from dgflow_core.flow.latent_walk import walk_through
from dgflow_core.kinds.text.metrics import reference_of
from dgflow_core.pictures.text_list import Listing

PAGE = Page(
    "text",
    "Text",
    ":material/text_fields:",
    "text",
    order=80,
    tour="Strings of a character-level GAN: watch letters become words.",
)

KIND = kinds.get("text")
METHODS = tuple(name for name, row in dg.methods.items() if "latent" in row.spaces and not row.planar)
#: Everything runs on codes.
GROUND = panels.Ground(METHODS, ("latent",), KIND.defaults, {"steps": KIND.limits.steps})
OPENING = ";".join(f"{name}={as_text(value)}" for name, value in KIND.opening.items())
PANELS = (
    f"dgflow;latent;{OPENING}", "dot;latent;eta=0.1;steps=8", "ddls;latent;eta=0.5;steps=8",
    f"dgflow;latent;divergence=JS;{OPENING}",
)  # fmt: skip
MODEL = "billion_words/wgan-gp-wide"
WORDS = "Strings of this generator are refined by its critic."
DISPLAY = ("view", "order", "selected", "step")


def declared() -> dict[str, parameters.Parameter]:
    return {
        "model": parameters.shipped_model("text", WORDS, MODEL, uploads.choices("text")),
        "panels": Whole(1, "Panels", "How many methods stand side by side.", 1, len(PANELS), segments=True),
        **panels.panel_texts(PANELS, GROUND),
        "n": Whole(64, "n · strings", "How many strings are refined.", 4, KIND.limits.n, step=1),
        "seed": parameters.SEED,
        "walk": Flag(False, "Walk between two strings", "Below the list: the way between two codes."),
        "first": Whole(1, "From string", "A number from the list.", 1, KIND.limits.n),
        "last": Whole(2, "To string", "A number from the list.", 1, KIND.limits.n),
        "view": Choice("confidence", options=READER_VIEWS, browser=True),
        "order": Choice("drawn", options=ORDERS, browser=True),
        "selected": Whole(0, "", None, 0, KIND.limits.n - 1, browser=True),
        "step": Whole(None, "", None, 0, KIND.limits.steps, browser=True),
    }


def sidebar(page: Visit) -> list[panels.Panel]:
    """Draw the controls; return what each panel runs."""
    page.controls("model")
    uploads.control(PAGE.name, "text")
    page.controls("panels")
    shown = [page.draw(f"p{number}") for number in range(1, page["panels"] + 1)]
    page.controls("n", "seed")
    with st.expander("Latent walk", expanded=page["walk"]):
        page.controls("walk")
        for end in ("first", "last"):
            page.draw(end, high=page["n"])
    return shown


def show(page: Visit) -> None:
    with st.sidebar:
        shown = sidebar(page)
    name, model = model_card.chosen(page["model"], page.parameters["model"].default)
    own, titles = uploads.private(name), [panel.title for panel in shown]
    model_card.card(name, model)
    save = page.head(shown[0].update_rule if len(shown) == 1 else "")

    progress, sketch, against = st.container(), st.empty(), reference_of(model)

    def draw(frame) -> None:
        sketch.code("\n".join(model.decode(frame.samples)), language=None, height=420)

    with progress:
        runs = [results.text_run(model, panel.run(page["n"], page["seed"]), draw, own) for panel in shown]
    sketch.empty()
    page.say(runs, titles)

    start = {name: page[name] for name in DISPLAY}
    page.take(reader(pack(runs, titles, against, own=own), PAGE.name, start, **page.player()))
    if page["walk"]:
        ends = page["first"] - 1, page["last"] - 1
        walk = results.key("walk", model.digest, runs[0].settings, runs[0].steps, ends)
        walked = results.kept(
            walk, lambda: walk_through(model, runs[0], *ends), lambda made: made.nbytes, own
        )
        reader(pack([walked], titles[:1], against, ends, own), f"{PAGE.name}._walk", start)
    with save:
        key = results.key(titles, [results.identity(run) for run in runs])
        seen = {part: page[part] for part in DISPLAY}
        export_menu.popover(Listing(tuple(runs), tuple(titles), model, key=key, **seen), PAGE.name)
    own_text(PAGE.name, model, runs[0], titles[0], against)
    st.caption(f"{against.about(runs[0].n)} {model.config.get('note', '')}")
    panels.captions(shown, model, about=True)


if __name__ == "__main__":
    PAGE.run(show, declared)

"""The 2D flow page: a drift field, and particles that follow it."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import export_menu, model_card, navigation, parameters, pictures, results, uploads
from app.components import stage
from app.failures import calm
from app.page import Page, Visit
from app.parameters import Choice, Flag, Whole
from app.words import say
from dgflow_core import kinds
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.methods import Method
from dgflow_core.pictures import live_world

PAGE = Page("flow", "2D flow", ":material/air:", "flow", 10, "Move a slider; drift and particles follow.")

#: Particles: what the slider offers, the most that run live, the most of all.
SLIDER, LIVE, MOST = (100, 10_000), 10_000, kinds.get("2d").limits.n
EXACT = "Off: d and ∇d come from a fine table, visibly the same. On: every step runs the networks."


def declared() -> dict[str, parameters.Parameter]:
    mine = {
        "model": parameters.planar_model(),
        "method": parameters.method(dg.methods),
        "space": parameters.SPACE,
        "n": Whole(2000, "n · particles", "How many samples to refine at once.", 10, MOST, 100, SLIDER),
        "raw": parameters.RAW,
        "exact": Flag(False, "Exact evaluation", EXACT),
        "map": Choice("logit", "Background", "What lies behind the arrows.", options=pictures.MAPS),
        "seed": parameters.SEED,
    }
    return mine | parameters.player() | parameters.of_methods(dg.methods.values())


def sidebar(page: Visit, method: Method, run: dict) -> None:
    """Draw the controls."""
    page.controls("model")
    uploads.control(PAGE.name, "2d")
    if known := dg.datasets.get(results.model(page["model"]).dataset):
        st.caption(say(known.lesson))
    page.controls("method")
    page.draw("space", options=method.spaces)
    page.method_settings(method)
    page.controls("n")
    with st.expander(say("Critic, seed and accuracy")):
        page.controls("raw", "exact", "map", "seed")
    if method.name in live_world.METHODS:
        said = {"model": page["model"], "raw": page["raw"], **run, "n": min(run["n"], LIVE)}
        navigation.link("live", "Run these live", ":material/play_circle:", "Turn them while it runs.", said)


def draw(page: Visit, run: dict) -> tuple[Trajectory, pictures.Shown] | None:
    """Run and show the picture; what is wrong is said in its place."""
    with calm(PAGE.name):
        compute = pictures.exact_run if page["exact"] else results.trajectory
        trajectory = compute(page["model"], run, raw=page["raw"])
        page.say([trajectory])
        shown = pictures.flow(page["model"], page["raw"], [trajectory], pictures.Composition(map=page["map"]))
        stage(shown.packed, key=PAGE.name, **page.player())
        return trajectory, shown
    return None


def explain(page: Visit, method: Method, trajectory: Trajectory, model: dg.Model) -> None:
    """One paragraph under the picture."""
    offset = say("Critic offset: calibrated, {offset}.", offset=f"{model.logit_offset:+.2f}")
    numbers = [f"{say(name.capitalize())}: {values[-1]:.3g}." for name, values in trajectory.info.items()]
    sentences = [
        say(method.about), say(method.caveat(page["space"], model.prior)), *numbers,
        say("Critic offset: raw, as trained.") if page["raw"] else offset,
        say("Logit: exact." if page["exact"] else "Logit: from a table."), f"{method.paper}.",
    ]  # fmt: skip
    st.caption(" ".join(filter(None, sentences)))


def show(page: Visit) -> None:
    method = dg.methods[page["method"]]
    page["space"] = page["space"] if page["space"] in method.spaces else method.spaces[0]
    page["model"], model = model_card.chosen(page["model"], page.parameters["model"].default)
    run = page.run(method.name)
    head, picture, foot = st.container(), st.container(), st.container()
    # The picture goes first where it takes no time: the browser draws it meanwhile.
    first = not page["exact"] and results.quick(page["model"], page["raw"], page["space"])
    if first:
        with picture:
            drawn = draw(page, run)
    with st.sidebar:
        sidebar(page, method, run)
    with head:
        model_card.card(page["model"], model)
        save = page.head(method.update_rule(method.Settings.parse(page.of(method.name)), page["space"]))
    if not first:
        with picture:
            drawn = draw(page, run)
    if drawn is not None:
        trajectory, shown = drawn
        page.tell(shown.scene)
        with save:
            export_menu.popover(shown.scene, PAGE.name)
        with foot:
            explain(page, method, trajectory, results.model(page["model"], page["raw"]))


if __name__ == "__main__":
    PAGE.run(show, declared)

"""The 2D flow page: a drift field, and particles that follow it."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import controls, export, links, navigation, pictures, presets, results
from app.components import stage
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.pictures import live_world as live

PAGE = "flow"

PARAMETERS = {
    "model": links.choice("model", controls.planar_models(), "25gaussians/wgan-gp"),
    "method": links.choice("method", dg.methods, "dgflow"),
    "space": links.choice("space", ("data", "latent"), "data"),
    "n": links.whole("n", 2000, 10, results.MAX_PARTICLES),
    "seed": links.whole("seed", 0, 0, 2**31 - 1),
    "raw": links.flag("raw", False),
    "exact": links.flag("exact", False),
    "map": links.choice("map", pictures.MAPS, "logit"),
}
ALL = PARAMETERS | {k: v for method in dg.methods.values() for k, v in links.settings(method).items()}

links.restore(PAGE, PARAMETERS)
links.restore(PAGE, links.settings(dg.methods[st.session_state[f"{PAGE}.method"]]))
links.complaints(PAGE)
links.restore(PAGE, ALL)


def chosen() -> tuple[dg.methods.Method, dict]:
    """The method and the run's settings, as the session holds them."""
    state = st.session_state
    method = dg.methods[state[f"{PAGE}.method"]]
    if state[f"{PAGE}.space"] not in method.spaces:
        state[f"{PAGE}.space"] = method.spaces[0]
    run = {"method": method.name, **{name: state[f"{PAGE}.{name}"] for name in ("space", "n", "seed")}}
    return method, run | {
        name: state[f"{PAGE}.{method.name}.{name}"] for name in method.Settings.model_fields
    }


def sidebar(method: dg.methods.Method, run: dict) -> None:
    """Draw the controls."""
    state, n = st.session_state, run["n"]
    with st.sidebar:
        st.selectbox("Model", controls.planar_models(), key=f"{PAGE}.model", format_func=controls.model_title,
                     help="A generator with its critic, trained on one data set.")  # fmt: skip
        st.caption(dg.datasets[state[f"{PAGE}.model"].split("/")[0]].lesson)
        controls.method_choice(f"{PAGE}.method")
        st.segmented_control(
            "Space", method.spaces, key=f"{PAGE}.space", required=True, format_func=str.capitalize,
            disabled=len(method.spaces) == 1,
            help="Data: move the samples x with d(x). Latent: move the codes z with d(g(z)).",
        )  # fmt: skip
        controls.method_settings(method, PAGE)
        st.slider("n · particles", min(100, n), max(10_000, n), step=100, key=f"{PAGE}.n",
                  help="How many samples to refine at once.")  # fmt: skip
        with st.expander("Critic, seed and accuracy"):
            st.toggle("Raw critic offset", key=f"{PAGE}.raw",
                      help="A WGAN critic is only fixed up to a constant. Calibrated, exp(d) averages 1 over "
                           "generated samples; raw, it does not, and every f but KL notices.")  # fmt: skip
            st.toggle("Exact evaluation", key=f"{PAGE}.exact",
                      help="Off: d and ∇d come from a fine table, some hundred times faster and visibly the "
                           "same. On: every step runs the networks.")  # fmt: skip
            st.selectbox("Background", pictures.MAPS, key=f"{PAGE}.map", format_func=pictures.MAPS.get,
                         help="What the colours behind the arrows show.")  # fmt: skip
            st.number_input("Seed", 0, 2**31 - 1, key=f"{PAGE}.seed",
                            help="The same seed gives the same particles and the same noise.")  # fmt: skip
        if method.name in live.METHODS:
            said = {"model": state[f"{PAGE}.model"], "raw": state[f"{PAGE}.raw"], **run, "n": min(n, 10_000)}
            st.page_link(navigation.page("live"), label="Run these live", icon=":material/play_circle:",
                         query_params={name: links.as_text(value) for name, value in said.items()},
                         help="The same settings, moving while you turn them.")  # fmt: skip


def draw(run: dict) -> tuple[Trajectory, pictures.Shown] | None:
    """Run and show the picture; what is wrong is said in its place."""
    state = st.session_state
    name, raw = state[f"{PAGE}.model"], state[f"{PAGE}.raw"]
    try:
        trajectory = results.trajectory(name, run, raw=raw, exact=state[f"{PAGE}.exact"])
    except ValueError as error:
        st.error(str(error), icon=":material/error:")
        return None
    if trajectory.message:
        st.warning(trajectory.message, icon=":material/warning:")
    shown = pictures.flow(name, raw, [trajectory], pictures.Composition(map=state[f"{PAGE}.map"]))
    stage(shown.packed, key=PAGE)
    return trajectory, shown


def explain(method: dg.methods.Method, run: dict, trajectory: Trajectory, model: dg.Model) -> None:
    """One paragraph under the picture."""
    state = st.session_state
    caveat = method.caveat(run["space"], model.prior)
    offset = "raw, as trained" if state[f"{PAGE}.raw"] else f"calibrated, {model.logit_offset:+.2f}"
    accuracy = "exact" if state[f"{PAGE}.exact"] else "from a table"
    measured = "".join(
        f" {name.replace('_', ' ').capitalize()}: {values[-1]:.3g}."
        for name, values in trajectory.info.items()
    )
    st.caption(
        f"{method.about} {caveat}{measured} Critic offset: {offset}. Logit: {accuracy}. {method.paper}."
    )


method, run = chosen()
head, picture, foot = st.container(), st.container(), st.container()
# The picture goes first where it takes no time: the browser draws it while the rest is put together.
first = st.session_state.get(f"{PAGE}._seen", False) and not st.session_state[f"{PAGE}.exact"]
if first:
    with picture:
        drawn = draw(run)
sidebar(method, run)
with head:
    rule, save = st.columns([5, 1], vertical_alignment="center")
    rule.latex(method.update_rule(method.Settings.parse(
        {name: run[name] for name in method.Settings.model_fields}), run["space"]))  # fmt: skip
    presets.choose(PAGE, ALL)
if not first:
    with picture:
        drawn = draw(run)
links.publish(PAGE, PARAMETERS | links.settings(method))
if drawn is not None:
    trajectory, shown = drawn
    st.session_state[f"{PAGE}._seen"] = True
    model = results.model(st.session_state[f"{PAGE}.model"], st.session_state[f"{PAGE}.raw"])
    with save:
        export.popover(shown.scene, PAGE)
    with foot:
        explain(method, run, trajectory, model)

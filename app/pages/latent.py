"""The latent density page: does refinement reach its target, and when does a stale ratio overshoot?"""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import controls, export, links, pictures, presets, results
from app.components import stage

PAGE = "latent"
ALIKE = ("divergence", "eta", "gamma", "steps")
PARAMETERS = {
    "model": links.choice("model", controls.planar_models(), "25gaussians/wgan-gp"),
    "show": links.choice("show", ("latent", "data"), "latent"),
    "n": links.whole("n", 2000, 500, 5000),
    "seed": links.whole("seed", 0, 0, 2**31 - 1),
    "exact": links.flag("exact", True),
}
OWN_DEFAULTS = {"eta": 0.002, "gamma": 0.0, "steps": 100}
SETTINGS = {
    f"dgflow.{name}": links.setting(dg.methods["dgflow"].Settings, name, OWN_DEFAULTS.get(name))
    for name in ALIKE
}

links.restore(PAGE, PARAMETERS | SETTINGS)
links.complaints(PAGE)
state = st.session_state

with st.sidebar:
    st.selectbox("Model", controls.planar_models(), key=f"{PAGE}.model", format_func=controls.model_title,
                 help="Its latent codes are what moves.")  # fmt: skip
    st.segmented_control("Show", ("latent", "data"), key=f"{PAGE}.show", required=True,
                         format_func=lambda space: {"latent": "Codes z", "data": "Samples g(z)"}[space],
                         help="In latent space, or pushed through g into data space.")  # fmt: skip
    settings = controls.method_settings(dg.methods["dgflow"], PAGE)
    st.slider("n · particles", 500, 5000, step=100, key=f"{PAGE}.n",
              help="More particles, a finer density.")  # fmt: skip
    st.toggle("Exact flow beside it", key=f"{PAGE}.exact",
              help="The McKean–Vlasov flow: the density ratio is estimated afresh at every step, from the "
                   "particles. Takes a few seconds.")  # fmt: skip
    st.number_input("Seed", 0, 2**31 - 1, key=f"{PAGE}.seed",
                    help="The same seed gives the same particles and noise.")  # fmt: skip
links.publish(PAGE, PARAMETERS | SETTINGS)

rule, save = st.columns([5, 1], vertical_alignment="center")
rule.latex(
    r"q(z)\;\propto\;p_Z(z)\,e^{d(g(z))}\qquad "
    + dg.methods["dgflow"].update_rule(dg.methods["dgflow"].Settings.parse(settings), "latent")
)
presets.choose(PAGE, PARAMETERS | SETTINGS)

name = state[f"{PAGE}.model"]
common = {"space": "latent", "n": state[f"{PAGE}.n"], "seed": state[f"{PAGE}.seed"]}
titles, runs = ["Stale ratio (DGflow)"], []
try:
    runs.append(results.trajectory(name, {"method": "dgflow", **common, **settings}))
    if state[f"{PAGE}.exact"]:
        fresh = dg.methods["exact"].Settings().model_dump() | settings
        with st.spinner("Following the exact flow…"):
            runs.append(results.trajectory(name, {"method": "exact", **common, **fresh}))
        titles.append("Fresh ratio (exact)")
except ValueError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
for title, run in zip(titles, runs, strict=True):
    if run.message:
        st.warning(f"{title}: {run.message}", icon=":material/warning:")

with st.spinner("Measuring the distance to the target…"):
    measured = [pictures.approach(name, run, state[f"{PAGE}.show"]) for run in runs]
shown = pictures.densities(name, runs, titles, state[f"{PAGE}.show"])
stage(shown.packed, key=PAGE)
with save:
    export.popover(shown.scene, PAGE)

for column, title, one, run in zip(st.columns(len(runs)), titles, measured, runs, strict=True):
    first, best, last = (one.curves["Total variation"][step] for step in (0, one.best, -1))
    column.markdown(
        f"**{title}.** Total variation {first:.3f} at the start, least at step **{one.best}** ({best:.3f}), "
        f"{last:.3f} at step {run.steps}; {one.floor['Total variation']:.3f} for as many draws from q."
    )
st.caption(
    "Every density is seen through the same kernel. A stale ratio was true for the base samples only: past "
    "its best step it overshoots. Wasserstein-2 is measured at 11 steps and joined by lines."
)

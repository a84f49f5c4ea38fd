"""The compare page: the same particles under two to four methods, on one scrubber."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import controls, export, links, pictures, presets, results, slots
from app.components import stage
from dgflow_core.kinds.plane import comparison

PAGE = "compare"
DEFAULTS = ("base", "dgflow;data", "dot;data", "ddls;latent")
NAMES = tuple(f"p{number}" for number in range(1, 5))

PARAMETERS = {
    "model": links.choice("model", controls.planar_models(), "25gaussians/wgan-gp"),
    "panels": links.whole("panels", 4, 2, 4),
    "n": links.whole("n", 1000, 100, 5000),
    "seed": links.whole("seed", 0, 0, 2**31 - 1),
    "raw": links.flag("raw", False),
    "difference": links.flag("difference", False),
} | {name: slots.parameter(text) for name, text in zip(NAMES, DEFAULTS, strict=True)}

links.restore(PAGE, PARAMETERS)
links.complaints(PAGE)
state = st.session_state

with st.sidebar:
    st.selectbox("Model", controls.planar_models(), key=f"{PAGE}.model", format_func=controls.model_title,
                 help="Every panel refines this model's samples.")  # fmt: skip
    count = st.segmented_control("Panels", (2, 3, 4), key=f"{PAGE}.panels", required=True,
                                 help="How many methods stand side by side.")  # fmt: skip
    panels = [slots.control(PAGE, name, number) for number, name in enumerate(NAMES[:count], 1)]
    st.slider("n · particles", 100, 5000, step=100, key=f"{PAGE}.n",
              help="The same particles start in every panel.")  # fmt: skip
    with st.expander("Critic, seed and difference"):
        st.toggle("Raw critic offset", key=f"{PAGE}.raw",
                  help="Leave the critic's constant as trained; every f but KL notices.")  # fmt: skip
        st.toggle("Draw the difference", key=f"{PAGE}.difference", disabled=count > 3,
                  help="One more panel: arrows from where particles end in panel 1 to where they end in "
                       "panel 2. With up to three panels.")  # fmt: skip
        st.number_input("Seed", 0, 2**31 - 1, key=f"{PAGE}.seed",
                        help="The same seed gives the same particles and noise.")  # fmt: skip
links.publish(PAGE, PARAMETERS)

head, save = st.columns([5, 1], vertical_alignment="center")
with head:
    presets.choose(PAGE, PARAMETERS)

name, raw = state[f"{PAGE}.model"], state[f"{PAGE}.raw"]
try:
    runs = [
        results.trajectory(name, slot.run(state[f"{PAGE}.n"], state[f"{PAGE}.seed"]), raw=raw)
        for slot in panels
    ]
except ValueError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
for slot, run in zip(panels, runs, strict=True):
    if run.message:
        st.warning(f"{slot.title}: {run.message}", icon=":material/warning:")

titles = [slot.title for slot in panels]
model = results.model(name, raw)
difference = state[f"{PAGE}.difference"] and count <= 3
shown = pictures.flow(
    name, raw, runs, pictures.Composition(tuple(titles), arrows=False, difference=difference)
)
stage(shown.packed, key=PAGE)
with save:
    export.popover(shown.scene, PAGE)

rows = [
    results.kept(
        results.key("row", run.settings, run.provenance, run.steps),
        lambda run=run: comparison.row(run, model.dataset),
        lambda numbers: 1000,
    )
    for run in runs
]
columns = comparison.columns(rows)
st.dataframe(
    [
        {"Panel": title, **{key: numbers.get(key) for key in columns}}
        for title, numbers in zip(titles, rows, strict=True)
    ],
    hide_index=True,
    width="stretch",
    column_config={
        key: st.column_config.NumberColumn(metric.heading, format=f"%.{metric.decimals}f")
        for key, metric in columns.items()
    },
)
place = st.container(horizontal=True)
stem = f"compare-{name.replace('/', '-')}-seed{state[f'{PAGE}.seed']}"
for form, text in (("csv", comparison.csv(titles, rows)), ("md", comparison.markdown(titles, rows))):
    place.download_button(
        {"csv": "Table as CSV", "md": "Table as Markdown"}[form], text, f"{stem}.{form}", on_click="ignore",
        key=f"{PAGE}._{form}", icon=":material/table:", help="The numbers above as a file.",
    )  # fmt: skip
for slot in panels:
    if slot.method != slots.BASE:
        method = dg.methods[slot.method]
        place.caption(f"**{method.title}**: {method.paper}. {method.caveat(slot.space, model.prior)}")

"""The live page: the flow while it runs, in the browser, under the sliders."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import controls, links, navigation, results
from app.components import live
from dgflow_core.pictures import live_world as world
from dgflow_core.pictures.live_page import live_html

PAGE = "live"

PARAMETERS = {
    "model": links.choice("model", controls.planar_models(), "25gaussians/wgan-gp"),
    "method": links.choice("method", world.METHODS, "dgflow"),
    "space": links.choice("space", ("data", "latent"), "data"),
    "n": links.whole("n", 5000, 10, 10_000),
    "seed": links.whole("seed", 0, 0, 2**31 - 1),
    "raw": links.flag("raw", False),
    "speed": links.whole("speed", 24, 1, 240),
    "after": links.choice("after", ("again", "stop", "endless"), "again"),
}

links.restore(PAGE, PARAMETERS)
method = dg.methods[st.session_state[f"{PAGE}.method"]]
links.restore(PAGE, links.settings(method))
links.complaints(PAGE)

state = st.session_state
initial = {name: state[f"{PAGE}.{name}"] for name in PARAMETERS if name != "model"}
initial |= {name: state[f"{PAGE}.{method.name}.{name}"] for name in method.Settings.model_fields}


def packed(name: str) -> bytes:
    """What the browser needs to simulate a shipped model."""
    model = results.model(name)

    def make() -> bytes:
        return world.pack(model, {space: results.field(name, False, space) for space in ("data", "latent")})

    return results.kept(results.key("live", model.digest), make)


def remember_model() -> None:
    """The model is this page's part of the address; the canvas writes the rest itself."""
    others = {name: value for name, value in st.query_params.to_dict().items() if name != "model"}
    name = state[f"{PAGE}.model"]
    st.query_params.from_dict(({"model": name} if name != PARAMETERS["model"].default else {}) | others)


bar = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
bar.selectbox(
    "Model", controls.planar_models(), key=f"{PAGE}.model", format_func=controls.model_title, width=320,
    on_change=remember_model, label_visibility="collapsed",
    help="A generator with its critic, trained on one data set.",
)  # fmt: skip
name = state[f"{PAGE}.model"]
content = packed(name)
bar.download_button(
    "Page for your course",
    lambda: live_html(results.model(name), content),
    file_name=f"dgflow-live-{name.replace('/', '-')}.html",
    mime="text/html",
    icon=":material/download:",
    help="This canvas as one HTML file: it runs without a server and without a network.",
)

live(content, PAGE, initial, exact=navigation.address("flow2d"), address=True)

"""The page of live samples: images or text while they flow, computed in the browser, under its own knobs."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import controls, navigation, parameters, results, uploads
from app.components import samples
from app.page import Page, Visit
from app.parameters import Choice, Whole
from dgflow_core import kinds
from dgflow_core.pictures import live_world, samples_world

PAGE = Page(
    "live_samples",
    "Live images",
    ":material/animated_images:",
    "live-images",
    order=25,
    tour="Images and strings flow in your browser while you turn the knobs.",
    address="browser",
)

FIRST = "cifar10/sndcgan-ns"


def declared() -> dict[str, parameters.Parameter]:
    shipped = controls.shipped("image") | controls.shipped("text")
    models = shipped | uploads.choices() | uploads.choices("text")
    mine = {
        "model": Choice(
            FIRST if FIRST in models else next(iter(models)), "Model", "Whose samples.", options=models
        ),
        "method": parameters.method(live_world.METHODS),
        "n": Whole(0, "", None, 0, 64),
        "seed": parameters.SEED,
        "until": Choice("steps", options=("steps", "50%", "95%")),
        "speed": Whole(12, "", None, 1, 40),
    }
    rows = (dg.methods[name] for name in live_world.METHODS)
    return mine | parameters.of_methods(rows, kinds.get("image").defaults)


def show(page: Visit) -> None:
    said = st.query_params.to_dict()
    linked = {name: page[name] for name in page.in_use() if "." not in name} | page.of(page["method"])
    initial = {name: value for name, value in linked.items() if name in said and name != "model"}

    bar, name = page.canvas_bar()
    model, own = results.model(name), uploads.private(name)
    with st.spinner("Writing out the networks for the browser, once a model…"):
        packed = results.kept(
            results.key("samples", model.digest), lambda: samples_world.pack(model), own=own
        )
    page.course_page(bar, lambda: samples_world.html(model), f"dgflow-live-{name.replace('/', '-')}.html")
    recorded = navigation.address("text" if model.kind == "text" else "images", model=name)
    samples(packed, PAGE.name, initial, recorded)


if __name__ == "__main__":
    PAGE.run(show, declared)

"""What the results page shows beside the paper's tables: numbers that the paper has not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import streamlit as st

from app import navigation, ratio_curves
from app.words import say
from dgflow_core.reports import beside_paper, dcd_table, fresh_table, grown_table, image_table, own_numbers
from dgflow_core.reports.resumable_table import Table
from dgflow_core.zoo import shelf


class OwnTable(NamedTuple):
    """One table of ours.

    Attributes:
        title, words: what it is called, and what it says. report: whose kept results it shows, in these
            ``columns``. models: whose rows alone; None for all.
    """

    title: str
    words: str
    report: Table
    columns: Mapping[str, str]
    models: Collection[str] | None = None


QUALITY = {"fid": "FID", "precision": "Precision", "recall": "Recall"}
TABLES = {
    "fresh": OwnTable(
        "Ours · a ratio that stays fresh",
        "The discriminator knows the samples as they were at first: followed for long, its density ratio is "
        "stale. A **ladder** of critics, each taught to tell real images from the samples as they are after "
        "some steps of the flow, keeps it fresh without data; **online**, the critic goes on learning "
        "between moves.",
        fresh_table.TABLE,
        QUALITY,
    ),
    "dcd": OwnTable(
        "Ours · Langevin and DCD, pixels and codes",
        "Discriminator Contrastive Divergence (Song et al., 2020): 20 Langevin steps on the critic in pixels "
        "and in latent codes, before and after the critic was taught against its own samples. The paper's, "
        "on CIFAR-10, in Inception features: FID 21.67 in pixels, 16.24 in codes.",
        dcd_table.TABLE,
        QUALITY,
    ),
    "grown": OwnTable(
        "Ours · grown by the flow",
        "VGrow's generators in the plane, and WGAN-GP with somewhat less time of a core, without any "
        "refinement; mean and standard deviation over seeds.",
        grown_table.TABLE,
        {"high_quality": "High quality, %", "modes": "Modes", "off_support": "Off the data, %",
         "missed": "Data missed, %", "distance": "Sliced W₂"},
    ),
    "grown_images": OwnTable(
        "Ours · images grown by the flow",
        "VGrow on Fashion-MNIST with four f: its generators as they are, and after 25 steps of DGflow (KL) "
        "along their own critics.",
        image_table.TABLE,
        QUALITY,
        image_table.GROWN,
    ),
}  # fmt: skip
TITLES = {name: table.title for name, table in TABLES.items()}


def show(name: str) -> None:
    """The table ``name`` with its pictures, and as a file."""
    table = TABLES[name]
    st.markdown(say(table.words))
    if name == "fresh":
        for model in fresh_table.TABLE.models:
            if ratio_curves.measured(model):
                _curves(model)
    rows = own_numbers.lines(table.report, table.columns, table.models)
    if not rows:
        st.info("Not measured yet.")
        return
    st.dataframe([_shown(row, table.columns.values()) for row in rows], hide_index=True, width="stretch")
    st.download_button(
        "Table as CSV", beside_paper.as_csv(rows), f"{name}.csv", on_click="ignore", icon=":material/table:"
    )
    _ways([row["Model"] for row in rows], "flow" if table.report.kind == "2d" else "images")


def _shown(row: Mapping[str, Any], columns: Iterable[str]) -> dict[str, Any]:
    """A row of numbers as people read it: mean ± standard deviation."""
    said = {"Model": row["Model"], **({"Run": row["Run"]} if row["Run"] else {})}
    for name in columns:
        mean, sd = row[name], row[f"{name}, sd"]
        said[name] = "–" if mean is None else f"{mean:.4g}" + ("" if sd is None else f" ± {sd:.2g}")
    return said | {"n": row["n"], "Repeats": row["Repeats"]}


def _ways(models: Iterable[str], page: str) -> None:
    """Links to the models on the page that shows them."""
    with st.container(horizontal=True, gap="small"):
        for model in dict.fromkeys(models):
            title = shelf.describe(model)["title"]
            navigation.link(page, title, ":material/play_circle:", "Open this model.", {"model": model})


def _curves(model: str) -> None:
    """The curves of one model, and the way to its walls."""
    said = shelf.describe(model)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{said['title']}**")
        values = {"model": model, "view": "grid", "over": "ratio", "steps": 50}
        values |= fresh_table.SETTINGS
        navigation.link("images", "The same samples", ":material/play_circle:", "Watch both ratios.", values)
    ratio_curves.show(model, "results")

"""What the results page shows beside the paper's tables: numbers that the paper has not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import streamlit as st

from app import navigation, ratio_curves, step_size_curves
from app.parameters import as_text
from app.words import say
from dgflow_core.reports import beside_paper, dcd_table, fresh_table, grown_table, image_table, own_numbers
from dgflow_core.reports import step_curves as step_table
from dgflow_core.reports.own_numbers import Line
from dgflow_core.reports.resumable_table import Table
from dgflow_core.zoo import shelf


class Curves(NamedTuple):
    """Pictures of a table's models: ``measured`` tells of which, ``show`` draws one on a page.

    ``watch``: what its link is called and says, and the run that it opens.
    """

    measured: Callable[[str], bool]
    show: Callable[[str, str], None]
    watch: tuple[str, str, Mapping[str, Any]]


class OwnTable(NamedTuple):
    """One table of ours.

    Attributes:
        title, words: what it is called, and what it says. report: whose kept results it shows, in these
            ``columns``. models: whose rows alone; None for all. beside: the state in which a page shows a run
            beside what it is compared with. curves: its models' pictures.
    """

    title: str
    words: str
    report: Table
    columns: Mapping[str, str]
    models: Collection[str] | None = None
    beside: Mapping[str, str] = MappingProxyType({})
    curves: Curves | None = None

    @property
    def page(self) -> str:
        """The page on which its models are watched."""
        return "flow" if self.report.kind == "2d" else "images"


#: The state of the images page with a stale ratio beside a fresh one.
BOTH_RATIOS = {"view": "grid", "over": "ratio"}
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
        beside=BOTH_RATIOS,
        curves=Curves(
            ratio_curves.measured,
            ratio_curves.show,
            ("The same samples", "Watch both ratios.", {"steps": 50, **BOTH_RATIOS, **fresh_table.SETTINGS}),
        ),
    ),
    "steps": OwnTable(
        "Ours · how many steps, and of what size",
        "How far a model can follow its own critic: DGflow (KL), γ = 0.01, with step sizes η up to twice "
        "the paper's. Where the lines of all η lie on each other, η × steps alone counts.",
        step_table.TABLE,
        {f"fid at {step}": f"FID, {step} steps" for step in step_table.MARKS},
        curves=Curves(
            step_size_curves.measured, step_size_curves.show, ("Watch it", "Open this model.", {"steps": 50})
        ),
    ),
    "dcd": OwnTable(
        "Ours · Langevin and DCD, pixels and codes",
        "Discriminator Contrastive Divergence (Song et al., 2020): 20 Langevin steps on the critic in pixels "
        "and in latent codes, before and after the critic was taught against its own samples. The paper's, "
        "on CIFAR-10, in Inception features: FID 21.67 in pixels, 16.24 in codes.",
        dcd_table.TABLE,
        QUALITY,
        beside={"view": "grid", "over": "space"},
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
        "VGrow on Fashion-MNIST with four f and on CIFAR-10 with KL: its generators as they are, and after "
        "25 steps of DGflow (KL) along their own critics.",
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
    if table.curves:
        for model in filter(table.curves.measured, table.report.models):
            _picture(model, table.curves, name)
    lines = own_numbers.lines(table.report, table.columns, table.models)
    if not lines:
        st.info("Not measured yet.")
        return
    st.dataframe(
        [_shown(line, table) for line in lines],
        hide_index=True,
        width="stretch",
        column_config={"Watch": st.column_config.LinkColumn("Watch", display_text="watch")},
    )
    rows = [line.values for line in lines]
    st.download_button(
        "Table as CSV", beside_paper.as_csv(rows), f"{name}.csv", on_click="ignore", icon=":material/table:"
    )
    _ways([row["Model"] for row in rows], table.page)


def _shown(line: Line, table: OwnTable) -> dict[str, Any]:
    """A line as people read it: mean ± standard deviation, and the way to the run."""
    row = line.values
    said = {"Model": say(shelf.describe(row["Model"])["title"])} | ({"Run": row["Run"]} if row["Run"] else {})
    for name in table.columns.values():
        mean, sd = row[name], row[f"{name}, sd"]
        text = "–" if mean is None else f"{mean:.4g}"
        digits = len(text.partition(".")[2])
        said[name] = text if sd is None else f"{text} ± {sd:.{digits}f}"
    values = {"model": row["Model"]} | (line.run and {**table.beside, **line.run})
    way = navigation.address(table.page, **{name: as_text(value) for name, value in values.items()})
    return said | {"n": row["n"], "Repeats": row["Repeats"], "Watch": way}


def _ways(models: Iterable[str], page: str) -> None:
    """Links to the models on the page that shows them."""
    with st.container(horizontal=True, gap="small"):
        for model in dict.fromkeys(models):
            title = shelf.describe(model)["title"]
            navigation.link(page, title, ":material/play_circle:", "Open this model.", {"model": model})


def _picture(model: str, curves: Curves, table: str) -> None:
    """The curves of one model, and the way to its walls."""
    label, words, run = curves.watch
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{say(shelf.describe(model)['title'])}**")
        navigation.link("images", label, ":material/play_circle:", words, {"model": model, **run})
    curves.show(model, f"results.{table}")

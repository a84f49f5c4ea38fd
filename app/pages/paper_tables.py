"""The results page: every published number beside ours, and the way to each run."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import navigation, own_tables, parameters
from app.dumbbells import figure
from app.page import Page, Visit
from app.parameters import Choice
from app.run_links import watch
from dgflow_core.reports import beside_paper, verdicts
from dgflow_core.reports.beside_paper import Panel, PaperTable

PAGE = Page(
    "results",
    "Results",
    ":material/leaderboard:",
    "results",
    order=90,
    tour="Every number of the paper's tables beside ours, and the way to each run.",
)

SCALE_HELP = "As measured, or how much better the refined samples are than the base, in percent of it."
SCALES = {"values": "As measured", "change": "Change from base"}


def declared() -> dict[str, parameters.Parameter]:
    paper = {number: f"Table {number} · {row.title}" for number, row in beside_paper.TABLES.items()}
    titles = paper | own_tables.TITLES
    return {
        "table": Choice("1", "Table", "Of Ansari, Ang and Soh, ICLR 2021, or ours.", options=titles),
        "scale": Choice("values", "Scale", SCALE_HELP, options=SCALES, segments=True),
    }


def draw(panel: Panel, table: PaperTable, page: Visit) -> None:
    """One picture with what it says, and the way to its runs."""
    change = page["scale"] == "change"
    said = "change from base in %, right is better" if change else panel.direction
    st.markdown(f"**{panel.heading}**, {said}" + ("" if panel.measured else "; ours not measured"))
    key = f"{PAGE.name}.{table.number}.{panel.dataset}.{panel.title}.{panel.metric.name}"
    st.plotly_chart(figure(panel, change), key=key, width="stretch", config={"displayModeBar": False})
    if said := verdicts.words(panel):
        st.caption(said)
    if panel.measured:
        with st.container(horizontal=True, gap="small"):
            for row in panel.rows:
                for one in row.ours:
                    label = row.title if one.label == "ours" else f"{row.title}, {one.label}"
                    name, values = watch(table.report.kind, one)
                    navigation.link(name, label, ":material/play_circle:", "Watch this run.", values)


def numbers(shown: Sequence[Panel], table: PaperTable) -> None:
    """The table itself, and as a file."""
    rows = beside_paper.lines(shown)
    runs = [one for panel in shown for row in panel.rows for one in row.ours or (None,)]
    links = [one and watch(table.report.kind, one).address for one in runs]
    columns = {"Watch": st.column_config.LinkColumn("Watch", display_text="watch")}
    rounded = [name for name in rows[0] if "gain" in name or "Ours" in name or name == "Real samples"]
    columns |= {name: st.column_config.NumberColumn(name, format="%.4g") for name in rounded}
    st.dataframe(
        [row | {"Watch": link} for row, link in zip(rows, links, strict=True)],
        hide_index=True,
        width="stretch",
        column_config=columns,
    )
    st.download_button(
        "Table as CSV",
        beside_paper.as_csv(rows),
        f"table{table.number}.csv",
        on_click="ignore",
        icon=":material/table:",
    )


def show(page: Visit) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        page.draw("table", width=420)
        ours = page["table"] in own_tables.TABLES
        if not ours:
            page.draw("scale")
    page.publish()
    if ours:
        own_tables.show(page["table"])
        return
    table, shown = beside_paper.TABLES[page["table"]], beside_paper.panels(page["table"])
    st.markdown(table.words(shown))
    st.caption(
        "○ base → ● the paper's, ◆ ours, ❘ as many real samples; bars are one standard deviation; "
        "+ is better than the base. “Raw”: without the critic's calibrated offset. “8 steps”: the number "
        "that suits our model."
    )
    for dataset in dict.fromkeys(panel.dataset for panel in shown):
        st.subheader(table.data_title(dataset), anchor=False)
        mine = [panel for panel in shown if panel.dataset == dataset]
        for start in range(0, len(mine), 2):
            for column, panel in zip(st.columns(2, gap="large"), mine[start : start + 2], strict=False):
                with column:
                    draw(panel, table, page)
    numbers(shown, table)


if __name__ == "__main__":
    PAGE.run(show, declared)

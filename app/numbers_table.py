"""The numbers of runs side by side, as a table and as files."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import results
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.plane import comparison


def numbers_table(
    titles: Sequence[str], runs: Sequence[Trajectory], dataset: str, stem: str, own: bool = False
) -> None:
    """Measure every run once, and show what applies to any of them; ``stem``: of the files' names.

    ``own``: the numbers are kept for this session alone.
    """

    def measured(run: Trajectory) -> dict[str, float]:
        name = results.key("row", *results.identity(run))
        return results.kept(name, lambda: comparison.row(run, dataset), lambda numbers: 1000, own)

    rows = [measured(run) for run in runs]
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
    for form, words, write in (("csv", "CSV", comparison.csv), ("md", "Markdown", comparison.markdown)):
        place.download_button(
            f"Table as {words}",
            write(titles, rows),
            f"{stem}.{form}",
            on_click="ignore",
            key=f"_table {form}",
            icon=":material/table:",
            help="The numbers above as a file.",
        )

"""The sweep page: a whole grid of runs at once; click a cell to open its run."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import controls, navigation, parameters
from app.heatmap import Axis, heatmap
from app.page import Page, Visit
from app.parameters import Choice, Whole, as_text
from app.sweep_session import Sweep
from dgflow_core.reports import sweep_grid

PAGE = Page(
    "sweep",
    "Sweep",
    ":material/grid_on:",
    "sweep",
    60,
    "A grid of settings at once; a cell opens its run.",
)

REDRAW_EVERY = 4
METHODS = {name: row for name, row in dg.methods.items() if len(sweep_grid.settings_of(row)) > 1}


def declared() -> dict[str, parameters.Parameter]:
    rows = {
        "model": parameters.planar_model(own=False),
        "method": parameters.method(METHODS, "Which refinement method every cell runs."),
        "space": parameters.SPACE,
        "metric": Choice(
            "high_quality",
            "Metric",
            "What the colours show. Changing it runs nothing again.",
            options={name: row.title for name, row in sweep_grid.metrics().items()},
            segments=True,
        ),
        "n": parameters.particles(1000, "Particles in every cell."),
        "seed": parameters.SEED,
        "size": Whole(8, "Cells a side", "Finished cells serve again.", 2, sweep_grid.MAX_SIDE, step=1),
    }
    for name, method in METHODS.items():
        rows |= parameters.settings(method, {"steps": 50})
        options = {field: title(method, field) for field in sweep_grid.settings_of(method)}
        for side, words, first in zip("xy", ("Across", "Up"), sweep_grid.default_axes(method), strict=True):
            rows[f"{name}.{side}"] = Choice(
                first, words, "The setting that this side runs over.", options=options
            )
    return rows


def title(method: dg.methods.Method, name: str) -> str:
    """A setting as its axis names it."""
    return controls.setting_title(method.Settings.model_fields[name], name)


def sidebar(page: Visit, method: dg.methods.Method) -> dict:
    """Draw the controls; return the settings that all cells share."""
    page.controls("model", "method")
    page.draw("space", options=method.spaces)
    sides = [page.draw(f"{method.name}.{side}") for side in "xy"]
    page.controls("size")
    with st.expander("Held fixed"):
        page.method_settings(method, without=sides)
        page.controls("n", "seed")
    return {name: value for name, value in page.run(method.name).items() if name not in ("x", "y", *sides)}


def show(page: Visit) -> None:
    method = METHODS[page["method"]]
    with st.sidebar:
        base = sidebar(page, method)
    metrics = sweep_grid.metrics(page["model"].split("/")[0])
    head = st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute")
    metric, action = page.draw("metric", head, options=metrics), head.container(width="content")
    page.publish()

    x, y = (sweep_grid.axis(method, page[f"{method.name}.{side}"], count=page["size"]) for side in "xy")
    sweep = Sweep(PAGE.name, page["model"], base, x, y)
    sweep.button(action)
    bar, picture = st.empty(), st.empty()

    def draw(key: str, **how):
        """The heat map as far as it is finished."""
        sides = [Axis(title(method, side.name), side.values) for side in (x, y)]
        figure = heatmap(sweep.values(metric), *sides, metrics[metric])
        return picture.plotly_chart(figure, key=f"{PAGE.name}.{key}", width="stretch", **how)

    if sweep.running:
        draw("_progress 0")
        for done in sweep.steps():
            bar.progress(done / len(sweep.cells), f"Cell {done} of {len(sweep.cells)}")
            if done % REDRAW_EVERY == 0:
                draw(f"_progress {done}")
        st.rerun()
    words = f"Heat map of {metrics[metric].title} over {x.name} and {y.name}"
    chosen = draw("_map", on_select="rerun", selection_mode="points", alt=words).selection.points
    st.caption("Each cell is one run. The best one is ringed. Click a cell to open that run on the 2D page.")
    if chosen:
        j, i = divmod(chosen[0]["point_index"], len(x.values))
        st.session_state.pop(f"{PAGE.name}._map", None)
        cell = {**base, x.name: x.values[i], y.name: y.values[j], "model": page["model"]}
        st.switch_page(navigation.page("flow"), query_params={key: as_text(cell[key]) for key in cell})


if __name__ == "__main__":
    PAGE.run(show, declared)

"""The sweep page: a whole grid of runs at once; click a cell to open its run."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import controls, links, navigation, results
from app.figures.heatmap import heatmap
from dgflow_core.reports import sweep_grid

PAGE = "sweep"
KEPT = 4096
REDRAW_EVERY = 4

METHODS = [method.name for method in dg.methods.values() if len(sweep_grid.settings_of(method)) > 1]
PARAMETERS = {
    "model": links.choice("model", controls.planar_models(), "25gaussians/wgan-gp"),
    "method": links.choice("method", METHODS, "dgflow"),
    "space": links.choice("space", ("data", "latent"), "data"),
    "metric": links.choice("metric", sweep_grid.metrics(), "high_quality"),
    "n": links.whole("n", 1000, 100, 5000),
    "seed": links.whole("seed", 0, 0, 2**31 - 1),
    "size": links.whole("size", 8, 2, sweep_grid.MAX_SIDE),
}

links.restore(PAGE, PARAMETERS)
state = st.session_state
method = dg.methods[state[f"{PAGE}.method"]]
SETTINGS = links.settings(method) | {f"{method.name}.steps": links.setting(method.Settings, "steps", 50)}
x_default, y_default = sweep_grid.default_axes(method)
AXES = {
    f"{method.name}.x": links.choice("x", sweep_grid.settings_of(method), x_default),
    f"{method.name}.y": links.choice("y", sweep_grid.settings_of(method), y_default),
}
links.restore(PAGE, SETTINGS | AXES)
links.complaints(PAGE)


def title(name: str) -> str:
    """A setting as its axis names it."""
    symbol = method.Settings.model_fields[name].json_schema_extra["symbol"]
    return f"{symbol} · {name.replace('_', ' ')}"


with st.sidebar:
    st.selectbox("Model", controls.planar_models(), key=f"{PAGE}.model", format_func=controls.model_title,
                 help="A generator with its critic, trained on one data set.")  # fmt: skip
    st.selectbox("Method", METHODS, key=f"{PAGE}.method", format_func=lambda name: dg.methods[name].title,
                 help="Which refinement method every cell runs.")  # fmt: skip
    if state[f"{PAGE}.space"] not in method.spaces:
        state[f"{PAGE}.space"] = method.spaces[0]
    st.segmented_control("Space", method.spaces, key=f"{PAGE}.space", required=True,
                         format_func=str.capitalize, disabled=len(method.spaces) == 1,
                         help="Data: move the samples. Latent: move the codes.")  # fmt: skip
    for side, words in (("x", "Across"), ("y", "Up")):
        st.selectbox(words, sweep_grid.settings_of(method), key=f"{PAGE}.{method.name}.{side}",
                     format_func=title, help="The setting that this side runs over.")  # fmt: skip
    st.slider("Cells a side", 2, sweep_grid.MAX_SIDE, key=f"{PAGE}.size",
              help="How many values each side takes. Finished cells serve again.")  # fmt: skip
    free = [name for name in method.Settings.model_fields
            if name not in (state[f"{PAGE}.{method.name}.x"], state[f"{PAGE}.{method.name}.y"])]  # fmt: skip
    with st.expander("Held fixed"):
        fixed = controls.method_settings(method, PAGE, only=free)
        st.slider("n · particles", 100, 5000, step=100, key=f"{PAGE}.n",
                  help="Particles in every cell.")  # fmt: skip
        st.number_input("Seed", 0, 2**31 - 1, key=f"{PAGE}.seed",
                        help="Every cell starts from the same particles.")  # fmt: skip
links.publish(PAGE, PARAMETERS | SETTINGS | AXES)

metrics = sweep_grid.metrics(state[f"{PAGE}.model"].split("/")[0])
if state[f"{PAGE}.metric"] not in metrics:
    state[f"{PAGE}.metric"] = next(iter(metrics))
head, action = st.columns([5, 1], vertical_alignment="bottom")
head.segmented_control("Metric", metrics, key=f"{PAGE}.metric", required=True,
                       format_func=lambda name: metrics[name].title,
                       help="What the colours show. Changing it runs nothing again.")  # fmt: skip

try:
    size = state[f"{PAGE}.size"]
    x, y = (sweep_grid.axis(method, state[f"{PAGE}.{method.name}.{side}"], count=size) for side in "xy")
    base = {"method": method.name, "space": state[f"{PAGE}.space"], "n": state[f"{PAGE}.n"],
            "seed": state[f"{PAGE}.seed"], **fixed}  # fmt: skip
    todo = sweep_grid.cells(base, x, y)
    for cell in todo:
        results.check_size(cell["n"], cell["steps"])
except ValueError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()

name = state[f"{PAGE}.model"]
model = results.model(name)
finished = state.setdefault(f"{PAGE}._finished", {})
while len(finished) > KEPT:
    finished.pop(next(iter(finished)))
identity = results.key(name, base, x, y)
missing = sum(sweep_grid.cell_key(model, cell) not in finished for cell in todo)
# A sweep goes on by itself after a page change; only stop, or another grid, ends it.
running = state.get(f"{PAGE}._running") == identity and missing > 0


def go(to: str | None) -> None:
    """Start (the grid's identity) or stop (None)."""
    state[f"{PAGE}._running"] = to


if running:
    action.button("Stop", icon=":material/stop:", on_click=go, args=(None,), width="stretch",
                  help="Stop here; finished cells stay.")  # fmt: skip
else:
    words = "Run the grid" if missing == len(todo) else f"Run {missing} more" if missing else "Finished"
    action.button(words, type="primary", icon=":material/play_arrow:", on_click=go, args=(identity,),
                  disabled=not missing, width="stretch",
                  help=f"{len(todo)} runs of {base['n']} particles from the same start.")  # fmt: skip

bar, picture = st.empty(), st.empty()


def draw():
    """The heat map as far as it is finished."""
    metric = state[f"{PAGE}.metric"]
    row, values = metrics[metric], sweep_grid.table(model, base, x, y, finished, metric)
    names = title(x.name), title(y.name)
    return heatmap(values, x.values, y.values, *names, row.title, row.unit, row.better != "down")


if running:
    picture.plotly_chart(draw(), key=f"{PAGE}._progress 0", width="stretch")
    for done in sweep_grid.sweep(model, todo, finished, lambda space: results.field(name, False, space)):
        bar.progress(done / len(todo), f"Cell {done} of {len(todo)}")
        if done % REDRAW_EVERY == 0:
            picture.plotly_chart(draw(), key=f"{PAGE}._progress {done}", width="stretch")
    go(None)
    st.rerun()

chosen = picture.plotly_chart(
    draw(), key=f"{PAGE}._map", width="stretch", on_select="rerun", selection_mode="points",
    alt=f"Heat map of {metrics[state[f'{PAGE}.metric']].title} over {x.name} and {y.name}",
)  # fmt: skip
st.caption(
    "Each cell is one run. The best one is ringed. Click a cell to open exactly that run on the 2D page."
)
if chosen.selection.points:
    j, i = divmod(chosen.selection.points[0]["point_index"], len(x.values))
    state.pop(f"{PAGE}._map", None)
    cell = {**base, x.name: x.values[i], y.name: y.values[j], "model": name}
    st.switch_page(
        navigation.page("flow2d"), query_params={key: links.as_text(value) for key, value in cell.items()}
    )

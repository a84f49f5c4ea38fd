"""The images page: a wall of samples that mends step by step, or the same samples under several settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

import dgflow_core as dg
from app import controls, export, grid, links, own, presets, results
from app.components import ORDERS, WALL_PANES, WALL_VIEWS, wall
from dgflow_core.flow import stopping
from dgflow_core.kinds.images.datasets.readers import contact_sheet
from dgflow_core.kinds.images.neighbours import surroundings
from dgflow_core.pictures.image_wall import Wall, band, pack, side_by_side
from dgflow_core.zoo import shelf

PAGE = "images"
MAX_SAMPLES, MAX_STEPS = 100, 200
#: Where images want other defaults than the plane: the paper's η; the noise
#: of Langevin sampling, without which the prior shrinks every code; a burn-in of seconds.
DEFAULTS = {"dgflow.eta": 0.1, "ddls.eta": 0.1, "ddls.noise_scale": 1.0, "drs.burn_in": 1000}
METHODS = {name: row for name, row in dg.methods.items() if "latent" in row.spaces and not row.planar}
#: What the browser decides, under its names and ours.
DISPLAY = {"view": "shown", "order": "order", "selected": "sample", "pane": "pane", "step": "step"}
VIEWS = {"wall": "One wall", "grid": "Same samples, other settings"}


def settings_of(method) -> dict[str, links.Parameter]:
    """A method's link parameters with this page's defaults."""
    declared = links.settings(method)
    if f"{method.name}.steps" in declared:
        declared[f"{method.name}.steps"] = links.whole("steps", 25, 0, MAX_STEPS)
    return {
        key: replace(row, default=DEFAULTS[key]) if key in DEFAULTS else row for key, row in declared.items()
    }


shipped = [name for name in dg.models() if shelf.describe(name)["kind"] == "image"]
models = {name: controls.model_title(name) for name in shipped} | own.choices()
if not models:
    st.info("No image models are shipped; `python -m dgflow_core train fashion_mnist/sndcgan-ns` makes one.")
    st.stop()
first = next((name for name in models if name == "fashion_mnist/sndcgan-ns"), next(iter(models)))

PARAMETERS = {
    "model": links.choice("model", models, first),
    "method": links.choice("method", METHODS, "dgflow"),
    "until": links.setting(stopping.Stopping, "until"),
    "n": links.whole("n", 64, 4, MAX_SAMPLES),
    "seed": links.whole("seed", 0, 0, 2**31 - 1),
    "corrector": links.flag("corrector", True),
    "view": links.choice("view", VIEWS, "wall"),
    "over": links.choice("over", grid.OVER, "method"),
    "order": links.choice("order", ORDERS, "drawn"),
    "sample": links.whole("sample", 0, 0, MAX_SAMPLES - 1),
    "pane": links.choice("pane", WALL_PANES, "logits"),
    "shown": links.choice("shown", WALL_VIEWS, "now"),
    "step": links.whole("step", -1, -1, MAX_STEPS),  # −1: it plays
}
ALL = PARAMETERS | {k: v for method in METHODS.values() for k, v in settings_of(method).items()}

state = st.session_state
links.restore(PAGE, PARAMETERS)
links.restore(PAGE, settings_of(METHODS[state[f"{PAGE}.method"]]))
links.complaints(PAGE)
links.restore(PAGE, ALL)
if state[f"{PAGE}.model"] not in models:  # a folder that was taken away
    state[f"{PAGE}.model"] = first


def choose_model() -> dg.Model:
    """The chosen model; where it cannot be loaded, one sentence and the one before."""
    choice = state[f"{PAGE}.model"]
    try:
        model = results.model(choice) if choice in shipped else own.get(choice)
    except ValueError as error:
        st.error(str(error), icon=":material/error:")
        choice = state.get(f"{PAGE}._last", first)
        model = results.model(choice) if choice in shipped else own.get(choice)
    state[f"{PAGE}._last"] = choice
    if model.corrector is not None:
        st.sidebar.toggle("Corrected ratio d_φ + d_λ", key=f"{PAGE}.corrector",
                          help="This generator borrows another GAN's critic d_φ; the corrector d_λ accounts "
                               "for the difference between the two generators.")  # fmt: skip
        if not state[f"{PAGE}.corrector"]:
            model = model.without_corrector()
    return model


def values_of(method) -> dict:
    """A method's settings as the session holds them."""
    return {name: state[f"{PAGE}.{method.name}.{name}"] for name in method.Settings.model_fields}


with st.sidebar:
    st.selectbox("Model", models, key=f"{PAGE}.model", format_func=models.get,
                 help="A generator, and the critic that refines its samples.")  # fmt: skip
    own.control(PAGE)
model = choose_model()
private = state[f"{PAGE}._last"] not in shipped
with st.sidebar:
    method = METHODS[
        st.selectbox("Method", METHODS, key=f"{PAGE}.method", format_func=lambda name: METHODS[name].title,
                     help="Which method moves the codes. All start from the same ones.")
    ]  # fmt: skip
    values = controls.method_settings(method, PAGE)
    until = controls.stopping_rule(method, model, PAGE)
    st.slider("n · samples", 4, MAX_SAMPLES, key=f"{PAGE}.n", help="How many pictures hang on the wall.",
              disabled=state[f"{PAGE}.view"] == "grid")  # fmt: skip
    st.number_input("Seed", 0, 2**31 - 1, key=f"{PAGE}.seed",
                    help="The same seed gives the same pictures and the same noise.")  # fmt: skip
settings = {
    "method": method.name, "space": "latent", "n": state[f"{PAGE}.n"], "seed": state[f"{PAGE}.seed"],
    **values, **({} if until == "steps" else {"until": until}),
}  # fmt: skip

rule, save = st.columns([5, 1], vertical_alignment="center")
rule.latex(method.update_rule(method.Settings.parse(values), "latent"))
head = st.container(horizontal=True, vertical_alignment="center")
with head:
    st.segmented_control("View", VIEWS, key=f"{PAGE}.view", required=True, format_func=VIEWS.get,
                         label_visibility="collapsed",
                         help="A wall of samples, or a row for every value of one setting.")  # fmt: skip
    if state[f"{PAGE}.view"] == "grid":
        choices = grid.over(method)
        if state[f"{PAGE}.over"] not in choices:
            state[f"{PAGE}.over"] = "method"
        st.segmented_control("A row for every", choices, key=f"{PAGE}.over", required=True,
                             format_func=grid.OVER.get, label_visibility="collapsed",
                             help="What differs between rows; all else is as in the sidebar.")  # fmt: skip
    else:
        presets.choose(PAGE, ALL)

rows = [grid.Row("", settings)]
if state[f"{PAGE}.view"] == "grid":
    others = {name: values_of(row) for name, row in METHODS.items() if stopping.applies(row)}
    rows = grid.rows(state[f"{PAGE}.over"], settings, model, others)
single = len(rows) == 1 and not rows[0].label

progress, sketch = st.container(), st.empty()


def draw(frame, row: grid.Row) -> None:
    """The samples as they come in, below the rows that are done, before the browser can play them."""
    columns = max(4, round(len(frame.samples) ** 0.5)) if single else len(frame.samples)
    shown = [*(run.samples[-1] for run in runs), frame.samples]
    sheets = [contact_sheet(samples, columns) for samples in shown]
    picture = np.concatenate(sheets).repeat(2, axis=0).repeat(2, axis=1)
    step = f"step {frame.step} of {row.settings.get('steps', frame.step)}"
    sketch.image(picture, caption=step if single else f"{row.label}, {step}")


runs = []
try:
    with progress:
        for row in rows:
            runs.append(
                results.image_run(model, row.settings, lambda frame, row=row: draw(frame, row), private)
            )
except ValueError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
sketch.empty()

for row, run in zip(rows, runs, strict=True):
    if run.message:
        st.warning(f"{row.label}: {run.message}" if row.label else run.message, icon=":material/warning:")
labels = None if single else [row.label for row in rows]
identity = results.key("wall", model.digest, [(run.settings, run.steps) for run in runs])


# The wall is shown before its map is ready: that takes a second or two, and is drawn in afterwards.
around = results.found(f"{identity} around", private)
packed = results.kept(
    f"{identity} {around is not None}", lambda: pack(model, runs, identity, labels, around), own=private
)
start = {theirs: state[f"{PAGE}.{ours}"] for theirs, ours in DISPLAY.items()}
view = wall(packed, f"{PAGE}.{state[f'{PAGE}.view']}", start)
for theirs, ours in DISPLAY.items():
    state[f"{PAGE}.{ours}"] = view[theirs]
shown = min(view["selected"], runs[0].n - 1)

with save:
    seen = Wall(
        tuple(runs), None if single else tuple(labels), rows=not single, order=state[f"{PAGE}.order"],
        step=view["step"] if view["step"] >= 0 else None, key=identity,
    )  # fmt: skip
    strip = {f"Sample {shown + 1} over the steps": replace(seen, sample=shown)} if single else {}
    export.popover({"All samples": seen} | strip if single else seen, PAGE)

if single and until != "steps":
    st.caption(
        f"By this rule a sample took {stopping.mean_steps(runs[0]):.1f} of {runs[0].steps} steps on average."
    )
quality = {} if private else model.config.get("quality", {})
if "base" in quality and band(model) is not None:
    base, refined = quality["base"]["fid"], quality["DGflow(KL)"]["fid"]
    st.caption(
        f"Over {quality['samples']:,} samples, {quality['DGflow(KL)'].get('steps', 25)} steps of DGflow (KL) "
        f"at η = 0.1 take the FID in "
        f"{quality['features']} (not Inception's: compare it only with itself) "
        f"from {base:.1f} to {refined:.1f}."
    )
caveat = method.caveat("latent", model.prior)
st.caption(f"{method.about} {caveat} {method.paper}.")

links.publish(PAGE, PARAMETERS | settings_of(method))

if around is None:

    def near():
        try:
            return surroundings(model.dataset, side_by_side(runs)[0])
        except ValueError as error:
            return str(error)

    results.kept(f"{identity} around", near, lambda _: 2**20, private)
    st.rerun()

"""The images page: a wall of samples that mends step by step."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

import dgflow_core as dg
from app import controls, export, links, presets, results
from app.wall import ORDERS, as_measured, pack, wall
from dgflow_core import zoo
from dgflow_core.data.images import contact_sheet

PAGE = "images"
MAX_SAMPLES, MAX_STEPS = 100, 200
#: Where images want other defaults than the plane: the paper's η; the noise
#: of Langevin sampling, without which the prior shrinks every code; a burn-in of seconds.
DEFAULTS = {"dgflow.eta": 0.1, "ddls.eta": 0.1, "ddls.noise_scale": 1.0, "drs.burn_in": 1000}
METHODS = {name: row for name, row in dg.methods.items() if "latent" in row.spaces and not row.planar}


def settings_of(method) -> dict[str, links.Parameter]:
    """A method's link parameters with this page's defaults."""
    own = links.settings(method)
    if f"{method.name}.steps" in own:
        steps = links.whole("steps", 25, 0, MAX_STEPS)
        own[f"{method.name}.steps"] = steps
    return {key: replace(row, default=DEFAULTS[key]) if key in DEFAULTS else row for key, row in own.items()}


models = [name for name in dg.models() if zoo.describe(name)["kind"] == "image"]
if not models:
    st.info("No image models are shipped; `python -m dgflow_core train fashion_mnist/sndcgan-ns` makes one.")
    st.stop()

PARAMETERS = {
    "model": links.choice("model", models, next((m for m in models if m.endswith("sndcgan-ns")), models[0])),
    "method": links.choice("method", METHODS, "dgflow"),
    "n": links.whole("n", 64, 4, MAX_SAMPLES),
    "seed": links.whole("seed", 0, 0, 2**31 - 1),
    "corrector": links.flag("corrector", True),
    "order": links.choice("order", ORDERS, "drawn"),
    "sample": links.whole("sample", 0, 0, MAX_SAMPLES - 1),
}
ALL = PARAMETERS | {k: v for method in METHODS.values() for k, v in settings_of(method).items()}

links.restore(PAGE, PARAMETERS)
links.restore(PAGE, settings_of(METHODS[st.session_state[f"{PAGE}.method"]]))
links.complaints(PAGE)
links.restore(PAGE, ALL)


def sidebar() -> tuple[dg.methods.Method, dg.Model, dict]:
    """Draw the controls; return the method, the model and the run's settings."""
    state = st.session_state
    with st.sidebar:
        st.selectbox("Model", models, key=f"{PAGE}.model", format_func=controls.model_title,
                     help="A generator, and the critic that refines its samples.")  # fmt: skip
        model = results.model(state[f"{PAGE}.model"])
        if model.corrector is not None:
            st.toggle("Corrected ratio d_φ + d_λ", key=f"{PAGE}.corrector",
                      help="This generator borrows another GAN's critic d_φ; the corrector d_λ accounts "
                           "for the difference between the two generators.")  # fmt: skip
            if not state[f"{PAGE}.corrector"]:
                model = model.without_corrector()
        method = METHODS[
            st.selectbox("Method", METHODS, key=f"{PAGE}.method",
                         format_func=lambda name: METHODS[name].title,
                         help="Which method moves the codes. All start from the same ones.")
        ]  # fmt: skip
        values = controls.method_settings(method, PAGE)
        st.slider("n · samples", 4, MAX_SAMPLES, key=f"{PAGE}.n", help="How many pictures hang on the wall.")
        st.number_input("Seed", 0, 2**31 - 1, key=f"{PAGE}.seed",
                        help="The same seed gives the same pictures and the same noise.")  # fmt: skip
    return method, model, {
        "method": method.name, "space": "latent", "n": state[f"{PAGE}.n"], "seed": state[f"{PAGE}.seed"],
        **values,
    }  # fmt: skip


method, model, settings = sidebar()
rule, save = st.columns([5, 1], vertical_alignment="center")
values = {name: settings[name] for name in method.Settings.model_fields}
rule.latex(method.update_rule(method.Settings.parse(values), "latent"))
presets.choose(PAGE, ALL)

progress, sketch = st.container(), st.empty()


def draw(frame) -> None:
    """The wall as it comes in, before the browser can play it."""
    columns = max(4, round(len(frame.samples) ** 0.5))
    picture = contact_sheet(frame.samples, columns).repeat_interleave(2, 0).repeat_interleave(2, 1)
    sketch.image(picture.numpy(), caption=f"step {frame.step} of {settings['steps']}")


try:
    with progress:
        trajectory = results.image_run(model, settings, draw)
except ValueError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()
sketch.empty()

if trajectory.message:
    st.warning(trajectory.message, icon=":material/warning:")
identity = results.key("wall", model.digest, trajectory.settings, trajectory.steps)
packed = results.kept(identity, lambda: pack(model, trajectory, identity))
order, sample = wall(packed, PAGE, st.session_state[f"{PAGE}.order"], st.session_state[f"{PAGE}.sample"])
st.session_state[f"{PAGE}.order"], st.session_state[f"{PAGE}.sample"] = order, sample

with save:
    export.popover([trajectory], model, key=PAGE)

quality = model.config.get("quality", {})
if "base" in quality and as_measured(model):
    base, refined = quality["base"]["fid"], quality["DGflow(KL)"]["fid"]
    st.caption(
        f"Over {quality['samples']:,} samples, 25 steps of DGflow (KL) take the FID in "
        f"{quality['features']} (not Inception's: compare it only with itself) "
        f"from {base:.1f} to {refined:.1f}."
    )
caveat = method.caveat("latent", model.prior)
st.caption(f"{method.about} {caveat} {method.paper}.")

links.publish(PAGE, PARAMETERS | settings_of(method))

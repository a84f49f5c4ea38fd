"""The text page: strings of a character-level GAN mend step by step."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import controls, export, links, presets, results, slots
from app.components import ORDERS, READER_VIEWS, reader
from app.reader import pack
from dgflow_core.flow.latent_walk import walk_through
from dgflow_core.kinds.text import transcript
from dgflow_core.kinds.text.corpus import LENGTH, MAX_PASTE, UNKNOWN, paste
from dgflow_core.kinds.text.metrics import NGRAMS, Reference, reference
from dgflow_core.pictures.text_list import Listing
from dgflow_core.zoo import shelf

PAGE = "text"
MAX_STRINGS, MAX_STEPS = 100, 300
JUDGED = 1000  # strings of a pasted text that the critic is asked about
#: Everything runs on codes. The paper's η and γ for text; Langevin's noise, without which the prior
#: shrinks every code; a burn-in of seconds.
GROUND = slots.Ground(
    tuple(name for name, row in dg.methods.items() if "latent" in row.spaces and not row.planar),
    ("latent",),
    {
        "dgflow.eta": 0.1, "dgflow.gamma": 0.0, "dgflow.steps": 50, "dot.steps": 50, "ddls.eta": 0.1,
        "ddls.noise_scale": 1.0, "drs.burn_in": 1000, "drs.steps": 50, "mhgan.steps": 50, "mala.steps": 50,
    },
)  # fmt: skip
PANELS = ("dgflow;latent", "dot;latent", "ddls;latent", "dgflow;latent;divergence=JS")
NAMES = tuple(f"p{number}" for number in range(1, len(PANELS) + 1))

models = [name for name in dg.models() if shelf.describe(name)["kind"] == "text"]
if not models:
    st.info("No text model is shipped; `python -m dgflow_core train billion_words/wgan-gp` makes one.")
    st.stop()

RUN = {
    "model": links.choice("model", models, models[0]),
    "panels": links.whole("panels", 1, 1, len(PANELS)),
    "n": links.whole("n", 64, 4, MAX_STRINGS),
    "seed": links.whole("seed", 0, 0, 2**31 - 1),
    "walk": links.flag("walk", False),
    "first": links.whole("first", 1, 1, MAX_STRINGS),
    "last": links.whole("last", 2, 1, MAX_STRINGS),
} | {name: slots.parameter(text, GROUND) for name, text in zip(NAMES, PANELS, strict=True)}
SHOWN = {
    "view": links.choice("view", READER_VIEWS, "confidence"),
    "order": links.choice("order", ORDERS, "drawn"),
    "selected": links.whole("selected", 0, 0, MAX_STRINGS - 1),
    "step": links.whole("step", None, 0, MAX_STEPS),
}

links.restore(PAGE, RUN | SHOWN)
links.complaints(PAGE)
state = st.session_state


def sidebar() -> tuple[dg.Model, list[slots.Slot]]:
    """Draw the controls; return the model and what each panel runs."""
    with st.sidebar:
        st.selectbox("Model", models, key=f"{PAGE}.model", format_func=controls.model_title,
                     help="A generator of strings, and the critic that refines them.")  # fmt: skip
        count = st.segmented_control(
            "Panels", range(1, len(PANELS) + 1), key=f"{PAGE}.panels", required=True,
            help="How many methods stand side by side, on the same codes.",
        )  # fmt: skip
        shown = [slots.control(PAGE, name, number, GROUND) for number, name in enumerate(NAMES[:count], 1)]
        st.slider("n · strings", 4, MAX_STRINGS, key=f"{PAGE}.n", help="How many strings are refined.")
        st.number_input("Seed", 0, 2**31 - 1, key=f"{PAGE}.seed",
                        help="The same seed gives the same strings and the same noise.")  # fmt: skip
        with st.expander("Latent walk", expanded=state[f"{PAGE}.walk"]):
            st.toggle("Walk between two strings", key=f"{PAGE}.walk",
                      help="Below the list: the strings on the way from one code to another.")  # fmt: skip
            for name, label in (("first", "From string"), ("last", "To string")):
                state[f"{PAGE}.{name}"] = min(state[f"{PAGE}.{name}"], state[f"{PAGE}.n"])
                st.number_input(label, 1, state[f"{PAGE}.n"], key=f"{PAGE}.{name}",
                                help="A number from the list.")  # fmt: skip
    return results.model(state[f"{PAGE}.model"]), shown


def run(model: dg.Model, slot: slots.Slot, sketch) -> transcript.Transcript:
    """A panel's run, its strings shown as they come.

    Raises:
        ValueError: a setting is wrong, or over the server's limits.
    """
    settings = slot.run(state[f"{PAGE}.n"], state[f"{PAGE}.seed"])
    if settings["steps"] > MAX_STEPS:
        raise ValueError(f"steps must be at most {MAX_STEPS} here, not {settings['steps']:,}.")

    def draw(frame) -> None:
        rows = model.decode(frame.samples)
        sketch.code("\n".join(rows), language=None, height=420)

    return results.text_run(model, settings, draw)


@st.fragment
def own_text(model: dg.Model, run: transcript.Transcript, title: str, against: Reference) -> None:
    """Hold somebody's own text against the held-out strings, beside the refined ones."""
    with st.expander("Compare with a text of your own"):
        text = st.text_area(
            "Your text", key=f"{PAGE}._paste", height=110,
            placeholder=f"Paste at least {LENGTH} characters of English.",
            help=f"At most {MAX_PASTE:,} characters; those that the model does not know become {UNKNOWN}. "
                 "The corpus sets punctuation apart by spaces, as in “the mat , and”.",
        )  # fmt: skip
        if not text:
            return
        try:
            strings, replaced = paste(text, run.alphabet)
        except ValueError as error:
            st.error(str(error), icon=":material/error:")
            return
        if replaced:
            st.info(f"{replaced:,} characters that the model does not know became {UNKNOWN}.")
        logits = transcript.judge(model, strings[:JUDGED])
        rows = []
        for name, count, scores, logit in (
            ("Your text", len(strings), against.score(strings), float(logits.mean())),
            (f"{title}, last step", run.n, against.score(run.strings(-1)), float(run.logits[-1].mean())),
        ):
            row = {"What": name, "Strings": count}
            for n in NGRAMS:
                row |= {f"JS-{n}": scores[f"js{n}"], f"JS-{n} of as many real": against.real(n, count)}
            rows.append(row | {"Known words, %": scores["words"], "Mean logit": logit})
        st.dataframe(rows, hide_index=True, width="stretch", column_config={
            name: st.column_config.NumberColumn(format="%.3f" if name.startswith("JS") else "%.2f")
            for name in rows[0] if name not in ("What", "Strings")
        })  # fmt: skip
        st.dataframe(
            {"String": strings[:JUDGED], "Logit d": logits.tolist()}, height=230, width="stretch",
            column_config={"Logit d": st.column_config.NumberColumn(format="%.2f")},
        )  # fmt: skip


model, panels = sidebar()
head, save = st.columns([5, 1], vertical_alignment="center")
with head:
    if len(panels) == 1 and panels[0].method != slots.BASE:
        method = dg.methods[panels[0].method]
        st.latex(method.update_rule(method.Settings.parse(dict(panels[0].settings)), "latent"))
    presets.choose(PAGE, RUN)
links.publish(PAGE, RUN | SHOWN)

progress, sketch = st.container(), st.empty()
try:
    against = reference(model.dataset)
    with progress:
        runs = [run(model, slot, sketch) for slot in panels]
except ValueError as error:
    sketch.empty()
    st.error(str(error), icon=":material/error:")
    st.stop()
sketch.empty()
titles = [slot.title for slot in panels]
for title, made in zip(titles, runs, strict=True):
    if made.message:
        st.warning(f"{title}: {made.message}", icon=":material/warning:")

start = {name: state[f"{PAGE}.{name}"] for name in SHOWN}
for name, value in reader(pack(runs, titles, against), PAGE, start).items():
    state[f"{PAGE}.{name}"] = value

if state[f"{PAGE}.walk"]:
    ends = state[f"{PAGE}.first"] - 1, state[f"{PAGE}.last"] - 1
    walk_key = results.key("walk", model.digest, runs[0].settings, runs[0].steps, ends)
    walked = results.kept(walk_key, lambda: walk_through(model, runs[0], *ends), lambda made: made.nbytes)
    reader(pack([walked], titles[:1], against, ends), f"{PAGE}._walk", start)

with save:
    seen = {name: state[f"{PAGE}.{name}"] for name in SHOWN}
    name = results.key(titles, [(run.settings, run.provenance, run.steps) for run in runs])
    export.popover(Listing(tuple(runs), tuple(titles), model, key=name, **seen), PAGE)

own_text(model, runs[0], titles[0], against)
st.caption(
    f"JS-n: Jensen–Shannon divergence, in bits, between the n-grams of these {runs[0].n} strings and of "
    f"{len(against.strings):,} held-out ones. Few strings never reach 0: the dashed line says what as many "
    f"real ones score. Corpus: {against.source}. {model.config.get('note', '')}"
)
for slot in panels:
    if slot.method != slots.BASE:
        method = dg.methods[slot.method]
        st.caption(
            f"**{method.title}**: {method.about} {method.caveat('latent', model.prior)} {method.paper}."
        )

links.publish(PAGE, RUN | SHOWN)

"""Somebody's own text held against the held-out strings, beside the refined ones."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import jobs
from app.failures import calm
from dgflow_core.kinds.text import transcript
from dgflow_core.kinds.text.corpus import LENGTH, MAX_PASTE, UNKNOWN, paste
from dgflow_core.kinds.text.metrics import NGRAMS, Reference

JUDGED = 1000  # strings of a pasted text that the critic is asked about


@st.fragment
@calm("own text")
def own_text(page: str, model: dg.Model, run: transcript.Transcript, title: str, against: Reference) -> None:
    """Draw the place to paste a text, and how it scores beside the last step of ``run``."""
    with st.expander("Compare with a text of your own"):
        text = st.text_area(
            "Your text",
            key=f"{page}._paste",
            height=110,
            placeholder=f"Paste at least {LENGTH} characters of English.",
            help=f"At most {MAX_PASTE:,} characters; those that the model does not know become {UNKNOWN}. "
            "The corpus sets punctuation apart by spaces, as in “the mat , and”.",
        )
        if not text:
            return
        strings, replaced = paste(text, run.alphabet)
        if replaced:
            st.info(f"{replaced:,} characters that the model does not know became {UNKNOWN}.")
        with jobs.place(jobs.Rank.SHORT):
            logits = transcript.judge(model, strings[:JUDGED])
            rows = [
                _scores("Your text", strings, float(logits.mean()), against),
                _scores(f"{title}, last step", run.strings(-1), float(run.logits[-1].mean()), against),
            ]
        st.dataframe(
            rows,
            hide_index=True,
            width="stretch",
            column_config={
                name: st.column_config.NumberColumn(format="%.3f" if name.startswith("JS") else "%.2f")
                for name in rows[0]
                if name not in ("What", "Strings")
            },
        )
        st.dataframe(
            {"String": strings[:JUDGED], "Logit d": logits.tolist()},
            height=230,
            width="stretch",
            column_config={"Logit d": st.column_config.NumberColumn(format="%.2f")},
        )


def _scores(what: str, strings: list[str], logit: float, against: Reference) -> dict[str, str | float]:
    scores, row = against.score(strings), {"What": what, "Strings": len(strings)}
    for n in NGRAMS:
        row |= {f"JS-{n}": scores[f"js{n}"], f"JS-{n} of as many real": against.real(n, len(strings))}
    return row | {"Known words, %": scores["words"], "Mean logit": logit}

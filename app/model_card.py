"""The card about a model of one's own: what was found, each in a sentence, with a button that mends it."""

from __future__ import annotations

import streamlit as st

import dgflow_core as dg
from app import results, uploads
from app.escape import plain
from dgflow_core.errors import UserError
from dgflow_core.zoo.examine import Findings
from dgflow_core.zoo.finding import Finding

ICONS = {
    "error": ":red[:material/error:]", "warning": ":orange[:material/warning:]",
    "note": ":blue[:material/info:]", "done": ":green[:material/check_circle:]",
}  # fmt: skip


def chosen(choice: str, fallback: str) -> tuple[str, dg.Model]:
    """The model behind a choice, and its name.

    Where it cannot be loaded, that is said, and it is the one this session had before, or the ``fallback``.
    """
    state = st.session_state
    try:
        model = results.model(choice)
    except UserError as error:
        st.error(plain(str(error)), icon=":material/error:")
        choice = state.get(f"_last {fallback}", fallback)
        model = results.model(choice)
    state[f"_last {fallback}"] = choice
    return choice, model


def card(choice: str, model: dg.Model) -> None:
    """What ``dg.examine`` found about one's own ``model``, looked for once a session, with remedies.

    Of one that ships there is nothing to say.
    """
    if not uploads.private(choice) and "found" not in model.config:
        return
    findings = results.kept(f"{model.digest} examined", lambda: _examined(model), lambda _: 2**16, own=True)
    mended = st.session_state.get("_mended", {}).get(choice)
    grave = [finding for finding in findings if finding.severity in ("error", "warning")]
    with st.container(border=True, key=f"card {choice}"):
        head = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
        head.markdown("**What we found about your model**")
        if mended:
            head.button("Undo", icon=":material/undo:", key=f"undo {choice}", on_click=uploads.unmend,
            args=(choice,),
                        help="Take back the last thing that was changed.")  # fmt: skip
        for number, finding in enumerate(findings):
            _line(choice, number, finding)
        if not grave:
            done = " any more" if mended else ""
            st.markdown(f"{ICONS['done']} Nothing stands in the way{done}.")
        if "seconds" in findings.facts:
            st.caption(_facts(findings))


def _examined(model: dg.Model) -> Findings:
    with st.spinner("Looking at your model: a few hundred samples go through it…"):
        return dg.examine(model)


def _line(choice: str, number: int, finding: Finding) -> None:
    row = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    row.markdown(f"{ICONS[finding.severity]} {plain(str(finding))}", width="stretch")
    if finding.remedy:
        row.button(finding.button, key=f"mend {choice} {number} {finding.key}", on_click=_mend,
        args=(choice, finding),
                   type="primary" if finding.severity == "error" else "secondary")  # fmt: skip


def _mend(choice: str, finding: Finding) -> None:
    try:
        uploads.mend(choice, finding.mended(results.model(choice)))
    except UserError as error:
        st.toast(plain(str(error)), icon=":material/error:")


def _facts(findings: Findings) -> str:
    facts = findings.facts
    words = [f"{facts['samples']:,} samples looked at"]
    if "real samples from" in facts:
        words.append(f"{facts['real']:,} real ones from {facts['real samples from']}")
    if "logit" in facts:
        words.append(f"logit {facts['logit']:+.2f} at the median")
    words.append(f"64 samples × 25 steps take about {max(float(facts['seconds']), 0.1):.1f} s here")
    return " · ".join(words) + "."

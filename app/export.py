"""Save what is on screen: animations, pictures, and the run itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

import dgflow_core as dg
from app import results
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.text.transcript import Transcript

MEDIA = {
    "gif": "image/gif", "mp4": "video/mp4", "png": "image/png", "svg": "image/svg+xml",
    "html": "text/html", "npz": "application/octet-stream", "json": "application/json", "csv": "text/csv",
}  # fmt: skip
ANIMATED, DRAWN, DATA = ("gif", "mp4"), ("gif", "mp4", "png", "svg"), ("npz", "json", "csv")
LAYERS = ("map", "arrows", "real", "base", "refined", "paths")


@st.fragment
def popover(
    runs: list[Trajectory | Transcript],
    model: dg.Model,
    key: str,
    titles: list[str] | None = None,
    formats: tuple[str, ...] = tuple(form for form in MEDIA if form != "csv"),
    map: str = "logit",
    sample: int | None = None,
    rows: bool = False,
) -> None:
    """A button that opens the export choices for a run, or for several side by side.

    Of images, ``sample`` offers that one's strip beside the wall, and ``rows`` draws runs as a grid.
    A fragment: choosing and making a file leaves the rest of the page as it is.
    """
    with st.popover("Export", icon=":material/download:", width="stretch",
                    help="Save the animation, a picture, or the run itself."):  # fmt: skip
        form = st.selectbox("Format", formats, key=f"{key}._format",
                            format_func=lambda form: f"{form.upper()} · {dg.export.FORMATS[form]}",
                            help="GIF and MP4 hold one frame a step, from base to refined.")  # fmt: skip
        options = _options(form, key) | ({"map": map} if model.kind == "2d" else {})
        if form in DRAWN and model.kind == "2d":
            options["layers"] = st.pills(
                "Layers", LAYERS, selection_mode="multi", default=LAYERS[:-1], key=f"{key}._layers",
                format_func=str.capitalize, help="What the picture shows.",
            )  # fmt: skip
        if form in DRAWN and sample is not None:
            what = st.segmented_control(
                "What", ("wall", "strip"), default="wall", required=True, key=f"{key}._what",
                format_func={"wall": "All samples", "strip": f"Sample {sample + 1} over the steps"}.get,
                help="The whole wall, or the selected sample as in the paper's Figure 3.",
            )  # fmt: skip
            options |= {"sample": sample} if what == "strip" else {}
        if rows:
            options["rows"] = True
        name = results.key(form, options, titles, [(run.settings, run.provenance, run.steps) for run in runs])
        made = None
        if form in DATA and not (form == "npz" and model.kind == "text"):  # its samples are made anew
            made = _make(runs, model, form, {"titles": titles}, None)
        elif st.button("Make the file", type="primary", key=f"{key}._make", width="stretch",
                       help="Draws every frame; the download appears when it is done."):  # fmt: skip
            bar = st.progress(0.0, "Drawing…")

            def show(done: int, total: int) -> None:
                bar.progress(done / total, f"Frame {done} of {total}")

            try:
                made = _make(runs, model, form, options | {"titles": titles}, show)
                st.session_state[f"{key}._made"] = (name, made)
            except ValueError as error:
                st.error(str(error), icon=":material/error:")
            bar.empty()
        else:
            kept, data = st.session_state.get(f"{key}._made", ("", None))
            made = data if kept == name else None
        if made is not None:
            label, file = f"Download · {len(made) / 2**20:.1f} MB", dg.export.filename(runs[0], form)
            st.download_button(
                label, made, file, MEDIA[form], key=f"{key}._download", on_click="ignore", width="stretch",
                icon=":material/save:", help="The file's name says what is in it.",
            )  # fmt: skip


def _options(form: str, key: str) -> dict:
    options = {}
    if form in DRAWN:
        options["size"] = st.select_slider(
            "Height · pixels", (360, 480, 640, 800, 1080), 640, key=f"{key}._size",
            help="Larger pictures take longer to make and to send.",
        )  # fmt: skip
        options["dark"] = st.toggle("Dark", key=f"{key}._dark", help="Light lines on a dark ground.")
    if form in ANIMATED:
        options["fps"] = st.slider("Steps per second", 5, 30, 20, key=f"{key}._fps",
                                   help="How fast the steps follow each other.")  # fmt: skip
    return options


def _make(runs, model: dg.Model, form: str, options: dict, progress: Callable | None) -> bytes:
    what = runs[0] if len(runs) == 1 else runs
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"run.{form}"
        dg.export.write(what, path, model=model, progress=progress, **options)
        return path.read_bytes()

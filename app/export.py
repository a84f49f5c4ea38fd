"""Save what is on screen: pictures, animations, and the run itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

import dgflow_core as dg
from app import results
from dgflow_core.trajectory import Trajectory

#: suffix → (what it is, media type, has a frame rate, has a size)
FORMATS = {
    "gif": ("Animated GIF", "image/gif", True, True),
    "mp4": ("MP4 video", "video/mp4", True, True),
    "png": ("PNG picture of the last step", "image/png", False, True),
    "svg": ("SVG picture of the last step", "image/svg+xml", False, True),
    "html": ("Web page that plays offline", "text/html", False, False),
    "npz": ("The run (NumPy .npz)", "application/octet-stream", False, False),
    "json": ("The settings (JSON)", "application/json", False, False),
}


@st.fragment
def popover(
    trajectory: Trajectory | list[Trajectory], model: dg.Model, key: str, titles: list[str] | None = None
) -> None:
    """A button that opens the export choices for a run, or for several side by side."""
    with st.popover("Export", icon=":material/download:", width="stretch",
                    help="Save the animation, a picture, or the run itself."):  # fmt: skip
        form = st.selectbox("Format", FORMATS, key=f"{key}._format", format_func=lambda f: FORMATS[f][0],
                            help="GIF and MP4 hold one frame a step, from base to refined.")  # fmt: skip
        _, media, has_rate, has_size = FORMATS[form]
        options = {}
        if has_size:
            options["size"] = st.select_slider(
                "Height, pixels", (360, 480, 640, 800, 1080), 640, key=f"{key}._size",
                help="Larger pictures take longer to make and to send.",
            )  # fmt: skip
            options["dark"] = st.toggle("Dark", key=f"{key}._dark", help="Light lines on a dark ground.")
        if has_rate:
            options["fps"] = st.slider("Frames per second", 5, 30, 20, key=f"{key}._fps",
                                       help="How fast the steps follow each other.")  # fmt: skip
        several = isinstance(trajectory, list)
        first = trajectory[0] if several else trajectory
        name = results.key(
            "export",
            form,
            options,
            [t.settings | t.provenance for t in ([first] if not several else trajectory)],
        )
        if form in ("npz", "json") and not several:
            made = (_bytes(trajectory, model, form, {}, None),)
        elif st.button("Make the file", type="primary", key=f"{key}._make", width="stretch",
                       help="Draws every frame; the download button appears when it is done."):  # fmt: skip
            bar = st.progress(0.0, "Drawing…")
            show = lambda done, total: bar.progress(done / total, f"Frame {done} of {total}")  # noqa: E731
            if titles:
                options = options | {"titles": titles}
            made = (_bytes(trajectory, model, form, options, show),)
            bar.empty()
            st.session_state[f"{key}._made"] = (name, made[0])
        else:
            kept = st.session_state.get(f"{key}._made", ("", b""))
            made = (kept[1],) if kept[0] == name else ()
        if made:
            st.download_button(
                f"Download ({len(made[0]) / 2**20:.1f} MB)", made[0], dg.export.filename(first, form), media,
                key=f"{key}._download", on_click="ignore", width="stretch", icon=":material/save:",
                help="The file's name says what is in it.",
            )  # fmt: skip


def _bytes(trajectory, model, form: str, options: dict, progress) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"run.{form}"
        if form == "npz":
            trajectory.save(path)
        elif form == "json":
            path.write_text(dg.export.settings_json(trajectory))
        else:
            write = getattr(dg.export, form)
            if progress:
                options = options | {"progress": progress}
            write(trajectory, path, model=model, **options)
        return path.read_bytes()

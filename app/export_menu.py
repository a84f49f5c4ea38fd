"""Save what is on screen: animations, pictures, and the runs themselves."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

import dgflow_core as dg
from app import jobs, limits, results
from app.jobs import Rank
from app.words import say
from dgflow_core.errors import UserError
from dgflow_core.pictures import formats
from dgflow_core.pictures.picture import Picture
from dgflow_core.pictures.scene import LAYERS, Scene
from dgflow_core.pictures.sheet import Look

HEIGHTS = (360, 480, 640, 800, 1080)
#: What may stand in a popover beside the whole picture: words → how the picture is changed.
Views = dict[str, Picture]


@st.fragment
def popover(shown: Picture | Views, key: str) -> None:
    """A button that opens the export choices for what is on screen.

    ``shown`` is the very picture, or several to choose from by name. Nothing is drawn or written until it
    is asked for, and the choices are sent once it is open. A fragment: all this leaves the page as it is.
    """
    place = st.popover(say("Export"), icon=":material/download:", key=f"{key}._export", on_change="rerun",
                       help=say("Save the animation, a picture, or the run itself."))  # fmt: skip
    if place.open:
        with place:
            _choices(shown, key)
    else:
        _keep(key)


def _keep(key: str) -> None:
    """Streamlit forgets the value of what is not drawn: while the choices are closed they are said anew."""
    for name in ("format", "size", "dark", "fps"):
        name = f"{key}._{name}"
        if name in st.session_state:
            st.session_state[name] = st.session_state[name]


def _choices(shown: Picture | Views, key: str) -> None:
    """What to save and how, the button that makes the file, and the file."""
    picture = _which(shown, key)
    offered = formats.of(picture)
    if st.session_state.get(f"{key}._format") not in offered:
        st.session_state.pop(f"{key}._format", None)
    name = st.selectbox(say("Format"), offered, key=f"{key}._format",
                        format_func=lambda name: f"{name.upper()} · {say(offered[name].title)}",
                        help=say("GIF and MP4 hold one frame a step, from base to refined."))  # fmt: skip
    form = offered[name]
    options = {option: OPTIONS[option](picture, key) for option in form.options if option in OPTIONS}
    options = {option: value for option, value in options.items() if value is not None}
    identity = results.key(name, options, type(picture).__name__, picture.key, _seen(picture))
    if st.button(say("Make the file"), type="primary", key=f"{key}._make", width="stretch",
                 help=say("Writes the file; the download appears when it is done.")):  # fmt: skip
        made = _wait(picture, form, options)
        if made is not None:
            st.session_state[f"{key}._made"] = (identity, made)
    kept, made = st.session_state.get(f"{key}._made", ("", None))
    if kept != identity:  # another choice: what was made before is not wanted any more
        st.session_state.pop(f"{key}._made", None)
    elif made is not None:
        st.download_button(
            say("Download · {size} MB", size=f"{len(made) / 2**20:.1f}"), made,
            dg.export.filename(picture, name), form.media,
            key=f"{key}._download", on_click="ignore", width="stretch", icon=":material/save:",
            help=say("The file's name says what is in it."),
        )  # fmt: skip


def _wait(picture: Picture, form: formats.Format, options: dict[str, Any]) -> bytes | None:
    """The file's bytes, its price looked at before it waits in line; None where it is too high."""
    try:
        look = Look(**options)
        limits.check_export(picture, form, look)
    except UserError as error:
        st.error(str(error), icon=":material/error:")
        return None
    bar = st.progress(0.0, say("Drawing…"))

    def show(done: int, total: int) -> None:
        jobs.look()
        bar.progress(done / total, say("Frame {done} of {total}", done=done, total=total))

    with jobs.place(Rank.LONG, bar.progress):
        made = _make(picture, form, look, show)
    bar.empty()
    return made


def _which(shown: Picture | Views, key: str) -> Picture:
    if not isinstance(shown, dict):
        return shown
    what = st.segmented_control(say("What"), shown, format_func=say, default=next(iter(shown)),
                                required=True, key=f"{key}._what",
                                help=say("The whole picture, or a part of it."))  # fmt: skip
    return shown[what]


def _seen(picture: Picture) -> list[Any]:
    """What a person changed on screen since the picture was composed."""
    return [getattr(picture, name, None) for name in ("order", "sample", "selected", "view", "rows", "step")]


def _make(picture: Picture, form: formats.Format, look: Look, progress: Callable) -> bytes | None:
    """The file's bytes; None where it went wrong, which is then said."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"picture.{form.suffix}"
            dg.export.save(picture, path, form, look, formats.Watch(progress))
            return path.read_bytes()
    except UserError as error:
        st.error(str(error), icon=":material/error:")
    except OSError as error:
        logging.getLogger("dgflow").exception("An export found no room for its file")
        st.error(f"The file could not be written here: {error.strerror or error}.", icon=":material/error:")
    return None


def _size(picture: Picture, key: str) -> int:
    st.session_state.setdefault(f"{key}._size", 640)
    return st.select_slider(say("Height · pixels"), HEIGHTS, key=f"{key}._size",
                            help=say("Larger pictures take longer to make and to send."))  # fmt: skip


def _dark(picture: Picture, key: str) -> bool:
    return st.toggle(say("Dark"), key=f"{key}._dark", help=say("Light lines on a dark ground."))


def _fps(picture: Picture, key: str) -> int:
    st.session_state.setdefault(f"{key}._fps", 20)
    return st.slider(say("Steps per second"), 5, 30, key=f"{key}._fps",
                     help=say("How fast the steps follow each other."))  # fmt: skip


def _layers(picture: Picture, key: str) -> list[str] | None:
    if not isinstance(picture, Scene):
        return None
    return st.pills(say("Layers"), LAYERS, selection_mode="multi", default=picture.layers,
                    key=f"{key}._layers", format_func=lambda name: say(name.capitalize()),
                    help=say("What the picture shows."))  # fmt: skip


def _step(picture: Picture, key: str) -> int | None:
    if not picture.steps:
        return None
    at = Look().at(picture)
    return st.slider(say("Step"), 0, picture.steps, at, key=f"{key}._step {picture.steps} {at}",
                     help=say("Which step the picture shows."))  # fmt: skip


#: The control of each option that a format may heed; a format's other options keep their defaults.
OPTIONS = {"size": _size, "dark": _dark, "layers": _layers, "fps": _fps, "step": _step}

"""A model of one's own: from the folder that the server's owner names, or handed in as two files.

It stays in the session of the person who chose it; nobody else's page can see it.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

import dgflow_core as dg
from app import results
from app.escape import plain, short
from app.failures import calmly
from dgflow_core.errors import UserError
from dgflow_core.zoo import shelf

#: The environment variable that names a folder of models; each is a folder in it.
FOLDER = "DGFLOW_MODELS"
#: The most that the two files may hold together, in bytes (.streamlit/config.toml: one file, in MB).
LIMIT = 64 * 2**20
OWN = "own/"
UPLOADED = f"{OWN}upload"


def choices() -> dict[str, str]:
    """What this session may choose beside the shipped models: key → title."""
    found = {key: f"Folder · {short(path.name)}" for key, path in _folders().items()}
    model = st.session_state.get("_uploaded")
    return found if model is None else {UPLOADED: f"Yours · {short(model.title)}", **found}


def get(choice: str) -> dg.Model:
    """The model behind a choice, loaded once a session (a folder anew when its weights change).

    Raises:
        UserError: it is not a model of images, or damaged; one sentence.
    """
    if choice == UPLOADED:
        return st.session_state["_uploaded"]
    folder = _folders()[choice]
    loaded = st.session_state.setdefault("_folders", {})
    changed = tuple(
        path.stat().st_mtime_ns for path in (folder / shelf.CONFIG, folder / shelf.WEIGHTS) if path.exists()
    )
    if loaded.get(choice, (None, None))[0] != changed:
        loaded[choice] = changed, _images(dg.load(folder))
    return loaded[choice][1]


def chosen(choice: str, fallback: str) -> tuple[str, dg.Model]:
    """The model behind a choice, shipped or not, and its name.

    Where it cannot be loaded, that is said, and it is the one this session had before, or the ``fallback``.
    """
    state = st.session_state
    try:
        model = get(choice) if choice.startswith(OWN) else results.model(choice)
    except UserError as error:
        st.error(plain(str(error)), icon=":material/error:")
        choice = state.get("_last_model", fallback)
        model = get(choice) if choice.startswith(OWN) else results.model(choice)
    state["_last_model"] = choice
    return choice, model


def control(page: str) -> None:
    """The place to hand in a model; a good one is chosen at once, a bad one gets its sentence."""
    words = "Refine the samples of your own generator with your own critic."
    with st.popover("Your own model", icon=":material/upload_file:", width="stretch", help=words):
        st.file_uploader(
            f"{shelf.CONFIG} and {shelf.WEIGHTS}",
            ["json", "safetensors"],
            accept_multiple_files=True,
            key=f"{page}._files",
            on_change=_take,
            args=(page,),
            max_upload_size=LIMIT // 2**20,
            help="As dg.save writes them, for one of the explorer's architectures. They are read as plain "
            f"numbers, {LIMIT // 2**20} MB at most, and stay in this session.",
        )
        problem = st.session_state.get(f"{page}._problem")
        if problem:
            st.error(plain(problem), icon=":material/error:")
        elif "_uploaded" in st.session_state:
            title = plain(short(st.session_state["_uploaded"].title))
            st.success(f"In use: {title}", icon=":material/check:")


def _folders() -> dict[str, Path]:
    root = os.environ.get(FOLDER)
    if root is None or not Path(root).is_dir():
        return {}
    return {
        f"{OWN}{path.name}": path
        for path in sorted(Path(root).iterdir())
        if (path / shelf.CONFIG).is_file() and path.name != UPLOADED.removeprefix(OWN) and _readable(path)
    }


def _readable(path: Path) -> bool:
    """Whether the name is text, as a browser must have it; a name of stray bytes is passed over."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _take(page: str) -> None:
    """Read what was handed in, before the page is drawn again; what was chosen stays where it is bad."""
    state = st.session_state
    files = {file.name.rsplit(".", 1)[-1].lower(): file for file in state[f"{page}._files"] or ()}
    state[f"{page}._problem"] = ""
    if not files:
        return
    try:
        if sum(file.size for file in state[f"{page}._files"]) > LIMIT:
            raise UserError(f"The files must hold at most {LIMIT // 2**20} MB together.")
        if set(files) != {"json", "safetensors"}:
            raise UserError(f"A model is two files: {shelf.CONFIG} and {shelf.WEIGHTS}.")
        config, weights = (files[kind].getvalue() for kind in ("json", "safetensors"))
        state["_uploaded"] = _images(shelf.assemble(config, weights, "upload"))
        state[f"{page}.model"] = UPLOADED
    except UserError as error:
        state[f"{page}._problem"] = str(error)
    except Exception:
        state[f"{page}._problem"] = calmly(f"{page}, upload")


def _images(model: dg.Model) -> dg.Model:
    if model.kind != "image":
        raise UserError(f"model {model.name!r} must make images here, not be of kind {model.kind!r}.")
    return model

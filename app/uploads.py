"""A model of one's own: from the folder that the server's owner names, or handed in as files of weights.

It stays in the session of the person who chose it; nobody else's page can see it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

import dgflow_core as dg
from app import jobs, results
from app.escape import plain, short
from app.failures import calmly
from dgflow_core.errors import UserError
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.zoo import shelf
from dgflow_core.zoo.finding import Finding
from dgflow_core.zoo.importers import load_files
from dgflow_core.zoo.importers.checkpoint import about
from dgflow_core.zoo.shapes import MAX_SIDE

#: The environment variable that names a folder of models; each is a folder in it.
FOLDER = "DGFLOW_MODELS"
#: The most that the files may hold together, in bytes (.streamlit/config.toml: one file, in MB).
LIMIT = 64 * 2**20
#: Files of weights, by their endings; what they are shows in their content.
WEIGHTS = (".pth", ".pt", ".npz", ".safetensors", ".ckpt", ".tar", ".bin")
PRIORS = {"normal": "a normal law, N(0, I)", "uniform": "a cube, uniform on [−1, 1]"}
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
    mended = st.session_state.get("_mended", {}).get(choice)
    if mended:
        return mended[-1]
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
        model = get(choice) if choice.startswith(OWN) or is_mended(choice) else results.model(choice)
    except UserError as error:
        st.error(plain(str(error)), icon=":material/error:")
        choice = state.get("_last_model", fallback)
        model = get(choice) if choice.startswith(OWN) else results.model(choice)
    state["_last_model"] = choice
    return choice, model


def mend(choice: str, finding: Finding) -> None:
    """Apply a finding's remedy to the model of this session behind ``choice``; ``unmend`` takes it back."""
    model = get(choice) if choice.startswith(OWN) or is_mended(choice) else results.model(choice)
    st.session_state.setdefault("_mended", {}).setdefault(choice, []).append(finding.mended(model))


def is_mended(choice: str) -> bool:
    """Whether this session has changed the model behind ``choice``."""
    return bool(st.session_state.get("_mended", {}).get(choice))


def unmend(choice: str) -> None:
    """Take back the last remedy."""
    st.session_state["_mended"][choice].pop()


def control(page: str) -> None:
    """The place to hand in a model; a good one is chosen at once, a bad one gets its sentence."""
    words = "Refine the samples of your own generator with your own critic."
    with st.popover("Your own model", icon=":material/upload_file:", width="stretch", help=words):
        st.file_uploader(
            "Generator and critic",
            [kind.removeprefix(".") for kind in (*WEIGHTS, ".json")],
            accept_multiple_files=True,
            key=f"{page}._files",
            on_change=_take,
            args=(page,),
            max_upload_size=LIMIT // 2**20,
            help="Checkpoints as training leaves them (.pth, .pt, .npz, .safetensors): a generator's and "
            "a critic's, "
            f"or one that holds both; or {shelf.CONFIG} and {shelf.WEIGHTS} as dg.save writes them. They "
            f"are read as "
            f"plain numbers, {LIMIT // 2**20} MB at most, images of 8 to {MAX_SIDE} pixels a side, and "
            f"stay in this "
            "session.",
        )
        with st.expander("What files do not say"):
            again = {"on_change": _take, "args": (page,)}
            st.selectbox(
                "Codes are drawn from", PRIORS, format_func=PRIORS.get, key=f"{page}._prior", **again
            )
            st.selectbox("Trained on", [None, *image_datasets.datasets], key=f"{page}._dataset", **again,
                         format_func=lambda name: image_datasets.get(name).title if name else "something "
                         "else",
                         help="For real pictures beside it, and to see whether the critic tells them "
                         "apart.")  # fmt: skip
            st.selectbox("The generator ends in", ["tanh", "sigmoid"], key=f"{page}._output", **again)
            st.number_input("Class", 0, 10_000, None, key=f"{page}._label", placeholder="none", **again,
                            help="Which class to draw, where the networks know classes.")  # fmt: skip
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
    files = state[f"{page}._files"] or ()
    state[f"{page}._problem"] = ""
    if not files:
        return
    try:
        if sum(file.size for file in files) > LIMIT:
            raise UserError(f"The files must hold at most {LIMIT // 2**20} MB together.")
        said = {name: state.get(f"{page}._{name}") for name in ("prior", "dataset", "output", "label")}
        said = {name: value for name, value in said.items() if value is not None}
        with jobs.place(jobs.Rank.SHORT):
            state["_uploaded"] = _images(_read(files, said))
        state.get("_mended", {}).pop(UPLOADED, None)
        state[f"{page}.model"] = UPLOADED
    except UserError as error:
        state[f"{page}._problem"] = str(error)
    except Exception:
        state[f"{page}._problem"] = calmly(f"{page}, upload")


def _read(files: Sequence, said: dict) -> dg.Model:
    """A model of uploaded files: one of ours where a config is among them, else checkpoints of any kind."""
    kinds = {Path(file.name).suffix.lower(): file for file in files}
    if ".json" in kinds:
        if len(files) != 2 or set(kinds) != {".json", ".safetensors"}:
            raise UserError(f"A model is two files: {shelf.CONFIG} and {shelf.WEIGHTS}.")
        return shelf.assemble(kinds[".json"].getvalue(), kinds[".safetensors"].getvalue(), "upload")
    if set(kinds) == {".safetensors"} and len(files) == 1 and files[0].name == shelf.WEIGHTS:
        raise UserError(f"A model is two files: {shelf.CONFIG} and {shelf.WEIGHTS}.")
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, file in enumerate(files):  # under names of our own: a browser may send any
            name = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in file.name)
            paths.append(Path(folder, str(number), name[-80:].lstrip(".") or "file"))
            paths[-1].parent.mkdir()
            paths[-1].write_bytes(file.getbuffer())
        model = load_files(paths, limit=LIMIT, **said)
    stems = [Path(file.name).stem for file in files]
    title = short(next((stem for stem in stems if about(stem, "generator")), stems[0]))
    model.config |= {"name": "upload", "title": title}
    return model


def _images(model: dg.Model) -> dg.Model:
    if model.kind != "image":
        raise UserError(f"model {model.name!r} must make images here, not be of kind {model.kind!r}.")
    return model

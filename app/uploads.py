"""A model of one's own: from the folder that the server's owner names, or handed in as files of weights.

It stays in the session of the person who chose it; nobody else's page can see it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

import dgflow_core as dg
from app import jobs
from app.escape import plain, short
from app.failures import calmly
from app.words import say
from dgflow_core.errors import UserError
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.zoo import shelf
from dgflow_core.zoo.importers import load_files
from dgflow_core.zoo.importers.checkpoint import about
from dgflow_core.zoo.shapes import MAX_SIDE

#: The environment variable that names a folder of models; each is a folder in it.
FOLDER = "DGFLOW_MODELS"
#: The most that the files may hold together, in bytes (.streamlit/config.toml: one file, in MB).
LIMIT = 64 * 2**20
#: Files of weights, by their endings; what they are shows in their content.
WEIGHTS = (".pth", ".pt", ".npz", ".safetensors", ".ckpt", ".tar", ".bin")
#: What is taken only to say what it is, and what to do about it.
REFUSED = (".onnx", ".pt2", ".pkl", ".h5", ".zip")
PRIORS = {"normal": "a normal law, N(0, I)", "uniform": "a cube, uniform on [−1, 1]"}
ACTIVATIONS = {"relu": "ReLU", "leaky_relu": "leaky ReLU, slope 0.2", "tanh": "tanh"}
OWN = "own/"
UPLOADED = f"{OWN}upload"
#: Each kind's key of what was handed in, and what a page of that kind shows.
KINDS = {
    "image": (UPLOADED, "images"),
    "2d": (f"{OWN}points", "points of the plane"),
    "text": (f"{OWN}strings", "text"),
}


def choices(kind: str = "image") -> dict[str, str]:
    """What this session may choose beside the shipped models of a kind: key → title."""
    found = {key: f"Folder · {short(path.name)}" for key, path in _folders().items() if _kind(path) == kind}
    key = KINDS[kind][0]
    model = _handed_in().get(key)
    return found if model is None else {key: f"Yours · {short(model.title)}", **found}


def _handed_in() -> dict[str, dg.Model]:
    """What this session was handed, by its keys."""
    return st.session_state.setdefault("_uploaded", {})


def private(choice: str) -> bool:
    """Whether the model behind a choice is this session's alone: its own, or one that it has changed."""
    return choice.startswith(OWN) or is_mended(choice)


def get(choice: str) -> dg.Model:
    """The model behind a private choice, loaded once a session (a folder anew when its weights change).

    Raises:
        UserError: it is damaged; one sentence.
    """
    mended = st.session_state.get("_mended", {}).get(choice)
    if mended:
        return mended[-1]
    if choice in _handed_in():
        return _handed_in()[choice]
    folder = _folders()[choice]
    loaded = st.session_state.setdefault("_folders", {})
    changed = tuple(
        path.stat().st_mtime_ns for path in (folder / shelf.CONFIG, folder / shelf.WEIGHTS) if path.exists()
    )
    if loaded.get(choice, (None, None))[0] != changed:
        loaded[choice] = changed, dg.load(folder)
    return loaded[choice][1]


def mend(choice: str, mended: dg.Model) -> None:
    """Take ``mended`` as this session's model behind ``choice``; ``unmend`` takes it back."""
    st.session_state.setdefault("_mended", {}).setdefault(choice, []).append(mended)


def is_mended(choice: str) -> bool:
    """Whether this session has changed the model behind ``choice``."""
    return bool(st.session_state.get("_mended", {}).get(choice))


def unmend(choice: str) -> None:
    """Take back the last remedy."""
    st.session_state["_mended"][choice].pop()


def control(page: str, kind: str = "image") -> None:
    """The place to hand in a model; a good one is chosen at once, a bad one gets its sentence."""
    words = say("Refine the samples of your own generator with your own critic.")
    place = st.popover(say("Your own model"), icon=":material/upload_file:", width="stretch", help=words,
                       key=f"{page}._own", on_change="rerun")  # fmt: skip
    # Sent once it is open; from the first file on always, since Streamlit forgets what is not drawn.
    if place.open or st.session_state.get(f"{page}._files"):
        with place:
            _form(page, kind)


def _form(page: str, kind: str) -> None:
    """The files, what they do not say, and what came of them."""
    again = {"on_change": _take, "args": (page, kind)}
    st.file_uploader(
        say("Generator and critic"),
        [kind.removeprefix(".") for kind in (*WEIGHTS, ".json", *REFUSED)],
        accept_multiple_files=True,
        key=f"{page}._files",
        **again,
        max_upload_size=LIMIT // 2**20,
        help=_what(kind),
    )
    problem = st.session_state.get(f"{page}._problem")
    if kind != "text":
        with st.expander(say("What files do not say"), expanded="choose " in (problem or "")):
            _unsaid(page, kind, again)
    if problem:
        st.error(plain(problem), icon=":material/error:")
    elif KINDS[kind][0] in _handed_in():
        title = plain(short(_handed_in()[KINDS[kind][0]].title))
        st.success(say("In use: {title}", title=title), icon=":material/check:")


def _what(kind: str) -> str:
    """Which files may be handed in for a page of this kind."""
    ours = say("{config} and {weights} as dg.save writes them", config=shelf.CONFIG, weights=shelf.WEIGHTS)
    theirs = say(
        "checkpoints as training leaves them (.pth, .pt, .npz, .safetensors): a generator's and a critic's, "
        "or one that holds both"
    )
    which = {
        "image": say("{theirs}; or {ours}", theirs=theirs, ours=ours),
        "2d": say("{theirs}, of dense layers; or {ours}", theirs=theirs, ours=ours), "text": ours,
    }[kind]  # fmt: skip
    sides = say(", images of 8 to {most} pixels a side", most=MAX_SIDE) if kind == "image" else ""
    return say(
        "{which}. They are read as plain numbers, {limit} MB at most{sides}, and stay in this session.",
        which=f"{which[0].upper()}{which[1:]}", limit=LIMIT // 2**20, sides=sides,
    )  # fmt: skip


def _unsaid(page: str, kind: str, again: dict) -> None:
    """What ``load_published`` has to be told beside the files."""
    known = image_datasets.datasets if kind == "image" else plane_datasets.datasets

    def title(name: str | None) -> str:
        return say(known[name].title if name else "something else")

    st.selectbox(
        say("Codes are drawn from"),
        PRIORS,
        format_func=lambda name: say(PRIORS[name]),
        key=f"{page}._prior",
        **again,
    )
    words = say("For real samples beside it, and to see whether the critic tells them apart.")
    st.selectbox(
        say("Trained on"), [None, *known], key=f"{page}._dataset", **again, format_func=title, help=words
    )
    if kind == "2d":
        st.selectbox(say("Between the layers"), [None, *ACTIVATIONS], key=f"{page}._activation", **again,
                     format_func=lambda name: say(ACTIVATIONS.get(name, "not said yet")),
                     help=say("Files of dense layers do not say it."))  # fmt: skip
        return
    st.selectbox(say("The generator ends in"), ["tanh", "sigmoid"], key=f"{page}._output", **again)
    st.number_input(say("Class"), 0, 10_000, None, key=f"{page}._label", placeholder=say("none"), **again,
                    help=say("Which class to draw, where the networks know classes."))  # fmt: skip


def _folders() -> dict[str, Path]:
    root = os.environ.get(FOLDER)
    if root is None or not Path(root).is_dir():
        return {}
    taken = [key for key, _ in KINDS.values()]
    return {
        f"{OWN}{path.name}": path
        for path in sorted(Path(root).iterdir())
        if (path / shelf.CONFIG).is_file() and _readable(path) and f"{OWN}{path.name}" not in taken
    }


def _kind(folder: Path) -> str:
    """The kind of model that a folder says it holds; what says nothing is offered as one of images."""
    try:
        with (folder / shelf.CONFIG).open("rb") as file:
            return str(json.loads(file.read(shelf.MAX_CONFIG))["kind"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "image"


def _readable(path: Path) -> bool:
    """Whether the name is text, as a browser must have it; a name of stray bytes is passed over."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _take(page: str, kind: str) -> None:
    """Read what was handed in, before the page is drawn again; what was chosen stays where it is bad."""
    state = st.session_state
    files = state[f"{page}._files"] or ()
    state[f"{page}._problem"] = ""
    if not files:
        return
    try:
        if sum(file.size for file in files) > LIMIT:
            raise UserError(f"The files must hold at most {LIMIT // 2**20} MB together.")
        names = ("prior", "dataset", "output", "label", "activation")
        said = {name: state.get(f"{page}._{name}") for name in names}
        said = {name: value for name, value in said.items() if value is not None}
        key = KINDS[kind][0]
        with jobs.place(jobs.Rank.SHORT):
            _handed_in()[key] = _of_kind(_read(files, said), kind)
        state.get("_mended", {}).pop(key, None)
        state[f"{page}.model"] = key
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


def _of_kind(model: dg.Model, kind: str) -> dg.Model:
    if model.kind != kind:
        raise UserError(
            f"model {model.name!r} must make {KINDS[kind][1]} here, not be of kind {model.kind!r}."
        )
    return model

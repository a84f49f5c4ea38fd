"""Runs as files: GIF, MP4, PNG, SVG, a web page, arrays and settings.

>>> dg.export.gif(t, "run.gif", model=m)
>>> dg.export.gif([t, u], "compared.gif", titles=["KL", "JS"])
>>> dg.export.write(t, dg.export.filename(t, "mp4"))

What is drawn is a trajectory, a list of up to four to compare, or a ready ``scene.Scene``. Runs in
the plane become a scene, runs of images a wall of samples, runs of text (trajectories or transcripts)
lists of strings. There is one frame a step: the first shows the base samples, the last the refined ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.text.metrics import Reference, reference
from dgflow_core.kinds.text.transcript import Transcript
from dgflow_core.pictures import Scene, naming
from dgflow_core.pictures import animation as files
from dgflow_core.pictures import html as page
from dgflow_core.pictures import image_pixels as walls
from dgflow_core.pictures import plane_pixels as planar
from dgflow_core.pictures import strip_pixels as strips
from dgflow_core.pictures import text_payload as reader
from dgflow_core.pictures import text_pixels as text
from dgflow_core.pictures.naming import filename, settings_json
from dgflow_core.pictures.run_scenes import compose
from dgflow_core.pictures.run_scenes import planar as is_planar
from dgflow_core.pictures.scene import MAX_PANELS
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

SIZE, FPS = 640, 20
GIF_PIXELS = 600_000_000  # a GIF is put together in memory, one byte a pixel
SIZES, RATES = (240, 1920), (1, 60)
MAX_ROWS = 12
FORMATS = {
    "gif": "animated GIF",
    "mp4": "MP4 video",
    "png": "PNG picture of the last step",
    "svg": "SVG picture of the last step",
    "html": "web page that plays offline",
    "npz": "the run, for NumPy",
    "json": "the settings; of text, every step as well",
    "csv": "every string of every step",
}

__all__ = [
    "FORMATS", "FPS", "RATES", "SIZE", "SIZES", "Look", "check", "filename", "gif", "html", "mp4", "paint",
    "png", "settings_json", "svg", "write",
]  # fmt: skip

Run = Trajectory | Transcript
What = Run | Sequence[Run] | Scene
Progress = Callable[[int, int], object]
Stop = Callable[[], bool]


class Look(TypedDict, total=False):
    """What pictures of runs look like; every entry may be left out.

    model: adds its map and drift to runs in the plane; without it there are particles and real samples.
    titles: names the panels of several runs.
    size: height in pixels, 240 to 1920. dark: light lines on a dark ground.
    layers: of "map", "arrows", "real", "base", "refined", "paths"; None draws all but paths.
    map: "logit", "ratio" or None.
    sample: of a run of images, the number of one to show over the steps, as in the paper's Figure 3.
    rows: runs of images (up to 12) as a grid, a row each, instead of walls side by side.
    """

    model: Model | None
    titles: Sequence[str] | None
    size: int
    dark: bool
    layers: Sequence[str] | None
    map: str | None
    sample: int | None
    rows: bool


def check(path, size: float = SIZE, fps: float = FPS) -> Path:
    """``path`` if a file of its suffix can be written there with this size and rate.

    Raises:
        ValueError: unknown suffix, no such folder, or a size or rate that is not allowed.
    """
    path = Path(path)
    if path.suffix.lower().lstrip(".") not in FORMATS:
        raise ValueError(f"path must end in one of {', '.join(FORMATS)}, not {path.suffix or path.name!r}.")
    if not path.parent.is_dir():
        raise ValueError(f"path must be in a folder that exists; {str(path.parent)!r} does not.")
    _range("size", size, SIZES, "pixels")
    _range("fps", fps, RATES, "frames a second")
    return path


def gif(
    what: What,
    path,
    *,
    fps: float = FPS,
    progress: Progress | None = None,
    stop: Stop | None = None,
    **look: Unpack[Look],
) -> Path | None:
    """Write an animated GIF, one frame a step; it loops, resting a moment on the last frame.

    Args:
        what: a trajectory, up to four of them side by side, or a scene.
        path: where to.
        fps: steps a second, 1 to 60 (a GIF plays at 50 at most).
        progress: called with (frames done, frames in all). stop: asked before every frame.
        look: what it looks like, see ``Look``.

    Returns:
        The path, or None where ``stop`` ended it; then nothing is left there.

    Raises:
        ValueError: a wrong argument; one sentence that names it.
    """
    path = check(path, look.get("size", SIZE), fps)
    painter = paint(what, **look)
    if (painter.steps + 1) * painter.width * painter.height > GIF_PIXELS:
        raise ValueError(
            f"size: {painter.steps + 1} frames of {painter.width} × {painter.height} are too much for a GIF; "
            "choose a smaller size, or mp4."
        )
    marks = sorted({0, painter.steps // 8, painter.steps})
    sample = [painter.frame(step) for step in marks]
    frames = _frames(painter, progress, stop)
    total, keys = painter.steps + 1, painter.look.keys
    return _whole(path, lambda scratch: files.gif(scratch, frames, total, fps, sample, keys))


def mp4(
    what: What,
    path,
    *,
    fps: float = FPS,
    progress: Progress | None = None,
    stop: Stop | None = None,
    **look: Unpack[Look],
) -> Path | None:
    """Write an MP4 (H.264), one frame a step, (steps + 1) / fps seconds. Arguments as in ``gif``."""
    path = check(path, look.get("size", SIZE), fps)
    painter = paint(what, **look)
    frames = _frames(painter, progress, stop)
    return _whole(path, lambda scratch: files.mp4(scratch, frames, fps))


def png(
    what: What,
    path,
    *,
    step: int | None = None,
    progress: Progress | None = None,
    **look: Unpack[Look],
) -> Path:
    """Write the picture at ``step`` (None: the last) as a PNG. Arguments as in ``gif``."""
    path = check(path, look.get("size", SIZE))
    painter = paint(what, **look)
    files.png(path, painter.frame(_step(painter, step)))
    if progress:
        progress(1, 1)
    return path


def svg(
    what: What,
    path,
    *,
    step: int | None = None,
    model: Model | None = None,
    titles: Sequence[str] | None = None,
    size: int = SIZE,
    dark: bool = False,
    layers: Sequence[str] | None = None,
    map: str | None = "logit",
    progress: Progress | None = None,
) -> Path:
    """Write the picture at ``step`` (None: the last) as an SVG, for runs in the plane.

    Raises:
        ValueError: also for runs of images, which are saved as PNG.
    """
    path = check(path, size)
    painter = paint(what, model=model, titles=titles, size=size, dark=dark, layers=layers, map=map)
    if not isinstance(painter, planar.Painter):
        raise ValueError("svg is for runs in the plane; save images as png.")
    painter.svg(path, _step(painter, step))
    if progress:
        progress(1, 1)
    return path


def html(
    what: What,
    path,
    *,
    model: Model | None = None,
    titles: Sequence[str] | None = None,
    map: str | None = "logit",
    progress: Progress | None = None,
) -> Path:
    """Write a page that plays a run in the plane, or of text, from disk: no server, no outside address.

    Raises:
        ValueError: also for runs of images, which are saved as GIF or MP4.
    """
    path = check(path)
    runs = _runs(what)
    if runs and all(text.is_text(run) for run in runs):
        path.write_text(_reader(runs, model, titles), encoding="utf-8")
        if progress:
            progress(1, 1)
        return path
    if not all(is_planar(run) for run in runs):
        raise ValueError("html is for runs in the plane; save images as gif or mp4.")
    scene = what if isinstance(what, Scene) else compose(runs, model, titles, map, curves=True)
    settings = runs[0].settings if len(runs) == 1 else {}
    path.write_text(page(scene, scene.title, settings), encoding="utf-8")
    if progress:
        progress(1, 1)
    return path


def _reader(runs: Sequence[Run], model: Model | None, titles: Sequence[str] | None) -> str:
    shown = text.transcripts(runs, model)
    name = naming.model_title(shown[0]) if model is None else model.title
    title, settings = (naming.heading(shown[0], name), shown[0].settings) if len(shown) == 1 else (name, {})
    titles = list(titles or map(naming.title, shown))
    return reader.html(reader.pack(shown, titles, _reference(shown[0], model)), title, settings)


def _reference(run: Transcript, model: Model | None) -> Reference | None:
    name = run.provenance.get("model")
    dataset = model.dataset if model else shelf.describe(name)["dataset"] if name in shelf.models() else None
    try:
        return reference(dataset or "")
    except ValueError:  # a data set of one's own: no metrics, then
        return None


def write(trajectory: What, path, *, model: Model | None = None, **options) -> Path | None:
    """Save a run as what ``path`` ends in (``FORMATS``); options that format does not have are ignored.

    Raises:
        ValueError: a wrong argument; one sentence that names it.
    """
    path = check(path, options.get("size", SIZE), options.get("fps", FPS))
    kind = path.suffix.lower().lstrip(".")
    runs = _runs(trajectory)
    texts = bool(runs) and all(text.is_text(run) for run in runs)
    if kind == "csv" and not texts:
        raise ValueError("csv is for runs of text; save others as npz.")
    if texts and kind in ("csv", "json"):
        shown = text.transcripts(runs, model)
        titles = options.get("titles") or [naming.title(run) for run in shown]
        table = text.csv if kind == "csv" else text.json_steps
        path.write_text(table(shown, titles), encoding="utf-8")
        return path
    if kind == "npz":
        if isinstance(trajectory, Transcript):
            if model is None:
                raise ValueError("model must be given to save a transcript as npz: it makes its samples.")
            trajectory = trajectory.trajectory(model)
        return trajectory.save(path)
    if kind == "json":
        path.write_text(settings_json(trajectory), encoding="utf-8")
        return path
    writer = {"gif": gif, "mp4": mp4, "png": png, "svg": svg, "html": html}[kind]
    known = writer.__kwdefaults__.keys() | (Look.__annotations__ if writer in (gif, mp4, png) else ())
    return writer(trajectory, path, model=model, **{k: v for k, v in options.items() if k in known})


def paint(
    what: What,
    *,
    model: Model | None = None,
    titles: Sequence[str] | None = None,
    size: int = SIZE,
    dark: bool = False,
    layers: Sequence[str] | None = None,
    map: str | None = "logit",
    sample: int | None = None,
    rows: bool = False,
):
    """What draws the frames of ``what``, looking as ``Look`` says.

    Returns:
        An object with ``steps``, ``width``, ``height`` and ``frame(step)``.
    """
    _range("size", size, SIZES, "pixels")
    if isinstance(what, Scene):
        return planar.Painter(what, size, dark=dark, layers=layers)
    runs = _runs(what)
    most = MAX_ROWS if rows else MAX_PANELS
    if not 1 <= len(runs) <= most:
        raise ValueError(f"what must be 1 to {most} runs, not {len(runs)}.")
    if titles is not None and len(titles) != len(runs):
        raise ValueError(f"titles must be {len(runs)}, one for each run, not {len(titles)}.")
    if all(text.is_text(run) for run in runs):
        return text.Painter(text.transcripts(runs, model), size, titles, dark)
    if any(text.is_text(run) for run in runs):
        raise ValueError("what must be runs in the plane, of images or of text, all of one kind.")
    if all(is_planar(run) for run in runs):
        under = naming.subtitle(runs[0]) if len(runs) == 1 else ""
        return planar.Painter(compose(runs, model, titles, map), size, under, dark, layers)
    if all(run.samples.dim() == 5 and run.samples.shape[2] in (1, 3) for run in runs):
        if sample is not None:
            return strips.Strip(runs[0], sample, size, dark)
        return (strips.Grid if rows else walls.Painter)(runs, size, titles, dark)
    raise ValueError("what must be runs in the plane, of images or of text, all of one kind.")


def _runs(what: What) -> list[Run]:
    if isinstance(what, Scene):
        return []
    return [what] if isinstance(what, Run) else list(what)


class _Stopped(Exception):
    pass


def _frames(painter, progress: Progress | None, stop: Stop | None) -> Iterator[np.ndarray]:
    total = painter.steps + 1
    for step in range(total):
        if stop and stop():
            raise _Stopped
        yield painter.frame(step)
        if progress:
            progress(step + 1, total)


def _whole(path: Path, write: Callable[[Path], None]) -> Path | None:
    """Write beside ``path`` and move it there when it is whole; None where it was stopped."""
    scratch = path.with_name(f".{path.name}.part{path.suffix}")
    try:
        write(scratch)
        scratch.replace(path)
    except _Stopped:
        return None
    finally:
        scratch.unlink(missing_ok=True)
    return path


def _step(painter, step: int | None) -> int:
    if step is None:
        return painter.steps
    if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step <= painter.steps:
        raise ValueError(f"step must be a whole number from 0 to {painter.steps}, not {step!r}.")
    return step


def _range(name: str, value, allowed: tuple[int, int], unit: str) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not allowed[0] <= value <= allowed[1]:
        raise ValueError(f"{name} must be from {allowed[0]} to {allowed[1]} {unit}, not {value!r}.")

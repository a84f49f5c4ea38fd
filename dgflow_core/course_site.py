"""A site without a server: every live page, recorded runs and the lessons as static files.

``python -m dgflow_core site OUT`` writes them; any static host serves them, and a disk does. Nothing in them
names an outside address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import NamedTuple

from dgflow_core import kinds, pictures
from dgflow_core.errors import UserError
from dgflow_core.fields.table import TabulatedField
from dgflow_core.flow.driver import refine
from dgflow_core.kinds.text.transcript import alphabet, transcribe
from dgflow_core.lessons import handout
from dgflow_core.lessons.course import course
from dgflow_core.pictures import browser_bundle, image_wall, live_world, palette, samples_world, text_payload
from dgflow_core.pictures.browser_bundle import Document
from dgflow_core.pictures.text_list import Listing
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

#: Models of images and text in a site that does not say which; of the plane it has all.
SAMPLES = ("cifar10/sndcgan-ns", "fashion_mnist/sndcgan-ns", "fashion_mnist/vae", "billion_words/wgan-gp")
#: Nodes along a side of the tables of a live page, and of the one that its first picture is made with.
SIZE, FIRST = 257, 129
#: Samples of a recorded run, by kind.
RECORDED = {"2d": 600, "image": 16, "text": 16}
RUNTIME = "runtime.js"
#: Of the index, in order.
SECTIONS = ("The plane, live", "Images, live", "Text, live", "Lessons", "Recorded runs")


class Entry(NamedTuple):
    """A page of the site."""

    section: str
    title: str
    file: str


def write(
    out: Path, models: Sequence[str] | None = None, lessons: bool = True, tell: Callable = print
) -> int:
    """Write the site into the folder ``out``; returns its size in bytes.

    Args:
        models: names; None takes those of the plane, grown ones with KL alone, and ``SAMPLES``.
        lessons: whether the course is part of it; its runs are computed for that.
        tell: called with each file's name and size.

    Raises:
        UserError: a model that is not there, or one that no browser can run; ``out`` cannot be written.
    """
    if models is None:
        models = [name for name in shelf.models() if name in SAMPLES or _of_the_plane(name)]
    chosen = [shelf.load(name, "cpu") for name in models]
    try:
        out.mkdir(parents=True, exist_ok=True)
        entries: list[Entry] = []
        sizes: dict[str, int] = {}
        for entry, files in _pages(chosen, lessons):
            entries.append(entry)
            for name, text in files.items():
                if name not in sizes:  # the runtime is one for all
                    sizes[name] = (out / name).write_bytes(text.encode())
                    tell(f"{name}: {sizes[name] / 1e6:.2f} MB")
        sizes["index.html"] = (out / "index.html").write_bytes(_index(entries).encode())
    except OSError as error:
        raise UserError(f"out {str(out)!r} could not be written: {error.strerror}.") from None
    return sum(sizes.values())


def _of_the_plane(name: str) -> bool:
    """Of grown models that differ in f alone, one is enough for a site's size."""
    return shelf.describe(name)["kind"] == "2d" and ("/vgrow-" not in name or name.endswith("/vgrow-kl"))


def _pages(models: list[Model], lessons: bool) -> Iterator[tuple[Entry, dict[str, str]]]:
    for model in models:
        yield _live(model) if model.kind == "2d" else _samples(model)
    for model in models:
        yield Entry("Recorded runs", model.title, _recorded(model)), {_recorded(model): _run(model)}
    if lessons:
        yield (
            Entry("Lessons", "The course, to read, play and print", "lessons.html"),
            {"lessons.html": handout.html(list(course().lessons.values()))},
        )


def _named(model: Model, what: str) -> str:
    return f"{what}-{model.name.replace('/', '-').replace('+', '-')}"


def _recorded(model: Model) -> str:
    return f"{_named(model, 'run')}.html"


def _live(model: Model) -> tuple[Entry, dict[str, str]]:
    """The plane, live: a first picture from small tables, and the rest beside it."""
    fields = {space: TabulatedField(model, space, size=SIZE, keep=False) for space in ("data", "latent")}
    first = live_world.pack(model, {"data": fields["data"]}, size=FIRST, pool=2000)
    name, title = _named(model, "live"), f"DGflow live: {model.title}"
    room = ".stage.live:not(.narrow) { height: clamp(520px, calc(100vh - 96px), 1100px); }"
    page = Document("live", first, title, style=room, site=True, more=f"{name}.js")
    whole = replace(page, mount={"address": "own"}).beside(live_world.pack(model, fields, size=SIZE))
    entry = Entry("The plane, live", model.title, f"{name}.html")
    return entry, {f"{name}.html": page.html(), f"{name}.js": whole}


def _samples(model: Model) -> tuple[Entry, dict[str, str]]:
    mount = {"address": "own", "runtime": RUNTIME, "recorded": _recorded(model)}
    page = replace(samples_world.document(model, samples_world.pack(model), **mount), site=True)
    name = f"{_named(model, 'live')}.html"
    parts = {part: (samples_world.RUNTIME / file).read_bytes() for part, file in samples_world.FILES.items()}
    title = f"{kinds.get(model.kind).title}, live"
    return Entry(title, model.title, name), {name: page.html(), RUNTIME: browser_bundle.files(**parts)}


def _run(model: Model) -> str:
    """A recorded run to scrub, by the defaults of its kind."""
    settings = kinds.get(model.kind).default_settings("dgflow")
    space = "data" if model.kind == "2d" else "latent"
    run = refine(model, method="dgflow", n=RECORDED[model.kind], seed=0, space=space, **settings)
    title = f"{model.title}: DGflow (KL), {run.steps} steps"
    if model.kind == "text":
        letters = transcribe(run, alphabet(model))
        page = text_payload.document(Listing((letters,), model=model), run.settings)
    elif model.kind == "image":
        page = Document("wall", image_wall.pack(model, [run], "run"), title, run.settings)
    else:
        page = Document("player", pictures.pack(pictures.compose([run], model)), title, run.settings)
    return replace(page, site=True).html()


def _index(entries: list[Entry]) -> str:
    there = {entry.section for entry in entries}
    sections = [section for section in SECTIONS if section in there]
    parts = "".join(
        f"<section><h2>{escape(section)}</h2><ul>"
        + "".join(
            f'<li><a href="{escape(entry.file)}">{escape(entry.title)}</a></li>'
            for entry in entries
            if entry.section == section
        )
        + "</ul></section>"
        for section in sections
    )
    return _INDEX.format(
        parts=parts,
        light=browser_bundle.variables(palette.LIGHT),
        dark=browser_bundle.variables(palette.DARK),
        accent=palette.ACCENT,
        dark_accent=palette.ACCENT_DARK,
    )


_INDEX = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>DGflow: how a discriminator mends a generator's samples</title>
<style>
:root {{ color-scheme: light dark; {light} --st-primary-color: {accent}; }}
@media (prefers-color-scheme: dark) {{ :root {{ {dark} --st-primary-color: {dark_accent}; }} }}
body {{ margin: 0 auto; padding: 24px 20px 48px; max-width: 68rem; background: var(--st-background-color);
  color: var(--st-text-color); font: 1.0625rem/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; }}
h2 {{ font-size: 1.15rem; margin: 0 0 .4rem; }}
p {{ max-width: 46rem; }} a {{ color: var(--st-primary-color); }}
section {{ margin-top: 28px; }}
ul {{ margin: 0; padding: 0; list-style: none; columns: 18rem; }}
li {{ padding: .25rem 0; break-inside: avoid; }}
</style>
</head>
<body>
<h1>How a discriminator mends a generator's samples</h1>
<p>A GAN's discriminator knows where its generator is wrong. Discriminator gradient flow (Ansari, Ang &amp;
Soh, ICLR 2021) moves samples, or their latent codes, along that knowledge. What is live here is computed by
your own browser: turn the knobs while it runs. The address of a live page holds its settings.</p>
<main>{parts}</main>
</body>
</html>
"""

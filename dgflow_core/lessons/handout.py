"""Lessons to hand out: a page of HTML without a network, plays in a browser and prints, a lesson a sheet.

A sheet has the story, the picture before and after, the question with boxes to tick, the goal, and room to
write; what was measured stands at the end, under "Answers". On a screen, pictures of the plane play.
"""

from __future__ import annotations

import base64
import gzip
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from html import escape
from typing import NamedTuple

import numpy as np
from PIL import Image

from dgflow_core import languages, pictures
from dgflow_core.flow.driver import refine
from dgflow_core.kinds.plane.approach import approach
from dgflow_core.lessons.conditions import Condition, told
from dgflow_core.lessons.lesson import Lesson, Picture
from dgflow_core.lessons.measures import Measured
from dgflow_core.pictures import browser_bundle, export, palette
from dgflow_core.pictures.image_wall import Wall
from dgflow_core.pictures.scene import Scene
from dgflow_core.zoo import shelf

#: The height of a still, in pixels.
SIZE = 480


class Sheet(NamedTuple):
    """The picture of a lesson, computed: as a composed picture, and as what is measured of it."""

    composed: Scene | Wall
    measured: Measured


def see(picture: Picture) -> Sheet:
    """Compute the runs of a picture, exactly."""
    model = shelf.load(picture.model, raw=picture.raw)
    if model.corrector is not None and not picture.corrector:
        model = model.without_corrector()
    runs = [refine(model, **picture.settings(run)) for run in picture.runs]
    titles = tuple(run["title"] for run in picture.runs) if len(runs) > 1 else None
    if picture.show == "images":
        return Sheet(Wall(tuple(runs), titles, rows=titles is not None), Measured(picture, runs))
    if picture.show == "density":
        measured = [approach(model, run, "latent") for run in runs]
        scene = pictures.densities(runs, measured, pictures.Composition(titles), model)
        curves = {curve.name: curve.series[-len(runs) :] for curve in scene.curves}
        return Sheet(scene, Measured(picture, runs, curves))
    how = pictures.Composition(titles, picture.map, curves=picture.curves, difference=picture.difference)
    return Sheet(pictures.compose(runs, model, how), Measured(picture, runs))


def html(lessons: Sequence[Lesson], see: Callable[[Picture], Sheet] = see, live: bool = True) -> str:
    """A page with a sheet for every lesson, and the answers at its end.

    Args:
        see: gives the picture of a lesson, computed. live: whether pictures of the plane play.
    """
    seen = [see(lesson.picture) for lesson in lessons]
    sheets = "".join(
        _sheet(number, *pair, live) for number, pair in enumerate(zip(lessons, seen, strict=True), 1)
    )
    answers = "".join(
        _answer(number, *pair) for number, pair in enumerate(zip(lessons, seen, strict=True), 1)
    )
    return _PAGE.format(
        language=lessons[0].language,
        title=escape(
            lessons[0].title if len(lessons) == 1 else _say(lessons[0], "DGflow: a course in lessons")
        ),
        measured=_say(lessons[0], "Answers, as measured"),
        kit=browser_bundle.style("player"),
        light=_variables(palette.LIGHT),
        accent=palette.ACCENT,
        sheets=sheets,
        answers=answers,
        script=_SCRIPT.format(player=browser_bundle.script("player", lessons[0].language)) if live else "",
    )


def _say(lesson: Lesson, english: str, **values: object) -> str:
    return languages.said(english, lesson.language, **values)


def _sheet(number: int, lesson: Lesson, seen: Sheet, live: bool) -> str:
    picture, steps, say = seen.composed, seen.composed.steps, partial(_say, lesson)
    shots = [(say("Step {step}", step=step), _still(picture, step)) for step in dict.fromkeys((0, steps))]
    stills = "".join(
        f'<figure><img alt="{escape(lesson.title)}: {words}" src="{still}">'
        f"<figcaption>{words}</figcaption></figure>"
        for words, still in shots
    )
    options = "".join(f"<li>☐ {_inline(option.text)}</li>" for option in lesson.ask.options)
    wide = " wide" if isinstance(picture, Wall) or len(picture.panels) > 1 else ""
    plays = live and isinstance(picture, Scene)
    return (
        f'<section class="sheet"><h2>{number} · {escape(lesson.title)}</h2>'
        f"{markup(lesson.story)}{_player(picture, number) if plays else ''}"
        f'<div class="stills{wide}">{stills}</div>'
        f"<p><b>{_inline(lesson.ask.question)}</b></p><ul>{options}</ul>"
        f"<p>{say('Why?')} <span class='line'></span></p><p class='line'></p>"
        f"{_later(lesson)}"
        f"<p><b>{say('Try this.')}</b> {_inline(lesson.attempt.goal)}</p><p class='line'></p>"
        f"<p class='home'><b>{say('To take home.')}</b> {_inline(lesson.take)}</p></section>"
    )


def _later(lesson: Lesson) -> str:
    """The question for afterwards, with a line to write on."""
    if lesson.after is None:
        return ""
    return f"<p><b>{_say(lesson, 'Afterwards.')}</b> {_inline(lesson.after.question)}</p><p class='line'></p>"


def _answer(number: int, lesson: Lesson, seen: Sheet) -> str:
    right = [option.text for option in lesson.ask.options if Condition(option.when).holds(seen.measured)]
    words, head = markup(told(lesson.reveal, seen.measured)), f"{number} · {escape(lesson.title)}"
    if lesson.after is not None:
        words += markup(f"**{lesson.after.question}** {told(lesson.after.answer, seen.measured)}")
    return f"<h3>{head}</h3><p><b>{_inline(' / '.join(right))}.</b></p>{words}"


def _still(picture: Scene | Wall, step: int) -> str:
    """A picture at a step as the address of an image."""
    bare = replace(picture, curves=()) if isinstance(picture, Scene) else picture
    frame = np.asarray(export.paint(bare, size=SIZE).frame(step))
    data = io.BytesIO()
    Image.fromarray(frame).save(data, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def _player(scene: Scene, number: int) -> str:
    packed = pictures.envelope(pictures.pack(scene), {"key": f"lesson {number}", "height": 560})
    text = base64.b64encode(gzip.compress(packed, 6, mtime=0)).decode()
    return f'<div class="live" data-packed="{text}"></div>'


def markup(text: str) -> str:
    """Paragraphs with *emphasis*, as HTML; a lesson's story and reveal hold nothing else."""
    return "".join(f"<p>{_inline(part)}</p>" for part in re.split(r"\n\s*\n", text.strip()))


def _inline(text: str) -> str:
    text = escape(" ".join(text.split()))
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text))


def _variables(tones: dict[str, str]) -> str:
    names = {"background": "paper", "text": "ink", "secondary-background": "panel"}
    return " ".join(f"--st-{name}-color: {tones[tone]};" for name, tone in names.items())


_SCRIPT = """<script type="module">
{player}
const mount = async (place) => {{
  const zipped = Uint8Array.from(atob(place.dataset.packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  const data = new Uint8Array(await new Response(stream).arrayBuffer());
  component({{ data, parentElement: place, setStateValue() {{}} }});
}};
const near = new IntersectionObserver((rows) => rows.filter((row) => row.isIntersecting).forEach((row) => {{
  near.unobserve(row.target);
  mount(row.target);
}}), {{ rootMargin: "200px" }});
document.querySelectorAll(".live").forEach((place) => near.observe(place));
</script>"""

# The policy is what keeps the promise of "no network".
_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline';
 style-src 'unsafe-inline'; img-src blob: data:">
<title>{title}</title>
<style>
{kit}
:root {{ color-scheme: light; {light} --st-primary-color: {accent}; }}
body {{ margin: 0 auto; max-width: 60rem; padding: 1rem; background: #fff; color: var(--st-text-color);
  font: 1rem/1.45 system-ui, sans-serif; }}
h1 {{ font-size: 1.6rem; }} h2 {{ font-size: 1.3rem; margin: 0 0 .5rem; }} h3 {{ margin: .8rem 0 .2rem; }}
p {{ margin: .4rem 0; }} ul {{ list-style: none; margin: .2rem 0; padding: 0; }}
.sheet {{ margin: 0 0 2.5rem; }}
.live {{ min-height: 560px; margin: .6rem 0; }}
.stills {{ display: flex; gap: 1rem; margin: .6rem 0; }} .stills.wide {{ flex-direction: column; }}
figure {{ margin: 0; flex: 1; min-width: 0; }} figure img {{ max-width: 100%; max-height: 17rem; }}
figcaption {{ font-size: .85rem; }}
.line {{ display: block; border-bottom: 1px solid #999; height: 1.5rem; }}
.home {{ border-left: 3px solid currentColor; padding-left: .7rem; }}
@media screen {{ body:has(.live) .stills, .line {{ display: none; }} body:has(.live) .sheet:not(:has(.live)) .stills {{ display: flex; }} }}
@media print {{
  @page {{ size: A4; margin: 14mm; }}
  body {{ max-width: none; padding: 0; font-size: 10.5pt; }}
  .live, h1 {{ display: none; }}
  .sheet, .answers {{ break-after: page; margin: 0; }} .answers {{ break-after: auto; }}
  figure img {{ max-height: 62mm; }} .stills.wide figure img {{ max-height: 48mm; }}
}}
</style>
</head>
<body>
<h1>{title}</h1>
<main>{sheets}</main>
<section class="answers"><h2>{measured}</h2>{answers}</section>
{script}
</body>
</html>
"""  # noqa: E501 — one rule of the style sheet

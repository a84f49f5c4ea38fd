"""Runs of text as pixels and as tables: strings in a fixed-width font, one frame a step."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from csv import writer

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.text import transcript
from dgflow_core.kinds.text.transcript import Transcript
from dgflow_core.pictures import naming, palette
from dgflow_core.pictures.plane_pixels import Look, font
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

LEVELS = 8  # shades of confidence
LEAD = 1.4  # row height in font sizes
LARGEST, SMALLEST, LEGIBLE = 22, 11, 7  # font sizes at 640 pixels, and the smallest in true pixels
LOGIT = 8  # characters that a logit takes, with the space before it


def is_text(run) -> bool:
    """Whether a run is one of text: a transcript, or a trajectory of softmax samples."""
    return isinstance(run, Transcript) or (isinstance(run, Trajectory) and run.samples.dim() == 4)


def transcripts(runs: Sequence[Trajectory | Transcript], model: Model | None) -> list[Transcript]:
    """Runs of text as transcripts; the alphabet is that of ``model``, or of the shipped model they name.

    Raises:
        ValueError: there is no alphabet.
    """
    return [
        run if isinstance(run, Transcript) else transcript.transcribe(run, _letters(run, model))
        for run in runs
    ]


def _letters(run: Trajectory, model: Model | None) -> str:
    if model is not None:
        return transcript.alphabet(model)
    name = run.provenance.get("model")
    letters = shelf.describe(name).get("alphabet") if name in shelf.models() else None
    if letters is None:
        raise ValueError("model must be given for runs of text: it holds the alphabet.")
    return letters


def csv(runs: Sequence[Transcript], titles: Sequence[str]) -> str:
    """Every string of every step: run, step, string number from 1, logit, text."""
    out = io.StringIO()
    table = writer(out, lineterminator="\n")
    table.writerow(["run", "step", "string", "logit", "text"])
    for title, run in zip(titles, runs, strict=True):
        for step in range(run.steps + 1):
            logits = run.logits[step].tolist()
            for number, (text, logit) in enumerate(zip(run.strings(step), logits, strict=True), 1):
                table.writerow([title, step, number, f"{logit:.6g}", text])
    return out.getvalue()


def json_steps(runs: Sequence[Transcript], titles: Sequence[str]) -> str:
    """Settings, provenance, and the strings and logits of every step, as JSON."""
    content = [
        {
            "title": title, "settings": run.settings, "provenance": run.provenance,
            "ended": run.ended, "message": run.message,
            "steps": [
                {"strings": run.strings(step), "logits": [round(x, 6) for x in run.logits[step].tolist()]}
                for step in range(run.steps + 1)
            ],
        }
        for title, run in zip(titles, runs, strict=True)
    ]  # fmt: skip
    return json.dumps({"runs": content}, ensure_ascii=False, indent=1) + "\n"


class Painter:
    """Draws the frames of one or more runs of text.

    Red is what changed since the start, underlined what changed in this step, shaded what the
    softmax is unsure of. One run fills up to three columns, several stand side by side; strings
    for which there is no room are left out from the end, and the picture says so.
    """

    def __init__(self, runs: Sequence[Transcript], size: int, titles=None, dark: bool = False):
        self.runs, self.look, self.unit = runs, Look(dark), size / 640
        self.steps = max(run.steps for run in runs)
        single, u, n = len(runs) == 1, self.unit, runs[0].n
        name = naming.model_title(runs[0])
        self.heading = naming.heading(runs[0], name) if single else name
        self.titles = list(titles or ("" if single else naming.title(run) for run in runs))
        self.top, self.foot = round((78 if single else 104) * u), round(48 * u)
        free = size - self.top - self.foot
        self.columns = min(3, math.ceil(n / 24)) if single else 1
        most = max(1, int(free / (LEAD * max(LEGIBLE, SMALLEST * u))))
        self.rows = min(most, math.ceil(n / self.columns))
        self.count = min(n, self.rows * self.columns)
        pixels = max(LEGIBLE, int(min(LARGEST * u, free / (LEAD * self.rows))))
        self.font = ImageFont.truetype(findfont("DejaVu Sans Mono"), pixels)
        self.cell = max(1, round(self.font.getlength("m"))), round(LEAD * pixels)
        self.margin = round(22 * u)
        self.block = (runs[0].length + LOGIT) * self.cell[0]
        self.step_x = self.block + self.margin
        blocks = len(runs) * self.columns
        width = max(blocks * self.step_x + self.margin, round(660 * u))
        height = self.top + self.rows * self.cell[1] + self.foot
        self.left = (width - blocks * self.step_x + self.margin) // 2
        self.width, self.height = width + width % 2, height + height % 2
        self._tiles = [self._draw_tiles(run.alphabet) for run in runs]
        self._ground: np.ndarray | None = None

    def frame(self, step: int) -> np.ndarray:
        """The picture at ``step``, (height, width, 3) bytes."""
        if self._ground is None:
            self._ground = self._heads()
        canvas = self._ground.copy()
        for index, run in enumerate(self.runs):
            lines = self._lines(index, min(step, run.steps))
            for column in range(self.columns):
                part = lines[column * self.rows : (column + 1) * self.rows]
                x = self.left + (index * self.columns + column) * self.step_x
                tall, wide = part.shape[0] * self.cell[1], part.shape[1] * self.cell[0]
                block = part.transpose(0, 2, 1, 3, 4).reshape(tall, wide, 3)
                canvas[self.top : self.top + tall, x : x + wide] = block
        picture = Image.fromarray(canvas)
        draw, u = ImageDraw.Draw(picture), self.unit
        for index, run in enumerate(self.runs):
            self._logits(draw, index, run.logits[min(step, run.steps), : self.count].tolist())
        at = (self.width - self.margin, round(25 * u))
        draw.text(at, f"step {step} / {self.steps}", self.look.hex["ink"], font(round(19 * u)), anchor="rm")
        thick = max(2, round(4 * u))
        done = round(self.width * (step / self.steps if self.steps else 1))
        draw.rectangle((0, self.height - thick, self.width, self.height), self.look.hex["grid"])
        draw.rectangle((0, self.height - thick, done, self.height), palette.ACCENT)
        return np.asarray(picture)

    def _lines(self, index: int, step: int) -> np.ndarray:
        """The strings of a run at ``step`` as tiles: (count, length, tall, wide, 3)."""
        run = self.runs[index]
        now, start = run.symbols[step, : self.count].numpy(), run.symbols[0, : self.count].numpy()
        past = run.symbols[max(0, step - 1), : self.count].numpy()
        level = run.confidence[step, : self.count].numpy().astype(int) * LEVELS // 256
        return self._tiles[index][now, (now != start).astype(int), (now != past).astype(int), level]

    def _draw_tiles(self, letters: str) -> np.ndarray:
        """Every symbol in every state: (symbols, since start, in this step, level, tall, wide, 3) bytes."""
        wide, tall = self.cell
        rgb, paper = self.look.rgb, self.look.rgb["paper"]
        cover = np.zeros((len(letters), 1, 1, 1, tall, wide, 1), np.float32)
        for place, letter in enumerate(letters):
            tile = Image.new("L", (wide, tall))
            ImageDraw.Draw(tile).text((wide / 2, tall / 2), letter, 255, self.font, anchor="mm")
            cover[place, 0, 0, 0, :, :, 0] = np.asarray(tile) / 255
        unsure = np.array(to_rgb(palette.UNSURE), np.float32) * 255
        share = (0.45 if self.look.dark else 0.7) * (1 - np.arange(LEVELS, dtype=np.float32) / (LEVELS - 1))[
            :, None, None, None
        ]
        ground = np.broadcast_to(paper + share * (unsure - paper), (1, 1, 2, LEVELS, tall, wide, 3)).copy()
        thick = max(1, round(2 * self.unit))
        ground[:, :, 1, :, -thick - 1 : -1] = rgb["refined"]
        ink = np.stack([rgb["ink"], rgb["refined"]])[None, :, None, None, None, None]
        return (ground + cover * (ink - ground)).round().astype(np.uint8)

    def _logits(self, draw, index: int, logits: list[float]) -> None:
        for place, logit in enumerate(logits):
            column, row = divmod(place, self.rows)
            x = self.left + (index * self.columns + column) * self.step_x + self.block
            y = self.top + row * self.cell[1] + self.cell[1] / 2
            text = f"{logit:+.2f}".replace("-", "−")
            draw.text((x, y), text, self.look.hex["quiet"], self.font, anchor="rm")

    def _heads(self) -> np.ndarray:
        picture = Image.new("RGB", (self.width, self.height), self.look.hex["paper"])
        draw, u = ImageDraw.Draw(picture), self.unit
        room = self.width - 2 * self.margin - 190 * u
        self._text(draw, self.margin, 25 * u, self.heading, 19, "ink", room, bold=True)
        for index, (title, run) in enumerate(zip(self.titles, self.runs, strict=True)):
            single = len(self.runs) == 1
            x = self.margin if single else self.left + index * self.step_x
            room = self.width - 2 * self.margin if single else self.block
            if title:
                self._text(draw, x, self.top - 42 * u, title, 16, "ink", room, bold=True)
            self._text(draw, x, self.top - 20 * u, naming.subtitle(run), 14, "quiet", room)
        note = "red: changed since the start · underlined: in this step · shaded: softmax unsure · right: d"
        if self.count < self.runs[0].n:
            note = f"{note} · the first {self.count} of {self.runs[0].n} strings"
        self._text(draw, self.margin, self.height - 26 * u, note, 13, "quiet", self.width - 2 * self.margin)
        return np.asarray(picture)

    def _text(self, draw, x, y, text, size, colour, room, bold=False) -> None:
        pixels = size * self.unit
        pixels *= min(1.0, room / max(1.0, font(max(1, round(pixels)), bold).getlength(text)))
        draw.text((x, y), text, self.look.hex[colour], font(max(6, int(pixels)), bold), anchor="lm")

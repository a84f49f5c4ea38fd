"""Lists of strings as pixels, in a fixed-width font, one frame a step."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from dgflow_core.pictures import naming, palette
from dgflow_core.pictures.sheet import FONT, SMALL, TITLE, Look, Sheet, Style
from dgflow_core.pictures.text_list import Listing

LEVELS = 8  # shades of confidence
LEAD = 1.4  # row height in font sizes
LARGEST, SMALLEST, LEGIBLE = 22, 11, 7  # font sizes at 640 pixels, and the smallest in true pixels
LOGIT = 8  # characters that a logit takes, with the space before it


def painter(listing: Listing, look: Look) -> Sheet:
    """What draws a listing with a look."""
    return ListPainter(listing, look.size, look.dark)


class ListPainter(Sheet):
    """Draws the frames of one or more runs of text.

    Red is what changed since the start, underlined what changed in this step, shaded what the
    softmax is unsure of. One run fills up to three columns, several stand side by side; strings
    for which there is no room are left out from the end, and the picture says so.
    """

    def __init__(self, listing: Listing, size: int, dark: bool = False):
        super().__init__(size, dark)
        self.listing, self.runs, self.steps = listing, listing.runs, listing.steps
        single, u, n = len(listing.runs) == 1, self.unit, listing.runs[0].n
        self.top, self.foot = round((78 if single else 104) * u), round(48 * u)
        free = size - self.top - self.foot
        self.columns = min(3, math.ceil(n / 24)) if single else 1
        most = max(1, int(free / (LEAD * max(LEGIBLE, SMALLEST * u))))
        self.rows = min(most, math.ceil(n / self.columns))
        self.shown = listing.standing[: self.rows * self.columns]
        pixels = max(LEGIBLE, int(min(LARGEST * u, free / (LEAD * self.rows))))
        self.font = ImageFont.truetype(findfont(f"{FONT} Mono"), pixels)
        self.cell = max(1, round(self.font.getlength("m"))), round(LEAD * pixels)
        self.block = (self.runs[0].length + LOGIT) * self.cell[0]
        self.step_x = self.block + self.margin
        blocks = len(self.runs) * self.columns
        width = max(blocks * self.step_x + self.margin, round(660 * u))
        height = self.top + self.rows * self.cell[1] + self.foot
        self.left = (width - blocks * self.step_x + self.margin) // 2
        self._even(width, height)
        self._tiles = [self._draw_tiles(run.alphabet) for run in self.runs]

    def _fill(self, canvas: np.ndarray, step: int) -> None:
        for index, run in enumerate(self.runs):
            lines = self._lines(index, min(step, run.steps))
            for column in range(self.columns):
                part = lines[column * self.rows : (column + 1) * self.rows]
                x = self.left + (index * self.columns + column) * self.step_x
                tall, wide = part.shape[0] * self.cell[1], part.shape[1] * self.cell[0]
                block = part.transpose(0, 2, 1, 3, 4).reshape(tall, wide, 3)
                canvas[self.top : self.top + tall, x : x + wide] = block
        picture = Image.fromarray(canvas)
        draw = ImageDraw.Draw(picture)
        for index, run in enumerate(self.runs):
            self._logits(draw, index, run.logits[min(step, run.steps), self.shown].tolist())
        canvas[:] = np.asarray(picture)

    def _lines(self, index: int, step: int) -> np.ndarray:
        """The strings of a run at ``step`` as tiles: (count, length, tall, wide, 3)."""
        run = self.runs[index]
        now, start = run.symbols[step, self.shown].numpy(), run.symbols[0, self.shown].numpy()
        past = run.symbols[max(0, step - 1), self.shown].numpy()
        level = run.confidence[step, self.shown].numpy().astype(int) * LEVELS // 256
        return self._tiles[index][now, (now != start).astype(int), (now != past).astype(int), level]

    def _draw_tiles(self, letters: str) -> np.ndarray:
        """Every symbol in every state: (symbols, since start, in this step, level, tall, wide, 3) bytes."""
        wide, tall = self.cell
        rgb, paper = self.tones.rgb, self.tones.rgb["paper"]
        cover = np.zeros((len(letters), 1, 1, 1, tall, wide, 1), np.float32)
        for place, letter in enumerate(letters):
            tile = Image.new("L", (wide, tall))
            ImageDraw.Draw(tile).text((wide / 2, tall / 2), letter, 255, self.font, anchor="mm")
            cover[place, 0, 0, 0, :, :, 0] = np.asarray(tile) / 255
        unsure = np.array(to_rgb(palette.UNSURE), np.float32) * 255
        share = (0.45 if self.tones.dark else 0.7) * (1 - np.arange(LEVELS, dtype=np.float32) / (LEVELS - 1))[
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
            draw.text((x, y), text, self.tones.hex["quiet"], self.font, anchor="rm")

    def _heads(self) -> Image.Image:
        picture, draw = self._paper()
        self._heading(draw, self.listing.title)
        wide = self.width - 2 * self.margin
        for index, (title, run) in enumerate(zip(self.listing.heads, self.runs, strict=True)):
            single = len(self.runs) == 1
            x = self.margin if single else self.left + index * self.step_x
            room = wide if single else self.block
            if title:
                self._text(draw, (x, self.top - 42 * self.unit), title, TITLE, room)
            self._text(draw, (x, self.top - 20 * self.unit), naming.subtitle(run), SMALL, room)
        note = "red: changed since the start · underlined: in this step · shaded: softmax unsure · right: d"
        count = len(self.shown)
        if count < self.runs[0].n:
            note = f"{note} · the first {count} of {self.runs[0].n} strings"
        self._text(draw, (self.margin, self.height - 26 * self.unit), note, Style(13, "quiet"), wide)
        return picture

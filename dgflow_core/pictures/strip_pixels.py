"""One sample over the steps, as in the paper's Figure 3; and the same samples in a row for every run."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from dgflow_core.kinds.images.datasets.readers import to_bytes
from dgflow_core.pictures import naming
from dgflow_core.pictures.image_pixels import WallPainter
from dgflow_core.pictures.image_wall import Wall
from dgflow_core.pictures.sheet import SMALL, TITLE, Look, Sheet, Style

FILM = 9  # pictures in the film below
MOST = 12  # columns of a grid


def tile(sample: Tensor, side: int) -> Image.Image:
    """A sample (C, H, W) in [−1, 1] as a square RGB picture of ``side`` pixels."""
    pixels = to_bytes(sample.cpu()).expand(3, *sample.shape[1:]).permute(1, 2, 0).numpy()
    return Image.fromarray(np.ascontiguousarray(pixels)).resize((side, side), Image.Resampling.BICUBIC)


def paste(canvas: np.ndarray, picture: Image.Image, x: int, y: int) -> None:
    canvas[y : y + picture.height, x : x + picture.width] = np.asarray(picture)


def painter(wall: Wall, look: Look) -> Sheet:
    """What draws a wall with a look: all samples, a grid of runs, or one sample's strip."""
    kind = GridPainter if wall.rows else WallPainter if wall.sample is None else StripPainter
    return kind(wall, look.size, look.dark)


class StripPainter(Sheet):
    """The sample that a wall is about: base, now and end large, a film of the steps below."""

    def __init__(self, wall: Wall, size: int, dark: bool = False):
        super().__init__(size, dark)
        run = self.run = wall.runs[0]
        self.wall, self.sample, self.steps = wall, wall.sample, run.steps
        u = self.unit
        self.top, self.line, self.gap = round(84 * u), round(26 * u), max(2, round(6 * u))
        content = (size - self.top - 2 * self.line - round(20 * u)) * 9 // 4
        self.small, self.large = content // FILM - self.gap, content // 3 - self.gap
        self.film = [round(i * run.steps / (FILM - 1)) for i in range(FILM)]
        self.below = self.top + self.large + self.line
        self._even(content + 2 * self.margin, self.below + self.small + self.line + round(16 * u))

    def _heads(self) -> Image.Image:
        (picture, draw), run = self._paper(), self.run
        self._heading(draw, self.wall.title)
        under = f"sample {self.sample + 1}, {naming.subtitle(run)}"
        self._text(draw, (self.margin, 56 * self.unit), under, SMALL, self.width - 2 * self.margin)
        for index, step in enumerate(self.film):
            x = self.margin + index * (self.small + self.gap)
            picture.paste(tile(run.samples[step, self.sample], self.small), (x, self.below))
            middle = (x + self.small // 2, self.below + self.small + self.line // 2)
            self._text(draw, middle, str(step), Style(14, "quiet", anchor="mm"), self.small)
        for index, step, name in ((0, 0, "base"), (2, run.steps, "refined")):
            self._large(picture, index, step, name)
        return picture

    def _large(self, picture: Image.Image, index: int, step: int, name: str) -> None:
        draw = ImageDraw.Draw(picture)
        x = self.margin + index * (self.large + self.gap)
        picture.paste(tile(self.run.samples[step, self.sample], self.large), (x, self.top))
        colour = self.tones.hex[name if name in ("base", "refined") else "accent"]
        edge = (x, self.top, x + self.large - 1, self.top + self.large - 1)
        draw.rectangle(edge, outline=colour, width=max(2, round(4 * self.unit)))
        d = f"{float(self.run.logits[step, self.sample]):+.2f}".replace("-", "−")
        middle = (x + self.large // 2, self.top + self.large + self.line // 2)
        self._text(draw, middle, f"{name}, d = {d}", Style(15, anchor="mm"), self.large)

    def _fill(self, canvas: np.ndarray, step: int) -> None:
        picture = Image.fromarray(canvas)
        self._large(picture, 1, step, f"step {step}")
        near = min(range(FILM), key=lambda index: abs(self.film[index] - step))
        x = self.margin + near * (self.small + self.gap)
        edge = (x, self.below, x + self.small - 1, self.below + self.small - 1)
        width = max(2, round(3 * self.unit))
        ImageDraw.Draw(picture).rectangle(edge, outline=self.tones.hex["accent"], width=width)
        canvas[:] = np.asarray(picture)


class GridPainter(Sheet):
    """Several runs from the same samples: a row each, named; columns are the first samples."""

    def __init__(self, wall: Wall, size: int, dark: bool = False):
        super().__init__(size, dark)
        self.wall, self.runs, self.steps = wall, wall.runs, wall.steps
        u = self.unit
        self.columns = min(MOST, *(run.n for run in wall.runs))
        self.top, self.gutter, self.gap = round(56 * u), round(200 * u), max(2, round(5 * u))
        free = (size - self.top - round(20 * u)) // len(wall.runs) - self.gap
        self.side = max(24, min(free, round(120 * u)))
        width = self.gutter + self.columns * (self.side + self.gap) + 2 * self.margin
        self._even(width, self.top + len(wall.runs) * (self.side + self.gap) + round(16 * u))

    def _heads(self) -> Image.Image:
        picture, draw = self._paper()
        self._heading(draw, f"{self.wall.title}, the same samples")
        for row, title in enumerate(self.wall.heads):
            y = self.top + row * (self.side + self.gap) + self.side // 2
            self._text(draw, (self.margin, y), title, TITLE, self.gutter - 14 * self.unit)
        return picture

    def _fill(self, canvas: np.ndarray, step: int) -> None:
        for row, run in enumerate(self.runs):
            for column in range(self.columns):
                x = self.margin + self.gutter + column * (self.side + self.gap)
                sample = run.samples[min(step, run.steps), column]
                paste(canvas, tile(sample, self.side), x, self.top + row * (self.side + self.gap))

"""Walls of images as pixels: all samples of a run, or of several side by side, one frame a step."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from dgflow_core.kinds.images.datasets.readers import to_bytes
from dgflow_core.pictures.image_wall import Wall
from dgflow_core.pictures.sheet import SMALL, TITLE, Sheet

MOST = 256  # more than this cannot be told apart on a wall


class WallPainter(Sheet):
    """Draws the frames of one or more runs of images (steps + 1, n, C, H, W) in [−1, 1].

    The first ``MOST`` samples in the wall's order are shown, enlarged by a whole factor so that a pixel
    stays a square; the picture is as high as that makes it, ``size`` at most unless the samples are larger.
    """

    def __init__(self, wall: Wall, size: int, dark: bool = False):
        super().__init__(size, dark)
        self.wall, self.runs, self.steps = wall, wall.runs, wall.steps
        u, single = self.unit, len(wall.runs) == 1
        tall, wide = wall.runs[0].samples.shape[-2:]
        self.hung = [wall.hung(run)[:MOST] for run in wall.runs]
        self.top = round((78 if single else 104) * u)
        foot, count = round(24 * u), max(map(len, self.hung))
        self.columns = math.ceil(math.sqrt(count * tall / wide))
        self.rows = math.ceil(count / self.columns)
        self.gap = max(1, round(3 * u))
        self.factor = max(1, ((size - self.top - foot) // self.rows - self.gap) // tall)
        self.cell = wide * self.factor + self.gap, tall * self.factor + self.gap
        self.side = self.columns * self.cell[0] - self.gap, self.rows * self.cell[1] - self.gap
        walls = len(self.runs) * (self.side[0] + self.margin) - self.margin
        width = max(walls + 2 * self.margin, round(620 * u))  # room for the heading
        self.left = (width - walls) // 2
        self._even(width, self.top + self.side[1] + foot)  # a whole factor seldom fills ``size``

    def _fill(self, canvas: np.ndarray, step: int) -> None:
        for index, (run, hung) in enumerate(zip(self.runs, self.hung, strict=True)):
            samples = run.samples[min(step, run.steps), hung]
            pictures = to_bytes(samples).expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy()
            pictures = pictures.repeat(self.factor, 1).repeat(self.factor, 2)
            left = self.left + index * (self.side[0] + self.margin)
            for place, picture in enumerate(pictures):
                row, column = divmod(place, self.columns)
                y, x = self.top + row * self.cell[1], left + column * self.cell[0]
                canvas[y : y + picture.shape[0], x : x + picture.shape[1]] = picture

    def _heads(self) -> Image.Image:
        picture, draw = self._paper()
        self._heading(draw, self.wall.title)
        for index, (title, under) in enumerate(zip(self.wall.heads, self.wall.subtitles, strict=True)):
            x, room = self.left + index * (self.side[0] + self.margin), self.side[0]
            if len(self.runs) == 1:
                x, room = self.margin, self.width - 2 * self.margin
            if title:
                self._text(draw, (x, self.top - 42 * self.unit), title, TITLE, room)
            self._text(draw, (x, self.top - 20 * self.unit), under, SMALL, room)
        return picture

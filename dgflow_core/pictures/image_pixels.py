"""Runs of image models as pixels: a wall of samples a step."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.pictures import naming, palette
from dgflow_core.pictures.plane_pixels import Look, font

MOST = 256  # more than this cannot be told apart on a wall


class Sheet(ABC):
    """What every picture of images has: a ground with text, the step, and how far the run is."""

    width: int
    height: int
    steps: int

    def __init__(self, size: int, dark: bool):
        self.look, self.unit = Look(dark), size / 640
        self.margin = round(22 * self.unit)
        self._ground: np.ndarray | None = None

    def frame(self, step: int) -> np.ndarray:
        """The picture at ``step``, (height, width, 3) bytes."""
        if self._ground is None:
            self._ground = self._heads()
        canvas = self._ground.copy()
        self._fill(canvas, step)
        picture = Image.fromarray(canvas)
        draw, u = ImageDraw.Draw(picture), self.unit
        at = (self.width - self.margin, round(25 * u))
        draw.text(at, f"step {step} / {self.steps}", self.look.hex["ink"], font(round(19 * u)), anchor="rm")
        thick = max(2, round(4 * u))
        done = round(self.width * (step / self.steps if self.steps else 1))
        draw.rectangle((0, self.height - thick, self.width, self.height), self.look.hex["grid"])
        draw.rectangle((0, self.height - thick, done, self.height), palette.ACCENT)
        return np.asarray(picture)

    @abstractmethod
    def _heads(self) -> np.ndarray:
        """The ground: everything that stays the same from step to step."""

    @abstractmethod
    def _fill(self, canvas: np.ndarray, step: int) -> None:
        """Put the pictures of ``step`` on ``canvas``."""

    def _text(self, draw, x, y, text, size, colour, room, bold=False, anchor="lm") -> None:
        pixels = size * self.unit
        pixels *= min(1.0, room / max(1.0, font(max(1, round(pixels)), bold).getlength(text)))
        draw.text((x, y), text, self.look.hex[colour], font(max(6, int(pixels)), bold), anchor=anchor)


class Painter(Sheet):
    """Draws the frames of one or more runs of images (steps + 1, n, C, H, W) in [−1, 1].

    The first ``MOST`` samples are shown, enlarged by a whole factor so that a pixel stays a square;
    the picture is as high as that makes it, ``size`` at most unless the samples are larger.
    """

    def __init__(self, runs: Sequence[Trajectory], size: int, titles=None, dark: bool = False):
        super().__init__(size, dark)
        self.runs = runs
        self.steps = max(run.steps for run in runs)
        single = len(runs) == 1
        name = naming.model_title(runs[0])
        self.heading = naming.heading(runs[0], name) if single else name
        self.titles = list(titles or ("" if single else naming.title(run) for run in runs))
        self.subtitles = [naming.subtitle(run) for run in runs]
        u = self.unit
        tall, wide = runs[0].samples.shape[-2:]
        self.count = min(runs[0].n, MOST)
        self.top = round((78 if single else 104) * u)
        self.foot = round(24 * u)
        self.columns = math.ceil(math.sqrt(self.count * tall / wide))
        self.rows = math.ceil(self.count / self.columns)
        self.gap = max(1, round(3 * u))
        free = size - self.top - self.foot
        self.factor = max(1, (free // self.rows - self.gap) // tall)
        self.cell = wide * self.factor + self.gap, tall * self.factor + self.gap
        self.wall = self.columns * self.cell[0] - self.gap, self.rows * self.cell[1] - self.gap
        walls = len(runs) * (self.wall[0] + self.margin) - self.margin
        width = max(walls + 2 * self.margin, round(620 * u))  # room for the heading
        self.left = (width - walls) // 2
        height = self.top + self.wall[1] + self.foot  # a whole factor seldom fills ``size``
        self.width, self.height = width + width % 2, height + height % 2

    def _fill(self, canvas: np.ndarray, step: int) -> None:
        for index, run in enumerate(self.runs):
            wall = self._wall(run.samples[min(step, run.steps)][: self.count])
            x = self.left + index * (self.wall[0] + self.margin)
            canvas[self.top : self.top + self.wall[1], x : x + self.wall[0]] = wall

    def _heads(self) -> np.ndarray:
        picture = Image.new("RGB", (self.width, self.height), self.look.hex["paper"])
        draw, u = ImageDraw.Draw(picture), self.unit
        room = self.width - 2 * self.margin - 190 * u
        self._text(draw, self.margin, 25 * u, self.heading, 19, "ink", room, bold=True)
        for index, (title, under) in enumerate(zip(self.titles, self.subtitles, strict=True)):
            x, room = self.left + index * (self.wall[0] + self.margin), self.wall[0]
            if len(self.runs) == 1:
                x, room = self.margin, self.width - 2 * self.margin
            if title:
                self._text(draw, x, self.top - 42 * u, title, 16, "ink", room, bold=True)
            self._text(draw, x, self.top - 20 * u, under, 14, "quiet", room)
        return np.asarray(picture)

    def _wall(self, samples) -> np.ndarray:
        """One step's samples (n, C, H, W) as a wall (height, width, 3)."""
        n, _, tall, wide = samples.shape
        pictures = ((samples.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
        pictures = np.broadcast_to(pictures, (n, tall, wide, 3)) if pictures.shape[3] == 1 else pictures
        pictures = pictures.repeat(self.factor, 1).repeat(self.factor, 2)
        out = np.empty((self.wall[1], self.wall[0], 3), np.uint8)
        out[:] = self.look.rgb["paper"].astype(np.uint8)
        for index, picture in enumerate(pictures):
            row, column = divmod(index, self.columns)
            y, x = row * self.cell[1], column * self.cell[0]
            out[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
        return out

"""One sample over the steps, as in the paper's Figure 3; and the same samples in a row for every run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.images.datasets.readers import to_bytes
from dgflow_core.pictures import naming, palette
from dgflow_core.pictures.image_pixels import Sheet

FILM = 9  # pictures in the film below
MOST = 12  # columns of a grid


def tile(sample: Tensor, side: int) -> Image.Image:
    """A sample (C, H, W) in [−1, 1] as a square RGB picture of ``side`` pixels."""
    pixels = to_bytes(sample.cpu()).expand(3, *sample.shape[1:]).permute(1, 2, 0).numpy()
    return Image.fromarray(np.ascontiguousarray(pixels)).resize((side, side), Image.Resampling.BICUBIC)


def paste(canvas: np.ndarray, picture: Image.Image, x: int, y: int) -> None:
    canvas[y : y + picture.height, x : x + picture.width] = np.asarray(picture)


class Strip(Sheet):
    """Sample number ``sample`` of a run: base, now and end large, a film of the steps below.

    Raises:
        ValueError: the run has no such sample.
    """

    def __init__(self, run: Trajectory, sample: int, size: int, dark: bool = False):
        if isinstance(sample, bool) or not isinstance(sample, int) or not 0 <= sample < run.n:
            raise ValueError(f"sample must be a whole number from 0 to {run.n - 1}, not {sample!r}.")
        super().__init__(size, dark)
        self.run, self.sample, self.steps = run, sample, run.steps
        u = self.unit
        self.top, self.line, self.gap = round(84 * u), round(26 * u), max(2, round(6 * u))
        content = (size - self.top - 2 * self.line - round(20 * u)) * 9 // 4
        self.small, self.large = content // FILM - self.gap, content // 3 - self.gap
        self.film = [round(i * run.steps / (FILM - 1)) for i in range(FILM)]
        self.below = self.top + self.large + self.line
        width, height = content + 2 * self.margin, self.below + self.small + self.line + round(16 * u)
        self.width, self.height = width + width % 2, height + height % 2

    def _heads(self) -> np.ndarray:
        picture = Image.new("RGB", (self.width, self.height), self.look.hex["paper"])
        draw, u, run = ImageDraw.Draw(picture), self.unit, self.run
        room = self.width - 2 * self.margin
        heading = naming.heading(run, naming.model_title(run))
        self._text(draw, self.margin, 25 * u, heading, 19, "ink", room - 190 * u, True)
        under = f"sample {self.sample + 1}, {naming.subtitle(run)}"
        self._text(draw, self.margin, 56 * u, under, 14, "quiet", room)
        for index, step in enumerate(self.film):
            x = self.margin + index * (self.small + self.gap)
            picture.paste(tile(run.samples[step, self.sample], self.small), (x, self.below))
            middle = (x + self.small // 2, self.below + self.small + self.line // 2)
            self._text(draw, *middle, str(step), 14, "quiet", self.small, anchor="mm")
        for index, step, name in ((0, 0, "base"), (2, run.steps, "refined")):
            self._large(picture, draw, index, step, name)
        return np.array(picture)

    def _large(self, picture, draw, index: int, step: int, name: str) -> None:
        x = self.margin + index * (self.large + self.gap)
        picture.paste(tile(self.run.samples[step, self.sample], self.large), (x, self.top))
        colour = {"base": palette.BASE, "refined": palette.REFINED}.get(name, palette.ACCENT)
        edge = (x, self.top, x + self.large - 1, self.top + self.large - 1)
        draw.rectangle(edge, outline=colour, width=max(2, round(4 * self.unit)))
        d = f"{float(self.run.logits[step, self.sample]):+.2f}".replace("-", "−")
        middle = (x + self.large // 2, self.top + self.large + self.line // 2)
        self._text(draw, *middle, f"{name}, d = {d}", 15, "ink", self.large, anchor="mm")

    def _fill(self, canvas: np.ndarray, step: int) -> None:
        picture = Image.fromarray(canvas)
        draw = ImageDraw.Draw(picture)
        self._large(picture, draw, 1, step, f"step {step}")
        near = min(range(FILM), key=lambda index: abs(self.film[index] - step))
        x = self.margin + near * (self.small + self.gap)
        edge = (x, self.below, x + self.small - 1, self.below + self.small - 1)
        draw.rectangle(edge, outline=palette.ACCENT, width=max(2, round(3 * self.unit)))
        canvas[:] = np.asarray(picture)


class Grid(Sheet):
    """Several runs from the same samples: a row each, named; columns are the first samples."""

    def __init__(self, runs: Sequence[Trajectory], size: int, titles=None, dark: bool = False):
        super().__init__(size, dark)
        self.runs, self.steps = runs, max(run.steps for run in runs)
        self.titles = list(titles or (naming.title(run) for run in runs))
        u = self.unit
        self.columns = min(MOST, *(run.n for run in runs))
        self.top, self.gutter, self.gap = round(56 * u), round(200 * u), max(2, round(5 * u))
        free = (size - self.top - round(20 * u)) // len(runs) - self.gap
        self.side = max(24, min(free, round(120 * u)))
        width = self.gutter + self.columns * (self.side + self.gap) + 2 * self.margin
        height = self.top + len(runs) * (self.side + self.gap) + round(16 * u)
        self.width, self.height = width + width % 2, height + height % 2

    def _heads(self) -> np.ndarray:
        picture = Image.new("RGB", (self.width, self.height), self.look.hex["paper"])
        draw, u = ImageDraw.Draw(picture), self.unit
        room = self.width - 2 * self.margin - 190 * u
        heading = f"{naming.model_title(self.runs[0])}, the same samples"
        self._text(draw, self.margin, 25 * u, heading, 19, "ink", room, True)
        for row, title in enumerate(self.titles):
            y = self.top + row * (self.side + self.gap) + self.side // 2
            self._text(draw, self.margin, y, title, 16, "ink", self.gutter - 14 * u, True)
        return np.array(picture)

    def _fill(self, canvas: np.ndarray, step: int) -> None:
        for row, run in enumerate(self.runs):
            for column in range(self.columns):
                x = self.margin + self.gutter + column * (self.side + self.gap)
                sample = run.samples[min(step, run.steps), column]
                paste(canvas, tile(sample, self.side), x, self.top + row * (self.side + self.gap))

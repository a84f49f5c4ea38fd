"""What every drawn picture has: colours, letters that fit, a step counter, a line for the progress."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from dgflow_core.errors import UserError
from dgflow_core.pictures import palette

FONT = "DejaVu Sans"


class Style(NamedTuple):
    """How words look: size at 640 pixels of height, a name of ``Tones.hex``, weight, Pillow's anchor."""

    size: float
    colour: str = "ink"
    bold: bool = False
    anchor: str = "lm"


HEADING, TITLE, SMALL = Style(19, bold=True), Style(16, bold=True), Style(14, "quiet")


SIZE, FPS = 640, 20
SIZES, RATES = (240, 1920), (1, 60)


@dataclass(frozen=True)
class Look:
    """How a picture is drawn.

    Attributes:
        size: height in pixels, 240 to 1920. dark: light lines on a dark ground.
        layers: of "map", "arrows", "real", "base", "refined", "paths"; None: those of the scene.
        fps: steps a second, 1 to 60.
        step: which one a picture of a single step shows; None: where the screen stands, or the last.

    Raises:
        UserError: a size or rate that is not allowed.
    """

    size: int = SIZE
    dark: bool = False
    layers: Sequence[str] | None = None
    fps: float = FPS
    step: int | None = None

    def __post_init__(self):
        _range("size", self.size, SIZES, "pixels")
        _range("fps", self.fps, RATES, "frames a second")

    def at(self, picture: Any) -> int:
        """The step that a picture of a single step shows.

        Raises:
            UserError: there is no such step.
        """
        step = self.step
        if step is None:
            at = picture.steps if picture.step is None else min(picture.step, picture.steps)
            strip = getattr(picture, "sample", None) is not None  # its first and last step are there anyway
            return picture.steps // 2 if strip and at in (0, picture.steps) else at
        if isinstance(step, bool) or not isinstance(step, int) or not 0 <= step <= picture.steps:
            raise UserError(f"step must be a whole number from 0 to {picture.steps}, not {step!r}.")
        return step


def _range(name: str, value, allowed: tuple[int, int], unit: str) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not allowed[0] <= value <= allowed[1]:
        raise UserError(f"{name} must be from {allowed[0]} to {allowed[1]} {unit}, not {value!r}.")


class Tones:
    """Colours, light or dark: ``hex`` and ``rgb`` (0 to 255) by name; ``maps``: by the kind of a map.

    ``keys`` are those that must come out exact where a picture has few colours.
    """

    def __init__(self, dark: bool):
        self.dark = dark
        self.hex = dict(palette.DARK if dark else palette.LIGHT)
        self.hex["accent"] = palette.ACCENT
        self.keys = list(self.hex.values())
        self.rgb = {name: np.array(to_rgb(value), np.float32) * 255 for name, value in self.hex.items()}
        logit = palette.LOGIT_DARK if dark else palette.LOGIT_LIGHT
        stops = {"logit": logit, "ratio": logit[::-1], "density": palette.DENSITY}
        self.maps = {kind: LinearSegmentedColormap.from_list(kind, row) for kind, row in stops.items()}


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The font of all pictures at ``size`` pixels."""
    return ImageFont.truetype(findfont(f"{FONT}:bold" if bold else FONT), size)


def fitted(text: str, pixels: float, room: float, bold: bool = False) -> float:
    """The font size, ``pixels`` at most, at which ``text`` is no wider than ``room`` pixels."""
    return pixels * min(1.0, room / max(1.0, font(max(1, round(pixels)), bold).getlength(text)))


class Sheet(ABC):
    """A picture of ``steps + 1`` frames, ``width`` × ``height`` pixels, both even, drawn when asked for.

    ``unit`` is how many pixels stand for one in a picture 640 high.
    """

    width: int
    height: int
    steps: int

    def __init__(self, size: int, dark: bool):
        self.tones, self.unit = Tones(dark), size / 640
        self.margin = round(22 * self.unit)
        self._ground: np.ndarray | None = None

    def frame(self, step: int) -> np.ndarray:
        """The picture at ``step``, (height, width, 3) bytes."""
        canvas = self._canvas(step)
        u, tall = self.unit, round(30 * self.unit)
        top, right = round(10 * u), self.width - self.margin
        left = max(0, right - round(210 * u))
        strip = Image.fromarray(canvas[top : top + tall, left:right])
        at, text = (right - left, tall / 2), self.called(step)
        ImageDraw.Draw(strip).text(at, text, self.tones.hex["ink"], font(round(19 * u)), anchor="rm")
        canvas[top : top + tall, left:right] = np.asarray(strip)
        thick = max(2, round(4 * u))
        done = round(self.width * (step / self.steps if self.steps else 1))
        canvas[-thick:, :done] = self.tones.rgb["accent"]
        canvas[-thick:, done:] = self.tones.rgb["grid"]
        return canvas

    def called(self, step: int) -> str:
        """What the counter says."""
        return f"step {step} / {self.steps}"

    def _canvas(self, step: int) -> np.ndarray:
        """A fresh picture of ``step`` but for the counter and the line."""
        if self._ground is None:
            self._ground = np.array(self._heads())
        canvas = self._ground.copy()
        self._fill(canvas, step)
        return canvas

    @abstractmethod
    def _heads(self) -> Image.Image:
        """The ground: everything that stays the same from step to step."""

    @abstractmethod
    def _fill(self, canvas: np.ndarray, step: int) -> None:
        """Put what belongs to ``step`` on ``canvas``."""

    def _paper(self) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        """An empty picture, and what draws on it."""
        picture = Image.new("RGB", (self.width, self.height), self.tones.hex["paper"])
        return picture, ImageDraw.Draw(picture)

    def _heading(self, draw: ImageDraw.ImageDraw, text: str) -> None:
        """The first line, left of the step counter."""
        room = self.width - 2 * self.margin - 190 * self.unit
        self._text(draw, (self.margin, 25 * self.unit), text, HEADING, room)

    def _text(self, draw: ImageDraw.ImageDraw, at, text: str, style: Style, room: float) -> None:
        """``text`` at a point, made smaller where it is wider than ``room`` pixels."""
        pixels = fitted(text, style.size * self.unit, room, style.bold)
        draw.text(
            at,
            text,
            self.tones.hex[style.colour],
            font(max(6, int(pixels)), style.bold),
            anchor=style.anchor,
        )

    def _even(self, width: int, height: int) -> None:
        """Take this size, made even: video knows no other."""
        self.width, self.height = width + width % 2, height + height % 2

"""What a file format declares: its suffix, what it holds, what can be chosen, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from dgflow_core.errors import UserError
from dgflow_core.pictures.picture import KINDS, Picture, paint
from dgflow_core.pictures.sheet import Look

#: What can be chosen of files that move, and of those that show one step.
ANIMATED, STILL = ("size", "dark", "layers", "fps"), ("size", "dark", "layers", "step")

#: Seconds of one core that a frame in the plane costs, and each of its pixels; samples cost about half of it.
#: Measured on 81 frames of 2,000 particles, GIF and MP4, 362 × 360 and 1086 × 1080.
FRAME, PIXEL = 0.015, 5.5e-8

Progress = Callable[[int, int], object]
Stop = Callable[[], bool]


class Stopped(Exception):
    """Somebody asked an export to stop."""


@dataclass(frozen=True)
class Watch:
    """Who is told how far a file is, ``progress(done, total)``, and who may ask to stop."""

    progress: Progress | None = None
    stop: Stop | None = None

    def frames(self, painter) -> Iterator[np.ndarray]:
        """Every frame of a painter, counted.

        Raises:
            Stopped: on request.
        """
        total = painter.steps + 1
        for step in range(total):
            if self.stop and self.stop():
                raise Stopped
            yield painter.frame(step)
            if self.progress:
                self.progress(step + 1, total)

    def done(self) -> None:
        """The file is whole, and had no frames to count."""
        if self.progress:
            self.progress(1, 1)


class Writer(Protocol):
    """Writes ``picture`` to ``path``."""

    def __call__(self, picture: Picture, path: Path, look: Look, watch: Watch) -> None: ...


@dataclass(frozen=True)
class Format:
    """A kind of file. A file in this folder that defines ``FORMAT`` adds one.

    Attributes:
        suffix: without the dot; names the format. title: what it is, in a few words. media: its media type.
        write: the writer.
        kinds: of pictures that it can hold. instead: what to do with others, as half a sentence.
        options: what of ``Look`` it heeds.
        runs: how many runs it can hold; None: any picture's.
        pixels: the most, over all its frames; None: any number. larger: what takes more, as ", or mp4".
        order: place in lists; small first.
    """

    suffix: str
    title: str
    media: str
    write: Writer
    kinds: tuple[str, ...] = tuple(KINDS)
    instead: str = ""
    options: tuple[str, ...] = ()
    runs: int | None = None
    pixels: int | None = None
    larger: str = ""
    order: int = 100

    def holds(self, picture: Picture) -> bool:
        """Whether a picture can be saved so."""
        runs = len(picture.runs)
        return picture.kind in self.kinds and (self.runs is None or 1 <= runs <= self.runs)

    def seconds(self, picture: Picture, look: Look) -> float:
        """About how many seconds of one core a file costs, known before anything is drawn."""
        if "fps" not in self.options:
            return 0.0  # one step, or the numbers alone
        painter = paint(picture, look)
        return (painter.steps + 1) * (FRAME + PIXEL * painter.width * painter.height)

    def check(self, picture: Picture, look: Look) -> None:
        """Say what would not work, before anything is drawn.

        Raises:
            UserError: one sentence.
        """
        if picture.kind not in self.kinds:
            names = " and ".join(KINDS[kind] for kind in self.kinds)
            raise UserError(f"{self.suffix} is for runs {names}; {self.instead}.")
        if not self.holds(picture):
            raise UserError(f"{self.suffix} holds {self.runs} run, not {len(picture.runs)}.")
        if self.pixels is not None:
            painter = paint(picture, look)
            total = (painter.steps + 1) * painter.width * painter.height
            if total > self.pixels:
                size = f"{painter.steps + 1} frames of {painter.width} × {painter.height} pixels"
                name = self.suffix.upper()
                raise UserError(f"{size} are too much for a {name}; choose a smaller size{self.larger}.")

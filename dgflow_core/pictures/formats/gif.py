"""GIF: one frame a step, all of them, in one palette that holds the colours that carry meaning."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy  # its parts load when they are used, which keeps the start short
from PIL import Image, ImageColor

from dgflow_core.pictures.formats.declaration import ANIMATED, Format, Watch
from dgflow_core.pictures.picture import Picture, paint
from dgflow_core.pictures.sheet import Look

HOLD = 1500  # milliseconds that a GIF rests on its last frame before it starts again
COLOURS = 255


def write(picture: Picture, path: Path, look: Look, watch: Watch) -> None:
    """Write a GIF that loops.

    It counts in hundredths of a second, and browsers take less than 2 of them for 10: above 50 frames a
    second it plays at 50.
    """
    painter = paint(picture, look)
    marks = sorted({0, painter.steps // 8, painter.steps})
    table, nearest = _palette([painter.frame(step) for step in marks], painter.tones.keys)

    def images() -> Iterator[Image.Image]:
        for frame in watch.frames(painter):
            image = Image.fromarray(nearest[_codes(frame)], "P")
            image.putpalette(table)
            yield image

    rest = images()
    first = next(rest)
    # imageio's own writer makes a palette for every frame; this is the encoder beneath it. "optimize"
    # leaves unchanged pixels transparent, for which the palette has one entry free.
    first.save(
        path,
        "GIF",
        save_all=True,
        append_images=rest,
        duration=_durations(painter.steps + 1, look.fps),
        loop=0,
        optimize=True,
    )


def _durations(count: int, fps: float) -> list[int]:
    """Milliseconds for each frame: whole hundredths that add up to count / fps."""
    ends = [round(100 * index / min(fps, 50)) for index in range(count + 1)]
    lengths = [10 * max(2, after - before) for before, after in itertools.pairwise(ends)]
    lengths[-1] += HOLD
    return lengths


def _palette(sample: list[np.ndarray], keys: list[str]) -> tuple[list[int], np.ndarray]:
    """A palette (r, g, b, r, …) for ``sample``, and for every 18-bit colour its nearest entry.

    ``keys`` are in it as they are. A colour's say grows with the root of its area: the empty ground
    of a picture is large, its dots are small.
    """
    fixed = [ImageColor.getrgb(key) for key in dict.fromkeys(keys)]
    pixels = np.concatenate([frame.reshape(-1, 3) for frame in sample])
    colours, counts = np.unique(_codes(pixels), return_counts=True)
    weighted = np.repeat(colours, np.ceil(np.sqrt(counts)).astype(int))
    rgb = np.stack([weighted >> 12, (weighted >> 6) & 63, weighted & 63], axis=-1).astype(np.uint8) * 4 + 2
    count = COLOURS - len(fixed)
    table = Image.fromarray(rgb[None]).quantize(count, Image.Quantize.MEDIANCUT).getpalette()[: 3 * count]
    table += [channel for colour in fixed for channel in colour]
    six = np.arange(64, dtype=np.float32) * 4 + 2
    cube = np.stack(np.meshgrid(six, six, six, indexing="ij"), axis=-1).reshape(-1, 3)
    nearest = scipy.spatial.cKDTree(np.reshape(table, (-1, 3))).query(cube)[1]
    return table, nearest.astype(np.uint8)


def _codes(pixels: np.ndarray) -> np.ndarray:
    """Colours (…, 3) of 8 bits a channel as whole numbers of 18 bits."""
    six = (pixels >> 2).astype(np.int32)
    return (six[..., 0] << 12) | (six[..., 1] << 6) | six[..., 2]


#: It is put together in memory, one byte a pixel.
PIXELS = 600_000_000
FORMAT = Format(
    "gif", "animated GIF", "image/gif", write, options=ANIMATED, pixels=PIXELS, larger=", or mp4", order=10
)

"""Scenes as pixels: what stands still is drawn once by Matplotlib, dots are written into the pixels.

Drawing 5,000 dots through a plotting library costs 50 ms a frame; writing their coverage into the
picture costs a tenth of that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from dgflow_core.pictures import palette
from dgflow_core.pictures.packing import longest_arrows, map_ranges
from dgflow_core.pictures.scene import Arrows, Map, Panel, Scene
from dgflow_core.pictures.sheet import FONT, Look, Sheet, fitted, font

DPI = 100
HOLE = 0.3  # how much of a ring's middle is covered
MARKS = {"dot": "o", "ring": "o", "diamond": "D"}  # Matplotlib's names
SIGNS = {"dot": "●", "ring": "○", "diamond": "◆"}
PATHS = 200  # more paths than this hide each other
#: The generic family is for readers of an SVG that have no such font.
_STYLE = {"svg.fonttype": "none", "font.family": [FONT, "sans-serif"], "axes.unicode_minus": True}
_STYLING = threading.Lock()


@contextmanager
def _style() -> Iterator[None]:
    """Matplotlib's settings are one for the whole process: one picture at a time sets them."""
    with _STYLING, mpl.rc_context(_STYLE):
        yield


class Box(NamedTuple):
    """A panel's place on the picture, in pixels from the top left."""

    x: int
    y: int
    w: int
    h: int


def painter(scene: Scene, look: Look) -> Sheet:
    """What draws a scene with a look."""
    return Painter(scene, look.size, look.dark, look.layers)


class Painter(Sheet):
    """Draws the frames of a scene as (height, width, 3) arrays of bytes.

    Args:
        size: height in pixels; the width follows from the panels.
        dark: light lines on a dark ground.
        layers: what is drawn, of "map", "arrows", "real", "base", "refined", "paths"; None: the scene's own.
    """

    def __init__(self, scene: Scene, size: int, dark: bool = False, layers: Sequence[str] | None = None):
        super().__init__(size, dark)
        self.scene, self.steps = scene, scene.steps
        self.layers = set(scene.layers if layers is None else layers)
        maps = [panel.map for panel in scene.panels if panel.map is not None and self._shows_map(panel)]
        self.ranges = map_ranges(maps)
        self.longest = longest_arrows(scene.panels)
        self._moving = any(np.ndim(one.values) == 3 for one in maps) or any(map(self._shift, scene.panels))
        self._layout(size)
        self._chrome: np.ndarray | None = None
        self._still: np.ndarray | None = None
        self._trails: dict[int, tuple[int, np.ndarray]] = {}

    def called(self, step: int) -> str:
        return self.scene.names[step] if self.scene.names else super().called(step)

    # ---- where things are ----

    def _shift(self, panel: Panel) -> bool:
        """Whether the panel has arrows that change from step to step."""
        return "arrows" in self.layers and panel.arrows is not None and panel.arrows.moves

    def _shows_map(self, panel: Panel) -> bool:
        return "map" in self.layers and panel.map is not None

    def _layout(self, size: int) -> None:
        u, panels = self.unit, self.scene.panels
        heads = any(map(self._head, panels)), any(panel.subtitle for panel in panels)
        top = 48 + 24 * bool(self.scene.subtitle) + 26 * heads[0] + 22 * heads[1]
        bottom, left, gap, bar = 92, 70, 74, 98
        side = size - round((top + bottom) * u)
        bars = [self._shows_map(panel) for panel in panels]
        # compared maps share one scale, and then one bar at the right says it
        one = len(self.ranges) <= 1
        x = round(left * u)
        self.boxes, self.barred = [], []
        for index, panel in enumerate(panels):
            x0, x1, y0, y1 = panel.extent
            width = round(side * (x1 - x0) / (y1 - y0))
            self.boxes.append(Box(x, round(top * u), width, side))
            last = index == len(panels) - 1
            self.barred.append(bars[index] and (not one or not any(bars[index + 1 :])))
            room = bar if self.barred[-1] else 22 if last else 0
            x += width + round((room + (0 if last else gap)) * u)
        self._even(x, size)

    def _head(self, panel: Panel) -> str:
        """A panel's title, where the picture's does not say it already."""
        return "" if panel.title == self.scene.title else panel.title

    def _pixels(self, box: Box, panel: Panel, points: np.ndarray) -> np.ndarray:
        x0, x1, y0, y1 = panel.extent
        scale = np.array([box.w / (x1 - x0), box.h / (y0 - y1)], np.float32)
        return (np.asarray(points, np.float32) - np.array([x0, y1], np.float32)) * scale

    def _radius(self, count: int, box: Box) -> float:
        return (3.9 - 0.65 * np.log10(max(1, count))) * float(np.clip(np.sqrt(box.w / 420), 0.8, 2.0))

    # ---- frames ----

    def _canvas(self, step: int) -> np.ndarray:
        """The picture at ``step``: base samples alone at step 0, then what became of them."""
        if self._still is None or self._moving:
            self._still = self._under(step)
        canvas = self._still.copy()
        self._fill(canvas, step)
        return np.clip(canvas + 0.5, 0, 255).astype(np.uint8)

    def _fill(self, canvas: np.ndarray, step: int) -> None:
        for index, (panel, box) in enumerate(zip(self.scene.panels, self.boxes, strict=True)):
            if panel.positions is None:
                continue
            now = min(step, len(panel.positions) - 1)
            view = canvas[box.y : box.y + box.h, box.x : box.x + box.w]
            if "paths" in self.layers:
                self._blend(view, self._trail(index, now), self.tones.rgb["refined"])
            if "refined" in self.layers and now > 0:
                self._dots(view, panel, box, panel.positions[now], "refined", 0.82)
            elif "base" in self.layers and now == 0:
                self._dots(view, panel, box, panel.positions[0], "base", 0.82)

    def _heads(self) -> Image.Image:
        agg = FigureCanvasAgg(self._figure())
        agg.draw()
        return Image.fromarray(np.asarray(agg.buffer_rgba()))

    def _under(self, step: int) -> np.ndarray:
        """Everything under the moving dots."""
        canvas = np.empty((self.height, self.width, 3), np.float32)
        canvas[:] = self.tones.rgb["paper"]
        for panel, box in zip(self.scene.panels, self.boxes, strict=True):
            view = canvas[box.y : box.y + box.h, box.x : box.x + box.w]
            view[:] = self._map(panel.map, box, step) if self._shows_map(panel) else self.tones.rgb["panel"]
        if self._chrome is None:
            self._chrome = np.asarray(self._heads()).astype(np.float32)
        alpha = self._chrome[..., 3:] / 255
        canvas += alpha * (self._chrome[..., :3] - canvas)
        for panel, box in zip(self.scene.panels, self.boxes, strict=True):
            view = canvas[box.y : box.y + box.h, box.x : box.x + box.w]
            if self._shift(panel):
                self._blend(view, self._shafts(panel, box, step), self.tones.rgb["ink"])
            if "real" in self.layers and panel.real is not None:
                self._dots(view, panel, box, panel.real, "real", 0.5)
            if "base" in self.layers and panel.positions is not None:
                self._dots(view, panel, box, panel.positions[0], "base", 0.4)
        return canvas

    def _map(self, one: Map, box: Box, step: int) -> np.ndarray:
        values = np.asarray(one.values, np.float32)
        values = values[min(step, len(values) - 1)] if values.ndim == 3 else values
        low, high = self.ranges[one.group]
        rgba = self.tones.maps[one.kind]((values[::-1] - low) / (high - low), bytes=True)
        rgba[np.isnan(values[::-1])] = [*self.tones.rgb["panel"].astype(np.uint8), 255]
        return np.asarray(Image.fromarray(rgba[..., :3]).resize((box.w, box.h), Image.Resampling.BICUBIC))

    def _dots(self, view, panel: Panel, box: Box, points: np.ndarray, colour: str, alpha: float) -> None:
        cover = np.zeros(view.shape[:2], np.float32)
        stamp(
            cover,
            self._pixels(box, panel, points),
            self._radius(len(points), box),
            alpha,
            palette.SHAPES[colour],
        )
        self._blend(view, cover, self.tones.rgb[colour])

    def _shafts(self, panel: Panel, box: Box, step: int) -> np.ndarray:
        """Coverage of arrows that change: a line each, thick at its head."""
        cover, found = np.zeros((box.h, box.w), np.float32), self._lengths(panel, panel.arrows.at(step))
        if found is not None:
            middles, ends = found
            for share in np.linspace(-0.5, 0.5, 40, dtype=np.float32):
                points = self._pixels(box, panel, middles + share * ends)
                stamp(cover, points, (0.55 if share < 0.2 else 1.9 * (0.55 - share) / 0.35) * self.unit, 0.3)
        return cover

    @staticmethod
    def _blend(view: np.ndarray, cover: np.ndarray, colour: np.ndarray) -> None:
        view += (1 - np.exp(cover))[..., None] * (colour - view)

    def _trail(self, index: int, step: int) -> np.ndarray:
        """Coverage of the paths of the first particles from the start to ``step``."""
        panel, box = self.scene.panels[index], self.boxes[index]
        at, cover = self._trails.get(index, (0, np.zeros((box.h, box.w), np.float32)))
        if at > step:
            at, cover = 0, np.zeros((box.h, box.w), np.float32)
        for k in range(at, step):
            ends = self._pixels(box, panel, panel.positions[k : k + 2, :PATHS])
            ends = ends[:, np.isfinite(ends).all((0, 2))]
            if not ends.size:  # a panel of base samples alone
                continue
            parts = int(np.clip(np.abs(ends[1] - ends[0]).max(), 1, 40)) + 1
            shares = np.linspace(0, 1, parts, endpoint=False, dtype=np.float32)[:, None, None]
            line = (ends[0] + shares * (ends[1] - ends[0])).reshape(-1, 2)
            stamp(cover, line, 0.6 * self.unit, 0.35)
        self._trails[index] = (step, cover)
        return cover

    # ---- what stands still, by Matplotlib ----

    def svg(self, path: Path, step: int) -> None:
        """The picture at ``step`` as an SVG: text stays text, dots stay dots."""
        figure = self._figure(step)
        with _style():
            figure.savefig(path, format="svg", metadata={"Date": None})

    def _figure(self, step: int | None = None) -> Figure:
        """Axes, arrows, bars, text; with ``step`` also what ``frame`` writes as pixels."""
        with _style():
            figure = Figure((self.width / DPI, self.height / DPI), dpi=DPI, facecolor="none")
            if step is not None:
                figure.set_facecolor(self.tones.hex["paper"])
            ink, quiet = self.tones.hex["ink"], self.tones.hex["quiet"]
            title_room = self.width - (22 + 22 + 220) * self.unit
            self._write(figure, (22, 25), self.scene.title, 19, title_room, color=ink, weight="bold")
            if self.scene.subtitle:
                room = self.width - 44 * self.unit
                self._write(figure, (22, 54), self.scene.subtitle, 14, room, color=quiet)
            if step is not None:
                text = self.called(step)
                at = self.width / self.unit - 22, 25
                self._write(figure, at, text, 19, color=ink, ha="right")
            for index, (panel, box) in enumerate(zip(self.scene.panels, self.boxes, strict=True)):
                self._axes(figure, index, panel, box, step)
            self._legend(figure)
            return figure

    def _write(self, figure, at, text: str, size: float, room: float | None = None, **more) -> None:
        """Text ``at`` (x, y) units from the top left, made smaller where it is wider than ``room`` pixels."""
        pixels = size * self.unit
        if room and text:
            pixels = fitted(text, pixels, room, more.get("weight") == "bold")
        figure.text(
            at[0] * self.unit / self.width,
            1 - at[1] * self.unit / self.height,
            text,
            fontsize=pixels * 72 / DPI,
            va="center",
            parse_math=False,
            **more,
        )

    def _axes(self, figure: Figure, index: int, panel: Panel, box: Box, step: int | None) -> None:
        u, hexes = self.unit, self.tones.hex
        points = u * 72 / DPI
        axes = figure.add_axes(
            (box.x / self.width, 1 - (box.y + box.h) / self.height, box.w / self.width, box.h / self.height),
            facecolor="none" if step is None else hexes["panel"],
        )
        axes.set(xlim=panel.extent[:2], ylim=panel.extent[2:])
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.tick_params(colors=hexes["quiet"], labelsize=13 * points, length=4 * points, width=points)
        axes.set_xlabel(panel.axes[0], color=hexes["ink"], fontsize=14 * points, labelpad=3 * points)
        axes.set_ylabel(panel.axes[1], color=hexes["ink"], fontsize=14 * points, labelpad=1 * points)
        axes.spines[:].set(color=hexes["quiet"], linewidth=points)
        if not self._shows_map(panel):
            axes.grid(color=hexes["grid"], linewidth=points)
            axes.set_axisbelow(True)
        head = box.y / u - 14
        if panel.subtitle:
            self._write(figure, (box.x / u, head), panel.subtitle, 13, box.w, color=hexes["quiet"])
            head -= 22
        title = self._head(panel)
        self._write(figure, (box.x / u, head), title, 16, box.w, color=hexes["ink"], weight="bold")
        if step is not None:
            self._marks(axes, panel, box, step)
        if "arrows" in self.layers and panel.arrows is not None:
            drawn = step is not None or not panel.arrows.moves
            self._arrows(axes, panel, panel.arrows.at(step or 0), index, drawn)
        if self.barred[index]:
            self._bar(figure, panel.map, box)

    def _lengths(self, panel: Panel, arrows: Arrows) -> tuple[np.ndarray, np.ndarray] | None:
        """Middles (k, 2) of the arrows and their extents (k, 2); None where there are none.

        Length ∝ √|v|, as on the page: a drift spans orders of magnitude, small arrows point too.
        """
        sizes = np.linalg.norm(arrows.vectors, axis=1)
        longest = self.longest[arrows.label]
        shown = np.isfinite(sizes) & (sizes > 0)
        if not shown.any() or longest <= 0:
            return None
        cell = (panel.extent[1] - panel.extent[0]) / max(2.0, np.sqrt(len(arrows.origins)))
        directions = arrows.vectors[shown] / sizes[shown, None]
        lengths = 0.95 * cell * np.sqrt(np.minimum(sizes[shown] / longest, 1))
        return arrows.origins[shown], directions * lengths[:, None]

    def _arrows(self, axes, panel: Panel, arrows: Arrows, index: int, drawn: bool) -> None:
        """The arrows, if ``drawn``, and what their lengths mean."""
        found, longest = self._lengths(panel, arrows), self.longest[arrows.label]
        if found is None:
            return
        if drawn:
            middles, ends = found
            axes.quiver(
                *middles.T, *ends.T, angles="xy", scale_units="xy", scale=1, pivot="mid",
                units="inches", width=1.3 * self.unit / DPI, headwidth=4.2, headlength=4.6,
                headaxislength=4.2, minlength=0.3, color=self.tones.hex["ink"], alpha=0.62, linewidth=0,
                zorder=1.5,
            )  # fmt: skip
        if any(p.arrows is not None and p.arrows.label == arrows.label for p in self.scene.panels[:index]):
            return  # panels that share a scale of arrows say it once
        note = f"→ {arrows.label}, full length at {longest:.2g} (length ∝ √)"
        axes.text(
            0.012, 0.012, note, transform=axes.transAxes, fontsize=11.5 * self.unit * 72 / DPI, va="bottom",
            color=self.tones.hex["ink"], zorder=9, parse_math=False,
            bbox={"facecolor": self.tones.hex["paper"], "alpha": 0.72, "linewidth": 0, "pad": 2},
        )  # fmt: skip

    def _bar(self, figure: Figure, one: Map, box: Box) -> None:
        u = self.unit
        points = u * 72 / DPI
        x, w = box.x + box.w + 16 * u, 15 * u
        axes = figure.add_axes(
            (x / self.width, 1 - (box.y + box.h) / self.height, w / self.width, box.h / self.height)
        )
        shades = ScalarMappable(Normalize(*self.ranges[one.group]), self.tones.maps[one.kind])
        bar = figure.colorbar(shades, cax=axes, ticks=MaxNLocator(6))
        label = f"{one.label} ({one.unit})" if one.unit else one.label
        bar.set_label(label, color=self.tones.hex["ink"], fontsize=14 * points, labelpad=4 * points)
        axes.tick_params(
            colors=self.tones.hex["quiet"], labelsize=13 * points, length=4 * points, width=points
        )
        bar.outline.set(color=self.tones.hex["quiet"], linewidth=points)

    def _legend(self, figure: Figure) -> None:
        names = {"real": "real data", "base": "base samples", "refined": "refined samples"}
        has = {"real": any(panel.real is not None for panel in self.scene.panels)}
        x, y = self.boxes[0].x / self.unit, self.height / self.unit - 24
        for name, words in names.items():
            if name not in self.layers or not has.get(name, True):
                continue
            self._write(figure, (x, y - 1), SIGNS[palette.SHAPES[name]], 17, color=self.tones.hex[name])
            self._write(figure, (x + 18, y), words, 14, color=self.tones.hex["ink"])
            x += 18 + font(max(1, round(14 * self.unit))).getlength(words) / self.unit + 24

    def _marks(self, axes, panel: Panel, box: Box, step: int) -> None:
        """What ``frame`` writes as pixels, as vector marks."""
        if self._shows_map(panel):
            image = self._map(panel.map, box, step)
            axes.imshow(image, extent=panel.extent, aspect="auto", interpolation="none", zorder=0)
            axes.set(xlim=panel.extent[:2], ylim=panel.extent[2:])

        def scatter(points, name, alpha):
            size = (2 * self._radius(len(points), box) * 72 / DPI) ** 2
            colour, shape = self.tones.hex[name], palette.SHAPES[name]
            ring = {"facecolors": "none", "edgecolors": colour, "linewidths": 0.3 * np.sqrt(size)}
            filled = {"color": colour, "linewidths": 0}
            how = ring if shape == "ring" else filled
            axes.scatter(*points.T, s=size, marker=MARKS[shape], alpha=alpha, zorder=2, **how)

        if "real" in self.layers and panel.real is not None:
            scatter(panel.real, "real", 0.5)
        if panel.positions is None:
            return
        now = min(step, len(panel.positions) - 1)
        if "base" in self.layers:
            scatter(panel.positions[0], "base", 0.4 if now else 0.82)
        if "paths" in self.layers:
            x, y = np.moveaxis(panel.positions[: now + 1, :PATHS], 2, 0)
            axes.plot(x, y, color=self.tones.hex["refined"], linewidth=0.8 * self.unit, alpha=0.4, zorder=2)
        if "refined" in self.layers and now:
            scatter(panel.positions[now], "refined", 0.82)


def opacity(shape: str, dx: np.ndarray, dy: np.ndarray, radius: float) -> np.ndarray:
    """How much of a pixel (dx, dy) from the middle of a "dot", "ring" or "diamond" is covered, 0 to 1."""
    if shape == "diamond":
        return np.clip((1.35 * radius - np.abs(dx) - np.abs(dy)) / 1.2 + 0.5, 0, 1)
    away = np.hypot(dx, dy)
    outer = 1.15 * radius if shape == "ring" else radius
    filled = np.clip(outer + 0.5 - away, 0, 1)
    return filled * np.clip(away - 0.55 * radius + 0.5, HOLE, 1) if shape == "ring" else filled


def stamp(cover: np.ndarray, points: np.ndarray, radius: float, alpha: float, shape: str = "dot") -> None:
    """Add marks of a shape at ``points`` (n, 2) pixels to ``cover`` (h, w), which holds Σ log(1 − opacity).

    In logarithms dots that overlap add up, in any order, to what painting them one after the
    other would give; edges are smooth, and motion is to a fraction of a pixel.
    """
    height, width = cover.shape
    reach = int(np.ceil(1.35 * radius + 0.5))
    near = np.isfinite(points).all(1)
    near &= ((points > -reach) & (points < [width + reach, height + reach])).all(1)
    points = points[near]
    corner = np.floor(points).astype(np.int64)
    offsets = np.arange(-reach, reach + 1)
    dy, dx = (grid.ravel() for grid in np.meshgrid(offsets, offsets, indexing="ij"))
    columns, rows = corner[:, :1] + dx, corner[:, 1:] + dy
    away = columns + 0.5 - points[:, :1], rows + 0.5 - points[:, 1:]
    covered = alpha * opacity(shape, *away, radius)
    inside = (covered > 0) & (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    flat = rows[inside] * width + columns[inside]
    added = np.bincount(flat, np.log1p(-covered[inside]), minlength=height * width)
    cover += added.reshape(height, width).astype(np.float32)

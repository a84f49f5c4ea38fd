"""Scenes as pixels: what stands still is drawn once by Matplotlib, dots are written into the pixels.

Drawing 5,000 dots through a plotting library costs 50 ms a frame; writing their coverage into the
picture costs a tenth of that.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageDraw, ImageFont

from dgflow_core.pictures import Arrows, Map, Panel, Scene, palette
from dgflow_core.pictures.packing import longest_arrows, map_ranges

DPI = 100
PATHS = 200  # more paths than this hide each other
_STYLE = {"svg.fonttype": "none", "font.family": "DejaVu Sans", "axes.unicode_minus": True}


class Box(NamedTuple):
    """A panel's place on the picture, in pixels from the top left."""

    x: int
    y: int
    w: int
    h: int


class Look:
    """Colours, light or dark, as 0–255 triples; ``kinds`` maps a kind of map to its colour map."""

    def __init__(self, dark: bool):
        tones = palette.DARK if dark else palette.LIGHT
        self.dark = dark
        self.hex = dict(tones)
        lift = 0.2 if dark else 0.0  # a little lighter on a dark ground, as on the page
        for name in ("real", "base", "refined"):
            rgb = np.array(to_rgb(getattr(palette, name.upper())))
            self.hex[name] = mpl.colors.to_hex(rgb + (1 - rgb) * lift)
        self.keys = [*self.hex.values(), palette.ACCENT]
        self.rgb = {name: np.array(to_rgb(value), np.float32) * 255 for name, value in self.hex.items()}
        logit = palette.LOGIT_DARK if dark else palette.LOGIT_LIGHT
        stops = {"logit": logit, "ratio": logit[::-1], "density": palette.DENSITY}
        self.kinds = {kind: LinearSegmentedColormap.from_list(kind, row) for kind, row in stops.items()}


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(findfont("DejaVu Sans:bold" if bold else "DejaVu Sans"), size)


class Painter:
    """Draws the frames of a scene as (height, width, 3) arrays of bytes.

    Args:
        size: height in pixels; the width follows from the panels.
        subtitle: one line under the title.
        dark: light lines on a dark ground.
        layers: what is drawn, of "map", "arrows", "real", "base", "refined", "paths".
    """

    def __init__(self, scene: Scene, size: int, subtitle: str = "", dark: bool = False, layers=None):
        self.scene, self.subtitle, self.look = scene, subtitle, Look(dark)
        self.layers = set(scene.layers if layers is None else layers)
        self.unit = size / 640
        self.steps = scene.steps
        maps = [panel.map for panel in scene.panels if self._shows_map(panel)]
        self.ranges = map_ranges(maps)
        self.longest = longest_arrows(scene.panels)
        self._layout(size)
        self._still: np.ndarray | None = None
        self._trails: dict[int, tuple[int, np.ndarray]] = {}

    # ---- where things are ----

    def _shows_map(self, panel: Panel) -> bool:
        return "map" in self.layers and panel.map is not None

    def _layout(self, size: int) -> None:
        u, panels = self.unit, self.scene.panels
        heads = any(panel.title for panel in panels), any(panel.subtitle for panel in panels)
        top = 48 + 24 * bool(self.subtitle) + 26 * heads[0] + 22 * heads[1]
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
            self.barred.append(bars[index] and (not one or last))
            room = bar if self.barred[-1] else 22 if last else 0
            x += width + round((room + (0 if last else gap)) * u)
        self.height, self.width = size + size % 2, x + x % 2

    def _pixels(self, box: Box, panel: Panel, points: np.ndarray) -> np.ndarray:
        x0, x1, y0, y1 = panel.extent
        scale = np.array([box.w / (x1 - x0), box.h / (y0 - y1)], np.float32)
        return (np.asarray(points, np.float32) - np.array([x0, y1], np.float32)) * scale

    def _radius(self, count: int, box: Box) -> float:
        return (3.9 - 0.65 * np.log10(max(1, count))) * float(np.clip(np.sqrt(box.w / 420), 0.8, 2.0))

    # ---- frames ----

    def frame(self, step: int) -> np.ndarray:
        """The picture at ``step``: base samples alone at step 0, then what became of them."""
        moving = any(self._shows_map(p) and np.ndim(p.map.values) == 3 for p in self.scene.panels)
        if self._still is None or moving:
            self._still = self._ground(step)
        canvas = self._still.copy()
        for index, (panel, box) in enumerate(zip(self.scene.panels, self.boxes, strict=True)):
            if panel.positions is None:
                continue
            now = min(step, len(panel.positions) - 1)
            view = canvas[box.y : box.y + box.h, box.x : box.x + box.w]
            if "paths" in self.layers:
                self._blend(view, self._trail(index, now), self.look.rgb["refined"])
            if "refined" in self.layers and now > 0:
                self._dots(view, panel, box, panel.positions[now], "refined", 0.82)
            elif "base" in self.layers and now == 0:
                self._dots(view, panel, box, panel.positions[0], "base", 0.82)
        picture = np.clip(canvas + 0.5, 0, 255).astype(np.uint8)
        self._count(picture, step)
        return picture

    def _ground(self, step: int) -> np.ndarray:
        """Everything under the moving dots."""
        canvas = np.empty((self.height, self.width, 3), np.float32)
        canvas[:] = self.look.rgb["paper"]
        for panel, box in zip(self.scene.panels, self.boxes, strict=True):
            view = canvas[box.y : box.y + box.h, box.x : box.x + box.w]
            view[:] = self._map(panel.map, box, step) if self._shows_map(panel) else self.look.rgb["panel"]
        if not hasattr(self, "_chrome"):
            agg = FigureCanvasAgg(self._figure())
            agg.draw()
            self._chrome = np.asarray(agg.buffer_rgba()).astype(np.float32)
        alpha = self._chrome[..., 3:] / 255
        canvas += alpha * (self._chrome[..., :3] - canvas)
        for panel, box in zip(self.scene.panels, self.boxes, strict=True):
            view = canvas[box.y : box.y + box.h, box.x : box.x + box.w]
            if "real" in self.layers and panel.real is not None:
                self._dots(view, panel, box, panel.real, "real", 0.5)
            if "base" in self.layers and panel.positions is not None:
                self._dots(view, panel, box, panel.positions[0], "base", 0.4)
        return canvas

    def _map(self, one: Map, box: Box, step: int) -> np.ndarray:
        values = np.asarray(one.values, np.float32)
        values = values[min(step, len(values) - 1)] if values.ndim == 3 else values
        low, high = self.ranges[one.group]
        rgba = self.look.kinds[one.kind]((values[::-1] - low) / (high - low), bytes=True)
        rgba[np.isnan(values[::-1])] = [*self.look.rgb["panel"].astype(np.uint8), 255]
        return np.asarray(Image.fromarray(rgba[..., :3]).resize((box.w, box.h), Image.Resampling.BICUBIC))

    def _dots(self, view, panel: Panel, box: Box, points: np.ndarray, colour: str, alpha: float) -> None:
        cover = np.zeros(view.shape[:2], np.float32)
        stamp(cover, self._pixels(box, panel, points), self._radius(len(points), box), alpha)
        self._blend(view, cover, self.look.rgb[colour])

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
            parts = int(np.clip(np.nanmax(np.abs(ends[1] - ends[0])), 1, 40)) + 1
            shares = np.linspace(0, 1, parts, endpoint=False, dtype=np.float32)[:, None, None]
            line = (ends[0] + shares * (ends[1] - ends[0])).reshape(-1, 2)
            stamp(cover, line, 0.6 * self.unit, 0.35)
        self._trails[index] = (step, cover)
        return cover

    def _count(self, picture: np.ndarray, step: int) -> None:
        """The step counter, and a line along the foot that fills as the run goes."""
        u, tall = self.unit, round(30 * self.unit)
        y, right = round(10 * u), self.width - round(22 * u)
        left = right - round(210 * u)
        strip = Image.fromarray(picture[y : y + tall, left:right])
        text = f"step {step} / {self.steps}"
        ImageDraw.Draw(strip).text(
            (right - left, tall / 2), text, self.look.hex["ink"], font(round(19 * u)), anchor="rm"
        )
        picture[y : y + tall, left:right] = np.asarray(strip)
        thick = max(2, round(4 * u))
        done = round(self.width * (step / self.steps if self.steps else 1))
        picture[-thick:, :done] = np.array(to_rgb(palette.ACCENT)) * 255
        picture[-thick:, done:] = self.look.rgb["grid"]

    # ---- what stands still, by Matplotlib ----

    def svg(self, path: Path, step: int) -> None:
        """The picture at ``step`` as an SVG: text stays text, dots stay dots."""
        with mpl.rc_context(_STYLE):
            self._figure(step).savefig(path, format="svg", metadata={"Date": None})

    def _figure(self, step: int | None = None) -> Figure:
        """Axes, arrows, bars, text; with ``step`` also what ``frame`` writes as pixels."""
        with mpl.rc_context(_STYLE):
            figure = Figure((self.width / DPI, self.height / DPI), dpi=DPI, facecolor="none")
            if step is not None:
                figure.set_facecolor(self.look.hex["paper"])
            ink, quiet = self.look.hex["ink"], self.look.hex["quiet"]
            title_room = self.width - (22 + 22 + 220) * self.unit
            self._text(figure, 22, 25, self.scene.title, 19, ink, room=title_room, weight="bold")
            if self.subtitle:
                self._text(figure, 22, 54, self.subtitle, 14, quiet, room=self.width - 44 * self.unit)
            if step is not None:
                text = f"step {step} / {self.steps}"
                self._text(figure, self.width / self.unit - 22, 25, text, 19, ink, ha="right")
            for index, (panel, box) in enumerate(zip(self.scene.panels, self.boxes, strict=True)):
                self._axes(figure, index, panel, box, step)
            self._legend(figure)
            return figure

    def _text(self, figure, x, y, text, size, colour, room: float | None = None, **more):
        """Text at (x, y) units from the top left, made smaller where it is wider than ``room`` pixels."""
        pixels = size * self.unit
        if room and text:
            needed = font(max(1, round(pixels)), more.get("weight") == "bold").getlength(text)
            pixels *= min(1.0, room / needed)
        figure.text(
            x * self.unit / self.width, 1 - y * self.unit / self.height, text, color=colour,
            fontsize=pixels * 72 / DPI, va="center", parse_math=False, **more,
        )  # fmt: skip

    def _axes(self, figure: Figure, index: int, panel: Panel, box: Box, step: int | None) -> None:
        u, look = self.unit, self.look
        points = u * 72 / DPI
        axes = figure.add_axes(
            (box.x / self.width, 1 - (box.y + box.h) / self.height, box.w / self.width, box.h / self.height),
            facecolor="none" if step is None else look.hex["panel"],
        )
        axes.set(xlim=panel.extent[:2], ylim=panel.extent[2:])
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.tick_params(colors=look.hex["quiet"], labelsize=13 * points, length=4 * points, width=points)
        axes.set_xlabel(panel.axes[0], color=look.hex["ink"], fontsize=14 * points, labelpad=3 * points)
        axes.set_ylabel(panel.axes[1], color=look.hex["ink"], fontsize=14 * points, labelpad=1 * points)
        axes.spines[:].set(color=look.hex["quiet"], linewidth=points)
        if not self._shows_map(panel):
            axes.grid(color=look.hex["grid"], linewidth=points)
            axes.set_axisbelow(True)
        head = box.y / u - 14
        if panel.subtitle:
            self._text(figure, box.x / u, head, panel.subtitle, 13, look.hex["quiet"], room=box.w)
            head -= 22
        if panel.title:
            self._text(figure, box.x / u, head, panel.title, 16, look.hex["ink"], room=box.w, weight="bold")
        if step is not None:
            self._marks(axes, panel, box, step)
        if "arrows" in self.layers and panel.arrows is not None:
            self._arrows(axes, panel, box, panel.arrows, index)
        if self.barred[index]:
            self._bar(figure, panel.map, box)

    def _arrows(self, axes, panel: Panel, box: Box, arrows: Arrows, index: int) -> None:
        # Length ∝ √|v|, as on the page: a drift spans orders of magnitude, small arrows point too.
        sizes = np.linalg.norm(arrows.vectors, axis=1)
        longest = self.longest[arrows.label]
        shown = np.isfinite(sizes) & (sizes > 0)
        if not shown.any() or longest <= 0:
            return
        cell = (panel.extent[1] - panel.extent[0]) / max(2.0, np.sqrt(len(arrows.origins)))
        directions = arrows.vectors[shown] / sizes[shown, None]
        lengths = 0.95 * cell * np.sqrt(np.minimum(sizes[shown] / longest, 1))
        ends = directions * lengths[:, None]
        axes.quiver(
            *arrows.origins[shown].T, *ends.T, angles="xy", scale_units="xy", scale=1, pivot="mid",
            units="inches", width=1.3 * self.unit / DPI, headwidth=4.2, headlength=4.6, headaxislength=4.2,
            minlength=0.3, color=self.look.hex["ink"], alpha=0.62, linewidth=0, zorder=1.5,
        )  # fmt: skip
        if any(p.arrows is not None and p.arrows.label == arrows.label for p in self.scene.panels[:index]):
            return  # panels that share a scale of arrows say it once
        note = f"→ {arrows.label}, full length at {longest:.2g} (length ∝ √)"
        axes.text(
            0.012, 0.012, note, transform=axes.transAxes, fontsize=11.5 * self.unit * 72 / DPI, va="bottom",
            color=self.look.hex["ink"], zorder=9, parse_math=False,
            bbox={"facecolor": self.look.hex["paper"], "alpha": 0.72, "linewidth": 0, "pad": 2},
        )  # fmt: skip

    def _bar(self, figure: Figure, one: Map, box: Box) -> None:
        u = self.unit
        points = u * 72 / DPI
        x, w = box.x + box.w + 16 * u, 15 * u
        axes = figure.add_axes(
            (x / self.width, 1 - (box.y + box.h) / self.height, w / self.width, box.h / self.height)
        )
        shades = ScalarMappable(Normalize(*self.ranges[one.group]), self.look.kinds[one.kind])
        bar = figure.colorbar(shades, cax=axes)
        label = f"{one.label} ({one.unit})" if one.unit else one.label
        bar.set_label(label, color=self.look.hex["ink"], fontsize=14 * points, labelpad=4 * points)
        axes.tick_params(
            colors=self.look.hex["quiet"], labelsize=13 * points, length=4 * points, width=points
        )
        bar.outline.set(color=self.look.hex["quiet"], linewidth=points)

    def _legend(self, figure: Figure) -> None:
        names = {"real": "real data", "base": "base samples", "refined": "refined samples"}
        has = {"real": any(panel.real is not None for panel in self.scene.panels)}
        x, y = self.boxes[0].x / self.unit, self.height / self.unit - 24
        for name, words in names.items():
            if name not in self.layers or not has.get(name, True):
                continue
            self._text(figure, x, y - 1, "●", 17, self.look.hex[name])
            self._text(figure, x + 18, y, words, 14, self.look.hex["ink"])
            x += 18 + font(max(1, round(14 * self.unit))).getlength(words) / self.unit + 24

    def _marks(self, axes, panel: Panel, box: Box, step: int) -> None:
        """What ``frame`` writes as pixels, as vector marks."""
        if self._shows_map(panel):
            image = self._map(panel.map, box, step)
            axes.imshow(image, extent=panel.extent, aspect="auto", interpolation="none", zorder=0)
            axes.set(xlim=panel.extent[:2], ylim=panel.extent[2:])

        def scatter(points, name, alpha):
            size = (2 * self._radius(len(points), box) * 72 / DPI) ** 2
            axes.scatter(*points.T, s=size, color=self.look.hex[name], alpha=alpha, linewidths=0, zorder=2)

        if "real" in self.layers and panel.real is not None:
            scatter(panel.real, "real", 0.5)
        if panel.positions is None:
            return
        now = min(step, len(panel.positions) - 1)
        if "base" in self.layers:
            scatter(panel.positions[0], "base", 0.4 if now else 0.82)
        if "paths" in self.layers:
            x, y = np.moveaxis(panel.positions[: now + 1, :PATHS], 2, 0)
            axes.plot(x, y, color=self.look.hex["refined"], linewidth=0.8 * self.unit, alpha=0.4, zorder=2)
        if "refined" in self.layers and now:
            scatter(panel.positions[now], "refined", 0.82)


def stamp(cover: np.ndarray, points: np.ndarray, radius: float, alpha: float) -> None:
    """Add dots at ``points`` (n, 2) pixels to ``cover`` (h, w), which holds Σ log(1 − opacity).

    In logarithms dots that overlap add up, in any order, to what painting them one after the
    other would give; edges are smooth, and motion is to a fraction of a pixel.
    """
    height, width = cover.shape
    reach = int(np.ceil(radius + 0.5))
    near = np.isfinite(points).all(1)
    near &= ((points > -reach) & (points < [width + reach, height + reach])).all(1)
    points = points[near]
    corner = np.floor(points).astype(np.int64)
    offsets = np.arange(-reach, reach + 1)
    dy, dx = (grid.ravel() for grid in np.meshgrid(offsets, offsets, indexing="ij"))
    columns, rows = corner[:, :1] + dx, corner[:, 1:] + dy
    distance = np.hypot(columns + 0.5 - points[:, :1], rows + 0.5 - points[:, 1:])
    opacity = alpha * np.clip(radius + 0.5 - distance, 0, 1)
    inside = (opacity > 0) & (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    flat = rows[inside] * width + columns[inside]
    added = np.bincount(flat, np.log1p(-opacity[inside]), minlength=height * width)
    cover += added.reshape(height, width).astype(np.float32)

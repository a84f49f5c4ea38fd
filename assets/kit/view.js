// view.js: the picture itself, shared by the player (a recorded run) and the live simulation.
//
//   const view = new View(element, { onHover, onPick, onLayout });
//   view.show(panels, palette)                 what stands still; call again when it changes
//   view.setLayer("map", false)                map, arrows, real, base, refined, paths
//   view.draw({ points, step, marked, path })  what moves: one Float32Array [x0, y0, x1, y1, …] a panel
//   view.clearTrails(); view.extendTrails(from, to, ids, t); view.fadeTrails(keep)
//   view.locate(event) → { panel, x, y } in data units, or null
//   view.overlay = (context, box) => …         drawn last in each panel, clipped; box.x(v), box.y(v) map
//
// A panel is { title, subtitle, axes, extent, colour, map, arrows, real, base }, positions in data units
// (colour: of its curves, shown beside its title):
//   map     { values: Float32Array (h·w, row 0 at the bottom), shape: [h, w], range, kind, label, unit }
//   arrows  { origins, vectors (Float32Array pairs), label, longest: the size drawn at full length }
//   real, base  Float32Array of pairs
// Coordinates of ±Infinity, or outside the extent, become ticks on the frame; NaN is not drawn.

import { appearance, mixed, ramp, rgb } from "./colour.js";
import { disc, fitted, raster, resize, sideways } from "./canvas.js";
import { LAYERS } from "./layers.js";
import { clamp, number } from "./numbers.js";
import { typeSizes } from "./room.js";
import { say, sayHeading } from "./say.js";
import { ticks } from "../vendor/d3.js";

const GAP = 16; // between panels, CSS pixels
const SIDE = 320; // no side of a panel is shorter, where the width allows it
const COMPACT = 520; // a canvas that is narrower has its colour bar below and no names beside its axes

/**
 * Dots of one size, many thousands a frame, blended straight into pixels: canvas calls cost a
 * hundred times as much. There are sixteen stamps, one for each quarter-pixel offset, so that
 * motion stays smooth below a pixel.
 */
export class Dots {
  constructor(radius, alpha, shape = "dot") {
    this.reach = Math.ceil(1.35 * radius + 0.5);
    this.side = 2 * this.reach + 2;
    this.stamps = Array.from({ length: 16 }, (_, phase) => {
      const [cx, cy] = [this.reach + (phase % 4) / 4, this.reach + (phase >> 2) / 4];
      return Uint16Array.from({ length: this.side ** 2 }, (_, i) => {
        return Math.round(256 * alpha * covered(shape, (i % this.side) + 0.5 - cx, Math.floor(i / this.side) + 0.5 - cy, radius));
      });
    });
  }

  /** Blend `points` (data units) into the pixels of `box`; returns how many lie outside. */
  draw({ data, width, height }, box, points, [r, g, b]) {
    const { reach, side, stamps } = this;
    const [sx, sy] = [width / (box.x1 - box.x0), height / (box.y1 - box.y0)];
    let outside = 0;
    for (let p = 0; p < points.length; p += 2) {
      const x = (points[p] - box.x0) * sx;
      const y = (box.y1 - points[p + 1]) * sy;
      if (!(x >= 0 && x <= width && y >= 0 && y <= height)) {
        if (x === x && y === y) {
          outside++;
          tick(data, width, height, x, y, [r, g, b], 3 * reach);
        }
        continue;
      }
      const [qx, qy] = [Math.floor(x * 4), Math.floor(y * 4)];
      const stamp = stamps[(qx & 3) + 4 * (qy & 3)];
      const [left, top] = [(qx >> 2) - reach, (qy >> 2) - reach];
      const [from, to] = [Math.max(0, -left), Math.min(side, width - left)];
      for (let j = Math.max(0, -top); j < side && top + j < height; j++) {
        let at = 4 * ((top + j) * width + left + from);
        for (let i = from; i < to; i++, at += 4) {
          const share = stamp[j * side + i];
          if (share === 0) continue;
          data[at] += ((r - data[at]) * share) >> 8;
          data[at + 1] += ((g - data[at + 1]) * share) >> 8;
          data[at + 2] += ((b - data[at + 2]) * share) >> 8;
        }
      }
    }
    return outside;
  }
}

/** How much of a pixel (dx, dy) from the middle of a "dot", "ring" or "diamond" is covered, as in plane_pixels.py. */
function covered(shape, dx, dy, radius) {
  if (shape === "diamond") return clamp((1.35 * radius - Math.abs(dx) - Math.abs(dy)) / 1.2 + 0.5, 0, 1);
  const away = Math.hypot(dx, dy);
  if (shape === "ring") return clamp(1.15 * radius + 0.5 - away, 0, 1) * clamp(away - 0.55 * radius + 0.5, 0.3, 1);
  return clamp(radius + 0.5 - away, 0, 1);
}

/** A short line inwards from the frame, where a point lies outside it. */
function tick(data, width, height, x, y, [r, g, b], length) {
  const [dx, dy] = [x < 0 ? 1 : x > width ? -1 : 0, y < 0 ? 1 : y > height ? -1 : 0];
  const [startX, startY] = [clamp(Math.floor(x), 0, width - 1), clamp(Math.floor(y), 0, height - 1)];
  for (let i = 0; i < length; i++) {
    const at = 4 * ((startY + i * dy) * width + startX + i * dx);
    data[at] += ((r - data[at]) * 140) >> 8;
    data[at + 1] += ((g - data[at + 1]) * 140) >> 8;
    data[at + 2] += ((b - data[at + 2]) * 140) >> 8;
  }
}

export class View {
  constructor(host, { onHover = () => {}, onPick = () => {}, onLayout = () => this.draw() } = {}) {
    this.host = host;
    this.canvas = host.appendChild(document.createElement("canvas"));
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", say("Picture of the plane"));
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.still = document.createElement("canvas"); // everything that does not move
    this.trails = document.createElement("canvas");
    this.dots = new Map(); // by size
    this.panels = [];
    this.boxes = [];
    this.layers = Object.fromEntries(LAYERS.map((name) => [name, name !== "paths"]));
    this.frame = { points: [] };
    this.overlay = null;
    this.cut = null; // 0…1 across a panel: base samples left of it, moving ones right of it
    this.onLayout = onLayout;
    this.observer = new ResizeObserver(() => {
      if (this.width === host.clientWidth && this.height === host.clientHeight) return;
      this.resize();
      onLayout();
    });
    this.observer.observe(host);
    const hit = (event) => {
      const place = this.locate(event);
      return place && { ...place, index: this.nearest(place.panel, event) };
    };
    this.canvas.addEventListener("pointermove", (event) => onHover(hit(event), event));
    this.canvas.addEventListener("pointerleave", (event) => onHover(null, event));
    this.canvas.addEventListener("click", (event) => onPick(hit(event), event));
  }

  destroy() {
    this.observer.disconnect();
    this.canvas.remove();
  }

  show(panels, palette) {
    this.panels = panels;
    this.palette = palette;
    this.stale = true;
  }

  setLayer(name, on) {
    this.layers[name] = on;
    this.stale = true;
  }

  /** Read the colours of the page again, after its theme changed. */
  retheme() {
    this.theme = appearance(this.host, this.palette);
    this.dark = this.theme.dark;
    Object.assign(this.theme, {
      real: rgb(this.tone("real")), base: rgb(this.tone("base")), refined: rgb(this.tone("refined")),
    });
    this.ramps = Object.fromEntries(["logit", "ratio", "density"].map((kind) => [kind, ramp(this.stops(kind))]));
  }

  /** The colour of "real", "base" or "refined" on this page. */
  tone(name) {
    return this.palette[this.dark ? "dark" : "light"][name];
  }

  /** The colour stops of a kind of map: low to high. */
  stops(kind) {
    const { logit } = this.palette[this.dark ? "dark" : "light"];
    return kind === "density" ? this.palette.density : kind === "logit" ? logit : [...logit].reverse();
  }

  /** Take the size and the theme of the page again; trails are lost, `draw` shows the rest. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (!width || !height || !this.panels.length) return;
    this.ratio = window.devicePixelRatio || 1;
    Object.assign(this, { width, height });
    for (const canvas of [this.canvas, this.still, this.trails]) resize(canvas, width, height);
    this.retheme();
    this.layout();
    this.stale = true;
    this.clearTrails();
  }

  // ---- where things are -------------------------------------------------------------------

  /** Type sizes, and the room around a panel, on a canvas of this size; `compact`: with little around it. */
  margins(width, height, compact = width < COMPACT) {
    const large = clamp(Math.min(height, width / 1.3) / 460, 0.92, 1.4);
    const least = typeSizes(this.host);
    const [tick, axis, title] = [["tick", 12], ["axis", 13], ["title", 15]].map(([name, size]) => Math.max(size * large, least[name]));
    const headed = this.panels.some((panel) => panel.title || panel.subtitle || panel.colour);
    const barred = this.layers.map && this.panels.some((panel) => panel.map);
    const room = { type: { tick, axis, title }, compact, top: (headed ? title * 1.75 : 8) + 2, bottom: tick * 1.5 + axis * 1.6 };
    return compact
      ? { ...room, left: tick * 2.6, bar: 6, bottom: room.bottom + (barred ? tick * 2 : 0) }
      : { ...room, left: tick * 3.1 + axis * 1.25, bar: barred ? tick * 3 + axis * 1.5 + 34 : 12 };
  }

  /** The margins to be tried: several panels may have little around them, so that they are larger. */
  #margins(width, height) {
    const usual = this.margins(width, height);
    return usual.compact || this.panels.length < 2 ? [usual] : [usual, this.margins(width, height, true)];
  }

  /** How many columns `count` panels may stand in, most first: no row has a single one beside full ones. */
  get #columns() {
    const count = this.panels.length;
    return Array.from({ length: count }, (_, i) => count - i).filter((columns) => count !== 4 || columns !== 3);
  }

  get aspect() {
    const [x0, x1, y0, y1] = this.panels[0].extent;
    return (y1 - y0) / (x1 - x0);
  }

  /** How wide panels in so many columns can be on a canvas of this width. */
  #columnWidth(width, columns, { left, bar, compact }) {
    const same = (of) => new Set(this.panels.map(of)).size <= 1;
    const maps = this.panels.map((panel) => panel.map).filter(Boolean);
    this.sameAxes = same((panel) => `${panel.extent} ${panel.axes}`);
    this.oneBar = new Set(maps.map((map) => `${map.kind}|${map.label}|${map.unit}|${map.range}`)).size === 1;
    const lefts = this.sameAxes ? left : left * columns;
    const rights = compact || this.oneBar || !maps.length ? bar : bar * columns;
    return (width - lefts - rights - GAP * (columns - 1)) / columns;
  }

  /** The width that a single panel fills on a canvas of this height. */
  widthFor(height) {
    const { top, bottom, left, bar } = this.margins(Infinity, height);
    return Math.ceil(left + (height - top - bottom) / this.aspect + bar);
  }

  /** The height that panels in one row fill at this width. */
  heightFor(width) {
    const room = this.margins(width, 300);
    return Math.ceil(this.#columnWidth(width, this.panels.length, room) * this.aspect + room.top + room.bottom);
  }

  /** The height at which no side of a panel is shorter than SIDE, or than the width allows. */
  leastHeight(width) {
    const first = this.#leastHeight(width, 300);
    return this.#leastHeight(width, first); // type grows with the canvas
  }

  #leastHeight(width, height) {
    const least = SIDE / Math.min(1, this.aspect);
    const ways = this.#margins(width, height);
    const wide = ({ columns, room }) => this.#columnWidth(width, columns, room);
    const chosen = this.#columns.flatMap((columns) => ways.map((room) => ({ columns, room }))).find((one) => wide(one) >= least)
      ?? { columns: 1, room: ways.at(-1) };
    const { top, bottom } = chosen.room;
    const rows = Math.ceil(this.panels.length / chosen.columns);
    return Math.ceil(rows * (Math.min(wide(chosen), least + 1) * this.aspect + top + bottom)) + 2;
  }

  /** The number of columns that makes the panels largest, and a box for each panel. */
  layout() {
    const maps = this.panels.map((panel) => panel.map).filter(Boolean);
    const { aspect } = this;
    const count = this.panels.length;
    let best = null;
    for (const room of this.#margins(this.width, this.height)) {
      if (best && best.w * Math.min(1, aspect) >= SIDE) break;
      for (const columns of this.#columns) {
        const rows = Math.ceil(count / columns);
        const w = Math.min(this.#columnWidth(this.width, columns, room), (this.height - rows * (room.top + room.bottom)) / rows / aspect);
        if (!best || w > best.w + 1) best = { columns, rows, w, room };
      }
    }
    const { type, top, bottom, left, bar, compact } = best.room;
    Object.assign(this, { type, compact });
    const { columns, rows } = best;
    const w = Math.max(40, Math.floor(best.w));
    const h = Math.max(40, Math.floor(w * aspect));
    const eachLeft = (column) => (column === 0 || !this.sameAxes ? left : 0);
    const eachRight = (column) => (column === columns - 1 || !(compact || this.oneBar || !maps.length) ? bar : 0);
    let total = GAP * (columns - 1);
    for (let column = 0; column < columns; column++) total += eachLeft(column) + w + eachRight(column);
    const startX = Math.max(0, Math.floor((this.width - total) / 2));
    const startY = Math.max(0, Math.floor((this.height - rows * (h + top + bottom)) / 2));
    this.boxes = this.panels.map((panel, i) => {
      const [column, row] = [i % columns, Math.floor(i / columns)];
      let x = startX;
      for (let before = 0; before < column; before++) x += eachLeft(before) + w + eachRight(before) + GAP;
      const y = startY + row * (h + top + bottom) + top;
      const lastOfRow = row === 0 && (column === columns - 1 || i === count - 1);
      return new Box(panel, {
        x: x + eachLeft(column), y, w, h, yLabels: column === 0 || !this.sameAxes,
        bar: this.oneBar ? lastOfRow && maps[0] : panel.map,
      }, this.ratio);
    });
  }

  locate({ clientX, clientY }) {
    const bounds = this.canvas.getBoundingClientRect();
    const [px, py] = [clientX - bounds.left, clientY - bounds.top];
    const panel = this.boxes.findIndex((box) => box.holds(px, py));
    return panel < 0 ? null : { panel, px, py, x: this.boxes[panel].dataX(px), y: this.boxes[panel].dataY(py) };
  }

  /** Index of the particle under the pointer, or null. */
  nearest(panel, { clientX, clientY }, reach = 12) {
    const points = this.layers.refined && this.frame.points[panel];
    if (!points) return null;
    const bounds = this.canvas.getBoundingClientRect();
    const box = this.boxes[panel];
    let [found, best] = [null, reach ** 2];
    for (let i = 0; i < points.length; i += 2) {
      const away = (box.pixelX(points[i]) + bounds.left - clientX) ** 2 + (box.pixelY(points[i + 1]) + bounds.top - clientY) ** 2;
      if (away < best) [found, best] = [i / 2, away];
    }
    return found;
  }

  /** Dot radius in CSS pixels: smaller where there are many. */
  radius(count, box) {
    return (3.9 - 0.65 * Math.log10(Math.max(1, count))) * clamp(Math.sqrt(box.w / 420), 0.8, 1.5);
  }

  // ---- what stands still ------------------------------------------------------------------

  drawStill() {
    const c = this.#stillContext();
    c.fillStyle = this.theme.paper;
    c.fillRect(0, 0, this.width, this.height);
    this.panels.forEach((panel, i) => {
      const box = this.boxes[i];
      this.drawGround(i);
      this.#axes(c, box, panel);
      if (this.layers.map && box.bar) this.compact ? this.#barBelow(c, box, box.bar) : this.#colourBar(c, box, box.bar);
    });
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.drawImage(this.still, 0, 0);
    this.stale = false;
  }

  /** What lies under the particles of panel `i`; again by itself where its map moves. */
  drawGround(i) {
    const [c, panel, box] = [this.#stillContext(), this.panels[i], this.boxes[i]];
    c.fillStyle = this.theme.panel;
    c.fillRect(box.x, box.y, box.w, box.h);
    c.save();
    c.beginPath();
    c.rect(box.x, box.y, box.w, box.h);
    c.clip();
    if (this.layers.map && panel.map) this.#map(c, box, panel.map);
    else this.#grid(c, box);
    if (this.layers.arrows && panel.arrows) this.#arrows(c, box, panel.arrows);
    c.restore();
    box.ground = c.getImageData(...box.pixels);
    if (this.layers.real && panel.real) this.#scatter(box.ground, box, panel.real, "real", 0.5, 1.3);
    if (this.layers.base && panel.base && this.cut === null) this.#scatter(box.ground, box, panel.base, "base", 0.6);
    if (box.image?.width !== box.ground.width || box.image.height !== box.ground.height) {
      box.image = new ImageData(box.ground.width, box.ground.height);
    }
  }

  #stillContext() {
    const c = this.still.getContext("2d", { willReadFrequently: true });
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    return c;
  }

  #map(c, box, { values, shape, range: [low, high], kind }) {
    const [h, w] = shape;
    const colours = this.ramps[kind];
    const scale = 255 / (high - low);
    const small = raster(w, h, ({ buffer }) => {
      const pixels = new Uint32Array(buffer);
      for (let row = 0; row < h; row++) {
        for (let column = 0; column < w; column++) {
          const value = values[(h - 1 - row) * w + column];
          if (value === value) pixels[row * w + column] = colours[clamp(Math.round((value - low) * scale), 0, 255)];
        }
      }
    });
    c.drawImage(small, box.x, box.y, box.w, box.h);
  }

  #grid(c, box) {
    c.strokeStyle = this.theme.grid;
    c.lineWidth = 1;
    c.beginPath();
    for (const x of ticks(box.x0, box.x1)) {
      c.moveTo(box.pixelX(x), box.y);
      c.lineTo(box.pixelX(x), box.y + box.h);
    }
    for (const y of ticks(box.y0, box.y1)) {
      c.moveTo(box.x, box.pixelY(y));
      c.lineTo(box.x + box.w, box.pixelY(y));
    }
    c.stroke();
  }

  /** Panels that share a scale of arrows say it once. */
  #saysArrows(i) {
    const label = (panel) => panel.arrows?.label;
    return label(this.panels[i]) && this.panels.findIndex((panel) => label(panel) === label(this.panels[i])) === i;
  }

  // Length ∝ √|v|: a drift spans orders of magnitude, and the small arrows have a direction too.
  #arrows(c, box, { origins, vectors, longest }) {
    const cell = box.w / Math.max(2, Math.sqrt(origins.length / 2));
    c.strokeStyle = c.fillStyle = this.theme.ink;
    c.globalAlpha = 0.62;
    c.lineWidth = clamp(box.w / 420, 0.9, 1.6);
    const [shafts, heads] = [new Path2D(), new Path2D()]; // two calls instead of two an arrow
    for (let i = 0; i < origins.length; i += 2) {
      const size = Math.hypot(vectors[i], vectors[i + 1]);
      if (!(size > 0) || !(longest > 0)) continue;
      const length = 0.95 * cell * Math.sqrt(Math.min(1, size / longest));
      if (length < 1) continue;
      const [x, y] = [box.pixelX(origins[i]), box.pixelY(origins[i + 1])];
      arrow(shafts, heads, x, y, vectors[i] / size, -vectors[i + 1] / size, length);
    }
    c.stroke(shafts);
    c.fill(heads);
    c.globalAlpha = 1;
  }

  #scatter(image, box, points, name, alpha, size = 1) {
    const radius = this.radius(points.length / 2, box) * this.ratio * size;
    const shape = this.palette.shapes[name];
    const kind = `${shape} ${radius.toFixed(2)} ${alpha}`;
    if (!this.dots.has(kind)) this.dots.set(kind, new Dots(radius, alpha, shape));
    return this.dots.get(kind).draw(image, box, points, this.theme[name]);
  }

  #axes(c, box, panel) {
    const { tick, axis, title } = this.type;
    c.strokeStyle = this.theme.quiet;
    c.lineWidth = 1;
    c.strokeRect(box.x - 0.5, box.y - 0.5, box.w + 1, box.h + 1);
    c.font = `${tick}px ${this.theme.font}`;
    c.fillStyle = this.theme.quiet;
    c.textBaseline = "top";
    c.textAlign = "center";
    const count = clamp(Math.round(box.w / 75), 2, 6);
    for (const x of ticks(box.x0, box.x1, count)) {
      // Beside another panel the outermost numbers turn inwards
      const share = this.panels.length > 1 ? (x - box.x0) / (box.x1 - box.x0) : 0.5;
      c.textAlign = share < 0.03 ? "left" : share > 0.97 ? "right" : "center";
      c.fillText(number(x), box.pixelX(x), box.y + box.h + 5);
    }
    c.textAlign = "right";
    c.textBaseline = "middle";
    if (box.yLabels) for (const y of ticks(box.y0, box.y1, count)) c.fillText(number(y), box.x - 6, box.pixelY(y));
    c.fillStyle = this.theme.ink;
    c.font = `${axis}px ${this.theme.font}`;
    c.textAlign = "center";
    c.textBaseline = "alphabetic";
    c.fillText(say(panel.axes[0]), box.x + box.w / 2, box.y + box.h + tick * 1.5 + axis * 1.25);
    if (box.yLabels && !this.compact) sideways(c, say(panel.axes[1]), box.x - tick * 3.1 - 2, box.y + box.h / 2);
    c.textAlign = "left";
    if (box.yLabels && this.compact) this.#outlined(c, say(panel.axes[1]), box.x + 5, box.y + axis * 1.2);
    c.font = `600 ${title}px ${this.theme.font}`;
    let used = 0;
    if (panel.colour) {
      c.fillStyle = panel.colour;
      c.fillRect(box.x, box.y - title * 1.2, title * 0.8, title * 0.8);
      used = title * 1.2;
    }
    c.fillStyle = this.theme.ink;
    const name = fitted(c, sayHeading(panel.title ?? ""), box.w - used);
    c.fillText(name, box.x + used, box.y - title * 0.5);
    if (name) used += c.measureText(name).width + title * 0.6;
    c.font = `${axis}px ${this.theme.font}`;
    c.fillStyle = this.theme.quiet;
    c.fillText(fitted(c, sayHeading(panel.subtitle ?? ""), box.w - used), box.x + used, box.y - title * 0.5);
  }

  #colourBar(c, box, map) {
    const { tick, axis } = this.type;
    const [low, high] = map.range;
    const [x, w] = [box.x + box.w + 14, clamp(box.w / 28, 10, 16)];
    const colours = this.ramps[map.kind];
    const strip = raster(1, 256, ({ buffer }) => new Uint32Array(buffer).set([...colours].reverse()));
    c.drawImage(strip, x, box.y, w, box.h);
    c.strokeStyle = this.theme.quiet;
    c.strokeRect(x - 0.5, box.y - 0.5, w + 1, box.h + 1);
    c.font = `${tick}px ${this.theme.font}`;
    c.fillStyle = this.theme.quiet;
    c.textAlign = "left";
    c.textBaseline = "middle";
    let widest = 0;
    for (const value of ticks(low, high, clamp(Math.round(box.h / 70), 2, 6))) {
      c.fillText(number(value), x + w + 6, box.y + box.h * (1 - (value - low) / (high - low)));
      widest = Math.max(widest, c.measureText(number(value)).width);
    }
    c.fillStyle = this.theme.ink;
    c.font = `${axis}px ${this.theme.font}`;
    c.textAlign = "center";
    c.textBaseline = "alphabetic";
    sideways(c, named(map), x + w + 8 + widest + axis, box.y + box.h / 2);
  }

  /** On a narrow canvas: the colour bar under the axis, its ends beside it. */
  #barBelow(c, box, map) {
    const { tick, axis } = this.type;
    const y = box.y + box.h + tick * 1.5 + axis * 1.6 + tick * 0.9;
    c.font = `${tick}px ${this.theme.font}`;
    c.textBaseline = "middle";
    c.textAlign = "left";
    c.fillStyle = this.theme.ink;
    const [low, high] = map.range.map((value) => number(value, 2));
    const name = fitted(c, named(map), box.w / 2);
    c.fillText(name, box.x, y);
    const from = box.x + c.measureText(`${name}  ${low} `).width;
    c.fillText(low, from - c.measureText(`${low} `).width, y);
    const w = Math.max(20, box.x + box.w - from - c.measureText(` ${high}`).width);
    const colours = this.ramps[map.kind];
    c.drawImage(raster(256, 1, ({ buffer }) => new Uint32Array(buffer).set(colours)), from, y - 4, w, 8);
    c.fillText(high, from + w + 4, y);
  }

  /** Text that stays legible on whatever lies under it. */
  #outlined(c, text, x, y) {
    Object.assign(c, { lineJoin: "round", lineWidth: 4, strokeStyle: this.theme.paper, fillStyle: this.theme.ink });
    c.strokeText(text, x, y);
    c.fillText(text, x, y);
  }

  // ---- what moves -------------------------------------------------------------------------

  /** Draw a frame; without an argument, the last one again. */
  draw(frame = this.frame) {
    this.frame = frame;
    if (!this.width) this.resize();
    if (!this.boxes.length) return;
    if (this.ratio !== (window.devicePixelRatio || 1)) this.resize();
    if (this.stale) this.drawStill();
    const c = this.context;
    const outside = this.boxes.map((box, i) => {
      box.image.data.set(box.ground.data);
      const points = this.layers.refined && frame.points[i];
      const before = this.cut !== null && points && this.panels[i].base;
      if (before) this.#scatter(box.image, box, this.#side(box, before, 1), "base", 0.9);
      const count = points ? this.#scatter(box.image, box, before ? this.#side(box, points, -1) : points, "refined", 0.82) : 0;
      c.putImageData(box.image, box.pixels[0], box.pixels[1]);
      return count;
    });
    if (this.layers.paths) {
      c.setTransform(1, 0, 0, 1, 0, 0);
      c.drawImage(this.trails, 0, 0);
    }
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.boxes.forEach((box, i) => {
      const points = frame.points[i];
      if (this.layers.arrows && box.w > 220 && this.#saysArrows(i)) {
        const { label, longest } = this.panels[i].arrows;
        this.#note(c, box, "left", say("→ {label}, full length at {longest} (length ∝ √)", { label: say(label), longest: number(longest, 2) }));
      }
      if (outside[i]) this.#note(c, box, "right", say("{many} outside", { many: outside[i].toLocaleString("en") }));
      if (this.cut !== null && points) this.#divider(c, box);
      if (frame.marked != null && points) this.#mark(c, box, points, frame.marked, frame.path?.[i]);
      if (this.overlay) {
        c.save();
        c.beginPath();
        c.rect(box.x, box.y, box.w, box.h);
        c.clip();
        this.overlay(c, box, i);
        c.restore();
      }
    });
  }

  /** Those of `points` left (1) or right (−1) of the divider. */
  #side(box, points, sign) {
    const at = box.x0 + this.cut * (box.x1 - box.x0);
    return points.filter((_, i) => sign * (at - points[i - (i % 2)]) >= 0);
  }

  #divider(c, box) {
    const x = box.x + this.cut * box.w;
    c.strokeStyle = this.theme.ink;
    c.lineWidth = 2;
    c.beginPath();
    c.moveTo(x, box.y);
    c.lineTo(x, box.y + box.h);
    c.stroke();
    c.font = `600 ${this.type.axis}px ${this.theme.font}`;
    c.textBaseline = "top";
    for (const [text, side, room] of [[say("before"), "right", x - box.x], [say("after"), "left", box.x + box.w - x]]) {
      c.textAlign = side;
      if (room > 60) this.#outlined(c, text, x + (side === "right" ? -8 : 8), box.y + 6);
    }
  }

  /** A remark inside the frame, at its bottom. */
  #note(c, box, side, text) {
    const [x, y] = [side === "left" ? box.x + 6 : box.x + box.w - 6, box.y + box.h - 5];
    c.font = `${this.type.tick}px ${this.theme.font}`;
    c.textAlign = side;
    c.textBaseline = "bottom";
    this.#outlined(c, fitted(c, text, (side === "left" ? 0.7 : 0.3) * box.w - 8), x, y);
  }

  #mark(c, box, points, index, path) {
    c.save();
    c.beginPath();
    c.rect(box.x, box.y, box.w, box.h);
    c.clip();
    if (path) {
      c.lineJoin = "round";
      for (const [style, width] of [[this.theme.paper, 5], [this.theme.ink, 1.8]]) {
        c.strokeStyle = style;
        c.lineWidth = width;
        c.beginPath();
        for (let k = 0; k < path.length; k += 2) c.lineTo(box.pixelX(path[k]), box.pixelY(path[k + 1]));
        c.stroke();
      }
      disc(c, box.pixelX(path[0]), box.pixelY(path[1]), 5, `rgb(${this.theme.base})`, this.theme.paper);
    }
    const [x, y] = [box.pixelX(points[2 * index]), box.pixelY(points[2 * index + 1])];
    disc(c, x, y, 5.5, `rgb(${this.theme.refined})`, this.theme.paper);
    c.strokeStyle = this.theme.ink;
    c.lineWidth = 1.5;
    c.beginPath();
    c.arc(x, y, 9, 0, 2 * Math.PI);
    c.stroke();
    c.restore();
  }

  clearTrails() {
    const c = this.trails.getContext("2d");
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, this.trails.width, this.trails.height);
  }

  /** One more piece of the trails of particles `ids`; `t` in [0, 1] runs from base to refined colour. */
  extendTrails(from, to, ids, t) {
    const c = this.trails.getContext("2d");
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    c.strokeStyle = mixed(this.theme.base, this.theme.refined, t);
    c.lineWidth = 1.2;
    c.globalAlpha = 0.85;
    this.boxes.forEach((box, panel) => {
      const [a, b] = [from[panel], to[panel]];
      if (!a || !b) return;
      c.beginPath();
      for (const id of ids) {
        const [x, y, u, v] = [a[2 * id], a[2 * id + 1], b[2 * id], b[2 * id + 1]];
        if (!box.inside(x, y) || !box.inside(u, v)) continue;
        c.moveTo(box.pixelX(x), box.pixelY(y));
        c.lineTo(box.pixelX(u), box.pixelY(v));
      }
      c.stroke();
    });
    c.globalAlpha = 1;
  }

  /** Let old trails fade: keep the share `keep` of their strength. */
  fadeTrails(keep) {
    const c = this.trails.getContext("2d");
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.globalCompositeOperation = "destination-in";
    c.fillStyle = `rgba(0,0,0,${keep})`;
    c.fillRect(0, 0, this.trails.width, this.trails.height);
    c.globalCompositeOperation = "source-over";
  }
}

/** A panel's place on the canvas, and the maps between data units and CSS pixels. */
export class Box {
  constructor(panel, place, ratio) {
    [this.x0, this.x1, this.y0, this.y1] = panel.extent;
    Object.assign(this, place);
    for (const side of ["x", "y", "w", "h"]) this[side] = Math.round(this[side] * ratio) / ratio;
    this.pixels = [this.x, this.y, this.w, this.h].map((side) => Math.round(side * ratio)); // device pixels
  }
  pixelX(x) { return this.x + ((x - this.x0) / (this.x1 - this.x0)) * this.w; }
  pixelY(y) { return this.y + ((this.y1 - y) / (this.y1 - this.y0)) * this.h; }
  dataX(px) { return this.x0 + ((px - this.x) / this.w) * (this.x1 - this.x0); }
  dataY(py) { return this.y1 - ((py - this.y) / this.h) * (this.y1 - this.y0); }
  holds(px, py) { return px >= this.x && px <= this.x + this.w && py >= this.y && py <= this.y + this.h; }
  inside(x, y) { return x >= this.x0 && x <= this.x1 && y >= this.y0 && y <= this.y1; }
}

/** Add an arrow centred at (x, y) along the unit vector (ux, uy) to two paths. */
function arrow(shafts, heads, x, y, ux, uy, length) {
  const head = Math.min(0.42 * length, 5.5);
  const [tx, ty] = [x + (ux * length) / 2, y + (uy * length) / 2];
  shafts.moveTo(x - (ux * length) / 2, y - (uy * length) / 2);
  shafts.lineTo(tx - ux * head * 0.7, ty - uy * head * 0.7);
  heads.moveTo(tx, ty);
  heads.lineTo(tx - ux * head - uy * head * 0.45, ty - uy * head + ux * head * 0.45);
  heads.lineTo(tx - ux * head + uy * head * 0.45, ty - uy * head - ux * head * 0.45);
  heads.closePath();
}

/** What the colour bar of a map is called, with its unit. */
function named({ label, unit }) {
  return unit ? `${say(label)} (${say(unit)})` : say(label);
}

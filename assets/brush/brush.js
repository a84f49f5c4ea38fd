// brush.js: a canvas to draw a distribution on, and to watch a generator learn it.
//
// The ink is a raster of SIDE × SIDE cells; what a person painted goes to the server as one string of
// hexadecimal digits when the pointer is lifted. Content: { side, half, ink, locked, samples, palette }.
import { appearance, onAppearance, rgb } from "../kit/colour.js";
import { raster, resize } from "../kit/canvas.js";
import { chip, element } from "../kit/dom.js";
import { component } from "../kit/mount.js";

const SHAPES = {
  Heart: (t) => [1.15 * Math.sin(t) ** 3, 0.07 * (13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) - Math.cos(4 * t)) * 1.15 + 0.1],
  Spiral: (t) => [(0.22 * t + 0.15) * Math.cos(1.6 * t), (0.22 * t + 0.15) * Math.sin(1.6 * t)],
  Infinity: (t) => [1.5 * Math.cos(t), 0.85 * Math.sin(2 * t)],
};

export class Brush {
  constructor(root, key, tell) {
    Object.assign(this, { root, report: tell, radius: 3, erasing: false });
    this.canvas = element("canvas", { role: "img", "aria-label": "Draw a distribution here with the pointer" });
    this.eraser = chip("Eraser", "Take ink away instead of adding it", () => this.toggle());
    const size = element("input", { type: "range", className: "slider", min: 1, max: 8, value: this.radius, title: "Size of the brush",
      "aria-label": "Size of the brush", oninput: () => this.#size(size) });
    this.#size(size);
    const shapes = Object.entries(SHAPES).map(([name, curve]) => chip(name, `Draw a ${name.toLowerCase()}`, () => this.shape(curve)));
    this.bar = element("div", { className: "transport" }, this.eraser, element("span", { textContent: "brush" }), size, ...shapes,
      chip("Clear", "Remove all ink", () => this.clear()));
    root.replaceChildren(element("div", { className: "paper" }, this.canvas), this.bar);
    this.unwatch = onAppearance(root, () => this.draw());
    this.#pointing();
  }

  destroy() {
    this.unwatch();
  }

  #size(input) {
    this.radius = Number(input.value);
    input.style.setProperty("--done", `${(100 * (input.value - input.min)) / (input.max - input.min)}%`);
  }

  clear() {
    this.ink.fill(0);
    this.draw();
    this.tell();
  }

  load({ side, half, ink, locked, samples, palette }) {
    Object.assign(this, { side, half, locked, samples, palette });
    if (!this.ink) this.ink = Uint8Array.from(ink ?? new Uint8Array(side * side));
    this.bar.inert = locked;
    this.bar.style.opacity = locked ? 0.4 : 1;
    this.canvas.style.cursor = locked ? "default" : "crosshair";
    this.draw();
  }

  toggle() {
    this.erasing = !this.erasing;
    this.eraser.setAttribute("aria-pressed", this.erasing);
  }

  shape(curve) {
    this.ink.fill(0);
    for (let k = 0; k <= 900; k++) {
      const [x, y] = curve((k / 900) * 2 * Math.PI);
      this.#stroke(((x + this.half) / (2 * this.half)) * this.side, ((this.half - y) / (2 * this.half)) * this.side, 1.6, false);
    }
    this.draw();
    this.tell();
  }

  #pointing() {
    const { canvas } = this;
    canvas.style.touchAction = "none";
    let last = null;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * this.side, ((event.clientY - box.top) / box.height) * this.side];
    };
    const paint = (event) => {
      const to = at(event);
      const from = last ?? to;
      const pieces = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / 0.7));
      for (let k = 1; k <= pieces; k++) {
        const t = k / pieces;
        this.#stroke(from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1]), this.radius, this.erasing);
      }
      last = to;
      this.draw();
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (this.locked) return;
      canvas.setPointerCapture(event.pointerId);
      last = null;
      paint(event);
    });
    canvas.addEventListener("pointermove", (event) => { if (event.buttons && last) paint(event); });
    const lift = () => {
      if (!last) return;
      last = null;
      this.tell();
    };
    canvas.addEventListener("pointerup", lift);
    canvas.addEventListener("pointercancel", lift);
  }

  /** Ink (or its removal) on the cells within `radius` of (x, y), in cells. */
  #stroke(x, y, radius, erase) {
    for (let row = Math.floor(y - radius); row <= y + radius; row++) {
      for (let column = Math.floor(x - radius); column <= x + radius; column++) {
        if (row < 0 || column < 0 || row >= this.side || column >= this.side) continue;
        if (Math.hypot(column + 0.5 - x, row + 0.5 - y) > radius) continue;
        this.ink[row * this.side + column] = erase ? 0 : 15;
      }
    }
  }

  tell() {
    this.report({ ink: Array.from(this.ink, (value) => value.toString(16)).join("") });
  }

  draw() {
    const { canvas, root, palette } = this;
    if (!palette || !canvas.clientWidth) return;
    const ratio = resize(canvas, canvas.clientWidth, canvas.clientWidth);
    const pixels = canvas.width;
    const tone = appearance(root, palette);
    const c = canvas.getContext("2d");
    c.fillStyle = tone.panel;
    c.fillRect(0, 0, pixels, pixels);
    c.strokeStyle = tone.grid;
    for (const v of [-1, 0, 1]) {
      const at = ((v + this.half) / (2 * this.half)) * pixels;
      c.beginPath();
      c.moveTo(at, 0);
      c.lineTo(at, pixels);
      c.moveTo(0, at);
      c.lineTo(pixels, at);
      c.stroke();
    }
    const [r, g, b] = rgb(tone.real);
    const small = raster(this.side, this.side, (data) =>
      this.ink.forEach((value, i) => data.set([r, g, b, value * (this.samples ? 8 : 14)], 4 * i)));
    c.imageSmoothingEnabled = true;
    c.drawImage(small, 0, 0, pixels, pixels);
    if (this.samples) {
      c.fillStyle = tone.base;
      c.globalAlpha = 0.75;
      for (let i = 0; i < this.samples.length; i += 2) {
        const x = ((this.samples[i] + this.half) / (2 * this.half)) * pixels;
        const y = ((this.half - this.samples[i + 1]) / (2 * this.half)) * pixels;
        c.fillRect(x - 1.3 * ratio, y - 1.3 * ratio, 2.6 * ratio, 2.6 * ratio);
      }
      c.globalAlpha = 1;
    } else if (!this.ink.some((value) => value)) {
      c.fillStyle = tone.quiet;
      c.font = `${17 * ratio}px ${tone.font}`;
      c.textAlign = "center";
      c.fillText("Draw here, or pick a shape below", pixels / 2, pixels / 2);
    }
  }
}

export default component("brush", Brush, "stage brush");

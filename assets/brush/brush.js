// brush.js: a canvas to draw a distribution on, and to watch a generator learn it.
//
// The ink is a raster of SIDE × SIDE cells; what a person painted goes to the server as one string of
// hexadecimal digits when the pointer is lifted. Content: { side, half, ink, locked, samples, refined, shapes,
// palette, demonstration }; the last, { ink, frames, refined }, plays until there is ink.
import { appearance, onAppearance, prefersStill, rgb } from "../kit/colour.js";
import { raster, resize } from "../kit/canvas.js";
import { chip, element } from "../kit/dom.js";
import { component } from "../kit/mount.js";

const FRAME = 160; // milliseconds of the demonstration; a frame of the game is shown twice as long
const REST = 2500; // milliseconds at its end

export class Brush {
  constructor(root, key, tell) {
    Object.assign(this, { root, report: tell, radius: 3, erasing: false });
    this.canvas = element("canvas", { role: "img", "aria-label": "Draw a distribution here with the pointer" });
    this.eraser = chip("Eraser", "Take ink away instead of adding it", () => this.toggle());
    const size = element("input", { type: "range", className: "slider", min: 1, max: 8, value: this.radius, title: "Size of the brush",
      "aria-label": "Size of the brush", oninput: () => this.#size(size) });
    this.#size(size);
    this.bar = element("div", { className: "transport" }, this.eraser, element("span", { textContent: "brush" }), size,
      chip("Clear", "Remove all ink", () => this.clear()));
    root.replaceChildren(element("div", { className: "paper" }, this.canvas), this.bar);
    this.unwatch = onAppearance(root, () => this.draw());
    this.#pointing();
  }

  destroy() {
    clearTimeout(this.timer);
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

  load({ side, half, ink, locked, samples, refined, shapes, palette, demonstration }) {
    Object.assign(this, { side, half, locked, samples, refined, palette, demonstration });
    if (!this.shapes) {
      this.shapes = Object.entries(shapes).map(([name, drawn]) => chip(name, `Draw this: ${name.toLowerCase()}`, () => this.shape(drawn)));
      this.bar.lastChild.before(...this.shapes);
    }
    if (!this.ink) this.ink = Uint8Array.from(ink ?? new Uint8Array(side * side));
    this.bar.inert = locked;
    this.bar.style.opacity = locked ? 0.4 : 1;
    this.canvas.style.cursor = locked ? "default" : "crosshair";
    this.draw();
    this.demonstrate();
  }

  toggle() {
    this.erasing = !this.erasing;
    this.eraser.setAttribute("aria-pressed", this.erasing);
  }

  /** Whether nobody has painted yet, and there is something to show them. */
  get idle() {
    return this.demonstration && !this.locked && !this.ink.some((value) => value);
  }

  /** Play the demonstration, from `frame` on, for as long as nobody paints. */
  demonstrate(frame = prefersStill() ? Infinity : 0) {
    clearTimeout(this.timer);
    if (!this.idle) return;
    const { frames, refined } = this.demonstration;
    const last = frames.shape[0] - 1;
    this.frame = Math.min(frame, last);
    this.root.dataset.frame = this.frame;
    this.draw();
    if (prefersStill()) return;
    const next = this.frame === last ? 0 : this.frame + 1;
    this.timer = setTimeout(() => this.demonstrate(next), this.frame === last ? REST : this.frame < refined ? 2 * FRAME : FRAME);
  }

  shape(drawn) {
    this.ink.set(drawn);
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
    const { idle, demonstration } = this;
    const samples = idle ? shown(demonstration.frames, this.frame ?? 0) : this.samples;
    const small = raster(this.side, this.side, (data) =>
      (idle ? demonstration.ink : this.ink).forEach((value, i) => data.set([r, g, b, value * (samples ? 8 : 14)], 4 * i)));
    c.imageSmoothingEnabled = true;
    c.drawImage(small, 0, 0, pixels, pixels);
    if (samples) {
      c.fillStyle = (idle ? this.frame >= demonstration.refined : this.refined) ? tone.refined : tone.base;
      c.globalAlpha = 0.75;
      for (let i = 0; i < samples.length; i += 2) {
        const x = ((samples[i] + this.half) / (2 * this.half)) * pixels;
        const y = ((this.half - samples[i + 1]) / (2 * this.half)) * pixels;
        c.fillRect(x - 1.3 * ratio, y - 1.3 * ratio, 2.6 * ratio, 2.6 * ratio);
      }
      c.globalAlpha = 1;
    }
    if (!this.locked && !this.ink.some((value) => value)) {
      Object.assign(c, { fillStyle: tone.quiet, font: `${17 * ratio}px ${tone.font}`, textAlign: "center" });
      c.fillText(idle ? "A demonstration; draw here, or pick a shape below" : "Draw here, or pick a shape below", pixels / 2, 30 * ratio);
    }
  }
}

/** Positions of frame `k` of a recording (frames, n, 2), where 0 stands for −32.768. */
function shown(frames, k) {
  const size = 2 * frames.shape[1];
  return Float32Array.from(frames.subarray(k * size, (k + 1) * size), (code) => (code - 32768) / 1000);
}

export default component("brush", Brush, "stage brush");

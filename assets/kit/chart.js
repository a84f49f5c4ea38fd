// chart.js: curves against the step, stacked strips over one step axis.
//
//   const chart = new Chart(element, { onScrub: (step, settled) => … });
//   chart.show({ curves, steps, colours, theme, type })
//   chart.draw(step)                               the cursor, and the values under it
//
// A curve is { name, unit, better, series, reference } and, where wanted, `domain` (what the axis must
// hold), `labels` (what a series is called, beside its value) and `faint` ({ values, colour } each, drawn
// thin below the series). Series k is drawn in colours[k]; null is left out. `first` is the step of the
// first value of every series, `from` and `to` the ends of the axis, `axis` its name; `bare`: no heads, no cursor.
import { disc, fitted, sized } from "./canvas.js";
import { mixed, rgb } from "./colour.js";
import { element } from "./dom.js";
import { clamp, number } from "./numbers.js";
import { extent, scaleLinear } from "../vendor/d3.js";
import { say } from "./say.js";

export class Chart {
  constructor(host, { onScrub = null } = {}) {
    this.host = host;
    this.canvas = host.appendChild(element("canvas", { role: "img", "aria-label": "Curves against the step" }));
    this.still = document.createElement("canvas");
    this.curves = [];
    this.step = 0;
    this.observer = new ResizeObserver(() => {
      if (this.width !== host.clientWidth || this.height !== host.clientHeight) this.resize();
    });
    this.observer.observe(host);
    if (onScrub) this.#scrubbing(onScrub);
  }

  destroy() {
    this.observer.disconnect();
    this.canvas.remove();
  }

  #scrubbing(onScrub) {
    const at = (event) => clamp(this.x.invert(event.clientX - this.canvas.getBoundingClientRect().left), ...this.x.domain());
    this.canvas.addEventListener("pointerdown", (event) => {
      if (!this.x) return;
      this.canvas.setPointerCapture(event.pointerId);
      onScrub(at(event), false);
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons && this.x && onScrub(at(event), false));
    this.canvas.addEventListener("pointerup", (event) => this.x && onScrub(at(event), true));
  }

  show({ curves, steps, colours, theme, type, first = 0, from = 0, to = steps, axis = "", bare = false }) {
    this.canvas.setAttribute("aria-label", say("Curves against the step: {names}", { names: curves.map((one) => say(one.name)).join(", ") }));
    Object.assign(this, { curves, steps, colours, theme, type, first, from, to, axis, bare });
    this.resize();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (!width || !height || !this.theme) return;
    Object.assign(this, { width, height, ratio: window.devicePixelRatio || 1 });
    sized(this.canvas, width, height);
    this.#drawStill(sized(this.still, width, height));
    this.draw();
  }

  get left() {
    return Math.round(this.type.tick * (this.bare ? 3.3 : 4.2));
  }

  get right() {
    return this.width - 14;
  }

  #drawStill(c) {
    const { theme, type, width, height, left, right } = this;
    c.fillStyle = theme.paper;
    c.fillRect(0, 0, width, height);
    this.x = scaleLinear([this.from, Math.max(this.to, this.from + 1e-9)], [left, right]);
    const foot = type.tick * 1.5 + (this.axis ? type.axis * 1.2 : 0);
    const head = this.bare ? 7 : type.axis * 1.7;
    const each = (height - foot) / Math.max(1, this.curves.length);
    this.strips = this.curves.map((curve, i) => this.#strip(curve, i * each + head, Math.max(16, each - head - 6)));
    for (const strip of this.strips) this.#drawStrip(c, strip, left, right);
    c.font = `${type.tick}px ${theme.font}`;
    c.fillStyle = theme.quiet;
    c.textBaseline = "top";
    c.textAlign = "center";
    for (const step of this.x.ticks(clamp(Math.round(width / 90), 2, 10))) {
      if (Number.isInteger(step)) c.fillText(number(step, 6), this.x(step), height - foot + 4);
    }
    c.fillStyle = theme.ink;
    c.font = `${type.axis}px ${theme.font}`;
    if (this.axis) c.fillText(say(this.axis), (left + right) / 2, height - type.axis * 1.2);
  }

  #strip(curve, top, h) {
    const finite = (values) => extent(values ?? [], (value) => (Number.isFinite(value) ? value : undefined));
    const ends = [...curve.series, ...(curve.faint ?? []).map((one) => one.values)].flatMap(finite).concat(curve.domain ?? []);
    if (curve.reference) ends.push(curve.reference.low, curve.reference.high);
    let [low, high] = extent(ends);
    if (low === undefined) [low, high] = [0, 1];
    if (!(high > low)) [low, high] = [low - 0.5, high + 0.5];
    const pad = curve.domain ? 0 : 0.06 * (high - low);
    return { curve, top, h, y: scaleLinear([low - pad, high + pad], [top + h, top]) };
  }

  #drawStrip(c, { curve, top, h, y }, left, right) {
    const { theme, type } = this;
    c.fillStyle = theme.panel;
    c.fillRect(left, top, right - left, h);
    c.font = `${type.tick}px ${theme.font}`;
    c.textAlign = "right";
    c.textBaseline = "middle";
    c.lineWidth = 1;
    const unit = this.bare && curve.unit === "%" ? " %" : "";
    for (const value of y.ticks(clamp(Math.round(h / 32), this.bare ? 2 : 1, 5))) {
      c.strokeStyle = theme.grid;
      c.beginPath();
      c.moveTo(left, y(value));
      c.lineTo(right, y(value));
      c.stroke();
      c.fillStyle = theme.quiet;
      c.fillText(number(value) + unit, left - 6, y(value));
    }
    if (curve.reference) this.#reference(c, { top, y }, curve.reference, left, right);
    c.lineJoin = "round";
    c.globalAlpha = 0.22;
    for (const { values, colour } of curve.faint ?? []) this.#line(c, y, values, colour, 1);
    c.globalAlpha = 1;
    curve.series.forEach((series, k) => series && this.#line(c, y, series, this.colours[k], 2));
  }

  #line(c, y, values, colour, width) {
    c.strokeStyle = colour;
    c.lineWidth = width;
    c.beginPath();
    values.forEach((value, k) => Number.isFinite(value) && c.lineTo(this.x(this.first + k), y(value)));
    c.stroke();
  }

  #reference(c, { top, y }, { low, high, label }, left, right) {
    const { theme, type } = this;
    const [upper, lower] = [y(high), y(low)];
    c.fillStyle = c.strokeStyle = theme.real;
    if (high > low) {
      c.globalAlpha = 0.22;
      c.fillRect(left, upper, right - left, Math.max(1.5, lower - upper));
      c.globalAlpha = 1;
    } else {
      c.setLineDash([5, 4]);
      c.beginPath();
      c.moveTo(left, upper);
      c.lineTo(right, upper);
      c.stroke();
      c.setLineDash([]);
    }
    c.font = `${type.tick}px ${theme.font}`;
    c.textAlign = "left";
    const above = upper - top > type.tick + 4;
    c.textBaseline = above ? "bottom" : "top";
    c.fillText(say(label), left + 6, above ? upper - 2 : high > low ? upper + 2 : lower + 2);
  }

  draw(step = this.step) {
    this.step = step;
    if (!this.width || !this.strips) return;
    const c = this.canvas.getContext("2d");
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.drawImage(this.still, 0, 0);
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    const whole = Math.round(step);
    for (const strip of this.strips) {
      if (!this.bare) {
        c.strokeStyle = this.theme.quiet;
        c.lineWidth = 1;
        c.beginPath();
        c.moveTo(this.x(step), strip.top);
        c.lineTo(this.x(step), strip.top + strip.h);
        c.stroke();
      }
      this.#values(c, strip, step, whole);
    }
  }

  /** The name of a strip, and the value of each series at the cursor, in words and as a dot. */
  #values(c, { curve, top, y }, step, whole) {
    const { theme, type } = this;
    const line = top - type.axis * 0.45;
    let x = this.left;
    c.textBaseline = "alphabetic";
    c.textAlign = "left";
    c.font = `600 ${type.axis}px ${theme.font}`;
    c.fillStyle = theme.ink;
    const name = say(curve.name) + ({ up: " ↑", down: " ↓" }[curve.better] ?? "");
    if (!this.bare) c.fillText(name, x, line);
    x += c.measureText(name).width + 10;
    curve.series.forEach((series, k) => {
      if (!series) return;
      const value = known(series, whole - this.first);
      if (Number.isFinite(value)) disc(c, this.x(step), y(value), 3.5, this.colours[k], theme.paper);
      if (this.bare) return;
      const unit = { "": "", "%": " %" }[curve.unit ?? ""] ?? ` ${say(curve.unit)}`;
      const text = `${curve.labels?.[k] ? `${say(curve.labels[k])} ` : ""}${number(value)}${unit}`;
      c.fillStyle = mixed(rgb(this.colours[k]), rgb(theme.ink), 0.35); // text needs more contrast than a line
      c.fillText(fitted(c, text, this.width - x), x, line);
      x += c.measureText(text).width + 12;
    });
  }
}

/** The value at index `at`, or the last one measured before it. */
export function known(series, at) {
  for (let k = Math.min(at, series.length - 1); k >= 0; k--) if (Number.isFinite(series[k])) return series[k];
  return NaN;
}

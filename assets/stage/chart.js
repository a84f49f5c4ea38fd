// chart.js: curves against the step, stacked strips over one step axis; needs view.js.
//
//   const chart = new Chart(element, { onScrub: (step) => … });
//   chart.show({ curves, steps, colours, view })   curves: { name, unit, better, series, reference }
//   chart.draw(step)                               the cursor, and the values under it

class Chart {
  constructor(host, { onScrub = () => {} } = {}) {
    this.host = host;
    this.canvas = host.appendChild(document.createElement("canvas"));
    this.canvas.setAttribute("role", "img");
    this.still = document.createElement("canvas");
    this.curves = [];
    this.step = 0;
    this.observer = new ResizeObserver(() => {
      if (this.width !== host.clientWidth || this.height !== host.clientHeight) this.resize();
    });
    this.observer.observe(host);
    const scrub = (event) => {
      if (event.type === "pointerdown") this.canvas.setPointerCapture(event.pointerId);
      else if (!event.buttons) return;
      const share = (event.clientX - this.canvas.getBoundingClientRect().left - this.left) / (this.right - this.left);
      onScrub(clamp(share, 0, 1) * this.steps);
    };
    this.canvas.addEventListener("pointerdown", scrub);
    this.canvas.addEventListener("pointermove", scrub);
  }

  destroy() {
    this.observer.disconnect();
    this.canvas.remove();
  }

  show({ curves, steps, colours, view }) {
    Object.assign(this, { curves, steps, colours, view });
    this.resize();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (!width || !height || !this.view?.theme) return;
    this.ratio = window.devicePixelRatio || 1;
    Object.assign(this, { width, height });
    for (const canvas of [this.canvas, this.still]) {
      Object.assign(canvas, { width: Math.round(width * this.ratio), height: Math.round(height * this.ratio) });
    }
    this.#drawStill();
    this.draw();
  }

  x(step) {
    return this.left + (this.steps ? step / this.steps : 0) * (this.right - this.left);
  }

  #drawStill() {
    const { theme, type } = this.view;
    const c = this.still.getContext("2d");
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    c.fillStyle = theme.paper;
    c.fillRect(0, 0, this.width, this.height);
    [this.left, this.right] = [Math.round(type.tick * 4.2), this.width - 14];
    const foot = type.tick * 1.5;
    const head = type.axis * 1.7;
    const each = (this.height - foot) / Math.max(1, this.curves.length);
    this.strips = this.curves.map((curve, i) => this.#strip(curve, i * each + head, Math.max(16, each - head - 6)));
    for (const strip of this.strips) this.#drawStrip(c, strip);
    c.font = `${type.tick}px ${theme.font}`;
    c.fillStyle = theme.quiet;
    c.textBaseline = "top";
    c.textAlign = "center";
    for (const step of ticks(0, Math.max(1, this.steps), clamp(Math.round(this.width / 90), 2, 10))) {
      if (Number.isInteger(step) && step <= this.steps) c.fillText(String(step), this.x(step), this.height - foot + 4);
    }
  }

  #strip(curve, y, h) {
    const values = curve.series.flatMap((one) => (one ? [...one] : [])).filter(Number.isFinite);
    if (curve.reference) values.push(curve.reference.low, curve.reference.high);
    let [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
    if (!(high > low)) [low, high] = [low - 0.5, high + 0.5];
    const pad = 0.06 * (high - low);
    return { curve, y, h, low: low - pad, high: high + pad };
  }

  #y({ y, h, low, high }, value) {
    return y + h * (1 - (value - low) / (high - low));
  }

  #drawStrip(c, strip) {
    const { theme, type } = this.view;
    const { curve, y, h, low, high } = strip;
    c.fillStyle = theme.panel;
    c.fillRect(this.left, y, this.right - this.left, h);
    c.font = `${type.tick}px ${theme.font}`;
    c.textAlign = "right";
    c.textBaseline = "middle";
    c.lineWidth = 1;
    for (const value of ticks(low, high, clamp(Math.round(h / 32), 1, 5))) {
      c.strokeStyle = theme.grid;
      c.beginPath();
      c.moveTo(this.left, this.#y(strip, value));
      c.lineTo(this.right, this.#y(strip, value));
      c.stroke();
      c.fillStyle = theme.quiet;
      c.fillText(number(value), this.left - 6, this.#y(strip, value));
    }
    if (curve.reference) this.#reference(c, strip, curve.reference);
    c.lineWidth = 2;
    c.lineJoin = "round";
    curve.series.forEach((series, panel) => {
      if (!series) return;
      c.strokeStyle = this.colours[panel];
      c.beginPath();
      series.forEach((value, step) => Number.isFinite(value) && c.lineTo(this.x(step), this.#y(strip, value)));
      c.stroke();
    });
  }

  #reference(c, strip, { low, high, label }) {
    const { theme, type } = this.view;
    const [top, bottom] = [this.#y(strip, high), this.#y(strip, low)];
    c.fillStyle = c.strokeStyle = `rgb(${theme.real})`;
    if (high > low) {
      c.globalAlpha = 0.22;
      c.fillRect(this.left, top, this.right - this.left, Math.max(1.5, bottom - top));
      c.globalAlpha = 1;
    } else {
      c.setLineDash([5, 4]);
      c.beginPath();
      c.moveTo(this.left, top);
      c.lineTo(this.right, top);
      c.stroke();
      c.setLineDash([]);
    }
    c.font = `${type.tick * 0.92}px ${theme.font}`;
    c.textAlign = "left";
    const above = top - strip.y > type.tick + 4;
    c.textBaseline = above ? "bottom" : "top";
    c.fillText(label, this.left + 6, above ? top - 2 : bottom + 2);
  }

  draw(step = this.step) {
    this.step = step;
    if (!this.width || !this.strips) return;
    const { theme, type } = this.view;
    const c = this.canvas.getContext("2d");
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.drawImage(this.still, 0, 0);
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    const whole = Math.round(step);
    for (const strip of this.strips) {
      c.strokeStyle = theme.quiet;
      c.lineWidth = 1;
      c.beginPath();
      c.moveTo(this.x(step), strip.y);
      c.lineTo(this.x(step), strip.y + strip.h);
      c.stroke();
      this.#legend(c, strip, whole, type, theme);
    }
  }

  #legend(c, strip, step, type, theme) {
    const { curve, y } = strip;
    c.textBaseline = "alphabetic";
    c.textAlign = "left";
    c.font = `600 ${type.axis}px ${theme.font}`;
    c.fillStyle = theme.ink;
    const arrow = { up: " ↑", down: " ↓" }[curve.better] ?? "";
    let x = this.left;
    c.fillText(curve.name + arrow, x, y - type.axis * 0.45);
    x += c.measureText(curve.name + arrow).width + 10;
    curve.series.forEach((series, panel) => {
      if (!series) return;
      const value = known(series, step);
      const text = `${number(value)}${curve.unit ? (curve.unit === "%" ? " %" : ` ${curve.unit}`) : ""}`;
      c.fillStyle = this.colours[panel];
      c.fillText(fitted(c, text, this.width - x), x, y - type.axis * 0.45);
      x += c.measureText(text).width + 12;
      if (Number.isFinite(value)) disc(c, this.x(step), this.#y(strip, value), 3.5, this.colours[panel], theme.paper);
    });
  }
}

/** The value at `step`, or the last one measured before it. */
function known(series, step) {
  for (let k = Math.min(step, series.length - 1); k >= 0; k--) if (Number.isFinite(series[k])) return series[k];
  return NaN;
}

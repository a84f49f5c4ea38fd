// wall.js: a wall of pictures that changes step by step; needs unpack.js, parts.js
// and view.js (ticks, blend).
//
// A Streamlit component (components v2). It is called again with new data on every rerun and swaps
// the run in place. The root element tells its state in data attributes: step, steps, playing,
// selected, order, runKey.

const WALLS = (globalThis.__dgflowWalls ??= {}); // what a person chose, by key; outlives a page change
const VIEWS = { now: "Refined", base: "Base", change: "Change" };
const PANES = { logits: "Logits", map: "Map of features" };
const GUTTER = 150; // pixels for the names of a grid's rows

/** The `share` quantile of every second number of `flat`, from `axis` on. */
function quantile(flat, axis, share) {
  const values = flat.filter((_, i) => i % 2 === axis).sort();
  return values[Math.round(share * (values.length - 1))];
}

class Wall extends Steps {
  constructor(root, tell) {
    super();
    Object.assign(this, { root, tell });
    this.build();
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(root);
  }

  destroy() {
    clearInterval(this.timer);
    this.observer.disconnect();
    this.root.replaceChildren();
  }

  build() {
    const canvas = (name, label) => element("canvas", { className: name, role: "img", "aria-label": label });
    const parts = (this.parts = {
      views: chips(VIEWS, "What the wall shows", (name) => this.choose({ view: name })),
      panes: chips(PANES, "What the chart shows", (name) => this.choose({ pane: name })),
      orders: chips(ORDERS, "Order of the pictures", (name) => this.choose({ order: name })),
      grid: canvas("grid", "The wall of samples; click one to follow it"),
      play: element("button", { type: "button", className: "play", onclick: () => this.toggle() }),
      scrub: element("input", { type: "range", className: "scrub", min: 0, step: 1, "aria-label": "Step" }),
      count: element("output", { className: "count" }),
      legend: element("div", { className: "legend" }),
      chart: canvas("chart", "Logit of every sample, step by step, or where the samples lie among real images"),
      caption: element("div", { className: "caption" }),
      film: canvas("film", "The selected sample over the steps, and its nearest training images"),
    });
    parts.grid.tabIndex = 0;
    parts.scrub.oninput = () => {
      const step = Number(parts.scrub.value); // before pausing, which draws and so writes it
      this.pause();
      this.go(step);
    };
    parts.scrub.onchange = () => this.remember(this.at);
    parts.grid.onclick = (event) => this.pick(event);
    parts.grid.onkeydown = (event) => this.key(event);
    parts.chart.onclick = parts.film.onclick = (event) => this.seek(event);
    this.root.append(
      element("div", { className: "left" },
        element("div", { className: "head" }, parts.views, parts.orders), parts.grid,
        element("div", { className: "transport" }, parts.play, parts.scrub, parts.count), parts.legend),
      element("div", { className: "right" }, parts.panes, parts.chart, parts.caption, parts.film),
    );
  }

  // ---- the run ----------------------------------------------------------------------------

  /** Show `run` in place of what is shown; keeps what the person chose. */
  load(run) {
    const linked = WALLS[run.place] ? -1 : run.step; // the step that a link names; −1 plays
    this.memory = WALLS[run.place] ??= { view: run.view, order: run.order, selected: run.selected, pane: run.pane, step: run.step };
    const fresh = this.memory.run !== run.key; // Streamlit may mount the same run anew
    this.memory.run = run.key;
    this.run = run;
    if (this.memory.selected >= run.n) this.memory.selected = 0;
    [, this.n, this.height, this.width, this.depth] = run.frames.shape;
    const logits = Array.from(run.logits);
    this.low = Math.min(...logits, run.band?.[0] ?? Infinity);
    this.high = Math.max(...logits, run.band?.[4] ?? -Infinity);
    this.top = Math.max(Math.abs(this.low), Math.abs(this.high), 1e-6);
    this.parts.scrub.max = run.steps;
    this.parts.orders.hidden = Boolean(run.rows); // a grid's columns are the samples, as drawn
    this.across = run.rows ? this.n / run.rows.length : Math.ceil(Math.sqrt(this.n));
    this.rests = Array.from({ length: this.n }, (_, i) => this.rest(i));
    this.arrange();
    Object.assign(this.root.dataset, { steps: run.steps, runKey: run.key });
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || linked >= 0;
    const moving = fresh ? run.steps && !still : this.memory.playing;
    this.at = Math.min(!fresh ? this.memory.at : linked >= 0 ? linked : run.steps, run.steps);
    if (fresh && linked < 0) this.remember(-1);
    if (moving && !this.timer) this.play();
    else this.draw();
  }

  logit(step, sample) {
    return this.run.logits[step * this.n + sample];
  }

  /** The step after which a sample no longer moves. */
  rest(sample) {
    let step = this.run.steps;
    while (step && this.logit(step, sample) === this.logit(step - 1, sample)) step--;
    return step;
  }

  /** The samples in the order they hang. */
  arrange() {
    const { steps } = this.run;
    const gain = (i) => this.logit(steps, i) - this.logit(0, i);
    const order = this.run.rows ? "drawn" : this.memory.order;
    const by = { drawn: (i) => i, improved: (i) => -gain(i), harmed: gain, final: (i) => -this.logit(steps, i) }[order];
    this.hung = Array.from({ length: this.n }, (_, i) => i).sort((a, b) => by(a) - by(b));
  }

  choose(change) {
    Object.assign(this.memory, change);
    if ("order" in change) this.arrange();
    this.draw();
    this.report();
  }

  /** Tell the page what its link should say. */
  report() {
    const { view, order, selected, pane, step } = this.memory;
    this.tell({ view, order, selected, pane, step });
  }

  /** The step a person stopped at, for the link; −1 while it plays. */
  remember(step) {
    if (this.memory.step === step) return;
    this.memory.step = step;
    this.report();
  }

  // ---- time -------------------------------------------------------------------------------

  toggle() {
    if (this.timer) this.pause();
    else this.play();
    this.remember(this.timer ? -1 : this.at);
  }

  seek(event) {
    const { left, right } = event.currentTarget === this.parts.chart ? this.plot : { left: 0, right: event.currentTarget.clientWidth };
    if (event.currentTarget === this.parts.chart && this.memory.pane === "map") return;
    const along = (event.offsetX - left) / (right - left);
    this.pause();
    this.go(Math.round(along * this.run.steps));
    this.remember(this.at);
  }

  pick(event) {
    const column = Math.floor((event.offsetX - this.gutter) / this.tile);
    const row = Math.floor(event.offsetY / this.tile);
    const sample = this.hung[row * this.across + column];
    if (sample !== undefined && column >= 0 && column < this.across) this.choose({ selected: sample });
  }

  key(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.across, ArrowDown: this.across };
    const next = this.hung[this.hung.indexOf(this.memory.selected) + (moves[event.key] ?? NaN)];
    if (next !== undefined) this.choose({ selected: next });
    else if (event.key === " ") this.toggle();
    else return;
    event.preventDefault();
  }

  // ---- drawing ----------------------------------------------------------------------------

  /** The context of a canvas, cleared, in CSS pixels. */
  surface(canvas, width, height) {
    const ratio = devicePixelRatio || 1;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.imageSmoothingQuality = "high";
    return context;
  }

  /** A picture (or what changed since the start: blue less, amber more) as a small canvas. */
  picture(step, sample, change = false) {
    const { frames } = this.run;
    const { width, height, depth } = this;
    const size = width * height * depth;
    const from = (step * this.n + sample) * size;
    const image = new ImageData(width, height);
    for (let i = 0, at = 0; i < width * height; i++, at += 4) {
      for (let c = 0; c < 3; c++) {
        const where = i * depth + (depth === 3 ? c : 0);
        const value = frames[from + where];
        const moved = value - frames[sample * size + where];
        image.data[at + c] = change ? 128 + moved * (c === 2 ? -0.5 : c === 1 ? 0.25 * Math.sign(moved) : 0.5) : value;
      }
      image.data[at + 3] = 255;
    }
    const canvas = (this.scratch ??= element("canvas"));
    Object.assign(canvas, { width, height });
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  /** The picture number `at` of `pictures` (…, height, width, depth) as a small canvas. */
  stored(pictures, at) {
    const [height, width, depth] = pictures.shape.slice(-3);
    const image = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = pictures[(at * width * height + i) * depth + (depth === 3 ? c : 0)];
      image.data[4 * i + 3] = 255;
    }
    const canvas = (this.scratch ??= element("canvas"));
    Object.assign(canvas, { width, height });
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  draw() {
    if (!this.run || !this.root.clientWidth) return;
    const style = getComputedStyle(this.root);
    this.ink = style.color;
    this.accent = style.getPropertyValue("--accent");
    this.paper = style.getPropertyValue("--paper");
    this.font = style.fontFamily;
    const { memory, parts, root, run } = this;
    Object.assign(memory, { at: this.at, playing: Boolean(this.timer) });
    for (const [group, chosen] of [[parts.views, memory.view], [parts.orders, memory.order], [parts.panes, memory.pane]]) {
      for (const chip of group.children) chip.setAttribute("aria-pressed", chip.value === chosen);
    }
    parts.play.textContent = this.timer ? "Pause" : "Play";
    parts.scrub.value = this.at;
    parts.count.textContent = `step ${this.at} / ${run.steps}`;
    Object.assign(root.dataset, { step: this.at, playing: Boolean(this.timer), selected: memory.selected, order: memory.order, pane: memory.pane, around: run.around ? "map" : (run.missing ?? "") });
    this.drawGrid();
    if (memory.pane === "map") this.drawMap();
    else this.drawChart();
    this.drawFilm();
  }

  drawGrid() {
    const { memory, parts, run } = this;
    const wide = parts.grid.parentElement.clientWidth;
    this.gutter = run.rows ? Math.min(GUTTER, wide / 4) : 0;
    const rows = Math.ceil(this.n / this.across);
    const room = Math.max(300, innerHeight - parts.grid.getBoundingClientRect().top - scrollY - 96);
    this.tile = Math.floor(Math.min((wide - this.gutter) / this.across, Math.max(room, 420) / rows));
    const context = this.surface(parts.grid, this.gutter + this.tile * this.across, this.tile * rows);
    (run.rows ?? []).forEach((label, row) => {
      context.font = `600 14px ${this.font}`;
      context.textBaseline = "middle";
      context.fillStyle = this.colour(row);
      context.fillRect(0, (row + 0.2) * this.tile, 4, 0.6 * this.tile);
      context.fillStyle = this.ink;
      this.wrap(context, label, 12, (row + 0.5) * this.tile, this.gutter - 20, 18);
    });
    const step = memory.view === "base" ? 0 : this.at;
    const side = this.tile - 6;
    this.hung.forEach((sample, place) => {
      const x = this.gutter + (place % this.across) * this.tile;
      const y = Math.floor(place / this.across) * this.tile;
      context.drawImage(this.picture(step, sample, memory.view === "change"), x + 2, y + 1, side, side);
      context.fillStyle = blend(run.palette.bar, 0.5 + this.logit(step, sample) / this.top / 2);
      context.fillRect(x + 2, y + 1 + side, side, 4);
      if (this.rests[sample] < run.steps && this.at >= this.rests[sample]) { // it has stopped: a corner says so
        context.fillStyle = run.palette.real;
        context.fillRect(x + 2, y + 1, 7, 7);
      }
      if (sample === memory.selected) {
        context.lineWidth = 3;
        context.strokeStyle = this.accent;
        context.strokeRect(x + 1.5, y + 1.5, this.tile - 3, this.tile - 3);
      }
    });
    const shade = (t) => blend(run.palette.bar, t);
    parts.legend.style.setProperty("--scale", `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map(shade).join(", ")})`);
    parts.legend.replaceChildren(
      element("span", { textContent: `logit d  ${signed(-this.top)}` }), element("i"), element("span", { textContent: signed(this.top) }),
    );
  }

  /** The colour of a grid's row, in its margin and in the charts. */
  colour(row) {
    return this.run.palette.series[row % this.run.palette.series.length];
  }

  /** Text in lines of `width` pixels at most, centred on `middle`. */
  wrap(context, text, x, middle, width, height) {
    const lines = [];
    for (const word of text.split(" ")) {
      const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
      if (lines.length && context.measureText(longer).width <= width) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    lines.forEach((line, i) => context.fillText(line, x, middle + (i - (lines.length - 1) / 2) * height, width));
  }

  /** Height of the upper picture on the right. */
  get tall() {
    return Math.max(190, Math.min(320, innerHeight * 0.29));
  }

  drawChart() {
    const { run, memory } = this;
    const width = this.parts.chart.parentElement.clientWidth;
    const height = this.tall;
    const context = this.surface(this.parts.chart, width, height);
    const plot = (this.plot = { left: 46, right: width - 8, top: 24, bottom: height - 34 });
    const pad = 0.04 * (this.high - this.low);
    const [low, high] = [this.low - pad, this.high + pad];
    const x = (step) => plot.left + (run.steps ? step / run.steps : 0) * (plot.right - plot.left);
    const y = (value) => plot.bottom - ((value - low) / (high - low)) * (plot.bottom - plot.top);
    const write = (text, at, up, align = "left", colour = this.ink) => {
      context.fillStyle = colour;
      context.textAlign = align;
      context.fillText(text, at, up);
    };
    context.font = `13px ${this.font}`;
    context.lineWidth = 1;
    context.globalAlpha = 0.18;
    context.strokeStyle = this.ink;
    for (const tick of ticks(low, high, 5)) context.strokeRect(plot.left, y(tick), plot.right - plot.left, 0);
    context.globalAlpha = 1;
    for (const tick of ticks(low, high, 5)) write(String(+tick.toFixed(6)).replace("-", "−"), plot.left - 6, y(tick) + 4, "right");
    for (const tick of ticks(0, Math.max(run.steps, 1), 5)) {
      if (Number.isInteger(tick) && tick <= run.steps) write(String(tick), x(tick), plot.bottom + 16, "center");
    }
    const legible = (colour) => `color-mix(in srgb, ${colour} 70%, ${this.ink})`; // on light and dark ground
    write("step", (plot.left + plot.right) / 2, height - 4, "center");
    write("logit d(x)", 2, 14);
    if (run.band) {
      context.fillStyle = run.palette.real;
      context.globalAlpha = 0.2;
      context.fillRect(plot.left, y(run.band[4]), plot.right - plot.left, y(run.band[0]) - y(run.band[4]));
      context.globalAlpha = 1;
      write("band: real test images, 5–95 %", plot.right, 14, "right", legible(run.palette.real));
    }
    const line = (value, colour, thick, alpha) => {
      context.beginPath();
      for (let step = 0; step <= run.steps; step++) context.lineTo(x(step), y(value(step)));
      Object.assign(context, { strokeStyle: colour, lineWidth: thick, globalAlpha: alpha });
      context.stroke();
      context.globalAlpha = 1;
    };
    const whose = (sample) => (run.rows ? this.colour(Math.floor(sample / this.across)) : run.palette.refined);
    for (let sample = 0; sample < this.n; sample++) line((step) => this.logit(step, sample), whose(sample), 1, 0.22);
    for (let row = 0; row < (run.rows?.length ?? 1); row++) {
      const members = run.rows ? this.hung.slice(row * this.across, (row + 1) * this.across) : this.hung;
      const mean = (step) => members.reduce((sum, i) => sum + this.logit(step, i), 0) / members.length;
      line(mean, run.rows ? this.colour(row) : run.palette.refined, 3, 1);
    }
    line((step) => this.logit(step, memory.selected), this.accent, 2.5, 1);
    context.setLineDash([4, 4]);
    context.lineWidth = 1.5;
    context.strokeStyle = this.ink;
    context.strokeRect(x(this.at), plot.top, 0, plot.bottom - plot.top);
    context.setLineDash([]);
    write(run.rows ? "means" : "mean", plot.left + 90, 14, "left", run.rows ? this.ink : legible(run.palette.refined));
    write("selected", plot.left + 138, 14, "left", this.accent);
  }

  /** Real images, the samples at the start and now, and the selected one's path, in two directions of features. */
  drawMap() {
    const { run, memory } = this;
    const width = this.parts.chart.parentElement.clientWidth;
    const height = this.tall;
    const context = this.surface(this.parts.chart, width, height);
    context.font = `13px ${this.font}`;
    const write = (text, x, y, colour = this.ink) => {
      context.fillStyle = colour;
      context.fillText(text, x, y);
      return x + context.measureText(text).width + 14;
    };
    if (!run.around) {
      write(run.missing ? "No map: " + run.missing : "The map is being drawn…", 2, 14);
      return;
    }
    const { real, paths } = run.around;
    const place = (step, sample) => [paths[2 * (step * this.n + sample)], paths[2 * (step * this.n + sample) + 1]];
    const bounds = [0, 1].map((axis) => {
      const low = Math.min(quantile(real, axis, 0.005), quantile(paths, axis, 0.005));
      const high = Math.max(quantile(real, axis, 0.995), quantile(paths, axis, 0.995));
      return [low - 0.1 * (high - low), high + 0.1 * (high - low)];
    });
    const scale = Math.min((width - 8) / (bounds[0][1] - bounds[0][0]), (height - 48) / (bounds[1][1] - bounds[1][0]));
    const [mx, my] = bounds.map(([low, high]) => (low + high) / 2);
    const at = ([x, y]) => [width / 2 + (x - mx) * scale, 22 + (height - 48) / 2 - (y - my) * scale];
    const dot = (point, radius, colour, alpha) => {
      const [x, y] = at(point);
      Object.assign(context, { fillStyle: colour, globalAlpha: alpha });
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.fill();
      context.globalAlpha = 1;
    };
    context.save();
    context.beginPath();
    context.rect(0, 20, width, height - 44);
    context.clip();
    for (let i = 0; i < real.length; i += 2) dot([real[i], real[i + 1]], 1.6, run.palette.real, 0.3);
    for (let i = 0; i < this.n; i++) dot(place(0, i), 3, run.palette.base, 0.75);
    for (let i = 0; i < this.n; i++) dot(place(this.at, i), 3, run.rows ? this.colour(Math.floor(i / this.across)) : run.palette.refined, 0.9);
    context.beginPath();
    for (let step = 0; step <= run.steps; step++) context.lineTo(...at(place(step, memory.selected)));
    Object.assign(context, { strokeStyle: this.accent, lineWidth: 2.5 });
    context.stroke();
    dot(place(0, memory.selected), 5, run.palette.base, 1);
    dot(place(this.at, memory.selected), 6, this.accent, 1);
    context.restore();
    const legible = (colour) => `color-mix(in srgb, ${colour} 70%, ${this.ink})`;
    let x = write("real", 2, 14, legible(run.palette.real));
    x = write("base", x, 14, legible(run.palette.base));
    x = write(run.rows ? "now, by row" : "now", x, 14, run.rows ? this.ink : legible(run.palette.refined));
    write("selected", x, 14, this.accent);
    write(`two principal directions of classifier features, ${Math.round(100 * run.around.explained)} % of their variance`, 2, height - 6);
  }

  drawFilm() {
    const { run, memory, parts } = this;
    const { selected } = memory;
    const width = parts.film.parentElement.clientWidth;
    const shots = Math.min(FILM, run.steps + 1);
    const tile = width / Math.max(shots, 7);
    const large = Math.min(150, width / 3.4, Math.max(100, innerHeight * 0.14));
    const near = run.around?.nearest;
    const context = this.surface(parts.film, width, large + 30 + tile + 26 + (near ? tile + 26 : 20));
    context.font = `13px ${this.font}`;
    context.textAlign = "center";
    const show = (step, x, y, side, label, colour) => {
      context.drawImage(this.picture(step, selected), x, y, side, side);
      if (colour) {
        Object.assign(context, { strokeStyle: colour, lineWidth: 3 });
        context.strokeRect(x + 1.5, y + 1.5, side - 3, side - 3);
      }
      context.fillStyle = this.ink;
      context.fillText(label, x + side / 2, y + side + 16);
    };
    const gap = (width - 3 * large) / 2;
    const big = [[0, "base", run.palette.base], [this.at, `step ${this.at}`, this.accent], [run.steps, "end", run.palette.refined]];
    big.forEach(([step, label, colour], i) => show(step, i * (large + gap), 0, large, `${label}  d = ${signed(this.logit(step, selected))}`, colour));
    for (let shot = 0; shot < shots; shot++) {
      const step = Math.round((shot / Math.max(shots - 1, 1)) * run.steps);
      show(step, shot * tile, large + 30, tile - 3, String(step), step === this.at ? this.accent : null);
    }
    const below = large + 30 + tile + 40;
    context.textAlign = "left";
    if (near) {
      const k = near.shape[1];
      this.wrap(context, `Nearest of ${run.around.indexed.toLocaleString("en")} training images`, 0, below + tile / 2 - 16, 2 * tile - 10, 17);
      for (let i = 0; i < k; i++) context.drawImage(this.stored(near, selected * k + i), (i + 2) * tile, below - 14, tile - 3, tile - 3);
    } else if (run.around || run.missing) context.fillText("No index of training images ships for this data set.", 0, below - 8);
    const rise = this.logit(run.steps, selected) - this.logit(0, selected);
    const name = run.rows ? `${run.rows[Math.floor(selected / this.across)]}, sample ${(selected % this.across) + 1}` : `Sample ${selected + 1} of ${this.n}`;
    const rest = this.rests[selected] < run.steps ? `, stops at step ${this.rests[selected]}` : "";
    parts.caption.textContent = `${name}: logit ${signed(rise)} over ${run.steps} steps${rest}`;
  }
}

export default function wall({ data, parentElement, setStateValue }) {
  const { mount, packed } = openEnvelope(data);
  const root = parentElement.querySelector(".wall");
  if (!root.wall) root.wall = new Wall(root, (view) => setStateValue("view", view));
  const { key: place, ...start } = mount;
  root.wall.load({ ...unpack(packed), ...start, place });
  return () => {
    root.wall?.destroy();
    root.wall = null;
  };
}

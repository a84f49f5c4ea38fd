// wall.js: a wall of pictures that changes step by step, or a grid of them, a row a run.
//
// The root element tells its state in data attributes: step, steps, playing, selected, order, pane, runKey,
// around ("map", or why there is none).
import { appearance, blend, onAppearance, prefersStill } from "../kit/colour.js";
import { raster, surface, wrapped } from "../kit/canvas.js";
import { Chart } from "../kit/chart.js";
import { choices, choose, element } from "../kit/dom.js";
import { fullScreen } from "../kit/icons.js";
import { KEYS, helper, onKeys } from "../kit/keys.js";
import { component, remembered } from "../kit/mount.js";
import { largest, signed } from "../kit/numbers.js";
import { FILM, ORDERS, ranked } from "../kit/order.js";
import { Playback } from "../kit/playback.js";
import { roomBelow, typeSizes } from "../kit/room.js";
import { say } from "../kit/say.js";
import { followTold } from "../kit/told.js";
import { Transport } from "../kit/transport.js";
import { quantile } from "../vendor/d3.js";

const VIEWS = { now: "Refined", base: "Base", change: "Change" };
const PANES = { logits: "Logits", map: "Map of features" };
const GUTTER = 150; // pixels for the names of a grid's rows

/** The `share` quantile of every second number of `flat`, from `axis` on. */
const along = (flat, axis, share) => quantile(flat.filter((_, i) => i % 2 === axis), share);

export class Wall {
  constructor(root, key, tell) {
    Object.assign(this, { root, key, tell });
    this.playback = new Playback({ onDraw: () => this.draw(), onChoice: () => this.stopped() });
    this.build();
    this.untold = followTold(this.playback);
    this.unwatch = onAppearance(root, () => this.refresh());
  }

  destroy() {
    this.playback.end();
    this.untold();
    this.chart.destroy();
    this.unwatch();
  }

  replay() {
    this.playback.replay(prefersStill());
  }

  get at() {
    return this.playback.at;
  }

  build() {
    const canvas = (name, label) => element("canvas", { className: name, role: "img", "aria-label": label });
    const transport = (this.transport = new Transport(this.playback));
    const parts = (this.parts = {
      views: choices(VIEWS, "What the wall shows", (name) => this.choose({ view: name })),
      panes: choices(PANES, "What the chart shows", (name) => this.choose({ pane: name })),
      orders: choices(ORDERS, "Order of the pictures", (name) => this.choose({ order: name })),
      grid: canvas("grid", "The wall of samples; click one to follow it, again or Enter to see it large"),
      legend: element("div", { className: "legend" }),
      chart: element("div", { className: "chart" }),
      map: canvas("map", "Where the samples lie among real images, in two directions of features"),
      caption: element("div", { className: "caption" }),
      film: canvas("film", "The selected sample over the steps, and its nearest training images"),
    });
    parts.grid.tabIndex = 0;
    parts.grid.onclick = (event) => this.pick(event);
    parts.film.onclick = (event) => this.playback.go((event.offsetX / parts.film.clientWidth) * this.run.steps);
    this.root.append(
      element("div", { className: "left" },
        element("div", { className: "head" }, parts.views, parts.orders), parts.grid,
        element("div", { className: "transport" }, ...transport.buttons, transport.scrub, transport.count, transport.speed), parts.legend),
      element("div", { className: "right" }, parts.panes, parts.chart, parts.map, parts.caption, parts.film),
    );
    this.buildLarge(canvas);
    this.chart = new Chart(parts.chart, { onScrub: (step, settled) => this.playback.go(step, settled) });
    const by = (places) => () => this.step(places());
    onKeys(parts.grid, {
      ...transport.keys([" ", "Home", "End", "[", "]"]), f: () => fullScreen(this.root),
      "?": helper(this.root, { ...KEYS, "← →": "another picture", "↑ ↓": "another row", Enter: "the picture, large" }), Enter: () => this.enlarge(), ArrowLeft: by(() => -1), ArrowRight: by(() => 1),
      ArrowUp: by(() => -this.across), ArrowDown: by(() => this.across),
    });
  }

  /** The selected picture before and after, as large as the window allows. Escape closes it, as every dialog. */
  buildLarge(canvas) {
    const { parts, transport } = this;
    const close = element("button", { type: "button", textContent: say("Close"), onclick: () => parts.large.close() });
    Object.assign(parts, {
      before: canvas("before", "The selected sample at the start"), after: canvas("after", "The selected sample now"),
      about: element("p", { ariaLive: "polite" }),
      large: element("dialog", { className: "large", tabIndex: -1, "aria-label": "The selected picture, large" }),
    });
    parts.large.append(element("div", { className: "pair" }, parts.before, parts.after), element("div", { className: "head" }, parts.about, close));
    parts.large.onclick = (event) => event.target === parts.large && parts.large.close(); // beside the pictures
    onKeys(parts.large, {
      ...transport.keys([" ", "Home", "End", "[", "]"]), ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1),
      ArrowUp: () => this.step(-this.across), ArrowDown: () => this.step(this.across),
    });
    this.root.append(parts.large);
  }

  enlarge() {
    this.parts.large.showModal();
    this.parts.large.focus(); // and not its button, which would take the space bar
    this.draw();
  }

  drawLarge() {
    const { parts, selected } = this;
    const upright = innerHeight > innerWidth;
    const side = Math.floor(upright ? Math.min(innerWidth - 64, (innerHeight - 190) / 2) : Math.min((innerWidth - 110) / 2, innerHeight - 140));
    parts.large.classList.toggle("upright", upright);
    for (const [place, step] of [[parts.before, 0], [parts.after, this.at]]) {
      surface(place, side, side).drawImage(this.sample(step, selected), 0, 0, side, side);
    }
    const d = (step) => signed(this.logit(step, selected));
    parts.about.textContent = say("Sample {number}: base, d = {first}; step {step}, d = {now}", { number: selected + 1, first: d(0), step: this.at, now: d(this.at) });
  }

  // ---- the run ----------------------------------------------------------------------------

  /** Show `run` in place of what is shown; keeps what the person chose. */
  load(run, { state = {} }) {
    const start = { view: "now", order: "drawn", selected: -1, pane: "logits", step: -1, ...state };
    this.memory = remembered("wall", this.key, { ...start, linked: start.step, speed: 1, loop: false }); // linked: the step a link names
    const { memory, playback } = this;
    const fresh = memory.run !== run.key; // Streamlit may mount the same run anew
    const linked = memory.linked;
    Object.assign(memory, { run: run.key, linked: -1 });
    this.run = run;
    [, this.n, this.height, this.width, this.depth] = run.frames.shape;
    this.top = Math.max(largest(run.logits), largest(run.band ?? []), 1e-6);
    this.parts.orders.hidden = Boolean(run.rows); // a grid's columns are the samples, as drawn
    this.across = run.rows ? this.n / run.rows.length : Math.ceil(Math.sqrt(this.n));
    this.rests = Array.from({ length: this.n }, (_, i) => this.rest(i));
    this.traces = Array.from({ length: this.n }, (_, i) => Float32Array.from({ length: run.steps + 1 }, (_, step) => this.logit(step, i)));
    this.arrange();
    Object.assign(this.root.dataset, { steps: run.steps, runKey: run.key });
    const moving = fresh ? run.steps && !prefersStill() && linked < 0 : memory.playing;
    Object.assign(playback, { speed: memory.speed, loop: memory.loop });
    playback.load(run.steps, !fresh ? memory.at : linked >= 0 ? linked : run.steps);
    if (fresh && linked < 0) this.remember(-1);
    this.refresh();
    if (moving) playback.play();
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

  /** The sample to be followed: the one chosen, or before that the most improved. */
  get selected() {
    const { selected } = this.memory;
    return selected >= 0 && selected < this.n ? selected : this.improved;
  }

  /** The samples in the order they hang. */
  arrange() {
    const { steps } = this.run;
    const hang = (order) => ranked(order, this.n, (i) => this.logit(0, i), (i) => this.logit(steps, i));
    this.improved = this.run.rows ? 0 : hang("improved")[0];
    this.hung = hang(this.run.rows ? "drawn" : this.memory.order);
  }

  choose(change) {
    Object.assign(this.memory, change);
    if ("order" in change) this.arrange();
    this.refresh();
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

  /** A person played or stopped. */
  stopped() {
    Object.assign(this.memory, { speed: this.playback.speed, loop: this.playback.loop });
    this.remember(this.playback.playing ? -1 : this.at);
  }

  pick(event) {
    const column = Math.floor((event.offsetX - this.gutter) / this.tile);
    const row = Math.floor(event.offsetY / this.tile);
    const sample = this.hung[row * this.across + column];
    if (sample === undefined || column < 0 || column >= this.across) return;
    if (sample === this.selected) this.enlarge();
    else this.choose({ selected: sample });
  }

  /** Select the picture `places` further on. */
  step(places) {
    const next = this.hung[this.hung.indexOf(this.selected) + places];
    if (next !== undefined) this.choose({ selected: next });
  }

  // ---- drawing ----------------------------------------------------------------------------

  /** The picture number `at` of `pictures` (…, height, width, depth) as a small canvas; `shade(value, channel, index)` may change it. */
  picture(pictures, at, shade = (value) => value) {
    const [height, width, depth] = pictures.shape.slice(-3);
    this.scratch ??= element("canvas");
    return raster(width, height, (data) => {
      for (let i = 0; i < width * height; i++) {
        for (let c = 0; c < 3; c++) {
          const where = i * depth + (depth === 3 ? c : 0);
          data[4 * i + c] = shade(pictures[at * width * height * depth + where], c, where);
        }
        data[4 * i + 3] = 255;
      }
    }, this.scratch);
  }

  /** A sample at a step; or what changed in it since the start: blue less, amber more. */
  sample(step, sample, change = false) {
    const { frames } = this.run;
    if (!change) return this.picture(frames, step * this.n + sample);
    const start = sample * this.width * this.height * this.depth;
    return this.picture(frames, step * this.n + sample, (value, channel, where) => {
      const moved = value - frames[start + where];
      return 128 + moved * (channel === 2 ? -0.5 : channel === 1 ? 0.25 * Math.sign(moved) : 0.5);
    });
  }

  /** Size, theme and choices anew, then draw. */
  refresh() {
    if (!this.run || !this.root.clientWidth) return;
    const { memory, parts } = this;
    const tone = appearance(this.root, this.run.palette);
    const { ink, accent, paper, font } = tone;
    Object.assign(this, { tone, ink, accent, paper, font, type: typeSizes(this.root) });
    choose(parts.views, memory.view);
    choose(parts.orders, memory.order);
    choose(parts.panes, memory.pane);
    parts.chart.hidden = memory.pane === "map";
    parts.map.hidden = memory.pane !== "map";
    this.room = roomBelow(parts.grid) - 80; // below it: transport and legend
    this.showChart();
    this.draw();
  }

  draw() {
    if (!this.run || !this.root.clientWidth) return;
    const { memory, root, run } = this;
    const { playing } = this.playback;
    Object.assign(memory, { at: this.at, playing });
    this.transport.draw();
    Object.assign(root.dataset, { step: this.at, playing, selected: this.selected, order: memory.order, pane: memory.pane, around: run.around ? "map" : (run.missing ?? "") });
    this.drawGrid();
    if (memory.pane === "map") this.drawMap();
    else this.chart.draw(this.at);
    this.drawFilm();
    if (this.parts.large.open) this.drawLarge();
  }

  drawGrid() {
    const { memory, parts, run } = this;
    const wide = parts.grid.parentElement.clientWidth;
    this.gutter = run.rows ? Math.min(GUTTER, wide / 4) : 0;
    const rows = Math.ceil(this.n / this.across);
    this.tile = Math.floor(Math.min((wide - this.gutter) / this.across, Math.max(this.room, 420) / rows));
    const context = surface(parts.grid, this.gutter + this.tile * this.across, this.tile * rows);
    (run.rows ?? []).forEach((label, row) => {
      context.font = `600 ${this.type.axis}px ${this.font}`;
      context.textBaseline = "middle";
      context.fillStyle = this.colour(row);
      context.fillRect(0, (row + 0.2) * this.tile, 4, 0.6 * this.tile);
      context.fillStyle = this.ink;
      wrapped(context, label, 12, (row + 0.5) * this.tile, this.gutter - 20, 18);
    });
    const step = memory.view === "base" ? 0 : this.at;
    const side = this.tile - 6;
    this.hung.forEach((sample, place) => {
      const x = this.gutter + (place % this.across) * this.tile;
      const y = Math.floor(place / this.across) * this.tile;
      context.drawImage(this.sample(step, sample, memory.view === "change"), x + 2, y + 1, side, side);
      context.fillStyle = blend(run.palette.bar, 0.5 + this.logit(step, sample) / this.top / 2);
      context.fillRect(x + 2, y + 1 + side, side, 4);
      if (this.rests[sample] < run.steps && this.at >= this.rests[sample]) { // it has stopped: a corner says so
        context.fillStyle = this.tone.real;
        context.fillRect(x + 2, y + 1, 7, 7);
      }
      if (sample === this.selected) {
        context.lineWidth = 3;
        context.strokeStyle = this.accent;
        context.strokeRect(x + 1.5, y + 1.5, this.tile - 3, this.tile - 3);
      }
    });
    const shade = (t) => blend(run.palette.bar, t);
    parts.legend.style.setProperty("--scale", `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map(shade).join(", ")})`);
    parts.legend.replaceChildren(
      element("span", { textContent: `${say("logit d")}  ${signed(-this.top)}` }), element("i"), element("span", { textContent: signed(this.top) }),
    );
  }

  /** The colour of a grid's row, in its margin and in the charts. */
  colour(row) {
    return this.run.palette.series[row % this.run.palette.series.length];
  }

  /** `colour`, legible on light and dark ground. */
  legible(colour) {
    return `color-mix(in srgb, ${colour} 70%, ${this.ink})`;
  }

  /** Logits over the steps: every sample, the mean (of each row), the selected one, the band of real images. */
  showChart() {
    const { run, traces } = this;
    const whose = (sample) => (run.rows ? this.colour(Math.floor(sample / this.across)) : this.legible(this.tone.refined));
    const mean = (members) => Float32Array.from({ length: run.steps + 1 }, (_, step) =>
      members.reduce((sum, i) => sum + this.logit(step, i), 0) / members.length);
    const rows = run.rows ? run.rows.map((_, row) => this.hung.slice(row * this.across, (row + 1) * this.across)) : [this.hung];
    const curve = {
      name: "logit d(x)", unit: "nats", better: null,
      series: [...rows.map(mean), traces[this.selected]],
      labels: [...rows.map((_, i) => (i ? "" : rows.length > 1 ? "means" : "mean")), "selected"],
      faint: traces.map((values, i) => ({ values, colour: whose(i) })),
      reference: run.band ? { low: run.band[0], high: run.band[4], label: "real images, 5–95 %" } : null,
    };
    this.chart.show({
      curves: [curve], steps: run.steps, axis: "step", colours: [...rows.map((members) => whose(members[0])), this.accent],
      theme: { ...appearance(this.root, run.palette), real: this.legible(this.tone.real) }, type: this.type,
    });
  }

  /** Real images, the samples at the start and now, and the selected one's path, in two directions of features. */
  drawMap() {
    const { run } = this;
    const width = this.parts.map.parentElement.clientWidth;
    const height = Math.max(190, Math.min(320, innerHeight * 0.29));
    const context = surface(this.parts.map, width, height);
    context.font = `${this.type.tick}px ${this.font}`;
    const write = (text, x, y, colour = this.ink) => {
      context.fillStyle = colour;
      context.fillText(text, x, y);
      return x + context.measureText(text).width + 14;
    };
    if (!run.around) {
      write(run.missing ? say("No map: {why}", { why: run.missing }) : say("The map is being drawn…"), 2, 14);
      return;
    }
    const { real, paths } = run.around;
    const place = (step, sample) => [paths[2 * (step * this.n + sample)], paths[2 * (step * this.n + sample) + 1]];
    const bounds = [0, 1].map((axis) => {
      const low = Math.min(along(real, axis, 0.005), along(paths, axis, 0.005));
      const high = Math.max(along(real, axis, 0.995), along(paths, axis, 0.995));
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
    for (let i = 0; i < real.length; i += 2) dot([real[i], real[i + 1]], 1.6, this.tone.real, 0.3);
    for (let i = 0; i < this.n; i++) dot(place(0, i), 3, this.tone.base, 0.75);
    for (let i = 0; i < this.n; i++) dot(place(this.at, i), 3, run.rows ? this.colour(Math.floor(i / this.across)) : this.tone.refined, 0.9);
    context.beginPath();
    for (let step = 0; step <= run.steps; step++) context.lineTo(...at(place(step, this.selected)));
    Object.assign(context, { strokeStyle: this.accent, lineWidth: 2.5 });
    context.stroke();
    dot(place(0, this.selected), 5, this.tone.base, 1);
    dot(place(this.at, this.selected), 6, this.accent, 1);
    context.restore();
    const legible = (colour) => this.legible(colour);
    let x = write(say("real"), 2, 14, legible(this.tone.real));
    x = write(say("base"), x, 14, legible(this.tone.base));
    x = write(say(run.rows ? "now, by row" : "now"), x, 14, run.rows ? this.ink : legible(this.tone.refined));
    write(say("selected"), x, 14, this.accent);
    write(say("two principal directions of classifier features, {share} % of their variance", { share: Math.round(100 * run.around.explained) }), 2, height - 6);
  }

  drawFilm() {
    const { run, parts, selected } = this;
    const width = parts.film.parentElement.clientWidth;
    const shots = Math.min(FILM, run.steps + 1);
    const tile = width / Math.max(shots, 7);
    const large = Math.min(150, width / 3.4, Math.max(100, innerHeight * 0.14));
    const near = run.around?.nearest;
    const context = surface(parts.film, width, large + 30 + tile + 26 + (near ? tile + 26 : 20));
    context.font = `${this.type.tick}px ${this.font}`;
    context.textAlign = "center";
    const show = (step, x, y, side, label, colour) => {
      context.drawImage(this.sample(step, selected), x, y, side, side);
      if (colour) {
        Object.assign(context, { strokeStyle: colour, lineWidth: 3 });
        context.strokeRect(x + 1.5, y + 1.5, side - 3, side - 3);
      }
      context.fillStyle = this.ink;
      context.fillText(label, x + side / 2, y + side + 16);
    };
    const gap = (width - 3 * large) / 2;
    const middle = this.at > 0 && this.at < run.steps ? this.at : Math.round(run.steps / 2); // never one of its neighbours twice
    const big = [[0, say("base"), this.tone.base], [middle, say("step {step}", { step: middle }), this.accent], [run.steps, say("end"), this.tone.refined]];
    big.forEach(([step, label, colour], i) => show(step, i * (large + gap), 0, large, width < 420 ? `d ${signed(this.logit(step, selected))}` : `${label}  d = ${signed(this.logit(step, selected))}`, colour));
    for (let shot = 0; shot < shots; shot++) {
      const step = Math.round((shot / Math.max(shots - 1, 1)) * run.steps);
      show(step, shot * tile, large + 30, tile - 3, String(step), step === this.at ? this.accent : null);
    }
    const below = large + 30 + tile + 40;
    context.textAlign = "left";
    if (near) {
      const k = near.shape[1];
      wrapped(context, say("Nearest of {many} training images", { many: run.around.indexed.toLocaleString("en") }), 0, below + tile / 2 - 16, 2 * tile - 10, 17);
      for (let i = 0; i < k; i++) context.drawImage(this.picture(near, selected * k + i), (i + 2) * tile, below - 14, tile - 3, tile - 3);
    } else if (run.around || run.missing) wrapped(context, say("No index of training images ships for this data set."), 0, below - 8, width, 17);
    const rise = this.logit(run.steps, selected) - this.logit(0, selected);
    const name = run.rows ? say("{row}, sample {number}", { row: run.rows[Math.floor(selected / this.across)], number: (selected % this.across) + 1 }) : say("Sample {number} of {many}", { number: selected + 1, many: this.n });
    const rest = this.rests[selected] < run.steps ? say(", stops at step {step}", { step: this.rests[selected] }) : "";
    parts.caption.textContent = say("{name}: logit {rise} over {steps} steps{rest}", { name, rise: signed(rise), steps: run.steps, rest });
  }
}

export default component("wall", Wall);

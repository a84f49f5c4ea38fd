// samples.js: images or text while they flow, computed in this browser alone.
//
// What can be run comes from outside, as in live/live.js; the networks come as a graph (fields/written_out.py) and are
// computed by worker.js. `globalThis.__dgflow.samples[key]` is what is mounted under `key`; the root element tells its
// state in data attributes: state ("loading", "ready", "failed"), playing, step, n, rate (steps a second), fps, logit
// (the mean), selected, held, rested, lag (steps from a setting's change to the first that has it).
import { appearance, blend, mixed, onAppearance, prefersStill, rgb } from "../kit/colour.js";
import { surface } from "../kit/canvas.js";
import { Chart } from "../kit/chart.js";
import { linked, readLink, ruleWords, segments, setting, slider, writeAddress } from "../kit/controls.js";
import { chip, element } from "../kit/dom.js";
import { fullScreen, fullScreenButton, iconButton, playButton, showPlaying } from "../kit/icons.js";
import { helper, onKeys } from "../kit/keys.js";
import { Line, tinted } from "../kit/line.js";
import { component } from "../kit/mount.js";
import { largest, signed } from "../kit/numbers.js";
import { FrameMeter } from "../kit/playback.js";
import { roomBelow, typeSizes } from "../kit/room.js";
import { capable } from "./runtime.js";
import { runtime } from "./source.js";

const COUNTS = [4, 8, 16, 32, 64];
const USUAL = 16;
const SPEEDS = [1, 2, 4, 8, 12, 20, 40]; // steps a second, at most
const SLOWEST = 160; // milliseconds that a step may take before fewer samples are shown
const HISTORY = 400;
const RULES = { steps: "never", "50%": "as real as half of the real ones", "95%": "as real as 95 % of the real ones" };
const STANDARD = { seed: 0, n: 0, until: "steps", speed: 12 }; // n: 0 leaves it to the machine

export class Samples {
  constructor(root, key) {
    Object.assign(this, { root, key, playing: false, version: 0, meter: new FrameMeter(), rates: [] });
    this.#frame();
    this.chart = new Chart(this.parts.history);
    this.unwatch = onAppearance(root, () => this.#sized());
    addEventListener("resize", this.onWindow = () => { this.room = null; this.#sized(); });
    addEventListener("popstate", this.onReturn = () => this.#return());
    const loop = (now) => {
      if (this.gone) return;
      const fps = this.meter.mark(now);
      if (fps !== null) this.#beat(fps);
      if (this.fresh) this.#draw();
      this.fresh = false;
      requestAnimationFrame(loop);
    };
    requestAnimationFrame(loop);
  }

  destroy() {
    this.gone = true;
    this.worker?.terminate();
    clearTimeout(this.linking);
    this.unwatch();
    removeEventListener("resize", this.onWindow);
    removeEventListener("popstate", this.onReturn);
    this.chart.destroy();
  }

  // ---- the model --------------------------------------------------------------------------

  load(world, mount) {
    const first = !this.world;
    if (this.world?.kind !== world.kind) this.settings = {}; // images and text have defaults of their own
    this.path ??= location.pathname;
    Object.assign(this, { world, mount, frame: null, selected: null, partner: null });
    for (const name of Object.keys(world.methods)) this.settings[name] = { ...this.#own(name), ...this.settings[name] };
    this.standard = { method: Object.keys(world.methods)[0], ...STANDARD };
    this.choice ??= { ...this.standard };
    if (first) this.#apply(mount.state ?? {});
    if (first && mount.address === "own") this.#linked(); // no server reads what the address says
    if (!world.methods[this.choice.method]) this.choice.method = this.standard.method;
    if (!world.real) this.choice.until = "steps";
    this.parts.wall.replaceChildren(world.kind === "text" ? this.parts.list : this.parts.grid);
    this.parts.list.replaceChildren();
    this.rows = [];
    this.tiles = [];
    this.#controls();
    this.#sized();
    this.#open().catch((error) => this.#say(String(error?.message ?? error)));
  }

  /** The defaults of a method for this kind of sample. */
  #own(name) {
    return Object.fromEntries(Object.entries(this.world.methods[name].settings).map(([key, row]) => [key, row.default]));
  }

  #apply(values) {
    for (const [name, value] of Object.entries(values)) if (name in this.choice) this.choice[name] = value;
    const own = this.settings[this.choice.method];
    for (const [name, value] of Object.entries(values)) if (own && name in own) own[name] = value;
  }

  #return() {
    if (!this.mount?.address || location.pathname !== this.path) return;
    this.#linked();
    this.#controls();
    this.#choose();
    this.restart();
  }

  /** Take what the address says, and the defaults for what it does not. */
  #linked() {
    const query = Object.fromEntries(new URLSearchParams(location.search));
    const method = this.world.methods[query.method] ? query.method : this.standard.method;
    this.choice = { ...readLink(query, this.standard), method };
    this.settings[method] = readLink(query, this.#own(method));
  }

  async #open() {
    const { world, mount, root } = this;
    this.worker?.terminate();
    root.dataset.state = "loading";
    if (!capable()) return this.#incapable();
    this.#say("Loading the networks and what computes them…", false);
    const source = await runtime(world.runtime, mount.runtime ?? "");
    if (this.gone || this.world !== world) return;
    const address = URL.createObjectURL(new Blob([this.declared.worker], { type: "text/javascript" }));
    const worker = (this.worker = new Worker(address)); // no module: on disk a worker may not be one
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    worker.onmessage = ({ data }) => this.worker === worker && this.#heard(data);
    worker.onerror = (event) => this.worker === worker && this.#say(`The worker stopped: ${event.message ?? "its script did not load"}.`);
    const { kind, prior, dim, offset, lipschitz, shape, real } = world;
    this.#ask("open", { runtime: source, onnx: world.onnx, about: { kind, prior, dim, offset, lipschitz, shape: [...shape], real } });
    this.#choose();
    this.#ask("pace", { stepsASecond: this.choice.speed });
  }

  #incapable() {
    this.#say("This browser has no WebAssembly with vectors (SIMD), so it cannot compute here.");
    if (this.mount.recorded) {
      this.parts.words.append(" ", element("a", { href: this.mount.recorded, textContent: "Watch a recorded run instead." }));
    }
  }

  #ask(act, more = {}) {
    this.worker?.postMessage({ do: act, ...more });
  }

  #heard(data) {
    if (data.is === "problem") return this.#say(data.words);
    if (data.is === "open") {
      this.each = data.ms / data.n;
      this.root.dataset.state = "ready";
      this.#say("", false);
      this.restart();
      if (!prefersStill()) this.play(true);
      return;
    }
    this.#take(data);
  }

  /** How many samples flow: what was chosen, or what this machine keeps up with. */
  get n() {
    if (this.choice.n) return this.choice.n;
    const affordable = COUNTS.filter((n) => n <= USUAL && n * (this.each ?? 1) <= SLOWEST);
    return affordable.at(-1) ?? COUNTS[0];
  }

  get method() { return this.world.methods[this.choice.method]; }
  get rules() { return this.declared.methods[this.choice.method]; }
  get current() { return this.settings[this.choice.method]; }

  // ---- the flow ---------------------------------------------------------------------------

  restart() {
    Object.assign(this, { history: [], first: 0, start: null, past: null, slow: 0 });
    this.#ask("start", { n: this.n, seed: this.choice.seed });
    if (this.playing) this.#ask("run", { on: true }); // who stopped for a problem goes on
  }

  play(on) {
    this.playing = on;
    this.root.dataset.playing = on;
    showPlaying(this.parts.play, on);
    this.#ask("run", { on });
  }

  single() {
    this.play(false);
    this.#ask("single");
  }

  /** What the worker goes by from the next step on. */
  #choose() {
    const { method, until } = this.choice;
    this.version++;
    this.changedAt = this.frame?.step ?? 0;
    this.#ask("choose", { choice: { method, until, settings: { ...this.current }, version: this.version } });
  }

  #take(frame) {
    const { world } = this;
    if (frame.step === 0) Object.assign(this, { history: [], first: 0, start: frame });
    if (frame.step !== this.frame?.step || !this.history.length) {
      this.history.push(frame.logits);
      if (this.history.length > HISTORY) {
        this.history.shift();
        this.first++;
      }
    }
    if (frame.n !== this.frame?.n) this.selected = this.partner = null;
    if (world.kind === "text") this.past = this.frame?.n === frame.n ? this.frame.symbols : frame.symbols;
    this.frame = frame;
    this.fresh = true;
    this.#adapt(frame);
    const { dataset } = this.root;
    if (frame.version === this.version && this.changedAt !== null && frame.step > this.changedAt) {
      dataset.lag = frame.step - this.changedAt;
      this.changedAt = null;
    }
    const mean = frame.logits.reduce((sum, d) => sum + d, 0) / frame.n;
    Object.assign(dataset, { step: frame.step, n: frame.n, logit: mean.toFixed(3), held: frame.held.join(" "), rested: frame.rested.length });
    this.parts.count.textContent = `step ${frame.step}`;
    this.parts.logit.textContent = signed(mean);
  }

  /** Fewer samples where this machine turns out too slow for as many. */
  #adapt({ ms, n, step }) {
    if (!step || this.choice.n || n === COUNTS[0]) return;
    this.slow = ms > 2 * SLOWEST ? this.slow + 1 : 0;
    if (this.slow < 6) return;
    this.each *= 2;
    this.restart();
  }

  #beat(fps) {
    const { dataset } = this.root;
    dataset.fps = fps.toFixed(1);
    const now = performance.now();
    this.rates.push([now, this.frame?.step ?? 0]);
    while (this.rates.length > 2 && now - this.rates[0][0] > 3000) this.rates.shift();
    const [[then, from], [, to]] = [this.rates[0], this.rates.at(-1)];
    if (to < from) this.rates = [];
    else if (now > then) dataset.rate = ((1000 * (to - from)) / (now - then)).toFixed(1);
    this.parts.rate.textContent = this.playing && dataset.rate ? `${dataset.rate} steps/s, ${this.frame?.n ?? 0} ${this.world?.kind === "text" ? "strings" : "images"}` : "";
    const paper = getComputedStyle(this.root).backgroundColor; // no event tells of a change of theme
    if (paper !== this.paper) this.#sized();
    this.paper = paper;
  }

  // ---- drawing ----------------------------------------------------------------------------

  #draw() {
    if (!this.frame || !this.root.clientWidth) return;
    this.top = Math.max(this.top ?? 0, largest(this.frame.logits), 1e-6);
    if (this.world.kind === "text") this.#drawText();
    else this.#drawImages();
    this.#drawChart();
    this.#drawActions();
  }

  shade(d) {
    return blend(this.world.palette.bar, 0.5 + d / this.top / 2);
  }

  #drawImages() {
    const { frame, parts, world, look } = this;
    const [, height, width] = world.shape;
    const [wide, high] = [parts.wall.clientWidth, parts.wall.clientHeight];
    [this.tile, this.across] = Array.from({ length: frame.n }, (_, k) => k + 1)
      .map((k) => [Math.floor(Math.min(wide / k, high / Math.ceil(frame.n / k))), k]).sort((a, b) => b[0] - a[0])[0];
    const context = surface(parts.grid, this.tile * this.across, this.tile * Math.ceil(frame.n / this.across));
    const side = this.tile - 6;
    for (let i = 0; i < frame.n; i++) {
      const small = (this.tiles[i] ??= Object.assign(document.createElement("canvas"), { width, height }));
      small.getContext("2d").putImageData(new ImageData(frame.rgba.subarray(4 * i * height * width, 4 * (i + 1) * height * width), width, height), 0, 0);
      const [x, y] = [(i % this.across) * this.tile, Math.floor(i / this.across) * this.tile];
      context.drawImage(small, x + 3, y + 1, side, side);
      context.fillStyle = this.shade(frame.logits[i]);
      context.fillRect(x + 3, y + 1 + side, side, 4);
      if (frame.rested.includes(i)) {
        context.fillStyle = look.real;
        context.fillRect(x + 3, y + 1, 8, 8);
      }
      if (frame.held.includes(i)) this.#lock(context, x + this.tile - 20, y + 5);
      if (i === this.selected || i === this.partner) {
        context.lineWidth = 3;
        context.strokeStyle = i === this.selected ? look.accent : look.quiet;
        context.strokeRect(x + 1.5, y + 1.5, this.tile - 3, this.tile - 3);
      }
    }
    parts.grid.setAttribute("aria-label", `${frame.n} images at step ${frame.step}, mean logit ${parts.logit.textContent}; click one to lock it, take it back or blend it`);
  }

  /** A padlock: this sample is held. */
  #lock(c, x, y) {
    const { look } = this;
    c.fillStyle = look.paper;
    c.fillRect(x - 2, y - 2, 17, 19);
    c.fillStyle = c.strokeStyle = look.ink;
    c.fillRect(x + 1, y + 7, 11, 8);
    c.lineWidth = 2;
    c.beginPath();
    c.arc(x + 6.5, y + 6, 3.5, Math.PI, 0);
    c.stroke();
  }

  #drawText() {
    const { frame, parts, world, past } = this;
    const [length] = world.shape;
    while (this.rows.length > frame.n) this.rows.pop().node.remove();
    while (this.rows.length < frame.n) this.#row(this.rows.length, length);
    const [base, before] = [this.start?.symbols ?? frame.symbols, past ?? frame.symbols];
    const size = frame.n * length;
    const symbols = new Uint8Array(3 * size);
    symbols.set(base.length === size ? base : frame.symbols, 0);
    symbols.set(before, size);
    symbols.set(frame.symbols, 2 * size);
    const marks = new Uint8Array(3 * size);
    marks.set(frame.marks, 2 * size);
    const shown = { n: frame.n, length, alphabet: world.alphabet };
    this.rows.forEach(({ node, line, bar, logit }, i) => {
      line.show(shown, { symbols, marks, steps: 2 }, 2, i, "confidence");
      bar.style.background = this.shade(frame.logits[i]);
      logit.textContent = signed(frame.logits[i]) + (frame.held.includes(i) ? " locked" : frame.rested.includes(i) ? " rests" : "");
      node.setAttribute("aria-selected", i === this.selected);
      node.classList.toggle("partner", i === this.partner);
    });
    parts.list.style.setProperty("--n", frame.n);
    parts.list.setAttribute("aria-label", `${frame.n} strings at step ${frame.step}, mean logit ${parts.logit.textContent}`);
  }

  #row(i, length) {
    const [line, bar, logit] = [new Line(length), element("u"), element("span", { className: "logit" })];
    const node = element("div", { className: "row", role: "option", onclick: () => this.pick(i) }, bar, line.node, logit);
    this.rows.push({ node, line, bar, logit });
    this.parts.list.append(node);
  }

  /** Logits over the steps: every sample, the mean, the selected one, the band of real ones. */
  #drawChart() {
    const { history, look, world, frame } = this;
    if (!look || !history.length) return;
    const of = (i) => Float32Array.from(history, (one) => one[i]);
    const mean = Float32Array.from(history, (one) => one.reduce((sum, d) => sum + d, 0) / one.length);
    const strong = mixed(rgb(look.refined), rgb(look.ink), 0.25);
    const { real } = world;
    const curve = {
      name: "logit d", unit: "nats", better: null, series: [mean, ...(this.selected === null ? [] : [of(this.selected)])],
      labels: ["mean", "selected"], faint: Array.from({ length: frame.n }, (_, i) => ({ values: of(i), colour: strong })),
      reference: real ? { low: real["5%"], high: real["95%"], label: "real ones, 5–95 %" } : null,
    };
    const last = this.first + history.length - 1;
    this.chart.step = last;
    this.chart.show({ curves: [curve], first: this.first, from: this.first, to: Math.max(this.first + 25, last), steps: last, axis: "step",
      colours: [strong, look.accent], theme: { ...look, real: mixed(rgb(look.real), rgb(look.ink), 0.3) }, type: typeSizes(this.root) });
  }

  #drawActions() {
    const { parts, selected, partner, frame } = this;
    const chosen = selected !== null;
    parts.actions.hidden = !chosen;
    parts.hint.hidden = chosen;
    if (!chosen) return;
    const held = frame.held.includes(selected);
    parts.lock.setAttribute("aria-pressed", held);
    parts.lock.textContent = held ? "Locked" : "Lock";
    parts.blend.setAttribute("aria-pressed", Boolean(this.picking) || partner !== null);
    parts.blend.textContent = this.picking ? "Now click another…" : "Blend with…";
    parts.way.hidden = partner === null;
  }

  // ---- one sample -------------------------------------------------------------------------

  /** Sample `i` was clicked: it is selected, or is what the selected one is blended with. */
  pick(i) {
    if (this.picking && i !== this.selected) {
      this.partner = i;
      this.picking = false;
      this.parts.way.replaceChildren(slider({ name: "between", label: `${this.selected + 1} → ${i + 1}`,
        help: "Where the selected sample is on the way to the other one; the flow goes on from there", range: [0, 1], step: 0.01, value: 0,
        text: (t) => `${Math.round(100 * t)} %` }, (t) => this.#ask("between", { i: this.selected, j: this.partner, t })));
    } else {
      this.selected = this.selected === i ? null : i;
      this.partner = null;
      this.picking = false;
    }
    this.root.dataset.selected = this.selected ?? "";
    this.fresh = true;
  }

  hold() {
    if (this.selected !== null) this.#ask("hold", { i: this.selected, on: !this.frame.held.includes(this.selected) });
  }

  pull() {
    if (this.selected !== null) this.#ask("pull", { i: this.selected });
  }

  #next(places) {
    if (!this.frame) return;
    this.selected = ((this.selected ?? (places > 0 ? -1 : 0)) + places + this.frame.n) % this.frame.n;
    this.partner = null;
    this.root.dataset.selected = this.selected;
    this.fresh = true;
  }

  // ---- controls ---------------------------------------------------------------------------

  #frame() {
    const parts = (this.parts = {});
    parts.count = element("output", { className: "count" });
    parts.rate = element("span", { className: "rate" });
    parts.words = element("p", { className: "words", role: "status", hidden: true });
    parts.grid = element("canvas", { className: "grid", role: "img", onclick: (event) => this.#click(event) });
    parts.list = element("div", { className: "list", role: "listbox" });
    parts.wall = element("div", { className: "samples-wall" });
    parts.play = playButton(() => this.play(!this.playing));
    parts.speed = element("div", { className: "speedbox" });
    parts.many = element("select", { title: "How many flow at once", "aria-label": "How many flow at once",
      onchange: () => { this.choice.n = Number(parts.many.value); this.restart(); this.#link(); } });
    parts.lock = chip("Lock", "Hold the selected sample where it is (L)", () => this.hold());
    parts.back = chip("Back to its start", "Take the selected sample back to where it started (B)", () => this.pull());
    parts.blend = chip("Blend with…", "Drag the selected sample through the latent space towards another one", () => { this.picking = !this.picking; this.fresh = true; });
    parts.way = element("div", { className: "way" });
    parts.actions = element("div", { className: "actions", hidden: true }, parts.lock, parts.back, parts.blend, parts.way);
    parts.hint = element("span", { className: "hint", textContent: "Click one to lock it, take it back, or blend it with another." });
    parts.method = element("div", { className: "segments", role: "radiogroup", "aria-label": "Method" });
    parts.rule = element("div", { className: "rule", role: "status" });
    parts.lesson = element("p", { className: "lesson" });
    parts.settings = element("div", { className: "settings" });
    parts.logit = element("output");
    parts.history = element("div", { className: "chart history" });
    this.root.replaceChildren(
      element("div", { className: "head" }, parts.count, parts.rate, element("span", { className: "space" }), fullScreenButton(this.root)),
      element("div", { className: "picture" }, parts.wall, parts.words),
      element("div", { className: "transport" },
        iconButton("restart", "Start again from the same samples (R)", () => this.restart()), parts.play,
        iconButton("next", "One step (→)", () => this.single()),
        chip("Fresh ones", "Other samples: the next seed (N)", () => this.again()), parts.speed, parts.many,
        element("div", { className: "chosen" }, parts.actions, parts.hint)),
      element("div", { className: "side-panel" },
        element("div", { className: "row" }, parts.method), parts.rule, parts.lesson, parts.settings,
        element("div", { className: "readout" }, element("div", { title: "Mean of d over the samples, in nats: above 0 the critic takes them for real" },
          element("span", { textContent: "mean logit" }), parts.logit)),
        parts.history),
    );
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Live flow of samples");
    onKeys(this.root, {
      " ": () => this.play(!this.playing), ArrowRight: () => this.single(), r: () => this.restart(), n: () => this.again(), l: () => this.hold(), b: () => this.pull(),
      ArrowDown: () => this.#next(1), ArrowUp: () => this.#next(-1), f: () => fullScreen(this.root),
      "?": helper(this.root, { Space: "play, pause", "→": "one step", "↑ ↓": "another sample", L: "lock it", B: "back to its start", R: "start again", N: "fresh samples", F: "full screen", "?": "these keys" }),
    });
  }

  /** Fresh samples: the next seed. */
  again() {
    this.choice.seed = (this.choice.seed + 1) % 100;
    this.#controls();
    this.restart();
  }

  #click(event) {
    if (!this.frame) return;
    const i = Math.floor(event.offsetY / this.tile) * this.across + Math.floor(event.offsetX / this.tile);
    if (i < this.frame.n) this.pick(i);
  }

  #controls() {
    const { parts, world, choice, current } = this;
    segments(parts.method, Object.entries(world.methods).map(([name, row]) => [name, row.title, `${row.about} ${row.paper}.`]),
      choice.method, (name) => { choice.method = name; this.#controls(); this.#choose(); });
    const titles = Object.fromEntries(Object.entries(world.divergences).map(([key, row]) => [key, row.title]));
    const rows = Object.entries(this.method.settings).filter(([name]) => name !== "steps").map(([name, row]) => {
      const how = name === "divergence" ? { titles } : name === "lipschitz" ? { estimate: world.lipschitz.latent } : {};
      return setting(name, row, current[name], (value) => { current[name] = value; this.#set(); }, how);
    });
    rows.push(slider({ name: "seed", label: "seed", help: "Which samples, and which noise", range: [0, 99], step: 1, value: choice.seed },
      (value) => { choice.seed = value; this.restart(); this.#link(); }));
    if (world.real) {
      const pick = element("select", { title: "A sample rests once its logit is that of real ones, and goes on where the critic changes its mind",
        "aria-label": "Stop where real", onchange: () => { choice.until = pick.value; this.#set(); } },
      ...Object.entries(RULES).map(([value, textContent]) => element("option", { value, textContent, selected: value === choice.until })));
      pick.dataset.setting = "until";
      rows.push(element("label", { className: "choice" }, element("span", { textContent: "stop where real" }), pick));
    }
    parts.settings.replaceChildren(...rows);
    parts.speed.replaceChildren(slider({ name: "speed", label: "speed", help: "Steps a second, at most", range: [0, SPEEDS.length - 1], step: 1,
      value: Math.max(0, SPEEDS.findLastIndex((speed) => speed <= choice.speed)), text: (i) => `${SPEEDS[i]} steps/s` },
    (i) => { choice.speed = SPEEDS[i]; this.#ask("pace", { stepsASecond: choice.speed }); this.#link(); }));
    parts.many.replaceChildren(element("option", { value: 0, textContent: "as many as keep up" }),
      // A link may ask for another number.
      ...[...new Set([...COUNTS, choice.n])].filter(Boolean).sort((a, b) => a - b).map((n) => element("option", { value: n, textContent: `${n} ${world.kind === "text" ? "strings" : "images"}` })));
    parts.many.value = choice.n;
    this.#words();
    this.#link();
  }

  /** A setting has a new value: the next step goes by it. */
  #set() {
    this.#choose();
    this.#words();
    this.#link();
  }

  #words() {
    const { world, current } = this;
    const chosen = world.divergences[current.divergence];
    const names = { x: "z", d: "d(g(z))", weight: chosen?.weight ?? "", estimate: world.lipschitz.latent };
    this.parts.rule.replaceChildren(...ruleWords(this.rules, current, names, this.method.title));
    this.parts.lesson.textContent = chosen?.lesson ?? this.method.about;
  }

  #link() {
    if (!this.mount.address) return;
    clearTimeout(this.linking);
    this.linking = setTimeout(() => {
      if (location.pathname !== this.path) return;
      writeAddress({ ...linked(this.choice, this.standard), ...linked(this.current, this.#own(this.choice.method)) });
    }, 300);
  }

  /** Say something over the wall; "" takes it away. `failed`: nothing will come. */
  #say(words, failed = true) {
    this.parts.words.textContent = words;
    this.parts.words.hidden = !words;
    if (!failed) return;
    if (this.root.dataset.state === "loading") this.root.dataset.state = "failed";
    if (this.playing) this.play(false);
  }

  #sized() {
    const { root, world } = this;
    const { clientWidth: width } = root;
    if (!world || !width) return;
    const narrow = width < 860;
    root.classList.toggle("narrow", narrow);
    this.room ??= roomBelow(root);
    if (!root.matches(":fullscreen")) root.style.height = narrow ? "" : `${Math.max(this.room, 520)}px`;
    const look = (this.look = appearance(root, world.palette));
    const lift = (colour) => (look.dark ? mixed(rgb(colour), [255, 255, 255], 0.25) : colour);
    look.refined = lift(look.refined);
    root.style.setProperty("--refined", look.refined);
    tinted(root, world.palette, look.dark);
    this.fresh = true;
  }
}

/** What mounts a flow of samples with these methods (modules, by name), by the `worker` (a module's text). */
export const samplesWith = (declared) =>
  component("samples", class extends Samples {
    get declared() { return declared; }
  }, "stage live samples");

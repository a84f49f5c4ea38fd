// live.js: the flow while it runs, in the browser alone.
//
// What can be run comes from outside: `methods`, the modules dgflow_core/methods/<name>.js, and `weights`, w_f(d)
// of each divergence, made from dgflow_core/flow/divergences.py (see dgflow_core/pictures/browser_bundle.py).
// Everything a person sets acts at once: settings are read at every step, and the step that is being shown is
// taken anew when one changes. `globalThis.__dgflow.live[key]` is what is mounted under `key`; the root element
// tells its state in data attributes (fps, step, playing, quality, logit, responseMs: from a setting's change to
// the first frame that shows it).
import { onAppearance, prefersStill } from "../kit/colour.js";
import { Chart } from "../kit/chart.js";
import { linked, readLink, ruleWords, segments, setting, slider, writeAddress } from "../kit/controls.js";
import { chip, element } from "../kit/dom.js";
import { fullScreen, fullScreenButton, iconButton, playButton, showPlaying } from "../kit/icons.js";
import { helper, onKeys } from "../kit/keys.js";
import { LAYER_NAMES, LAYERS, layerChips } from "../kit/layers.js";
import { component } from "../kit/mount.js";
import { clamp, number } from "../kit/numbers.js";
import { ChipRow } from "../kit/overflow.js";
import { FrameMeter } from "../kit/playback.js";
import { roomBelow, typeSizes } from "../kit/room.js";
import { View } from "../kit/view.js";
import { Random } from "./particles.js";
import { Sim, driftAt, highQuality, look, makeTable, mean, onSupport } from "./sim.js";

const SPEEDS = [1, 2, 4, 8, 16, 24, 40, 60, 120, 240]; // steps a second
const SLOW = 1 / 8;
const HOLD = 1.6; // seconds at the end before a run starts again
const DROPS = 400; // particles a person may have dropped at once
const TRACED = 140; // particles that leave a trail
const MAP_SIDE = 112;
const ARROWS_SIDE = 21;
const HISTORY = 600;
const AFTER = {
  again: ["Start again", "After N steps: rest a moment, then start again from fresh samples"],
  stop: ["Stop", "After N steps: stop"],
  endless: ["Endless", "Each particle that has gone N steps is reborn from the generator: a steady flow"],
};
const STANDARD = { space: "data", n: 5000, seed: 0, raw: false, speed: 24, after: "again" };

export class Live {
  constructor(root, key) {
    Object.assign(this, { root, key, playing: false, slow: false, clock: 0, step: 0, rest: 0, meter: new FrameMeter() });
    this.#frame();
    this.view = new View(this.parts.picture);
    this.view.setLayer("paths", true);
    this.view.setLayer("base", false);
    this.view.overlay = (c, box, panel) => this.#overlay(c, box, panel);
    this.chart = new Chart(this.parts.history);
    this.#pointing();
    this.unwatch = onAppearance(root, () => this.#sized());
    addEventListener("resize", this.onWindow = () => { this.window = null; this.#sized(); });
    addEventListener("popstate", this.onReturn = () => this.#return());
    const loop = (now) => {
      if (this.gone) return;
      this.#tick(now);
      requestAnimationFrame(loop);
    };
    requestAnimationFrame(loop);
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.linking);
    this.unwatch();
    removeEventListener("resize", this.onWindow);
    removeEventListener("popstate", this.onReturn);
    this.layerRow.destroy();
    this.chart.destroy();
    this.view.destroy();
  }

  // ---- the model --------------------------------------------------------------------------

  /** Show `world` (unpacked); settings that a person chose stay where they still make sense. */
  load(world, mount) {
    const first = !this.world;
    this.path ??= location.pathname; // of the page: what happens at another's address is not its own
    Object.assign(this, { world, mount });
    const names = Object.keys(world.methods).filter((name) => this.declared.methods[name]);
    world.methods = Object.fromEntries(names.map((name) => [name, world.methods[name]]));
    this.tables = Object.fromEntries(Object.entries(world.spaces).map(([name, space]) => [name, makeTable(space)]));
    this.settings ??= {};
    for (const [name, method] of Object.entries(world.methods)) {
      const own = Object.fromEntries(Object.entries(method.settings).map(([key, row]) => [key, row.default]));
      this.settings[name] = { ...own, ...this.settings[name] };
    }
    this.standard = { method: names[0], ...STANDARD };
    this.choice ??= { ...this.standard };
    if (first) this.#apply({ ...world.defaults, ...mount.state });
    if (!world.methods[this.choice.method]) this.choice.method = names[0];
    this.#chips();
    if (mount.address === "own" && !this.returned) this.#return();
    else this.#choose();
    this.returned = mount.address === "own"; // this page alone reads what its address says
    if (first && !prefersStill()) this.play(true);
  }

  /** Take settings by the names that links use. */
  #apply(values) {
    for (const [name, value] of Object.entries(values)) {
      if (name in this.choice) this.choice[name] = value;
    }
    const own = this.settings[this.choice.method];
    for (const [name, value] of Object.entries(values)) if (own && name in own) own[name] = value;
  }

  /** Back or Forward: take what the address says, and the defaults for what it does not. */
  #return() {
    if (!this.mount?.address || location.pathname !== this.path) return;
    const query = Object.fromEntries(new URLSearchParams(location.search));
    const method = this.world.methods[query.method] ? query.method : this.standard.method;
    const own = Object.fromEntries(Object.entries(this.world.methods[method].settings).map(([name, row]) => [name, row.default]));
    this.choice = { ...readLink(query, this.standard), method };
    this.settings[method] = readLink(query, own);
    this.#choose();
  }

  get method() { return this.world.methods[this.choice.method]; } // what its Python declares
  get rules() { return this.declared.methods[this.choice.method]; } // what it does here
  get current() { return this.settings[this.choice.method]; }
  get steps() { return this.current.steps; }
  get physics() {
    const lipschitz = Object.fromEntries(Object.entries(this.world.spaces).map(([name, space]) => [name, space.lipschitz]));
    return { offset: this.choice.raw ? 0 : this.world.offset, prior: this.world.prior, lipschitz, weights: this.declared.weights };
  }

  /** The method or the space changed: other controls, other panels, a fresh start. */
  #choose() {
    if (!this.method.spaces.includes(this.choice.space)) this.choice.space = this.method.spaces[0];
    this.#controls();
    this.#panels();
    this.restart();
  }

  #panels() {
    const { world, choice } = this;
    const panel = (space, rest) => {
      const { extent, axes } = world.spaces[space];
      return { title: "", subtitle: "", extent, axes, map: this.#map(space), real: null, base: null, ...rest };
    };
    const real = world.real ?? null;
    const latent = choice.space === "latent";
    this.panels = latent
      ? [panel("latent", { title: "Latent codes z" }), panel("data", { title: "Samples g(z)", real })]
      : [panel("data", { real })];
    this.#arrows();
    this.#show();
  }

  #show() {
    this.view.show(this.panels, this.world.palette);
    this.#sized();
    this.view.resize();
  }

  #map(space) {
    const table = this.tables[space];
    const [x0, x1, y0, y1] = this.world.spaces[space].extent;
    const values = new Float32Array(MAP_SIDE ** 2);
    const found = new Float64Array(table.count);
    for (let j = 0; j < MAP_SIDE; j++) {
      for (let i = 0; i < MAP_SIDE; i++) {
        look(table, x0 + ((i + 0.5) / MAP_SIDE) * (x1 - x0), y0 + ((j + 0.5) / MAP_SIDE) * (y1 - y0), found);
        values[j * MAP_SIDE + i] = found[0] + this.physics.offset;
      }
    }
    const bulk = values.map(Math.abs).sort()[Math.floor(0.95 * values.length)] || 1;
    const label = space === "latent" ? "logit d(g(z))" : "logit d(x)";
    return { values, shape: [MAP_SIDE, MAP_SIDE], range: [-bulk, bulk], kind: "logit", label, unit: "nats" };
  }

  /** Arrows of the drift that is being followed: they turn with f at once. */
  #arrows() {
    const { space } = this.choice;
    const [x0, x1, y0, y1] = this.world.spaces[space].extent;
    const probe = new Sim(this.tables[space], this.physics, 1);
    const origins = new Float32Array(2 * ARROWS_SIDE ** 2);
    const vectors = new Float32Array(origins.length);
    let longest = 0;
    for (let k = 0; k < ARROWS_SIDE ** 2; k++) {
      const x = x0 + (((k % ARROWS_SIDE) + 0.5) / ARROWS_SIDE) * (x1 - x0);
      const y = y0 + ((Math.floor(k / ARROWS_SIDE) + 0.5) / ARROWS_SIDE) * (y1 - y0);
      const [u, v] = driftAt(probe, this.rules, this.current, x, y);
      origins.set([x, y], 2 * k);
      vectors.set([u, v], 2 * k);
      longest = Math.max(longest, Math.hypot(u, v));
    }
    const before = this.panels[0].arrows?.vectors;
    if (before?.length === vectors.length && vectors.every((v, i) => v === before[i])) return;
    this.panels[0].arrows = { origins, vectors, longest, label: this.rules.arrows ?? "∇d" };
    this.view.stale = true;
  }

  // ---- the run ----------------------------------------------------------------------------

  restart() {
    const { world, choice } = this;
    const table = this.tables[choice.space];
    const pool = world.start[choice.space];
    this.random = new Random(choice.seed + 1000 * (this.round ?? 0));
    this.next = (choice.n * (this.round ?? 0)) % (pool.length / 2);
    this.main = new Crowd(table, this.physics, choice.n);
    this.main.sim.place(Float32Array.from({ length: 2 * choice.n }, (_, i) => (i % 2 ? this.lastY : this.#born())));
    this.panels[0].base = this.main.sim.points.slice();
    if (choice.space === "latent") this.panels[1].base = this.main.sim.samples.slice();
    this.life = Uint32Array.from({ length: choice.n }, (_, i) => 1 + Math.floor((i * this.steps) / choice.n));
    this.drops = new Crowd(table, this.physics, DROPS);
    this.dropped = 0;
    Object.assign(this, { step: 0, clock: 0, rest: 0, history: [] });
    this.view.stale = true;
    this.view.clearTrails();
    this.#prepare();
    this.#measure();
    this.dirty = true;
  }

  /** The first coordinate of the next generated sample; `lastY` holds the second. */
  #born() {
    const pool = this.world.start[this.choice.space];
    const at = 2 * (this.next++ % (pool.length / 2));
    this.lastY = pool[at + 1];
    return pool[at];
  }

  get ended() { return this.choice.after !== "endless" && this.step >= this.steps; }

  /** Take the coming step ahead of its time, so that what is shown can glide towards it. */
  #prepare() {
    this.was = this.random.save();
    for (const crowd of [this.main, this.drops]) crowd.keep();
    this.#take();
  }

  #take() {
    if (!this.ended) this.rules.step(this.main.sim, this.current, this.random);
    this.rules.step(this.drops.sim, this.current, this.random);
  }

  /** A setting changed: what is under way is taken anew with it. */
  #retake() {
    for (const crowd of [this.main, this.drops]) {
      crowd.back();
      crowd.sim.world = this.physics;
      for (let i = 0; i < crowd.sim.n; i++) crowd.sim.read(i);
      crowd.keep();
    }
    this.random.restore(this.was);
    this.#take();
    this.changed ??= performance.now();
    this.dirty = true;
  }

  /** The prepared step is over: it is history, and the next one is prepared. */
  #advance() {
    if (!this.ended) this.step++;
    this.#trail();
    if (this.choice.after === "endless") {
      for (let i = 0; i < this.main.sim.n; i++) {
        if (--this.life[i] > 0) continue;
        const x = this.#born();
        this.main.sim.put(i, x, this.lastY);
        this.life[i] = this.steps;
      }
    }
    this.#prepare();
    this.#measure();
  }

  #trail() {
    const { view } = this;
    if (!view.layers.paths || !view.boxes.length) return;
    if (this.choice.after === "endless") view.fadeTrails(0.94);
    const ids = Array.from({ length: Math.min(TRACED, this.main.sim.n) }, (_, i) =>
      Math.floor((i * this.main.sim.n) / Math.min(TRACED, this.main.sim.n)));
    const ends = (crowd) => [crowd.panels(crowd.before), crowd.panels(crowd.sim)];
    const t = this.choice.after === "endless" ? 0.85 : this.step / Math.max(1, this.steps);
    if (!this.rest) view.extendTrails(...ends(this.main), ids, t);
    const [from, to] = ends(this.drops);
    const c = view.trails.getContext("2d");
    c.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    c.strokeStyle = view.theme.ink;
    c.lineWidth = 1.6;
    view.boxes.forEach((box, panel) => {
      c.beginPath();
      for (let i = 0; i < 2 * this.drops.sim.n; i += 2) {
        if (!box.inside(from[panel][i], from[panel][i + 1]) || !box.inside(to[panel][i], to[panel][i + 1])) continue;
        c.moveTo(box.pixelX(from[panel][i]), box.pixelY(from[panel][i + 1]));
        c.lineTo(box.pixelX(to[panel][i]), box.pixelY(to[panel][i + 1]));
      }
      c.stroke();
    });
  }

  #measure() {
    const { before } = this.main;
    const { modes, std, support } = this.world;
    const quality = modes
      ? highQuality(before.samples, before.n, modes, std)
      : support ? onSupport(before.samples, before.n, support)
      : 100 * mean(before.logits, before.n, (d) => 1 / (1 + Math.exp(-d)));
    const logit = mean(before.logits, before.n);
    let pace = 0;
    const sampled = Math.min(before.n, 300);
    for (let i = 0; i < sampled; i++) {
      const drift = driftAt(this.main.sim, this.rules, this.current, before.points[2 * i], before.points[2 * i + 1]);
      pace += Math.hypot(...drift) / sampled;
    }
    this.now = { quality, logit, pace: pace * this.current.eta };
    this.history.push(this.now);
    if (this.history.length > HISTORY) this.history.shift();
    this.measured = true;
  }

  // ---- time -------------------------------------------------------------------------------

  #tick(now) {
    if (!this.world) return;
    const fps = this.meter.mark(now);
    if (fps !== null) {
      this.root.dataset.fps = fps.toFixed(1);
      const paper = getComputedStyle(this.root).backgroundColor; // no event tells of a change of theme
      if (paper !== this.paper) this.#sized();
      this.paper = paper;
    }
    if (this.playing) this.#run(this.meter.seconds);
    if (this.playing || this.dirty) this.#draw();
    this.dirty = false;
  }

  #run(seconds) {
    if (this.ended && !this.#lively()) {
      this.clock = 0;
      if (this.choice.after === "stop") return this.play(false);
      this.rest += seconds;
      if (this.rest < HOLD) return;
      this.round = (this.round ?? 0) + 1;
      return this.restart();
    }
    this.clock += seconds * this.choice.speed * (this.slow ? SLOW : 1);
    for (let taken = 0; this.clock >= 1 && taken < 8; taken++) {
      this.clock -= 1;
      this.#advance();
      if (this.ended && !this.#lively()) this.clock = 0;
    }
    this.clock = Math.min(this.clock, 1);
  }

  /** Whether dropped particles still have steps to go. */
  #lively() {
    const { age, n } = this.drops.sim;
    return age.subarray(0, n).some((steps) => steps <= this.steps);
  }

  play(on) {
    if (on && this.ended && this.choice.after === "stop" && !this.#lively()) this.restart();
    this.playing = on;
    this.root.dataset.playing = on;
    showPlaying(this.parts.play, on);
    this.dirty = true;
  }

  single() {
    this.play(false);
    this.clock = 0;
    this.#advance();
    this.dirty = true;
  }

  // ---- drawing ----------------------------------------------------------------------------

  #draw() {
    if (!this.view.boxes.length) return;
    const glide = this.ended ? 0 : this.clock;
    this.view.draw({ points: this.main.between(glide) });
    const { dataset } = this.root;
    if (this.measured) {
      this.measured = false;
      this.#readout();
      dataset.quality = this.now.quality.toFixed(2);
      dataset.logit = this.now.logit.toFixed(3);
      dataset.step = this.step;
    }
    if (this.changed !== undefined) {
      dataset.responseMs = (performance.now() - this.changed).toFixed(1);
      this.changed = undefined;
    }
  }

  #overlay(c, box, panel) {
    const { theme } = this.view;
    const points = this.drops.between(this.clock)[panel];
    const radius = this.view.radius(200, box) * 1.25;
    c.fillStyle = `rgb(${theme.refined})`;
    c.strokeStyle = theme.ink;
    c.lineWidth = 1.4;
    c.beginPath();
    for (let i = 0; i < 2 * this.drops.sim.n; i += 2) {
      const [x, y] = [box.pixelX(points[i]), box.pixelY(points[i + 1])];
      c.moveTo(x + radius, y);
      c.arc(x, y, radius, 0, 2 * Math.PI);
    }
    c.fill();
    c.stroke();
    if (panel === 0 && !this.touched) this.#hint(c, box);
  }

  #hint(c, box) {
    const { type, theme } = this.view;
    const text = "Click or drag here to drop particles";
    c.font = `${type.axis}px ${theme.font}`;
    const width = c.measureText(text).width + 22;
    const [x, y] = [box.x + (box.w - width) / 2, box.y + 8];
    c.globalAlpha = 0.88;
    c.fillStyle = theme.paper;
    c.beginPath();
    c.roundRect(x, y, width, type.axis * 1.9, 8);
    c.fill();
    c.globalAlpha = 1;
    c.fillStyle = theme.ink;
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillText(text, box.x + box.w / 2, y + type.axis * 0.98);
  }

  #readout() {
    const { parts, now, world } = this;
    parts.quality.textContent = `${now.quality.toFixed(1)} %`;
    parts.logit.textContent = number(now.logit, 3);
    parts.count.textContent = this.choice.after === "endless" ? `step ${this.step}` : `step ${this.step} / ${this.steps}`;
    this.view.canvas.setAttribute("aria-label", `${this.choice.n} particles at ${parts.count.textContent}: ${
      parts.qualityName.textContent} ${parts.quality.textContent}, mean logit ${parts.logit.textContent}`);
    const noise = this.#noise();
    parts.pace.textContent = `mean move a step: drift ${number(now.pace, 2)}, noise ${number(noise, 2)} ${
      this.choice.space === "latent" ? "(prior's units)" : "(data units)"}`;
    this.#chart(world);
  }

  #noise() {
    return this.rules.noise?.(this.current) ?? 0;
  }

  /** Two strips over the steps: quality and mean logit. */
  #chart() {
    const { theme, type } = this.view;
    if (!theme || !type) return;
    const first = this.step + 1 - this.history.length;
    const from = this.choice.after === "endless" ? Math.max(0, this.step + 1 - HISTORY) : 0;
    const to = this.choice.after === "endless" ? from + HISTORY - 1 : Math.max(1, this.steps);
    const series = (name) => [this.history.map((one) => one[name])];
    const curves = [
      { name: this.parts.qualityName.textContent, unit: "%", domain: [0, 100], series: series("quality") },
      { name: "mean logit", unit: "nats", domain: [-1, 1], series: [null, ...series("logit")] },
    ];
    this.chart.step = this.step;
    this.chart.show({ curves, from, to, first, theme, bare: true, steps: to,
      type: typeSizes(this.root), colours: [this.view.tone("refined"), theme.ink] });
  }

  // ---- pointing ---------------------------------------------------------------------------

  #pointing() {
    const { canvas } = this.view;
    canvas.style.touchAction = "none";
    canvas.style.cursor = "crosshair";
    let last = null;
    const drop = (event, count) => {
      const place = this.view.locate(event);
      if (place?.panel !== 0) return;
      const box = this.view.boxes[0];
      for (let k = 0; k < count; k++) {
        const [angle, away] = [2 * Math.PI * Math.random(), 14 * Math.sqrt(Math.random())];
        this.drop(box.dataX(place.px + away * Math.cos(angle)), box.dataY(place.py + away * Math.sin(angle)));
      }
      last = place;
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.touched = true;
      drop(event, 14);
    });
    canvas.addEventListener("pointermove", (event) => {
      const place = event.buttons && this.view.locate(event);
      if (place && last && Math.hypot(place.px - last.px, place.py - last.py) > 7) drop(event, 4);
    });
    canvas.addEventListener("pointerup", () => { last = null; });
  }

  /** A particle of one's own at (x, y); the oldest makes room when there are too many. */
  drop(x, y) {
    const { sim, before } = this.drops;
    const i = this.dropped++ % DROPS;
    sim.restore(before);
    sim.n = Math.max(sim.n, i + 1);
    sim.put(i, x, y);
    this.drops.keep();
    this.rules.step(sim, this.current, this.random);
    this.root.dataset.dropped = this.dropped;
    if (this.ended) this.clock = 0;
    this.rest = 0;
    if (this.choice.after === "stop" && this.ended && !this.playing) this.play(true);
    this.dirty = true;
  }

  // ---- controls ---------------------------------------------------------------------------

  #frame() {
    const parts = (this.parts = {});
    parts.layers = element("div", { className: "chips", role: "group", "aria-label": "Layers" });
    this.layerRow = new ChipRow(parts.layers);
    parts.count = element("output", { className: "count" });
    parts.picture = element("div", { className: "picture" });
    parts.play = playButton(() => this.play(!this.playing));
    parts.slow = chip("Slow motion", "Slow motion: an eighth of the speed (S)", () => this.#slower());
    parts.speed = element("div", { className: "speedbox" });
    parts.after = element("select", { title: "What happens after N steps", "aria-label": "After N steps",
      onchange: () => { this.choice.after = parts.after.value; this.restart(); this.#link(); } },
    ...Object.entries(AFTER).map(([value, [text, title]]) => element("option", { value, textContent: text, title })));
    parts.method = element("div", { className: "segments", role: "radiogroup", "aria-label": "Method" });
    parts.space = element("div", { className: "segments", role: "radiogroup", "aria-label": "Space" });
    parts.rule = element("div", { className: "rule", role: "status" });
    parts.lesson = element("p", { className: "lesson" });
    parts.settings = element("div", { className: "settings" });
    parts.quality = element("output", { className: "quality" });
    parts.qualityName = element("span");
    parts.logit = element("output");
    parts.history = element("div", { className: "chart history" });
    parts.pace = element("div", { className: "pace" });
    parts.exact = element("a", { className: "exact", textContent: "Run these settings exactly →",
      title: "Open the 2D page with these settings; every step runs the networks themselves" });
    this.root.replaceChildren(
      element("div", { className: "head" }, parts.layers, parts.count,
        fullScreenButton(this.root)),
      parts.picture,
      element("div", { className: "transport" },
        iconButton("restart", "Start again (R)", () => { this.round = 0; this.restart(); }), parts.play,
        iconButton("next", "One step (→)", () => this.single()), parts.slow, parts.speed,
        element("label", { className: "after", title: "What happens after N steps" }, "then", parts.after),
        iconButton("clear", "Remove dropped particles", () => this.#clear())),
      element("div", { className: "side-panel" },
        element("div", { className: "row" }, parts.method, parts.space), parts.rule, parts.lesson, parts.settings,
        element("div", { className: "readout" },
          element("div", { title: "Share of particles within 4σ of a mode; where a data set has no modes, within 0.05 of real data; where it is not known, the critic's mean P(real) = σ(d)" },
            parts.qualityName, parts.quality),
          element("div", { title: "Mean of d over the particles, in nats: above 0 the critic takes them for real" },
            element("span", { textContent: "mean logit" }), parts.logit)),
        parts.history, parts.pace, parts.exact),
    );
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Live simulation of the flow");
    const digits = Object.fromEntries(LAYERS.map((_, k) => [String(k + 1), () => this.layerRow.chips[k]?.click()]));
    onKeys(this.root, {
      ...digits, " ": () => this.play(!this.playing), ArrowRight: () => this.single(), Home: () => { this.round = 0; this.restart(); },
      "[": () => this.#faster(-1), "]": () => this.#faster(1), r: () => this.restart(), s: () => this.#slower(), f: () => fullScreen(this.root),
      "?": helper(this.root, { Space: "play, pause", "→": "one step", "Home, R": "start again", "[ ]": "slower, faster", S: "slow motion",
        "1 … 6": "layers", F: "full screen", "?": "these keys" }),
    });
  }

  #chips() {
    const { real, ...others } = LAYER_NAMES;
    const titles = this.world.real ? LAYER_NAMES : others;
    this.layerRow.put(...layerChips(this.view, titles, (name) => {
      if (name === "paths") this.view.clearTrails();
      this.dirty = true;
    }));
    this.parts.qualityName.textContent = this.world.modes ? "high quality" : this.world.support ? "on the data" : "P(real), mean";
  }

  #controls() {
    const { parts, world, choice, current } = this;
    segments(parts.method, Object.entries(world.methods).map(([name, row]) => [name, row.title, `${row.about} ${row.paper}.`]),
      choice.method, (name) => { choice.method = name; this.#choose(); this.#link(); });
    segments(parts.space, Object.keys(world.spaces).map((name) => [name, name === "data" ? "Data" : "Latent",
      name === "data" ? "Move the samples x with d(x)" : "Move the codes z with d(g(z))", !this.method.spaces.includes(name)]),
    choice.space, (name) => { choice.space = name; this.#choose(); this.#link(); });
    const rows = Object.entries(this.method.settings).map(([name, row]) => {
      const changed = (value) => { current[name] = value; this.#set(name); };
      const how = name === "divergence"
        ? { titles: Object.fromEntries(Object.entries(world.divergences).map(([key, one]) => [key, one.title])) }
        : { estimate: world.spaces[choice.space][name] };
      return setting(name, row, current[name], changed, how);
    });
    rows.push(slider({ name: "n", label: "n · particles", help: "How many particles to show.", range: [100, 10000], step: 100,
      value: choice.n }, (value) => { choice.n = value; this.restart(); this.#link(); }));
    const raw = element("input", { type: "checkbox", checked: choice.raw,
      onchange: () => { choice.raw = raw.checked; this.panels.forEach((panel, i) => { panel.map = this.#map(i ? "data" : choice.space); }); this.#set("raw"); } });
    raw.dataset.setting = "raw";
    rows.push(element("label", { className: "check", title: "A WGAN critic is only fixed up to a constant. Calibrated, exp(−d) integrates to 1 over generated samples; raw, it does not, and every f but KL notices." },
      raw, " raw critic offset"));
    parts.settings.replaceChildren(...rows);
    this.#speed();
    parts.after.value = choice.after;
    this.#rule();
    this.#link();
  }

  #speed() {
    this.parts.speed.replaceChildren(slider({ name: "speed", label: "speed", help: "Steps a second", range: [0, SPEEDS.length - 1], step: 1,
      value: Math.max(0, SPEEDS.findLastIndex((speed) => speed <= this.choice.speed)), text: (i) => `${SPEEDS[i]} steps/s` },
    (i) => { this.choice.speed = SPEEDS[i]; this.#link(); }));
  }

  /** A setting has a new value: it acts within this frame. */
  #set(name) {
    this.#retake();
    this.#arrows();
    if (name === "raw") this.#show();
    this.#rule();
    this.measured = true;
    this.#link();
  }

  /** The update rule with the current numbers in it. */
  #rule() {
    const { space } = this.choice;
    const [x, d] = space === "latent" ? ["z", "d(g(z))"] : ["x", "d(x)"];
    const chosen = this.world.divergences[this.current.divergence];
    const names = { x, d, weight: chosen?.weight ?? "", estimate: this.world.spaces[space].lipschitz };
    this.parts.rule.replaceChildren(...ruleWords(this.rules, this.current, names, this.method.title));
    this.parts.lesson.textContent = chosen?.lesson ?? this.method.about;
  }

  /** The speed `places` further on. */
  #faster(places) {
    const at = SPEEDS.findLastIndex((speed) => speed <= this.choice.speed);
    this.choice.speed = SPEEDS[clamp(at + places, 0, SPEEDS.length - 1)];
    this.#speed();
    this.#link();
  }

  #slower() {
    this.slow = !this.slow;
    this.parts.slow.setAttribute("aria-pressed", this.slow);
  }

  #clear() {
    this.drops = new Crowd(this.tables[this.choice.space], this.physics, DROPS);
    this.dropped = 0;
    this.view.clearTrails();
    this.dirty = true;
  }

  /** What a link has to say: everything that differs from the defaults. */
  link() {
    const { choice, current, method } = this;
    const standard = { ...this.standard };
    if (method.spaces.length === 1) standard.space = method.spaces[0];
    const own = Object.fromEntries(Object.entries(method.settings).map(([name, row]) => [name, row.default]));
    return { ...linked(choice, standard), ...linked(current, own) };
  }

  #link() {
    const { exact, address } = this.mount;
    const values = this.link();
    this.parts.exact.hidden = !exact;
    if (exact) {
      const { speed, after, ...settings } = values;
      this.parts.exact.href = `${exact}?${new URLSearchParams({ model: this.world.model, n: this.choice.n, ...settings, exact: 1 })}`;
    }
    if (!address) return;
    clearTimeout(this.linking);
    this.linking = setTimeout(() => {
      if (location.pathname === this.path) writeAddress(values); // history.js: one entry a gesture
    }, 300);
  }

  /** The picture first: what the window leaves, and what it needs even where the page must scroll. */
  #room(narrow) {
    const { root, view, parts } = this;
    if (root.matches(":fullscreen") || !view.panels.length) return;
    const bars = parts.layers.parentElement.offsetHeight + parts.play.parentElement.offsetHeight + 10;
    this.window ??= roomBelow(root);
    const wide = parts.picture.clientWidth || root.clientWidth;
    const least = view.leastHeight(narrow ? root.clientWidth : wide);
    root.style.setProperty("--picture", `${narrow ? Math.max(least, Math.min(0.7 * innerHeight, view.heightFor(root.clientWidth))) : least}px`);
    root.style.height = narrow ? "" : `${Math.max(this.window, least + bars, 520)}px`;
  }

  #sized() {
    const { clientWidth: width } = this.root;
    const narrow = width < 860;
    this.root.classList.toggle("narrow", narrow);
    if (!this.world || !width) return;
    this.#room(narrow);
    const tone = this.world.palette[this.view.dark ? "dark" : "light"];
    this.root.style.setProperty("--map", `linear-gradient(90deg, ${tone.logit})`);
    this.view.resize();
    for (const name of ["real", "base", "refined"]) this.root.style.setProperty(`--${name}`, this.view.tone(name));
    this.measured = true;
    this.dirty = true;
  }
}

/** Particles with the state before the step under way, so that frames can lie between steps. */
class Crowd {
  constructor(table, world, capacity) {
    this.sim = new Sim(table, world, capacity);
    this.latent = table.space === "latent";
    this.before = this.sim.save();
    this.shown = [new Float32Array(2 * capacity), ...(this.latent ? [new Float32Array(2 * capacity)] : [])];
  }

  keep() {
    this.sim.save(this.before);
  }

  back() {
    this.sim.restore(this.before);
  }

  /** Positions of `state` (the simulation, or what was kept) for each panel. */
  panels(state) {
    return this.latent ? [state.points, state.samples] : [state.points];
  }

  /** Positions at the share `t` of the step under way, one array a panel. */
  between(t) {
    const [from, to] = [this.panels(this.before), this.panels(this.sim)];
    return from.map((start, panel) => {
      const [end, out] = [to[panel], this.shown[panel].subarray(0, 2 * this.sim.n)];
      for (let i = 0; i < out.length; i++) out[i] = start[i] + t * (end[i] - start[i]);
      return out;
    });
  }
}

/** What mounts a live simulation of these methods (modules, by name) and weights w_f(d) (functions, by divergence). */
export const liveWith = (declared) =>
  component("live", class extends Live {
    get declared() { return declared; }
  }, "stage live");

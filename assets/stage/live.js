// live.js: the flow while it runs, in the browser alone; needs unpack.js, parts.js, view.js and sim.js.
//
// The default export is a Streamlit component (components v2); an exported page calls `mountLive`.
// Everything a person sets acts at once: settings are read at every step, and the step that is being
// shown is taken anew when one changes. The root element tells its state in data attributes (fps,
// step, playing, quality, logit, responseMs: from a setting's change to the first frame that shows it).

const LIVE = (globalThis.__dgflowLive ??= {});
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
const TITLES = { map: "Logit map", arrows: "Drift", real: "Real", base: "Base", refined: "Refined", paths: "Trails" };
const WORDS = {
  eta: "step size", gamma: "noise factor", steps: "steps", divergence: "divergence", optimizer: "optimiser",
  lipschitz: "Lipschitz constant", noise_scale: "noise scale",
};
const WEIGHT_TEXT = {
  KL: "", JS: "σ(d)", logD: "σ(−d)", Jeffreys: "(1 + eᵈ)", reverseKL: "eᵈ", Pearson: "2e⁻ᵈ", Hellinger: "½e^(d/2)",
};
const SIGNS = {
  restart: "M4 4v6h6M20 12a8 8 0 1 1-2.3-5.7L20 8.5", play: "M7 4l13 8-13 8z", pause: "M8 5v14M16 5v14",
  step: "M16 5v14M6 5l8 7-8 7z", full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  clear: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
};

const button = (name, label, act) => iconButton(name, SIGNS[name], label, act);

class Live {
  constructor(root, mount) {
    Object.assign(this, { root, mount, playing: false, slow: false, clock: 0, step: 0, rest: 0, times: [] });
    this.#frame();
    this.view = new View(this.parts.picture);
    this.view.setLayer("paths", true);
    this.view.setLayer("base", false);
    this.view.overlay = (c, box, panel) => this.#overlay(c, box, panel);
    this.#pointing();
    this.observer = new ResizeObserver(() => this.#sized());
    this.observer.observe(root);
    this.loop = (now) => {
      if (this.gone) return;
      this.#tick(now);
      requestAnimationFrame(this.loop);
    };
    requestAnimationFrame(this.loop);
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.linking);
    this.observer.disconnect();
    this.view.destroy();
    this.root.replaceChildren();
    if (LIVE[this.mount.key] === this) delete LIVE[this.mount.key];
  }

  // ---- the model --------------------------------------------------------------------------

  /** Show `world` (unpacked); settings that a person chose stay where they still make sense. */
  load(world) {
    const first = !this.world;
    this.world = world;
    this.tables = Object.fromEntries(Object.entries(world.spaces).map(([name, space]) => [name, makeTable(space)]));
    this.settings ??= {};
    for (const [name, method] of Object.entries(world.methods)) {
      const own = Object.fromEntries(Object.entries(method.settings).map(([key, row]) => [key, row.default]));
      this.settings[name] = { ...own, ...this.settings[name] };
    }
    this.choice ??= { method: "dgflow", space: "data", n: 5000, seed: 0, raw: false, speed: 24, after: "again" };
    if (first) this.#apply({ ...world.defaults, ...this.mount.initial });
    if (!world.methods[this.choice.method]) this.choice.method = Object.keys(world.methods)[0];
    this.root.style.setProperty("--base", world.palette.base);
    this.root.style.setProperty("--refined", world.palette.refined);
    this.#chips();
    this.#choose();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (first && !still) this.play(true);
  }

  /** Take settings by the names that links use. */
  #apply(values) {
    for (const [name, value] of Object.entries(values)) {
      if (name in this.choice) this.choice[name] = value;
    }
    const own = this.settings[this.choice.method];
    for (const [name, value] of Object.entries(values)) if (own && name in own) own[name] = value;
  }

  get method() { return this.world.methods[this.choice.method]; }
  get current() { return this.settings[this.choice.method]; }
  get steps() { return this.current.steps; }
  get physics() {
    const lipschitz = Object.fromEntries(Object.entries(this.world.spaces).map(([name, space]) => [name, space.lipschitz]));
    return { offset: this.choice.raw ? 0 : this.world.offset, prior: this.world.prior, lipschitz };
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
    const { space, method } = this.choice;
    const [table, physics] = [this.tables[space], this.physics];
    const [x0, x1, y0, y1] = this.world.spaces[space].extent;
    const origins = new Float32Array(2 * ARROWS_SIDE ** 2);
    const vectors = new Float32Array(origins.length);
    const found = new Float64Array(table.count);
    let longest = 0;
    for (let k = 0; k < ARROWS_SIDE ** 2; k++) {
      const x = x0 + (((k % ARROWS_SIDE) + 0.5) / ARROWS_SIDE) * (x1 - x0);
      const y = y0 + ((Math.floor(k / ARROWS_SIDE) + 0.5) / ARROWS_SIDE) * (y1 - y0);
      const [u, v] = driftAt(table, physics, method, this.current, x, y, found);
      origins.set([x, y], 2 * k);
      vectors.set([u, v], 2 * k);
      longest = Math.max(longest, Math.hypot(u, v));
    }
    const label = { dgflow: "drift −∇f′(ρ/μ)", dot: "∇d / K", ddls: "½ ∇[log p + d]" }[method];
    this.panels[0].arrows = { origins, vectors, longest, label };
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
    const act = STEPS[this.choice.method];
    if (!this.ended) act(this.main.sim, this.current, this.random);
    act(this.drops.sim, this.current, this.random);
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
    const { modes, std } = this.world;
    const physics = this.physics;
    const quality = modes
      ? highQuality(before.samples, before.n, modes, std)
      : 100 * mean(before.logits, before.n, (d) => 1 / (1 + Math.exp(-d)));
    const logit = mean(before.logits, before.n);
    const found = new Float64Array(this.tables[this.choice.space].count);
    let pace = 0;
    const sampled = Math.min(before.n, 300);
    for (let i = 0; i < sampled; i++) {
      const drift = driftAt(this.tables[this.choice.space], physics, this.choice.method, this.current,
        before.points[2 * i], before.points[2 * i + 1], found);
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
    const past = this.times.at(-1) ?? now;
    this.times.push(now);
    if (this.times.length > 61) this.times.shift();
    const { dataset } = this.root;
    if (this.times.length > 10 && this.times.length % 10 === 1) {
      dataset.fps = ((1000 * (this.times.length - 1)) / (now - this.times[0])).toFixed(1);
      const paper = getComputedStyle(this.root).backgroundColor; // no event tells of a change of theme
      if (paper !== this.paper) this.#sized();
      this.paper = paper;
    }
    if (this.playing) this.#run(Math.min(now - past, 100) / 1000); // a tab that slept must not leap
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
    const label = on ? "Pause" : "Play";
    this.parts.play.replaceChildren(icon(SIGNS[on ? "pause" : "play"]));
    this.parts.play.className = `icon play ${on ? "pause" : ""}`;
    this.parts.play.title = `${label} (space)`;
    this.parts.play.setAttribute("aria-label", label);
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
    const noise = this.#noise();
    parts.pace.textContent = `mean move a step: drift ${number(now.pace, 2)}, noise ${number(noise, 2)} ${
      this.choice.space === "latent" ? "(prior's units)" : "(data units)"}`;
    this.#chart(world);
  }

  #noise() {
    const { eta, gamma = 0, noise_scale: scale = 0 } = this.current;
    return this.choice.method === "ddls" ? scale * Math.sqrt(eta) : Math.sqrt(2 * eta * gamma);
  }

  /** Two strips over the steps: quality and mean logit. */
  #chart() {
    const { canvas } = this.parts;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width || !height || !this.view.theme) return;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    }
    const { theme } = this.view;
    const c = canvas.getContext("2d");
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    const endless = this.choice.after === "endless";
    const across = endless ? HISTORY - 1 : Math.max(1, this.steps);
    const [left, right, foot] = [36, width - 4, 16];
    const x = (i) => left + (i / across) * (right - left);
    c.font = `11px ${theme.font}`;
    c.lineJoin = "round";
    ["quality", "logit"].forEach((name, row) => {
      const values = this.history.map((one) => one[name]);
      const [y0, h] = [row * ((height - foot) / 2) + 7, (height - foot) / 2 - 14];
      let [low, high] = name === "quality" ? [0, 100] : [Math.min(...values), Math.max(...values)];
      if (name === "logit") [low, high] = [Math.min(low, -1), Math.max(high, 1)];
      const y = (value) => y0 + h * (1 - (value - low) / (high - low));
      c.fillStyle = theme.panel;
      c.fillRect(left, y0, right - left, h);
      c.strokeStyle = theme.grid;
      c.lineWidth = 1;
      c.fillStyle = theme.quiet;
      c.textAlign = "right";
      c.textBaseline = "middle";
      for (const value of name === "quality" ? [0, 100] : ticks(low, high, 2)) {
        c.beginPath();
        c.moveTo(left, y(value));
        c.lineTo(right, y(value));
        c.stroke();
        c.fillText(number(value, 2) + (name === "quality" ? " %" : ""), left - 4, y(value));
      }
      c.strokeStyle = row ? theme.ink : `rgb(${theme.refined})`;
      c.lineWidth = 2;
      c.beginPath();
      values.forEach((value, i) => c.lineTo(x(i), y(value)));
      c.stroke();
      if (values.length) disc(c, x(values.length - 1), y(values.at(-1)), 3, c.strokeStyle, theme.paper);
    });
    c.fillStyle = theme.quiet;
    c.textBaseline = "bottom";
    c.textAlign = "left";
    c.fillText(endless ? `last ${HISTORY} steps` : "0", left, height);
    c.textAlign = "right";
    c.fillText(endless ? "now" : `${this.steps} steps`, right, height);
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
    STEPS[this.choice.method](sim, this.current, this.random);
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
    parts.count = element("output", { className: "count" });
    parts.picture = element("div", { className: "picture" });
    parts.play = button("play", "Play", () => this.play(!this.playing));
    parts.slow = element("button", { type: "button", className: "chip", textContent: "Slow motion", "aria-pressed": "false",
      title: "Slow motion: an eighth of the speed (S)", onclick: () => this.#slower() });
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
    parts.canvas = element("canvas", { className: "history", role: "img", "aria-label": "Quality and mean logit against the step" });
    parts.pace = element("div", { className: "pace" });
    parts.exact = element("a", { className: "exact", textContent: "Run these settings exactly →",
      title: "Open the 2D page with these settings; every step runs the networks themselves" });
    this.root.replaceChildren(
      element("div", { className: "head" }, parts.layers, element("span", { className: "space" }), parts.count,
        button("full", "Full screen", () => (document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen?.()))),
      parts.picture,
      element("div", { className: "transport" },
        button("restart", "Start again (R)", () => { this.round = 0; this.restart(); }), parts.play,
        button("step", "One step (→)", () => this.single()), parts.slow, parts.speed,
        element("label", { className: "after", title: "What happens after N steps" }, "then", parts.after),
        button("clear", "Remove dropped particles", () => this.#clear())),
      element("div", { className: "side-panel" },
        element("div", { className: "row" }, parts.method, parts.space), parts.rule, parts.lesson, parts.settings,
        element("div", { className: "readout" },
          element("div", { title: "Share of particles within 4σ of a mode; where a data set has no modes, the critic's mean P(real) = σ(d)" },
            parts.qualityName, parts.quality),
          element("div", { title: "Mean of d over the particles, in nats: above 0 the critic takes them for real" },
            element("span", { textContent: "mean logit" }), parts.logit)),
        parts.canvas, parts.pace, parts.exact),
    );
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Live simulation of the flow");
    this.root.onkeydown = (event) => this.#key(event);
  }

  #chips() {
    const has = { real: this.world.real };
    this.parts.layers.replaceChildren(...LAYERS.filter((name) => has[name] !== null && has[name] !== false).map((name) => {
      const swatch = element("i", { className: `swatch ${name}` });
      if (this.world.palette[name]) swatch.style.color = this.world.palette[name];
      const chip = element("button", { type: "button", className: "chip", title: `Show or hide: ${TITLES[name]}`,
        "aria-pressed": this.view.layers[name] }, swatch, TITLES[name]);
      chip.dataset.layer = name;
      chip.onclick = () => {
        this.view.setLayer(name, !this.view.layers[name]);
        chip.setAttribute("aria-pressed", this.view.layers[name]);
        if (name === "map") this.view.layout();
        if (name === "paths") this.view.clearTrails();
        this.dirty = true;
      };
      return chip;
    }));
    this.parts.qualityName.textContent = this.world.modes ? "high quality" : "P(real), mean";
    const map = `linear-gradient(90deg, ${this.world.palette.light.logit})`;
    this.root.style.setProperty("--map", map);
  }

  #segments(host, options, value, pick) {
    host.replaceChildren(...options.map(([key, text, title, off]) => {
      const one = element("button", { type: "button", role: "radio", textContent: text, title: title ?? text, disabled: !!off,
        "aria-checked": key === value, onclick: () => pick(key) });
      one.dataset.value = key;
      return one;
    }));
  }

  #controls() {
    const { parts, world, choice, current } = this;
    this.#segments(parts.method, Object.entries(world.methods).map(([name, row]) => [name, row.title, `${row.about} ${row.paper}.`]),
      choice.method, (name) => { choice.method = name; this.#choose(); this.#link(); });
    this.#segments(parts.space, Object.keys(world.spaces).map((name) => [name, name === "data" ? "Data" : "Latent",
      name === "data" ? "Move the samples x with d(x)" : "Move the codes z with d(g(z))", !this.method.spaces.includes(name)]),
    choice.space, (name) => { choice.space = name; this.#choose(); this.#link(); });
    const rows = Object.entries(this.method.settings).map(([name, row]) => {
      const changed = (value) => { current[name] = value; this.#set(name); };
      const label = `${row.symbol} · ${WORDS[name] ?? name}`;
      if (row.options) return this.#select(name, label, row, current[name], changed);
      if (row.optional) return this.#optional(name, label, row, current[name], changed);
      return this.#slider({ name, label, help: row.help, range: row.slider, log: row.log, step: row.step, value: current[name] }, changed);
    });
    rows.push(this.#slider({ name: "n", label: "n · particles", help: "How many particles to show.", range: [100, 10000], step: 100,
      value: choice.n }, (value) => { choice.n = value; this.restart(); this.#link(); }));
    const raw = element("input", { type: "checkbox", checked: choice.raw,
      onchange: () => { choice.raw = raw.checked; this.panels.forEach((panel, i) => { panel.map = this.#map(i ? "data" : choice.space); }); this.#set("raw"); } });
    raw.dataset.setting = "raw";
    rows.push(element("label", { className: "check", title: "A WGAN critic is only fixed up to a constant. Calibrated, exp(−d) integrates to 1 over generated samples; raw, it does not, and every f but KL notices." },
      raw, " raw critic offset"));
    parts.settings.replaceChildren(...rows);
    parts.speed.replaceChildren(this.#slider({ name: "speed", label: "speed", help: "Steps a second", range: [0, SPEEDS.length - 1], step: 1,
      value: Math.max(0, SPEEDS.findLastIndex((speed) => speed <= choice.speed)), text: (i) => `${SPEEDS[i]} steps/s` },
    (i) => { choice.speed = SPEEDS[i]; this.#link(); }));
    parts.after.value = choice.after;
    this.#rule();
    this.#link();
  }

  #select(name, label, row, value, changed) {
    const title = (key) => (name === "divergence" ? this.world.divergences[key].title : { adam: "Adam", sgd: "SGD" }[key] ?? key);
    const known = row.options.filter((key) => name !== "divergence" || WEIGHTS[key]);
    const select = element("select", { title: row.help, "aria-label": label, onchange: () => changed(select.value) },
      ...known.map((key) => element("option", { value: key, textContent: title(key), selected: key === value })));
    select.dataset.setting = name;
    return element("label", { className: "choice", title: row.help }, element("span", { textContent: label }), select);
  }

  #optional(name, label, row, value, changed) {
    const estimate = this.world.spaces[this.choice.space].lipschitz;
    const box = element("input", { type: "checkbox", checked: value !== null });
    const slider = this.#slider({ name, label, help: row.help, range: row.slider, log: row.log, value: value ?? estimate }, changed);
    const input = slider.querySelector("input");
    input.disabled = value === null;
    box.onchange = () => {
      input.disabled = !box.checked;
      changed(box.checked ? Number(slider.dataset.value) : null);
    };
    return element("div", { className: "optional" }, slider,
      element("label", { className: "check", title: row.help }, box, ` set K by hand (estimated: ${number(estimate, 3)})`));
  }

  #slider({ name, label, help, range: [low, high], log, step, value, text }, changed) {
    const [from, to] = [Math.min(low, value), Math.max(high, value)]; // a link may hold more than the slider offers
    const at = (v) => (log ? Math.log(v / from) / Math.log(to / from) : (v - from) / (to - from));
    const show = text ?? ((v) => number(v, 3));
    const output = element("output", { textContent: show(value) });
    const input = element("input", { type: "range", min: 0, max: 1, step: "any", value: at(value), title: help,
      "aria-label": `${label}. ${help}`, "aria-valuetext": show(value) });
    const row = element("label", { className: "slider", title: help }, element("span", { textContent: label }), input, output);
    input.dataset.setting = name;
    row.dataset.value = value;
    const fill = () => input.style.setProperty("--done", `${100 * input.value}%`);
    input.oninput = () => {
      const raw = log ? from * (to / from) ** input.value : from + input.value * (to - from);
      const rounded = log ? Number(raw.toPrecision(2)) : step ? Math.round(raw / step) * step : raw;
      const next = clamp(Number(rounded.toPrecision(6)), from, to);
      if (step && !log) input.value = at(next);
      output.textContent = show(next);
      input.setAttribute("aria-valuetext", show(next));
      row.dataset.value = next;
      fill();
      changed(next);
    };
    fill();
    return row;
  }

  /** A setting has a new value: it acts within this frame. */
  #set(name) {
    this.#retake();
    if (["divergence", "lipschitz", "raw"].includes(name)) this.#arrows();
    if (name === "raw") this.#show();
    this.#rule();
    this.measured = true;
    this.#link();
  }

  /** The update rule with the current numbers in it. */
  #rule() {
    const { method, space } = this.choice;
    const { eta, divergence, lipschitz, optimizer } = this.current;
    const [x, d] = space === "latent" ? ["z", "d(g(z))"] : ["x", "d(x)"];
    const noise = this.#noise();
    const value = (v) => element("b", { textContent: number(v, 3) });
    const name = (text) => element("i", { textContent: text });
    const parts = [name(x), " ← ", name(x)];
    if (method === "dgflow") {
      const weight = WEIGHT_TEXT[divergence];
      parts.push(" + ", value(eta), " ", ...(weight ? [element("em", { textContent: weight }), " "] : []), "∇", name(d));
    } else if (method === "ddls") {
      parts.push(" + ½·", value(eta), " ∇[log ", name("p(z)"), " + ", name(d), "]");
    } else {
      const K = lipschitz ?? this.world.spaces[space].lipschitz;
      parts.push(` − ${optimizer === "adam" ? "Adam" : "SGD"}`, element("sub", {}, value(eta)), " ∇[‖", name(x), " − ", name("y"), "‖ − ",
        name(d), " / ", value(K), "]");
    }
    if (method !== "dot" && noise > 0) parts.push(" + ", value(noise), " ", name("ξ"));
    this.parts.rule.replaceChildren(...parts);
    this.parts.lesson.textContent = method === "dgflow" ? this.world.divergences[divergence].lesson : this.method.about;
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

  #key(event) {
    const within = event.target.tagName;
    if (within === "SELECT" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (within === "INPUT" && event.key.startsWith("Arrow")) return;
    const acts = {
      " ": () => this.play(!this.playing), ArrowRight: () => this.single(), r: () => this.restart(), s: () => this.#slower(),
    };
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || (event.key === " " && within === "BUTTON")) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  }

  /** What a link has to say: everything that differs from the defaults. */
  link() {
    const values = {};
    const { choice, current, method } = this;
    const standard = { method: "dgflow", space: "data", n: 5000, seed: 0, raw: false, speed: 24, after: "again" };
    if (method.spaces.length === 1) standard.space = method.spaces[0];
    for (const [name, value] of Object.entries(choice)) if (value !== standard[name]) values[name] = value;
    for (const [name, row] of Object.entries(method.settings)) if (current[name] !== row.default) values[name] = current[name];
    return Object.fromEntries(Object.entries(values).map(([name, value]) =>
      [name, value === true ? "1" : value === false ? "0" : value === null ? "none" : String(value)]));
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
      const kept = new URLSearchParams(location.search);
      const query = new URLSearchParams(kept.has("model") ? { model: kept.get("model") } : {});
      for (const [name, value] of Object.entries(values)) query.set(name, value);
      const text = query.toString();
      history.replaceState(history.state, "", location.pathname + (text ? `?${text}` : "") + location.hash);
    }, 300);
  }

  #sized() {
    const { clientWidth: width } = this.root;
    this.root.classList.toggle("narrow", width < 860);
    if (!this.world) return;
    const tone = this.world.palette[this.view.dark ? "dark" : "light"];
    this.root.style.setProperty("--map", `linear-gradient(90deg, ${tone.logit})`);
    this.view.resize();
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

/** Mount a live simulation in `parent`, or hand new bytes to the one that is there. */
function mountLive(parent, packed, mount = {}) {
  const settled = { key: "live", initial: {}, exact: null, address: false, ...mount };
  let root = parent.querySelector(".stage");
  if (!root) root = parent.appendChild(element("div", { className: "stage live" }));
  root.classList.add("live");
  let live = LIVE[settled.key];
  if (live?.root !== root) {
    live?.destroy();
    live = LIVE[settled.key] = new Live(root, settled);
  }
  live.mount = settled;
  if (live.packed !== settled.digest || !settled.digest) {
    live.packed = settled.digest;
    live.load(unpack(packed));
  }
  return live;
}

export default function live({ data, parentElement }) {
  const { mount, packed } = openEnvelope(data);
  const running = mountLive(parentElement, packed, mount);
  return () => running.destroy();
}

// player.js: plays a recorded scene: picture, curves, transport.
//
// `globalThis.__dgflow.player[key]` is the player mounted under `key`, and its root element tells its state
// in data attributes: step, steps, playing, fps, runKey, receivedAt and drawnAt (performance.now() of a
// run's arrival and first draw).
import { onAppearance, prefersStill } from "../kit/colour.js";
import { mark } from "../kit/canvas.js";
import { Chart } from "../kit/chart.js";
import { announcer, chip, download, element } from "../kit/dom.js";
import { fullScreen, fullScreenButton, iconButton } from "../kit/icons.js";
import { KEYS, helper, onKeys } from "../kit/keys.js";
import { LAYERS, LAYER_NAMES, layerChips, showLayers } from "../kit/layers.js";
import { component, remembered } from "../kit/mount.js";
import { clamp, number, slug } from "../kit/numbers.js";
import { ChipRow } from "../kit/overflow.js";
import { Playback } from "../kit/playback.js";
import { roomBelow } from "../kit/room.js";
import { say } from "../kit/say.js";
import { followTold } from "../kit/told.js";
import { Transport } from "../kit/transport.js";
import { dequantise } from "../kit/unpack.js";
import { View } from "../kit/view.js";
import { happened } from "./words.js";

const TRAILS = 150;
const SLIM = 560; // pixels: below it the curves' chips have a row of their own

export class Player {
  constructor(root, key) {
    Object.assign(this, { root, key, marked: null, pinned: false });
    this.memory = remembered("player", key, { layers: {}, curves: null, speed: 1, loop: false, share: null, cut: null, playing: false });
    this.playback = new Playback({
      smooth: true, onDraw: () => this.#moved(), onChoice: () => this.#remember(),
      onFps: (fps) => { root.dataset.fps = fps.toFixed(1); },
    });
    this.untold = followTold(this.playback);
    this.#build();
    this.view = new View(this.parts.picture, {
      onHover: (hit) => this.#hover(hit),
      onPick: (hit) => this.#pick(hit),
      onLayout: () => this.refresh(),
    });
    this.chart = new Chart(this.parts.chart, { onScrub: (step, settled) => this.playback.go(step, settled) });
    this.unwatch = onAppearance(root, () => this.arrange());
    addEventListener("resize", this.onWindow = () => { this.window = null; this.arrange(); });
  }

  destroy() {
    const { share, speed, loop, playing } = this.playback;
    Object.assign(this.memory, { share, speed, loop, playing });
    this.playback.end();
    this.untold();
    clearTimeout(this.linking);
    this.unwatch();
    removeEventListener("resize", this.onWindow);
    for (const row of Object.values(this.rows)) row.destroy();
    this.view.destroy();
    this.chart.destroy();
  }

  replay() {
    this.playback.replay(prefersStill());
  }

  /** The step that is shown, between two recorded ones while it moves. */
  get at() {
    return this.playback.at;
  }

  // ---- the scene --------------------------------------------------------------------------

  /** Show `scene` (unpacked) in place of what is shown; keeps the place, the choices and the motion. */
  load(scene, mount = {}, receivedAt = performance.now()) {
    const { playback, memory } = this;
    this.given = mount.height;
    if (mount.linked && !memory.linked) this.#follow(mount.linked, scene);
    Object.assign(playback, { speed: memory.speed, loop: memory.loop });
    const share = this.scene?.steps ? playback.share : memory.share;
    this.scene = scene;
    this.panels = scene.panels.map((panel) => this.#panel(panel));
    this.trailIds = trailIds(Math.max(...scene.panels.map((panel) => panel.n), 0));
    this.trailsAt = -1;
    if (!this.panels.some((panel) => this.marked < panel.n)) Object.assign(this, { marked: null, pinned: false });
    this.paths = this.marked === null ? null : this.panels.map((panel) => this.#path(panel, this.marked));
    for (const name of LAYERS) this.view.setLayer(name, memory.layers[name] ?? scene.layers.includes(name));
    this.#chips();
    this.view.show(this.panels, scene.palette);
    this.view.canvas.setAttribute("aria-label", happened(scene));
    const fresh = (share ?? memory.share) === null;
    playback.rate = scene.fps;
    this.transport.names = scene.names ?? [];
    playback.load(scene.steps, fresh ? (prefersStill() ? scene.steps : 0) : (share ?? memory.share) * scene.steps);
    this.arrange();
    if (memory.playing || (fresh && !prefersStill())) playback.play();
    memory.playing = false; // what the component before this one did
    const { dataset } = this.root;
    dataset.steps = scene.steps;
    if (dataset.runKey !== scene.key) {
      Object.assign(dataset, { runKey: scene.key, receivedAt, drawnAt: performance.now() });
    }
  }

  #panel(panel) {
    const [x0, x1, y0, y1] = panel.extent;
    const shown = { ...panel, xRange: [x0, x1], yRange: [y0, y1], frames: panel.x ? panel.x.shape[0] : 0 };
    if (panel.map) {
      const { values, range } = panel.map;
      const [h, w] = values.shape.slice(-2);
      const frames = values.shape.length === 3 ? values.shape[0] : 1;
      shown.map = { ...panel.map, shape: [h, w], frames, codes: values, at: -1, values: new Float32Array(h * w) };
      readMap(shown.map, 0, range);
    }
    if (panel.arrows?.vectors.shape.length === 3) {
      const { vectors } = panel.arrows;
      shown.arrows = { ...panel.arrows, frames: vectors.shape[0], all: vectors };
      turn(shown.arrows, 0);
    }
    shown.cache = [];
    if (shown.frames) shown.base = this.#positions(shown, 0, new Float32Array(2 * panel.n));
    return shown;
  }

  /** Positions of `panel` at whole `step`, in data units; a shorter run rests at its last frame. */
  #positions(panel, step, out) {
    const from = Math.min(step, panel.frames - 1) * panel.n;
    const xs = dequantise(panel.x.subarray(from, from + panel.n), panel.xRange);
    const ys = dequantise(panel.y.subarray(from, from + panel.n), panel.yRange);
    for (let i = 0; i < panel.n; i++) {
      out[2 * i] = xs[i];
      out[2 * i + 1] = ys[i];
    }
    return out;
  }

  #frame(panel, step) {
    const slot = step & 1; // the two frames a moving particle lies between
    const kept = panel.cache[slot];
    if (kept?.step === step) return kept.points;
    const points = this.#positions(panel, step, kept?.points ?? new Float32Array(2 * panel.n));
    panel.cache[slot] = { step, points };
    return points;
  }

  /** Points at a fractional step, between the two recorded ones. */
  #points(panel) {
    if (!panel.frames) return null;
    const low = Math.floor(this.at);
    const from = this.#frame(panel, low);
    const t = this.at - low;
    if (!t || low + 1 > this.scene.steps) return from;
    const to = this.#frame(panel, low + 1);
    panel.between ??= new Float32Array(2 * panel.n);
    for (let i = 0; i < from.length; i++) {
      const moved = from[i] + (to[i] - from[i]) * t;
      panel.between[i] = Number.isFinite(moved) ? moved : from[i];
    }
    return panel.between;
  }

  #path(panel, index) {
    if (!panel.frames || index >= panel.n) return null;
    const path = new Float32Array(2 * panel.frames);
    const [x, y] = [new Uint16Array(panel.frames), new Uint16Array(panel.frames)];
    for (let k = 0; k < panel.frames; k++) {
      x[k] = panel.x[k * panel.n + index];
      y[k] = panel.y[k * panel.n + index];
    }
    const [xs, ys] = [dequantise(x, panel.xRange), dequantise(y, panel.yRange)];
    xs.forEach((value, k) => {
      path[2 * k] = clamp(value, ...panel.xRange);
      path[2 * k + 1] = clamp(ys[k], ...panel.yRange);
    });
    return path;
  }

  #logit(panel, index, step) {
    if (!panel.logits || index >= panel.n) return NaN;
    const at = Math.min(step, panel.frames - 1) * panel.n + index;
    return dequantise(panel.logits.subarray(at, at + 1), panel.logit_range)[0];
  }

  // ---- drawing ----------------------------------------------------------------------------

  draw() {
    if (!this.scene) return;
    const step = Math.round(this.at);
    this.panels.forEach(({ map, arrows }, i) => {
      const moves = [map, arrows].filter((one) => one?.frames > 1 && one.at !== step);
      if (!moves.length) return;
      if (moves.includes(map)) readMap(map, step, map.range);
      if (moves.includes(arrows)) turn(arrows, step);
      if (!this.view.stale && this.view.boxes[i]) this.view.drawGround(i);
    });
    if (this.view.layers.paths) this.#trails();
    this.#cut();
    this.view.draw({
      points: this.panels.map((panel) => this.#points(panel)),
      marked: this.marked,
      path: this.paths,
    });
    this.chart.draw(this.at);
    this.#tell();
    this.transport.draw();
    const { dataset } = this.root;
    if (dataset.step !== String(step)) dataset.step = step;
    if (dataset.playing !== String(this.playback.playing)) dataset.playing = this.playback.playing;
  }

  #moved() {
    if (this.moving && !this.playback.playing) {
      this.#remember();
      if (this.at >= this.scene.steps) this.announced.say(happened(this.scene));
    }
    this.moving = this.playback.playing;
    this.draw();
  }

  #remember() {
    const { share, speed, loop } = this.playback;
    Object.assign(this.memory, { share, speed, loop });
    this.#link();
  }

  /** What a link said of this player: { step, layers, curves, speed }. */
  #follow({ step, layers, curves, speed }, scene) {
    const { memory } = this;
    memory.linked = true;
    if (step !== null) memory.share = scene.steps ? Math.min(step / scene.steps, 1) : 1;
    if (layers) memory.layers = Object.fromEntries(LAYERS.map((name) => [name, layers.split(",").includes(name)]));
    if (curves) memory.curves = curves.split(",");
    memory.speed = Number(speed);
  }

  /** Say in the address what a link should: where the player is, and what a person chose of it. */
  #link() {
    const { memory, playback, view, scene } = this;
    if (!memory.linked) return;
    clearTimeout(this.linking);
    this.linking = setTimeout(() => {
      const step = Math.round(playback.at);
      const said = {
        step: playback.playing || step === scene.steps ? null : step,
        layers: Object.keys(memory.layers).length ? LAYERS.filter((name) => view.layers[name]).join(",") : null,
        curves: memory.curves?.join(",") || null,
        speed: playback.speed === 1 ? null : playback.speed,
      };
      const query = new URLSearchParams(location.search);
      for (const [name, value] of Object.entries(said)) value === null ? query.delete(name) : query.set(name, value);
      const text = query.toString();
      history.replaceState(history.state, "", location.pathname + (text ? `?${text}` : "") + location.hash);
    }, 300);
  }

  #trails() {
    const upTo = Math.floor(this.at);
    if (upTo < this.trailsAt || this.trailsAt < 0) {
      this.view.clearTrails();
      this.trailsAt = 0;
    }
    for (; this.trailsAt < upTo; this.trailsAt++) {
      const ends = [this.trailsAt, this.trailsAt + 1].map((step) =>
        this.panels.map((panel) => (panel.frames ? this.#frame(panel, step) : null)));
      this.view.extendTrails(...ends, this.trailIds, (this.trailsAt + 1) / this.scene.steps);
    }
  }

  /**
   * Share the room that the window leaves: the picture first, and what it needs even where the page must scroll;
   * curves beside one panel where there is width for them, else below.
   */
  arrange() {
    if (!this.scene || !this.root.clientWidth) return;
    const { root, view, parts } = this;
    const { clientWidth: width } = root;
    const full = root.matches(":fullscreen");
    const fixed = full ? root.clientHeight - 24 : this.given;
    const room = fixed ?? (this.window ??= roomBelow(root));
    const head = parts.head.offsetHeight + 4;
    const { curves } = this.scene;
    const slim = width < SLIM;
    const foot = parts.transport.offsetHeight * (slim && curves.length > 1 ? 2 : 1) + 28; // with the scrub bar
    const named = this.memory.curves ?? curves.map((curve) => curve.name);
    const single = this.panels.length === 1 && curves.some((curve) => named.includes(curve.name));
    const least = view.leastHeight(width);
    const high = fixed ? fixed - head : Math.max(room - head, least);
    const picture = Math.min(view.widthFor(high), Math.max(Math.round(0.64 * width), view.widthFor(least)));
    const beside = single && width - picture > 300 && width > 1.2 * room;
    const spare = room - head - foot - view.heightFor(width);
    const wanted = this.memory.curves ?? named.slice(0, beside ? 3 : spare > 190 ? 2 : 1);
    this.shown = curves.filter((curve) => wanted.includes(curve.name));
    const strips = this.shown.length ? 46 + 50 * this.shown.length : 0;
    const chart = this.shown.length ? clamp(spare, strips, Math.max(strips, this.panels.length > 1 ? 440 : 260)) : 0;
    const below = head + foot + chart + 8;
    const fits = this.panels.length === 1 ? Math.max(least, view.heightFor(width)) : Infinity; // no higher: a phone would show blank
    const total = fixed ?? (beside ? head + Math.max(room - head, least) : below + Math.min(Math.max(room - below, least), fits));
    root.classList.toggle("side", beside);
    root.classList.toggle("nocurve", !this.shown.length);
    root.classList.toggle("onecurve", curves.length < 2);
    root.classList.toggle("slim", slim);
    root.classList.toggle("short", !beside && total > room);
    if (!full) root.style.height = `${total}px`;
    root.style.gridTemplateColumns = beside ? `${picture}px minmax(0, 1fr)` : "";
    root.style.setProperty("--chart", `${chart}px`);
    for (const chip of this.rows.metrics.chips) {
      chip.setAttribute("aria-pressed", wanted.includes(chip.dataset.curve));
    }
    this.refresh();
  }

  /** Size and theme anew, then draw. */
  refresh() {
    const { root, view, scene, panels, shown } = this;
    const compared = scene.curves.some((curve) => curve.series.filter(Boolean).length > 1);
    panels.forEach((panel, i) => {
      panel.colour = compared ? scene.palette.series[i % scene.palette.series.length] : null;
    });
    view.resize();
    this.trailsAt = -1;
    for (const name of ["real", "base", "refined"]) root.style.setProperty(`--${name}`, view.tone(name));
    const map = panels.find((panel) => panel.map)?.map;
    if (map) root.style.setProperty("--map", `linear-gradient(90deg, ${view.stops(map.kind)})`);
    const colours = panels.map((panel) => panel.colour ?? view.tone("refined"));
    const theme = { ...view.theme, real: view.tone("real") };
    this.chart.show({ curves: shown, steps: scene.steps, colours, theme, type: view.type });
    root.style.setProperty("--plot-left", `${shown.length ? this.chart.left : 8}px`);
    this.draw();
  }

  // ---- pointing ---------------------------------------------------------------------------

  #hover(hit) {
    this.view.canvas.style.cursor = hit?.index != null ? "pointer" : "default";
    if (this.pinned) return;
    if (hit?.index == null) this.#unmark();
    else this.#mark(hit.index, hit.panel);
  }

  #pick(hit) {
    this.pinned = hit?.index != null && !(this.pinned && hit.index === this.marked);
    if (this.pinned) this.#mark(hit.index, hit.panel);
    else this.#unmark();
  }

  #mark(index, panel) {
    Object.assign(this, { marked: index, markedIn: panel });
    this.paths = this.panels.map((one) => this.#path(one, index));
    this.draw();
  }

  #unmark() {
    if (this.marked === null) return;
    Object.assign(this, { marked: null, paths: null, pinned: false });
    this.draw();
  }

  #tell() {
    const { tip } = this.parts;
    const panel = this.panels[this.markedIn];
    const points = this.view.frame.points[this.markedIn];
    tip.hidden = this.marked === null || !points || this.marked >= panel.n;
    if (tip.hidden) return;
    const box = this.view.boxes[this.markedIn];
    const [x, y] = [points[2 * this.marked], points[2 * this.marked + 1]];
    const logits = [0, Math.round(this.at)].map((step) => number(Math.round(100 * this.#logit(panel, this.marked, step)) / 100));
    const rows = [say(this.pinned ? "particle {number} · pinned" : "particle {number}", { number: this.marked }), `(${number(x)}, ${number(y)})`];
    if (panel.logits) rows.push(say("d = {now}, at the start {first}", { now: logits[1], first: logits[0] }));
    tip.replaceChildren(...rows.map((text) => element("div", { textContent: text })));
    tip.hidden = false;
    const left = clamp(box.pixelX(x) + 16, 0, this.view.width - tip.offsetWidth);
    const top = clamp(box.pixelY(y) - tip.offsetHeight - 12, 0, this.view.height - tip.offsetHeight);
    tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  // ---- controls ---------------------------------------------------------------------------

  #build() {
    const parts = (this.parts = {});
    const transport = (this.transport = new Transport(this.playback));
    parts.layers = element("div", { className: "chips", role: "group", "aria-label": "Layers" });
    parts.picture = element("div", { className: "picture" });
    parts.tip = parts.picture.appendChild(element("div", { className: "tip", hidden: true, role: "status" }));
    parts.chart = element("div", { className: "chart" });
    parts.metrics = element("div", { className: "chips metrics", role: "group", "aria-label": "Curves" });
    this.rows = { layers: new ChipRow(parts.layers), metrics: new ChipRow(parts.metrics) };
    parts.head = element("div", { className: "head" }, parts.layers, transport.count,
      (parts.cut = iconButton("cut", "Before and after, with a divider (D)", () => this.divide())),
      iconButton("save", "Save picture", () => this.save()), fullScreenButton(this.root));
    parts.divider = parts.picture.appendChild(element("input", { type: "range", className: "divider", min: 0, max: 1, step: 0.01, hidden: true,
      title: "Left of it: before. Right of it: after. Drag it", "aria-label": "Divider between before and after",
      oninput: () => { this.memory.cut = Number(parts.divider.value); this.draw(); } }));
    parts.transport = element("div", { className: "transport" }, ...transport.buttons, transport.speed);
    this.announced = announcer();
    this.root.replaceChildren(
      this.announced.node, parts.head,
      parts.picture,
      element("div", { className: "deck" }, parts.chart, parts.transport, transport.scrub, parts.metrics),
    );
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", say("Animated picture of the flow"));
    const layer = (k) => () => this.rows.layers.chips[k]?.click();
    const digits = Object.fromEntries(LAYERS.map((_, k) => [String(k + 1), layer(k)]));
    onKeys(this.root, { ...transport.keys(), ...digits, d: () => this.divide(), f: () => fullScreen(this.root), "?": helper(this.root, { ...KEYS, "1 … 6": "layers", D: "before | after" }), Escape: () => this.#unmark() });
  }

  #chips() {
    const { scene } = this;
    const has = {
      map: scene.panels.some((panel) => panel.map), arrows: scene.panels.some((panel) => panel.arrows),
      real: scene.panels.some((panel) => panel.real), base: scene.panels.some((panel) => panel.x),
      refined: scene.panels.some((panel) => panel.x), paths: scene.panels.some((panel) => panel.x) && scene.steps > 0,
    };
    // The chips that are there stay: one of them may hold the focus.
    const offered = JSON.stringify([has, scene.curves.map((curve) => curve.name)]);
    if (offered === this.offered) return;
    this.offered = offered;
    const titles = Object.fromEntries(Object.entries(LAYER_NAMES).filter(([name]) => has[name]));
    this.rows.layers.put(...layerChips(this.view, titles, (name, on) => this.#layered(name, on)));
    this.rows.metrics.put(...scene.curves.map((curve) => {
      const one = chip(curve.name, say("Show or hide the curve: {name}", { name: say(curve.name) }), () => this.#toggleCurve(curve.name));
      one.dataset.curve = curve.name;
      return one;
    }));
  }

  /** Show base samples left of a divider and refined ones right of it; or all of both again. */
  divide(on = this.memory.cut === null) {
    this.memory.cut = on ? 0.5 : null;
    this.view.stale = true;
    this.draw();
  }

  /** Place the divider over the first panel. */
  #cut() {
    const { parts: { divider, cut }, view, memory } = this;
    const [box] = view.boxes;
    divider.hidden = memory.cut === null || !box;
    cut.setAttribute("aria-pressed", !divider.hidden);
    view.cut = memory.cut;
    if (divider.hidden) return;
    divider.value = memory.cut;
    Object.assign(divider.style, { left: `${box.x}px`, top: `${box.y}px`, width: `${box.w}px`, height: `${box.h}px` });
  }

  setLayer(name, on) {
    this.view.setLayer(name, on);
    showLayers(this.rows.layers.chips, this.view);
    if (name === "map") this.view.layout();
    this.#layered(name, on);
  }

  #layered(name, on) {
    this.memory.layers[name] = on;
    this.trailsAt = -1;
    this.draw();
    this.#link();
  }

  #toggleCurve(name) {
    const shown = this.chart.curves.map((curve) => curve.name);
    this.memory.curves = shown.includes(name) ? shown.filter((one) => one !== name) : [...shown, name];
    this.arrange();
    this.#link();
  }

  /** Download what is on screen as PNG: the picture, its legend, and the curves. */
  save() {
    const { view, chart } = this;
    const below = this.root.classList.contains("nocurve") ? 0 : chart.height ?? 0;
    const beside = this.root.classList.contains("side") && below;
    const head = view.type.title * 2.2;
    const canvas = document.createElement("canvas");
    canvas.width = (view.width + (beside ? chart.width : 0)) * view.ratio;
    canvas.height = (head + view.height + (beside ? 0 : below)) * view.ratio;
    const c = canvas.getContext("2d");
    c.scale(view.ratio, view.ratio);
    c.fillStyle = view.theme.paper;
    c.fillRect(0, 0, canvas.width, canvas.height);
    this.#legend(c, head);
    c.drawImage(view.canvas, 0, head, view.width, view.height);
    if (beside) c.drawImage(chart.canvas, view.width, head, chart.width, chart.height);
    else if (below) c.drawImage(chart.canvas, 0, head + view.height, chart.width, chart.height);
    const name = `${this.scene.title || this.key || "dgflow"} step ${Math.round(this.at)}`;
    download(canvas, `${slug(name)}.png`);
  }

  #legend(c, head) {
    const { view, scene } = this;
    c.textBaseline = "middle";
    c.font = `600 ${view.type.title}px ${view.theme.font}`;
    c.fillStyle = view.theme.ink;
    let x = 12;
    const write = (text) => {
      c.fillText(text, x, head / 2);
      x += c.measureText(text).width + 18;
    };
    if (scene.panels[0].title !== scene.title) write(scene.title);
    c.font = `${view.type.axis}px ${view.theme.font}`;
    write(stepName(scene, Math.round(this.at)));
    for (const name of ["real", "base", "refined"]) {
      if (!view.layers[name] || !scene.panels.some((panel) => (name === "real" ? panel.real : panel.x))) continue;
      mark(c, x + 5, head / 2, 5, view.tone(name), scene.palette.shapes[name]);
      x += 15;
      c.fillStyle = view.theme.ink;
      write(say(LAYER_NAMES[name]));
    }
  }
}

/** What the counter says at `step`. */
function stepName({ names = [], steps }, step) {
  return say(names[step]) ?? say("step {step} / {steps}", { step, steps });
}

/** Evenly spread indices of at most TRAILS of `n` particles. */
function trailIds(n) {
  const count = Math.min(n, TRAILS);
  return Array.from({ length: count }, (_, i) => Math.floor((i * n) / count));
}

/** Let arrows that change be those of `step`. */
function turn(arrows, step) {
  const size = arrows.origins.length;
  const frame = Math.min(step, arrows.frames - 1);
  arrows.vectors = arrows.all.subarray(frame * size, (frame + 1) * size);
  arrows.at = step;
}

/** Fill `map.values` with the frame for `step`. */
function readMap(map, step, range) {
  const size = map.shape[0] * map.shape[1];
  const frame = Math.min(step, map.frames - 1);
  dequantise(map.codes.subarray(frame * size, (frame + 1) * size), range, map.values);
  map.at = step;
}

export default component("player", Player, "stage");

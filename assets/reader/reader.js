// reader.js: strings that mend step by step, of one to four runs side by side.
//
// Text is only ever set as textContent. The root element tells its state in data attributes: step, steps,
// playing, selected, order, view, runKey.
import { appearance, blend, mixed, onAppearance, prefersStill, rgb } from "../kit/colour.js";
import { Chart } from "../kit/chart.js";
import { choices, choose, element, select } from "../kit/dom.js";
import { fullScreen } from "../kit/icons.js";
import { KEYS, helper, onKeys } from "../kit/keys.js";
import { LEVELS, Line, tinted } from "../kit/line.js";
import { component, remembered } from "../kit/mount.js";
import { largest, signed } from "../kit/numbers.js";
import { FILM, ORDERS, ranked } from "../kit/order.js";
import { Playback } from "../kit/playback.js";
import { typeSizes } from "../kit/room.js";
import { followTold } from "../kit/told.js";
import { Transport } from "../kit/transport.js";

const VIEWS = { confidence: "Confidence", words: "Words" };

export class Reader {
  constructor(root, key, tell) {
    Object.assign(this, { root, key, tell });
    this.playback = new Playback({ onDraw: () => this.draw(), onChoice: () => this.stopped() });
    this.build();
    this.untold = followTold(this.playback);
    this.unwatch = onAppearance(root, () => this.width !== root.clientWidth && this.refresh());
  }

  destroy() {
    this.playback.end();
    this.untold();
    this.unwatch();
    this.chart.destroy();
  }

  replay() {
    this.playback.replay(prefersStill());
  }

  get at() {
    return this.playback.at;
  }

  build() {
    const transport = (this.transport = new Transport(this.playback));
    const parts = (this.parts = {
      caption: element("div", { className: "caption" }),
      views: choices(VIEWS, "What the colours say", (name) => this.choose({ view: name })),
      orders: select(ORDERS, "Order of the strings", (name) => this.choose({ order: name })),
      heads: element("div", { className: "heads" }),
      list: element("div", { className: "list", tabIndex: 0, role: "listbox", "aria-label": "Strings; arrow keys choose one" }),
      legend: element("div", { className: "legend" }),
      chart: element("div", { className: "chart" }),
      filmhead: element("div", { className: "caption" }),
      film: element("div", { className: "film" }),
    });
    onKeys(parts.list, { ...transport.keys(), f: () => fullScreen(this.root), "?": helper(this.root, { ...KEYS, "↑ ↓": "another string" }),
      ArrowUp: () => this.step(-1), ArrowDown: () => this.step(1) });
    this.root.append(
      element("div", { className: "left" },
        parts.caption,
        element("div", { className: "head" }, parts.views, parts.orders),
        parts.heads, parts.list,
        element("div", { className: "transport" }, ...transport.buttons, transport.scrub, transport.count, transport.speed),
        parts.legend),
      element("div", { className: "right" }, parts.chart, parts.filmhead, parts.film),
    );
    this.chart = new Chart(parts.chart, { onScrub: (step, settled) => this.playback.go(step, settled) });
  }

  // ---- the runs ---------------------------------------------------------------------------

  /** Show `run` in place of what is shown; keeps what the person chose. */
  load(run, { state = {} }) {
    const { order = "drawn", selected = 0, view = "confidence", step = null } = state;
    this.memory = remembered("reader", this.key, { view, order, selected, speed: 1, loop: false, linked: step });
    const { memory, playback } = this;
    const fresh = memory.run !== run.key; // Streamlit may mount the same run anew
    memory.run = run.key;
    this.run = run;
    if (memory.selected >= run.n) memory.selected = 0;
    this.top = Math.max(...run.panels.map((panel) => largest(panel.logits)), 1e-6);
    const { parts, root } = this;
    root.classList.toggle("walk", Boolean(run.walk));
    root.classList.toggle("several", run.panels.length > 1);
    root.style.setProperty("--panels", run.panels.length);
    parts.views.hidden = !run.words;
    parts.orders.hidden = Boolean(run.walk);
    parts.caption.textContent = run.walk
      ? `A walk through the codes from string ${run.walk[0] + 1} (top) to string ${run.walk[1] + 1} (bottom)` : "";
    parts.heads.replaceChildren(element("span"), ...run.panels.map((panel, i) => element("b", { textContent: panel.title, className: `series${i}` })));
    this.rows = Array.from({ length: run.n }, (_, i) => this.row(i));
    this.film = Array.from({ length: Math.min(FILM, run.steps + 1) }, () => new Line(run.length));
    Object.assign(root.dataset, { steps: run.steps, runKey: run.key });
    this.arrange();
    const { linked } = memory;
    memory.linked = null;
    const still = linked !== null || !run.steps || prefersStill();
    const moving = fresh ? !still : memory.playing;
    Object.assign(playback, { speed: memory.speed, loop: memory.loop });
    playback.load(run.steps, fresh ? linked ?? (still ? run.steps : 0) : memory.at);
    this.refresh();
    if (moving) playback.play();
  }

  /** The row of string `i`: its number, and line and logit in every panel. */
  row(i) {
    const lines = this.run.panels.map(() => {
      const line = new Line(this.run.length);
      const bar = element("u");
      const logit = element("span", { className: "logit" });
      return { line, bar, logit, node: element("div", { className: "cell" }, bar, line.node, logit) };
    });
    const node = element("div", { className: "row", role: "option", onclick: () => this.choose({ selected: i }) },
      element("span", { className: "number", textContent: i + 1 }), ...lines.map((one) => one.node));
    return { node, lines };
  }

  logit(panel, step, row) {
    return panel.logits[Math.min(step, panel.steps) * this.run.n + row];
  }

  /** Put the rows in the order chosen; where runs are compared, the first one decides. */
  arrange() {
    const panel = this.run.panels.find((one) => one.steps) ?? this.run.panels[0];
    const order = this.run.walk ? "drawn" : this.memory.order;
    this.sorted = ranked(order, this.run.n, (i) => this.logit(panel, 0, i), (i) => this.logit(panel, panel.steps, i));
    this.parts.list.replaceChildren(...this.sorted.map((i) => this.rows[i].node));
  }

  choose(change) {
    Object.assign(this.memory, change);
    if ("order" in change) this.arrange();
    this.draw();
    this.say();
  }

  /** Tell the page what its link should hold. */
  say() {
    const { view, order, selected } = this.memory;
    this.tell({ view, order, selected, step: this.at === this.run.steps ? null : this.at });
  }

  /** A person played or stopped; a link holds where. */
  stopped() {
    Object.assign(this.memory, { speed: this.playback.speed, loop: this.playback.loop });
    if (!this.playback.playing) this.say();
  }

  /** Select the string `places` further down. */
  step(places) {
    const next = this.sorted[this.sorted.indexOf(this.memory.selected) + places];
    if (next === undefined) return;
    this.choose({ selected: next });
    this.rows[next].node.scrollIntoView({ block: "nearest" });
  }

  // ---- drawing ----------------------------------------------------------------------------

  /** Size and theme anew, then draw. */
  refresh() {
    if (!this.run || !this.root.clientWidth) return;
    const { root, run, parts } = this;
    this.width = root.clientWidth;
    const look = appearance(root, run.palette);
    const { dark } = look;
    const lift = (colour) => (dark ? mixed(rgb(colour), [255, 255, 255], 0.25) : colour);
    const set = (name, value) => root.style.setProperty(`--${name}`, value);
    set("refined", lift(look.refined));
    tinted(root, run.palette, dark);
    const several = run.panels.length > 1;
    root.classList.toggle("roomy", this.width / run.panels.length > 340);
    this.tones = run.panels.map((_, i) => lift(several ? run.palette.series[i] : look.refined));
    this.tones.forEach((tone, i) => set(`series${i}`, tone));
    this.legend();
    const theme = look;
    parts.chart.hidden = !run.curves.length;
    this.draw();
    if (run.curves.length) this.chart.show({ curves: run.curves, steps: run.steps, colours: this.tones, theme, type: typeSizes(root) });
  }

  legend() {
    const swatch = (className, text) => element("span", {}, element("i", { className, textContent: "a" }), text);
    const unsure = element("span", {}, "softmax: unsure", ...Array.from({ length: 4 }, (_, i) => element("i", { className: `t${Math.round((i * (LEVELS - 1)) / 3)}`, textContent: "a" })), "sure");
    const bar = element("span", {}, `logit d ${signed(-this.top)}`, element("i", { className: "scale" }), signed(this.top));
    this.root.style.setProperty("--scale", `linear-gradient(90deg, ${this.run.palette.bar.join(", ")})`);
    this.parts.legend.replaceChildren(
      this.memory.view === "words" ? swatch("t10", "word of the corpus") : unsure,
      swatch("since", "changed since the start"), swatch("fresh", "changed in this step"), bar,
    );
  }

  /** The colour of a logit on the diverging scale. */
  shade(value) {
    return blend(this.run.palette.bar, 0.5 + value / this.top / 2);
  }

  draw() {
    const { run, memory, parts, root } = this;
    if (!run || !root.clientWidth) return;
    const { playing } = this.playback;
    Object.assign(memory, { at: this.at, playing });
    choose(parts.views, memory.view);
    parts.orders.value = memory.order;
    if (root.dataset.view !== memory.view) this.legend();
    this.transport.draw();
    Object.assign(root.dataset, { step: this.at, playing, selected: memory.selected, order: memory.order, view: memory.view });
    this.rows.forEach(({ node, lines }, i) => {
      node.setAttribute("aria-selected", i === memory.selected);
      run.panels.forEach((panel, p) => {
        const value = this.logit(panel, this.at, i);
        lines[p].line.show(run, panel, this.at, i, memory.view);
        lines[p].logit.textContent = signed(value);
        lines[p].bar.style.background = this.shade(value);
        lines[p].node.title = `logit ${signed(value)}, ${signed(value - this.logit(panel, 0, i))} since the start`;
      });
    });
    if (run.curves.length) this.chart.draw(this.at);
    this.drawFilm();
  }

  /** The selected string at a few steps, in the first run that moves. */
  drawFilm() {
    const { run, memory, parts } = this;
    const panel = run.panels.find((one) => one.steps) ?? run.panels[0];
    const { selected } = memory;
    const rise = this.logit(panel, panel.steps, selected) - this.logit(panel, 0, selected);
    const title = run.panels.length > 1 ? `${panel.title}, ` : "";
    parts.filmhead.textContent = `${title}string ${selected + 1} of ${run.n}: logit ${signed(rise)} over ${panel.steps} steps`;
    const rows = this.film.map((line, shot) => {
      const step = Math.round((shot / Math.max(this.film.length - 1, 1)) * run.steps);
      line.show(run, panel, step, selected, memory.view);
      return element("div", { className: step === this.at ? "shot now" : "shot", onclick: () => this.playback.go(step) },
        element("span", { className: "number", textContent: step }), line.node,
        element("span", { className: "logit", textContent: signed(this.logit(panel, step, selected)) }));
    });
    parts.film.replaceChildren(...rows);
  }
}

export default component("reader", Reader);

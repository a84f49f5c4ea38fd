// sim.js: particles on a table of (d, ∇d), in double precision; no DOM.
//
//   const table = makeTable(packed)                  // from dgflow_core/pictures/live_world.py
//   const sim = new Sim(table, world, capacity);     // world: { offset, prior: "normal" | "uniform", lipschitz, weights }
//   sim.place(points);                               // start anew at [x0, y0, x1, y1, …]
//   method.step(sim, settings, random);              // one step of a method, with its Settings
//
// A method's browser form is dgflow_core/methods/<name>.js, beside its Python. It exports
//   step(sim, settings, random)    moves the sim.n particles in sim.points; reads sim.grads (∇d) and sim.logits (d),
//                                  sim.origin (where each started), sim.age (steps each has gone), sim.second (its
//                                  own memory, two numbers each, 0 at birth); calls sim.settle(i) when particle i
//                                  has moved; ξ of its noise is random.normal(), coordinate by coordinate
// and, where Live should say more:
//   noise(settings)                the standard deviation of a step's noise
//   drift(at, settings, world)     [u, v], what a step without noise goes by, over η; at: { point, logit, gradient, lipschitz }
//   arrows                         what the arrows of that drift are called
//   rule(settings, names)          the update rule as words and numbers; { i, em, sub } set a part's type
// tests/test_methods_browser.py holds every one of them against its Python.

/** Packed channels → one interleaved table: d without offset, ∂₁d, ∂₂d and, for codes, g(z). */
export function makeTable({ size, half, space, channels }) {
  const count = channels.length;
  const values = new Float32Array(size * size * count);
  channels.forEach(({ codes, range: [low, high] }, channel) => {
    const unit = (high - low) / 65535;
    for (let i = 0; i < codes.length; i++) values[i * count + channel] = low + codes[i] * unit;
  });
  return { size, half, space, count, values };
}

/** Bilinear look-up at (x, y) into `out`; outside the table its border holds. */
export function look({ size, half, count, values }, x, y, out) {
  const scale = (size - 1) / (2 * half);
  const u = Math.min(Math.max((x + half) * scale, 0), size - 1);
  const v = Math.min(Math.max((y + half) * scale, 0), size - 1);
  const i = Math.min(u | 0, size - 2);
  const j = Math.min(v | 0, size - 2);
  const [a, b] = [u - i, v - j];
  const at = (j * size + i) * count;
  const up = at + size * count;
  for (let k = 0; k < count; k++) {
    const low = values[at + k] + a * (values[at + count + k] - values[at + k]);
    const high = values[up + k] + a * (values[up + count + k] - values[up + k]);
    out[k] = low + b * (high - low);
  }
}

/** A seeded source of uniform numbers (sfc32) and standard normal ones (Box–Muller). */
export class Random {
  constructor(seed = 0) {
    this.state = Uint32Array.of(0x9e3779b9, 0x243f6a88, seed, 1);
    this.spare = null;
    for (let i = 0; i < 12; i++) this.uniform();
  }

  uniform() {
    const s = this.state;
    const mixed = (s[0] + s[1] + s[3]) >>> 0;
    s[3]++;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = s[2] + (s[2] << 3);
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + mixed;
    return mixed / 4294967296;
  }

  normal() {
    if (this.spare !== null) {
      const { spare } = this;
      this.spare = null;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  save() {
    return { state: this.state.slice(), spare: this.spare };
  }

  restore({ state, spare }) {
    this.state.set(state);
    this.spare = spare;
  }
}

/** Particles on a table: points, what the table says there, and what DOT remembers. */
export class Sim {
  constructor(table, world, capacity) {
    Object.assign(this, { table, world, n: 0 });
    const pairs = () => new Float64Array(2 * capacity);
    this.points = pairs();
    this.samples = this.latent ? pairs() : this.points; // g(z), or the points themselves
    this.origin = pairs(); // where each started: DOT's y
    this.second = pairs(); // Adam's running mean of squared gradients
    this.age = new Uint32Array(capacity); // steps each has gone
    this.logits = new Float64Array(capacity);
    this.grads = pairs();
    this.found = new Float64Array(table.count);
  }

  /** Start anew at `points`. */
  place(points) {
    this.n = 0;
    for (let i = 0; i < points.length; i += 2) this.put(this.n++, points[i], points[i + 1]);
  }

  /** Particle `i` is born at (x, y). */
  put(i, x, y) {
    this.origin[2 * i] = this.points[2 * i] = x;
    this.origin[2 * i + 1] = this.points[2 * i + 1] = y;
    this.second[2 * i] = this.second[2 * i + 1] = 0;
    this.age[i] = 0;
    this.read(i);
  }

  get latent() {
    return this.table.space === "latent";
  }

  /** The Lipschitz constant of d in this space, as it was estimated. */
  get lipschitz() {
    return this.world.lipschitz[this.table.space];
  }

  /** Particle `i` has moved by a step. */
  settle(i) {
    this.age[i]++;
    this.read(i);
  }

  /** Keep particle `i` where the prior lives, and look up d, ∇d and g(z) there. */
  read(i) {
    const { points, found, table, world } = this;
    if (this.latent && world.prior === "uniform") {
      points[2 * i] = Math.min(1, Math.max(-1, points[2 * i]));
      points[2 * i + 1] = Math.min(1, Math.max(-1, points[2 * i + 1]));
    }
    look(table, points[2 * i], points[2 * i + 1], found);
    this.logits[i] = found[0] + world.offset;
    this.grads[2 * i] = found[1];
    this.grads[2 * i + 1] = found[2];
    if (this.latent) {
      this.samples[2 * i] = found[3];
      this.samples[2 * i + 1] = found[4];
    }
  }

  /** A copy of everything a step changes, for `restore`. */
  save(into = {}) {
    for (const name of ["points", "samples", "origin", "second", "age", "logits", "grads"]) {
      (into[name] ??= this[name].slice()).set(this[name]);
    }
    into.n = this.n;
    return into;
  }

  restore(saved) {
    for (const name of ["points", "samples", "origin", "second", "age", "logits", "grads"]) this[name].set(saved[name]);
    this.n = saved.n;
  }
}

/** What `method` follows at (x, y), for arrows; ∇d itself where it does not say. */
export function driftAt(sim, method, settings, x, y) {
  const { table, world, found, lipschitz } = sim;
  look(table, x, y, found);
  const [d, u, v] = found;
  return method.drift ? method.drift({ point: [x, y], logit: d + world.offset, gradient: [u, v], lipschitz }, settings, world) : [u, v];
}

/** Share (%) of the first `n` samples within 4σ of the nearest of `modes` (pairs). */
export function highQuality(samples, n, modes, std) {
  const reach = 16 * std * std;
  let good = 0;
  for (let i = 0; i < 2 * n; i += 2) {
    for (let k = 0; k < modes.length; k += 2) {
      const [dx, dy] = [samples[i] - modes[k], samples[i + 1] - modes[k + 1]];
      if (dx * dx + dy * dy <= reach) {
        good++;
        break;
      }
    }
  }
  return n ? (100 * good) / n : NaN;
}

/** Share (%) of the first `n` samples that lie where data do: a raster of cells, row 0 below. */
export function onSupport(samples, n, { side, half, cells }) {
  let on = 0;
  for (let i = 0; i < 2 * n; i += 2) {
    const [column, row] = [0, 1].map((axis) => Math.floor(((samples[i + axis] + half) / (2 * half)) * side));
    if (column >= 0 && row >= 0 && column < side && row < side) on += cells[row * side + column];
  }
  return n ? (100 * on) / n : NaN;
}

/** The mean of the first `n` of `values`, through `of`. */
export function mean(values, n, of = (value) => value) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += of(values[i]);
  return n ? sum / n : NaN;
}

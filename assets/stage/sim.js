// sim.js: the flows themselves, on a table of (d, ∇d); no DOM, so that it can be held against Python.
//
//   const table = makeTable(packed)                    // from dgflow_core.scene.live
//   const sim = new Sim(table, world, capacity);       // world: { offset, prior: "normal" | "uniform" }
//   sim.place(points);                                 // start anew at [x0, y0, x1, y1, …]
//   STEPS.dgflow(sim, settings, random);               // one step; settings as in dgflow_core.methods
//
// The same equations as dgflow_core/methods, in the same order, in double precision: with γ = 0 both
// agree to rounding (tests/test_live_browser.py).

/** Packed channels → one interleaved table: d without offset, ∂₁d, ∂₂d and, for codes, g(z). */
function makeTable({ size, half, space, channels }) {
  const count = channels.length;
  const values = new Float32Array(size * size * count);
  channels.forEach(({ codes, range: [low, high] }, channel) => {
    const unit = (high - low) / 65535;
    for (let i = 0; i < codes.length; i++) values[i * count + channel] = low + codes[i] * unit;
  });
  return { size, half, space, count, values };
}

/** Bilinear look-up at (x, y) into `out`; outside the table its border holds. */
function look({ size, half, count, values }, x, y, out) {
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

/** w_f(d) = r f″(r) at r = exp(−d), as in dgflow_core.divergences. */
const WEIGHTS = {
  KL: () => 1,
  JS: (d) => 1 / (1 + Math.exp(-d)),
  logD: (d) => 1 / (1 + Math.exp(d)),
  Jeffreys: (d) => 1 + Math.exp(d),
  reverseKL: (d) => Math.exp(d),
  Pearson: (d) => 2 * Math.exp(-d),
  Hellinger: (d) => 0.5 * Math.exp(d / 2),
};

/** A seeded source of uniform numbers (sfc32) and standard normal ones (Box–Muller). */
class Random {
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
class Sim {
  constructor(table, world, capacity) {
    Object.assign(this, { table, world, n: 0 });
    const pairs = () => new Float64Array(2 * capacity);
    this.points = pairs();
    this.samples = table.space === "latent" ? pairs() : this.points; // g(z), or the points themselves
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

  /** Keep particle `i` where the prior lives, and look up d, ∇d and g(z) there. */
  read(i) {
    const { points, found, table, world } = this;
    if (table.space === "latent" && world.prior === "uniform") {
      points[2 * i] = Math.min(1, Math.max(-1, points[2 * i]));
      points[2 * i + 1] = Math.min(1, Math.max(-1, points[2 * i + 1]));
    }
    look(table, points[2 * i], points[2 * i + 1], found);
    this.logits[i] = found[0] + world.offset;
    this.grads[2 * i] = found[1];
    this.grads[2 * i + 1] = found[2];
    if (table.space === "latent") {
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

const STEPS = {
  /** x ← x + η w_f(d) ∇d + √(2ηγ) ξ  (Ansari, Ang & Soh 2021, Eq. 8). */
  dgflow(sim, { divergence, eta, gamma }, random) {
    const weight = WEIGHTS[divergence];
    const scale = Math.sqrt(2 * eta * gamma);
    const { points, grads, logits, age } = sim;
    for (let i = 0; i < sim.n; i++) {
      const pace = eta * weight(logits[i]);
      points[2 * i] += pace * grads[2 * i] + (scale && scale * random.normal());
      points[2 * i + 1] += pace * grads[2 * i + 1] + (scale && scale * random.normal());
      age[i]++;
      sim.read(i);
    }
  },

  /** One descent step on ‖x − y‖ − d(x)/K (Tanaka 2019, Eq. 15), Adam with β = (0, 0.9) or plain. */
  dot(sim, { eta, optimizer, lipschitz }) {
    const K = lipschitz ?? sim.world.lipschitz[sim.table.space];
    const radial = sim.table.space === "latent" && sim.world.prior === "normal";
    const { points, grads, origin, second, age } = sim;
    for (let i = 0; i < sim.n; i++) {
      const [j, k] = [2 * i, 2 * i + 1];
      const [ax, ay] = [points[j] - origin[j], points[k] - origin[k]];
      const away = Math.max(Math.hypot(ax, ay), 1e-12);
      let [gx, gy] = [ax / away - grads[j] / K, ay / away - grads[k] / K];
      if (radial) {
        const size = Math.max(points[j] ** 2 + points[k] ** 2, 1e-12);
        const along = (gx * points[j] + gy * points[k]) / size;
        [gx, gy] = [gx - along * points[j], gy - along * points[k]];
      }
      age[i]++;
      if (optimizer === "adam") {
        second[j] = 0.9 * second[j] + 0.1 * gx * gx;
        second[k] = 0.9 * second[k] + 0.1 * gy * gy;
        const bias = 1 - 0.9 ** age[i];
        gx /= Math.sqrt(second[j] / bias) + 1e-8;
        gy /= Math.sqrt(second[k] / bias) + 1e-8;
      }
      points[j] -= eta * gx;
      points[k] -= eta * gy;
      sim.read(i);
    }
  },

  /** z ← z + (ε/2) ∇[log p_Z(z) + d(g(z))] + s √ε ξ  (Che et al. 2020). */
  ddls(sim, { eta, noise_scale: noise }, random) {
    const pull = sim.world.prior === "normal" ? 1 : 0; // −∇ log p_Z(z) = z for a normal prior
    const scale = noise * Math.sqrt(eta);
    const { points, grads, age } = sim;
    for (let j = 0; j < 2 * sim.n; j++) {
      points[j] += (eta / 2) * (grads[j] - pull * points[j]) + (scale && scale * random.normal());
    }
    for (let i = 0; i < sim.n; i++) {
      age[i]++;
      sim.read(i);
    }
  },
};

/** The drift that `settings` follow at (x, y), for arrows: what a step without noise would go by, over η. */
function driftAt(table, world, method, settings, x, y, found) {
  look(table, x, y, found);
  if (method === "dgflow") {
    const weight = WEIGHTS[settings.divergence](found[0] + world.offset);
    return [weight * found[1], weight * found[2]];
  }
  if (method === "ddls") {
    const pull = world.prior === "normal" ? 1 : 0;
    return [(found[1] - pull * x) / 2, (found[2] - pull * y) / 2];
  }
  const K = settings.lipschitz ?? world.lipschitz[table.space];
  return [found[1] / K, found[2] / K];
}

/** Share (%) of the first `n` samples within 4σ of the nearest of `modes` (pairs). */
function highQuality(samples, n, modes, std) {
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

/** The mean of the first `n` of `values`, through `of`. */
function mean(values, n, of = (value) => value) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += of(values[i]);
  return n ? sum / n : NaN;
}

// codes.js: latent codes under a field that is computed by networks, and the flow that moves them; no DOM.
//
//   const flow = new Flow(field, world, methods);    // field: runtime.js; world: { kind, prior, dim, offset, lipschitz, weights, real }
//   await flow.start(16, 0);
//   await flow.step({ method: "dgflow", settings, until: "steps" });
//
// `methods` are the modules dgflow_core/methods/<name>.js.
import { Particles, Random } from "../live/particles.js";

/** `n` codes drawn from the prior, one after the other. */
export function drawn(n, { prior, dim }, random) {
  const one = prior === "uniform" ? () => 2 * random.uniform() - 1 : () => random.normal();
  return Float64Array.from({ length: n * dim }, one);
}

/** Codes, and what the networks say of them: d, ∇d and g(z), for all at once. */
export class Codes extends Particles {
  constructor(field, world, capacity) {
    super(world.dim, true, world, capacity);
    this.field = field;
  }

  async evaluate() {
    const { n, dim } = this;
    const { sample, logit, grad } = await this.field(Float32Array.from(this.points.subarray(0, n * dim)), n, dim);
    for (let i = 0; i < n; i++) this.logits[i] = logit[i] + this.world.offset;
    this.grads.set(grad);
    this.samples = sample;
    this.stale = false;
  }
}

/** A wall of codes that flows: some are held, some have arrived. */
export class Flow {
  constructor(field, world, methods) {
    Object.assign(this, { field, world, methods, held: new Set(), rested: new Set(), taken: 0 });
  }

  /** `n` fresh codes. */
  async start(n, seed) {
    this.random = new Random(seed);
    await this.place(drawn(n, this.world, this.random));
  }

  /** Start anew at `codes`. */
  async place(codes) {
    this.codes = new Codes(this.field, this.world, codes.length / this.world.dim);
    this.codes.place(codes);
    this.held.clear();
    this.rested.clear();
    this.taken = 0;
    await this.codes.evaluate();
  }

  /** One step of a method; `until`, "steps" or the name of a quantile of real logits, says where a code rests. */
  async step({ method, settings, until }) {
    const { codes, held, rested } = this;
    if (codes.stale) await codes.evaluate();
    this.#rest(until);
    const still = [...new Set([...held, ...rested])];
    const before = still.length ? codes.save((this.before ??= {})) : null;
    this.methods[method].step(codes, settings, this.random);
    for (const i of still) this.#keep(i, before);
    this.taken++;
    await codes.evaluate();
    this.#rest(until);
  }

  #rest(until) {
    const level = until === "steps" ? Infinity : this.world.real?.[until] ?? Infinity;
    this.rested.clear();
    for (let i = 0; i < this.codes.n; i++) if (this.codes.logits[i] >= level) this.rested.add(i);
  }

  #keep(i, before) {
    const { dim } = this.codes;
    for (const name of ["points", "second"]) {
      this.codes[name].set(before[name].subarray(dim * i, dim * (i + 1)), dim * i);
    }
    this.codes.age[i] = before.age[i];
  }

  /** Sample `i` goes back to where it started. */
  pull(i) {
    const { codes } = this;
    codes.put(i, ...codes.origin.subarray(codes.dim * i, codes.dim * (i + 1)));
    codes.stale = true;
  }

  /** Sample `i` is moved to the share `t` of the way between where `i` and `j` started. */
  between(i, j, t) {
    const { codes } = this;
    const [a, b] = [i, j].map((one) => codes.origin.slice(codes.dim * one, codes.dim * (one + 1)));
    const size = (v) => Math.hypot(...v);
    const way = a.map((value, k) => (1 - t) * value + t * b[k]);
    // A straight line between two codes of a normal prior passes nearer to 0 than its codes lie.
    const scale = this.world.prior === "normal" ? ((1 - t) * size(a) + t * size(b)) / Math.max(size(way), 1e-9) : 1;
    codes.points.set(way.map((value) => value * scale), codes.dim * i);
    codes.second.fill(0, codes.dim * i, codes.dim * (i + 1));
    codes.arrive(i);
    codes.stale = true;
  }
}

/** Images (n, C, H, W) in [−1, 1] as RGBA bytes, one after the other. */
export function pixels(sample, n, [channels, height, width]) {
  const [area, out] = [height * width, new Uint8ClampedArray(4 * n * height * width)];
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < area; p++) {
      const to = 4 * (i * area + p);
      for (let c = 0; c < 3; c++) out[to + c] = 127.5 * (1 + sample[(i * channels + (channels === 3 ? c : 0)) * area + p]);
      out[to + 3] = 255;
    }
  }
  return out;
}

/** Strings (n, length, symbols): the likeliest symbol at each place, and its probability in 0 … 63. */
export function letters(sample, n, [length, count]) {
  const [symbols, marks] = [new Uint8Array(n * length), new Uint8Array(n * length)];
  for (let at = 0; at < n * length; at++) {
    let best = 0;
    for (let k = 1; k < count; k++) if (sample[at * count + k] > sample[at * count + best]) best = k;
    symbols[at] = best;
    marks[at] = Math.min(63, Math.floor(64 * sample[at * count + best]));
  }
  return { symbols, marks };
}

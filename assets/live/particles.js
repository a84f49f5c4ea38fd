// particles.js: what every method moves, in the plane and in a latent space alike; no DOM.
//
// A method's browser form is dgflow_core/methods/<name>.js, beside its Python. It exports
//   step(sim, settings, random)    moves the sim.n particles in sim.points, sim.dim numbers each; reads sim.grads (∇d),
//                                  sim.logits (d), sim.origin (where each started), sim.age (steps each has gone),
//                                  sim.second (its own memory, 0 at birth); calls sim.settle(i) when particle i has
//                                  moved; ξ of its noise is random.normal(), coordinate by coordinate
// and, where a page should say more:
//   noise(settings)                the standard deviation of a step's noise
//   drift(at, settings, world)     [u, v], what a step without noise goes by, over η; at: { point, logit, gradient, lipschitz }
//   arrows                         what the arrows of that drift are called
//   rule(settings, names)          the update rule as words and numbers; { i, em, sub } set a part's type
// tests/test_methods_browser_form.py and tests/test_samples_browser_form.py hold them against their Python.

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

/** `capacity` particles of `dim` numbers each, in the data or the latent space of a world: { offset, prior, lipschitz, weights }. */
export class Particles {
  constructor(dim, latent, world, capacity) {
    const rows = () => new Float64Array(dim * capacity);
    Object.assign(this, { dim, latent, world, n: 0 });
    this.points = rows();
    this.samples = latent ? new Float64Array(0) : this.points; // g(z), where a field tells it; or the points themselves
    this.origin = rows(); // where each started: DOT's y
    this.second = rows(); // Adam's running mean of squared gradients
    this.age = new Uint32Array(capacity); // steps each has gone
    this.logits = new Float64Array(capacity);
    this.grads = rows();
  }

  /** Start anew at `points`. */
  place(points) {
    this.n = 0;
    for (let i = 0; i < points.length; i += this.dim) this.put(this.n++, ...points.slice(i, i + this.dim));
  }

  /** Particle `i` is born at `point`. */
  put(i, ...point) {
    this.points.set(point, this.dim * i);
    this.origin.set(point, this.dim * i);
    this.second.fill(0, this.dim * i, this.dim * (i + 1));
    this.age[i] = 0;
    this.arrive(i);
  }

  /** The Lipschitz constant of d in this space, as it was estimated. */
  get lipschitz() {
    return this.world.lipschitz[this.latent ? "latent" : "data"];
  }

  /** Particle `i` has moved by a step. */
  settle(i) {
    this.age[i]++;
    this.arrive(i);
  }

  /** Keep particle `i` where the prior lives. */
  arrive(i) {
    if (!this.latent || this.world.prior !== "uniform") return;
    for (let j = this.dim * i; j < this.dim * (i + 1); j++) this.points[j] = Math.min(1, Math.max(-1, this.points[j]));
  }

  /** A copy of everything a step changes, for `restore`. */
  save(into = {}) {
    for (const name of KEPT) (into[name] ??= this[name].slice()).set(this[name]);
    into.n = this.n;
    return into;
  }

  restore(saved) {
    for (const name of KEPT) this[name].set(saved[name]);
    this.n = saved.n;
  }
}

const KEPT = ["points", "samples", "origin", "second", "age", "logits", "grads"];

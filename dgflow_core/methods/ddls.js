// The browser's form of ddls.py, in double precision; what a module like this exports is said in assets/live/particles.js.

/** z ← z + (ε/2) ∇[log p_Z(z) + d(g(z))] + s √ε ξ  (Che et al. 2020). */
export function step(sim, settings, random) {
  const { points, grads, dim } = sim;
  const pull = sim.world.prior === "normal" ? 1 : 0; // −∇ log p_Z(z) = z for a normal prior
  const scale = noise(settings);
  for (let i = 0; i < sim.n; i++) {
    for (let j = dim * i; j < dim * (i + 1); j++) {
      points[j] += (settings.eta / 2) * (grads[j] - pull * points[j]) + (scale && scale * random.normal());
    }
    sim.settle(i);
  }
}

export const noise = ({ eta, noise_scale: scale }) => scale * Math.sqrt(eta);

export function drift({ gradient: [u, v], point: [x, y] }, settings, { prior }) {
  const pull = prior === "normal" ? 1 : 0;
  return [(u - pull * x) / 2, (v - pull * y) / 2];
}

export const arrows = "½ ∇[log p + d]";

export const rule = ({ eta }, { x, d }) =>
  [{ i: x }, " ← ", { i: x }, " + ½·", eta, " ∇[log ", { i: "p(z)" }, " + ", { i: d }, "]"];

// The browser's form of langevin.py, in double precision; what a module like this exports is said in assets/live/sim.js.

/** x ← x + (ε/2) ∇d(x) + s √ε ξ. */
export function step(sim, settings, random) {
  const { points, grads } = sim;
  const scale = noise(settings);
  for (let i = 0; i < sim.n; i++) {
    for (let j = 2 * i; j < 2 * i + 2; j++) {
      points[j] += (settings.eta / 2) * grads[j] + (scale && scale * random.normal());
    }
    sim.settle(i);
  }
}

export const noise = ({ eta, noise_scale: scale }) => scale * Math.sqrt(eta);

export const drift = ({ gradient: [u, v] }) => [u / 2, v / 2];

export const arrows = "½ ∇d";

export const rule = ({ eta }, { x, d }) => [{ i: x }, " ← ", { i: x }, " + ½·", eta, " ∇", { i: d }];

// The browser's form of langevin.py, in double precision; what a module like this exports is said in assets/live/particles.js.

const THIRDS = [1, 0.7, 0.4];

/** What the noise is multiplied by in the step after `taken` of them. */
const cooled = ({ anneal, steps }, taken) =>
  anneal === "thirds" ? THIRDS[Math.min(Math.floor((3 * taken) / Math.max(steps, 1)), 2)] : 1;

/** x ← x + (ε/2) ∇d(x) + s √ε ξ, ∇d(x) clipped where `clip` is set. */
export function step(sim, settings, random) {
  const { points, grads, age, dim } = sim;
  const most = settings.clip ?? Infinity;
  for (let i = 0; i < sim.n; i++) {
    const scale = cooled(settings, age[i]) * noise(settings);
    for (let j = dim * i; j < dim * (i + 1); j++) {
      const grad = Math.min(most, Math.max(-most, grads[j]));
      points[j] += (settings.eta / 2) * grad + (scale && scale * random.normal());
    }
    sim.settle(i);
  }
}

export const noise = ({ eta, noise_scale: scale }) => scale * Math.sqrt(eta);

export const drift = ({ gradient: [u, v] }) => [u / 2, v / 2];

export const arrows = "½ ∇d";

export const rule = ({ eta }, { x, d }) => [{ i: x }, " ← ", { i: x }, " + ½·", eta, " ∇", { i: d }];

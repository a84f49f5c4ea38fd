// The browser's form of dgflow.py, in double precision; what a module like this exports is said in assets/live/particles.js.

/** x ← x + η w_f(d) ∇d + √(2ηγ) ξ  (Ansari, Ang & Soh 2021, Eq. 8). */
export function step(sim, settings, random) {
  const { points, grads, logits, dim } = sim;
  const weight = sim.world.weights[settings.divergence];
  const scale = noise(settings);
  for (let i = 0; i < sim.n; i++) {
    const pace = settings.eta * weight(logits[i]);
    for (let j = dim * i; j < dim * (i + 1); j++) points[j] += pace * grads[j] + (scale && scale * random.normal());
    sim.settle(i);
  }
}

export const noise = ({ eta, gamma }) => Math.sqrt(2 * eta * gamma);

export function drift({ logit, gradient: [u, v] }, { divergence }, { weights }) {
  const weight = weights[divergence](logit);
  return [weight * u, weight * v];
}

export const arrows = "drift −∇f′(ρ/μ)";

export const rule = ({ eta }, { x, d, weight }) =>
  [{ i: x }, " ← ", { i: x }, " + ", eta, " ", ...(weight ? [{ em: weight }, " "] : []), "∇", { i: d }];

// The browser's form of dot.py, in double precision; what a module like this exports is said in assets/live/particles.js.

/** One descent step on ‖x − y‖ − d(x)/K (Tanaka 2019, Eq. 15), Adam with β = (0, 0.9) or plain. */
export function step(sim, { eta, optimizer, lipschitz }) {
  const K = lipschitz ?? sim.lipschitz;
  const radial = sim.latent && sim.world.prior === "normal"; // a normal prior loses the radial part
  const { points, grads, origin, second, age, dim } = sim;
  const gradient = new Float64Array(dim);
  for (let i = 0; i < sim.n; i++) {
    const at = dim * i;
    let [away, size, along] = [0, 0, 0];
    for (let k = 0; k < dim; k++) away += (points[at + k] - origin[at + k]) ** 2;
    away = Math.max(Math.sqrt(away), 1e-12);
    for (let k = 0; k < dim; k++) {
      gradient[k] = (points[at + k] - origin[at + k]) / away - grads[at + k] / K;
      size += points[at + k] ** 2;
      along += gradient[k] * points[at + k];
    }
    if (radial) for (let k = 0; k < dim; k++) gradient[k] -= (along / Math.max(size, 1e-12)) * points[at + k];
    const bias = 1 - 0.9 ** (age[i] + 1);
    for (let k = 0; k < dim; k++) {
      let slope = gradient[k];
      if (optimizer === "adam") {
        second[at + k] = 0.9 * second[at + k] + 0.1 * slope * slope;
        slope /= Math.sqrt(second[at + k] / bias) + 1e-8;
      }
      points[at + k] -= eta * slope;
    }
    sim.settle(i);
  }
}

export function drift({ gradient: [u, v], lipschitz }, settings) {
  const K = settings.lipschitz ?? lipschitz;
  return [u / K, v / K];
}

export const arrows = "∇d / K";

export const rule = ({ eta, optimizer, lipschitz }, { x, d, estimate }) =>
  [{ i: x }, " ← ", { i: x }, ` − ${optimizer === "adam" ? "Adam" : "SGD"}`, { sub: eta }, " ∇[‖", { i: x }, " − ", { i: "y" }, "‖ − ",
    { i: d }, " / ", lipschitz ?? estimate, "]"];

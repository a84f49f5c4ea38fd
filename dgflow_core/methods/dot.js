// The browser's form of dot.py, in double precision; what a module like this exports is said in assets/live/sim.js.

/** One descent step on ‖x − y‖ − d(x)/K (Tanaka 2019, Eq. 15), Adam with β = (0, 0.9) or plain. */
export function step(sim, { eta, optimizer, lipschitz }) {
  const K = lipschitz ?? sim.lipschitz;
  const radial = sim.latent && sim.world.prior === "normal"; // a normal prior loses the radial part
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
    if (optimizer === "adam") {
      second[j] = 0.9 * second[j] + 0.1 * gx * gx;
      second[k] = 0.9 * second[k] + 0.1 * gy * gy;
      const bias = 1 - 0.9 ** (age[i] + 1);
      gx /= Math.sqrt(second[j] / bias) + 1e-8;
      gy /= Math.sqrt(second[k] / bias) + 1e-8;
    }
    points[j] -= eta * gx;
    points[k] -= eta * gy;
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

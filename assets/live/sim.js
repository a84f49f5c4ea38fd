// sim.js: particles of the plane, on a table of (d, ∇d), in double precision; no DOM.
//
//   const table = makeTable(packed)                  // from dgflow_core/pictures/live_world.py
//   const sim = new Sim(table, world, capacity);     // world: { offset, prior: "normal" | "uniform", lipschitz, weights }
//   sim.place(points);                               // start anew at [x0, y0, x1, y1, …]
//   method.step(sim, settings, random);              // one step of a method, with its Settings
import { Particles } from "./particles.js";

/** Packed channels → one interleaved table: d without offset, ∂₁d, ∂₂d and, for codes, g(z). */
export function makeTable({ size, half, space, channels }) {
  const count = channels.length;
  const values = new Float32Array(size * size * count);
  channels.forEach(({ changes, range: [low, high] }, channel) => {
    const codes = summed(changes, size);
    const unit = (high - low) / 65535;
    for (let i = 0; i < codes.length; i++) values[i * count + channel] = low + codes[i] * unit;
  });
  return { size, half, space, count, values };
}

/** Codes of 16 bits from the changes between neighbours, their high bytes before their low ones: small when compressed. */
function summed(changes, size) {
  const area = size * size;
  const codes = new Uint16Array(area); // sums modulo 2¹⁶
  for (let at = 0; at < area; at++) {
    const [left, below] = [at % size ? codes[at - 1] : 0, at >= size ? codes[at - size] : 0];
    const corner = at % size && at >= size ? codes[at - size - 1] : 0;
    codes[at] = ((changes[at] << 8) | changes[area + at]) + left + below - corner;
  }
  return codes;
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

/** Particles on a table: points, and what the table says there. */
export class Sim extends Particles {
  constructor(table, world, capacity) {
    super(2, table.space === "latent", world, capacity);
    if (this.latent) this.samples = new Float64Array(2 * capacity);
    this.table = table;
    this.found = new Float64Array(table.count);
  }

  arrive(i) {
    super.arrive(i);
    this.read(i);
  }

  /** Look up d, ∇d and g(z) where particle `i` is. */
  read(i) {
    const { points, found } = this;
    look(this.table, points[2 * i], points[2 * i + 1], found);
    this.logits[i] = found[0] + this.world.offset;
    this.grads[2 * i] = found[1];
    this.grads[2 * i + 1] = found[2];
    if (this.latent) {
      this.samples[2 * i] = found[3];
      this.samples[2 * i + 1] = found[4];
    }
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

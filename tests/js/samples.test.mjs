// What samples do beside a method's step: held ones, rested ones, ways between two; pixels and letters. node --test tests/js
import assert from "node:assert/strict";
import { test } from "node:test";
import { Flow, drawn, letters, pixels } from "../../assets/samples/codes.js";
import { capable } from "../../assets/samples/runtime.js";
import { Random } from "../../assets/live/particles.js";

/** d(z) = Σ z, so that ∇d is 1 everywhere; g(z) = z. */
const field = async (codes, n, dim) => {
  const logit = Float32Array.from({ length: n }, (_, i) => codes.subarray(i * dim, (i + 1) * dim).reduce((a, b) => a + b, 0));
  return { sample: codes, logit, grad: new Float32Array(n * dim).fill(1) };
};
const uphill = {
  step(sim, { eta }) {
    for (let i = 0; i < sim.n; i++) {
      for (let j = sim.dim * i; j < sim.dim * (i + 1); j++) sim.points[j] += eta * sim.grads[j];
      sim.settle(i);
    }
  },
};
const world = { prior: "normal", dim: 3, offset: 0.5, lipschitz: { latent: 1 }, real: { "50%": 2 } };
const choice = { method: "uphill", settings: { eta: 0.1 }, until: "steps" };

async function flow(codes, changes = {}) {
  const one = new Flow(field, { ...world, ...changes }, { uphill });
  await one.place(Float64Array.from(codes));
  return one;
}
const near = (found, wanted) => found.forEach((value, i) => assert.ok(Math.abs(value - wanted[i]) < 1e-6, `${found} is not ${wanted}`));

test("a step moves all but those that are held", async () => {
  const one = await flow([0, 0, 0, 1, 1, 1]);
  one.held.add(1);
  await one.step(choice);
  near([...one.codes.points], [0.1, 0.1, 0.1, 1, 1, 1]);
  near([...one.codes.logits], [0.8, 3.5]);
  assert.deepEqual([...one.codes.age], [1, 0]);
});

test("a sample rests once its logit is that of real ones, and only while it is", async () => {
  const one = await flow([0, 0, 0, 1, 1, 1]);
  for (let k = 0; k < 10; k++) await one.step({ ...choice, until: "50%" });
  near([...one.codes.points.subarray(3)], [1, 1, 1]); // 3.5 was there at the start
  near([...one.codes.points.subarray(0, 3)], [0.5, 0.5, 0.5]); // 3 · 0.5 + 0.5 = 2
  assert.deepEqual([...one.rested], [0, 1]);
  await one.step(choice);
  near([...one.codes.points.subarray(0, 3)], [0.6, 0.6, 0.6]);
});

test("a sample goes back to where it started, and its step memory with it", async () => {
  const one = await flow([0, 1, 2]);
  for (let k = 0; k < 3; k++) await one.step(choice);
  one.pull(0);
  near([...one.codes.points], [0, 1, 2]);
  assert.equal(one.codes.age[0], 0);
  await one.step(choice); // begins with what the field says there
  near([...one.codes.points], [0.1, 1.1, 2.1]);
});

test("between two codes of a normal prior their length is kept; in a cube the way is straight", async () => {
  const one = await flow([3, 0, 0, 0, 4, 0]);
  one.between(0, 1, 0.5);
  const [x, y] = one.codes.points;
  assert.ok(Math.abs(Math.hypot(x, y) - 3.5) < 1e-9);
  assert.ok(Math.abs(y / x - 4 / 3) < 1e-9);
  const cube = await flow([1, 0, 0, -1, 0.5, 0], { prior: "uniform" });
  cube.between(0, 1, 0.25);
  near([...cube.codes.points.subarray(0, 3)], [0.5, 0.125, 0]);
});

test("codes are drawn from the prior, the same for the same seed", () => {
  const uniform = drawn(500, { prior: "uniform", dim: 2 }, new Random(3));
  assert.ok(uniform.every((value) => Math.abs(value) <= 1) && Math.max(...uniform) > 0.9);
  const normal = drawn(500, { prior: "normal", dim: 2 }, new Random(3));
  assert.ok(Math.abs(normal.reduce((sum, v) => sum + v * v, 0) / 1000 - 1) < 0.15);
  assert.deepEqual([...drawn(2, { prior: "normal", dim: 2 }, new Random(3))], [...normal.subarray(0, 4)]);
});

test("samples as pixels and as letters", () => {
  const grey = pixels(Float32Array.of(-1, 1, 0, 2), 1, [1, 2, 2]);
  assert.deepEqual([...grey], [0, 0, 0, 255, 255, 255, 255, 255, 128, 128, 128, 255, 255, 255, 255, 255]);
  const colour = pixels(Float32Array.of(-1, 1, -1, 1, 1, -1), 1, [3, 1, 2]); // planes: red, green, blue
  assert.deepEqual([...colour], [0, 0, 255, 255, 255, 255, 0, 255]);
  const { symbols, marks } = letters(Float32Array.of(0.1, 0.9, 0.5, 0.4, 0, 1), 1, [3, 2]);
  assert.deepEqual([[...symbols], [...marks]], [[1, 0, 1], [57, 32, 63]]);
});

test("this Node has the vectors that are asked for", () => assert.equal(capable(), true));

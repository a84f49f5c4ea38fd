// The kit without a browser: numbers, orders, playback, unpacking, random numbers, metrics.
import assert from "node:assert/strict";
import { test } from "node:test";

import { known } from "../../assets/kit/chart.js";
import { LAYERS } from "../../assets/kit/layers.js";
import { clamp, largest, number, signed, slug } from "../../assets/kit/numbers.js";
import { ORDERS, ranked } from "../../assets/kit/order.js";
import { fitting } from "../../assets/kit/overflow.js";
import { FrameMeter, Playback } from "../../assets/kit/playback.js";
import { dequantise, openEnvelope, unpack } from "../../assets/kit/unpack.js";
import { Random } from "../../assets/live/particles.js";
import { highQuality, look, makeTable, mean } from "../../assets/live/sim.js";
import { happened } from "../../assets/player/words.js";
import { extent, scaleLinear, scaleLog, ticks } from "../../assets/vendor/d3.js";

test("numbers are written as people write them", () => {
  assert.deepEqual([0, 3, -1.23456, 123456, 0.00012345, NaN, Infinity].map((v) => number(v)), ["0", "3", "−1.23", "1.23e5", "1.23e−4", "–", "–"]);
  assert.deepEqual([1.005, -0.4, NaN].map(signed), ["+1.00", "−0.40", "–"]);
  assert.equal(slug("DGflow (KL), step 3"), "dgflow-kl-step-3");
  assert.deepEqual([clamp(5, 0, 1), clamp(-5, 0, 1), clamp(0.5, 0, 1)], [1, 0, 0.5]);
});

test("the largest of more numbers than an argument list holds", () => {
  const many = new Float32Array(1_000_000).fill(1);
  many[777_777] = -5;
  many[3] = NaN;
  assert.equal(largest(many), 5);
  assert.deepEqual(extent(many), [-5, 1]);
  assert.equal(largest([]), 0);
});

test("ticks and scales are d3's", () => {
  assert.deepEqual(ticks(0, 100, 5), [0, 20, 40, 60, 80, 100]);
  assert.deepEqual(scaleLinear([-0.3, 0.3], [0, 1]).ticks(3), [-0.2, 0, 0.2]);
  assert.ok(Math.abs(scaleLog([0.001, 1], [0, 1]).invert(0.5) - 0.0316) < 1e-4);
});

test("chips that find no room leave room for the button that shows them", () => {
  assert.equal(fitting([50, 50, 50], 150, 40), 3);
  assert.equal(fitting([50, 50, 50], 149, 40), 2);
  assert.equal(fitting([50, 50, 50], 130, 40), 1);
  assert.equal(fitting([50, 50], 20, 40), 0);
});

test("a picture says in words what happened", () => {
  const curves = [{ name: "High quality", unit: "%", series: [[18.8, NaN, 99.6], [18.8, NaN, NaN]] }];
  const panels = [{ title: "DGflow", n: 500 }, { title: "Base", n: 500 }];
  assert.equal(happened({ panels, curves, steps: 2 }),
    "500 particles after 2 steps. DGflow: High quality 99.6 %, 18.8 % before. Base: High quality 18.8 %, 18.8 % before");
  assert.equal(happened({ panels: [{ title: "", n: 3 }], curves: [], steps: 0 }), "3 particles.");
});

test("samples hang in the order of their logits", () => {
  const [start, end] = [[0, 0, 0], [1, 3, -2]];
  const order = (name) => ranked(name, 3, (i) => start[i], (i) => end[i]);
  assert.deepEqual(Object.keys(ORDERS).map(order), [[0, 1, 2], [1, 0, 2], [2, 0, 1], [1, 0, 2]]);
});

/** A playback with a clock of its own: `pass(ms)` draws one frame. */
function played(steps, options = {}) {
  let [frame, now] = [null, 0];
  const told = { drawn: 0, chosen: 0 };
  const playback = new Playback({
    rate: 10, frames: (tick) => { frame = tick; }, onDraw: () => told.drawn++, onChoice: () => told.chosen++, ...options,
  });
  playback.load(steps, 0);
  const pass = (ms, frames = 1) => {
    for (let i = 0; i < frames; i++) {
      const tick = frame;
      frame = null;
      now += ms;
      tick?.(now);
    }
  };
  return { playback, pass, told };
}

test("a run plays at its rate, whole steps only, and stops at its end", () => {
  const { playback, pass, told } = played(10);
  playback.play();
  pass(50, 5); // the first frame only starts the clock
  assert.deepEqual([playback.at, playback.playing], [2, true]);
  assert.equal(told.drawn, 3); // the start, and two steps
  pass(50, 30);
  assert.deepEqual([playback.at, playback.playing, told.chosen], [10, false, 0]);
  playback.play();
  assert.equal(playback.at, 0); // from the start again
});

test("speed, loop, and steps between steps", () => {
  const { playback, pass } = played(10, { smooth: true });
  Object.assign(playback, { speed: 2, loop: true });
  playback.play();
  pass(50, 4);
  assert.ok(Math.abs(playback.at - 3) < 1e-9);
  pass(75);
  assert.ok(Math.abs(playback.at - 4.5) < 1e-9);
  playback.pause();
  assert.equal(playback.at, 5); // it rests at a whole step
  playback.at = 9.9;
  playback.play();
  pass(50, 2);
  assert.ok(playback.at < 1 && playback.playing);
});

test("a tab that slept does not leap", () => {
  const { playback, pass } = played(1000);
  playback.play();
  pass(16);
  pass(60_000);
  assert.equal(playback.at, 1);
});

test("what a person does stops the motion and is told", () => {
  const { playback, pass, told } = played(10);
  playback.toggle();
  pass(50, 7);
  playback.go(7.4, false);
  assert.deepEqual([playback.at, playback.playing, told.chosen], [7, false, 1]);
  playback.next();
  playback.back();
  playback.back();
  assert.deepEqual([playback.at, told.chosen], [6, 4]);
  playback.go(99);
  assert.equal(playback.at, 10);
  pass(50, 3); // a frame that was on its way moves nothing
  assert.equal(playback.at, 10);
});

test("another run keeps the motion", () => {
  const { playback, pass } = played(10);
  playback.play();
  pass(50, 5);
  playback.load(100, 20);
  pass(50, 4);
  assert.deepEqual([playback.at, playback.steps, playback.playing], [22, 100, true]);
  playback.load(0, 5);
  assert.equal(playback.at, 0);
});

test("frames a second", () => {
  const meter = new FrameMeter();
  const rates = Array.from({ length: 61 }, (_, k) => meter.mark((k * 1000) / 60)).filter((rate) => rate !== null);
  assert.ok(rates.length >= 5 && rates.every((rate) => Math.abs(rate - 60) < 0.01));
});

test("bytes become arrays that know their shape, behind their envelope", () => {
  const text = (tree) => {
    const bytes = new TextEncoder().encode(JSON.stringify(tree));
    const out = new Uint8Array((4 + bytes.length + 7) & ~7);
    new DataView(out.buffer).setUint32(0, bytes.length, true);
    out.set(bytes, 4);
    return out;
  };
  const body = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer);
  const packed = Uint8Array.from([...text({ name: "é", list: [{ a: { $: ["f4", [2, 2], 0] } }] }), ...body]);
  const sent = Uint8Array.from([...text({ key: "k" }), ...packed]);
  const { mount, packed: inner } = openEnvelope(sent);
  const tree = unpack(inner);
  assert.equal(mount.key, "k");
  assert.equal(tree.name, "é");
  assert.deepEqual([[...tree.list[0].a], tree.list[0].a.shape], [[1, 2, 3, 4], [2, 2]]);
  assert.deepEqual([...dequantise(Uint8Array.of(0, 1, 253, 254, 255), [-1, 1])], [-Infinity, -1, 1, Infinity, NaN]);
});

test("noise is standard normal and seeded", () => {
  const draws = (seed, n) => { const random = new Random(seed); return Array.from({ length: n }, () => random.normal()); };
  const many = draws(7, 40_000);
  const middle = mean(many, many.length);
  assert.deepEqual(many.slice(0, 5), draws(7, 5));
  assert.notDeepEqual(many.slice(0, 5), draws(8, 5));
  assert.ok(Math.abs(middle) < 0.02);
  assert.ok(Math.abs(Math.sqrt(mean(many, many.length, (v) => (v - middle) ** 2)) - 1) < 0.02);
  assert.ok(Math.abs(mean(many, many.length - 1, (v) => v) - middle) < 0.01);
  assert.ok(Math.abs(many.filter((v) => Math.abs(v) < 1).length / many.length - 0.6827) < 0.01);
  const lagged = many.slice(1).reduce((sum, v, i) => sum + v * many[i], 0) / many.length;
  assert.ok(Math.abs(lagged) < 0.02);
});

test("a table is read between its nodes, and holds at its border", () => {
  const changes = Uint8Array.of(0, 255, 0, 0, 0, 255, 0, 0); // codes 0, 65535, 0, 65535: d = x on a square of half 1
  const flat = { changes: new Uint8Array(8), range: [0, 1] };
  const table = makeTable({ size: 2, half: 1, space: "data", channels: [{ changes, range: [-1, 1] }, flat, flat] });
  const found = new Float64Array(3);
  for (const [x, d] of [[0.25, 0.25], [-1, -1], [9, 1], [-9, -1]]) {
    look(table, x, 0.3, found);
    assert.ok(Math.abs(found[0] - d) < 1e-6);
  }
});

test("the share of good samples", () => {
  assert.equal(highQuality([0, 0, 0.39, 0, 0.41, 0, 5, 5], 4, [0, 0], 0.1), 50);
  assert.ok(Number.isNaN(highQuality([], 0, [0, 0], 0.1)));
});

test("a curve's last known value", () => {
  assert.deepEqual([known([1, NaN, NaN, 4], 2), known([1, 2], 9), known([NaN], 0)], [1, 2, NaN]);
  assert.equal(LAYERS.length, 6);
});

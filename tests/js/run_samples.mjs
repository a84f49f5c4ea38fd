// Runs methods on codes of written-out fields: runs on standard input, where each ended on standard output.
//
// Noise is what the question says, so that both sides see the same; what is left over or missing is an error.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const { assets, weights: weightsText, fields, runs } = JSON.parse(readFileSync(0, "utf-8"));
const { Flow } = await import(`${assets}/samples/codes.js`);
const { open } = await import(`${assets}/samples/runtime.js`);
const ort = await import(`${assets}/vendor/onnxruntime-web/ort.wasm.bundle.min.mjs`);
const wasm = gunzipSync(readFileSync(`${assets}/vendor/onnxruntime-web/ort-wasm-simd-threaded.wasm.gz`));
const { default: weights } = await import(`data:text/javascript,${encodeURIComponent(`export default ${weightsText}`)}`);

/** `field` for `count` flows that go in step: it is asked once for all of them. */
function together(field, count) {
  let waiting = [];
  return (codes, n, dim) => new Promise((resolve, reject) => {
    waiting.push({ codes, n, resolve, reject });
    if (waiting.length < count) return;
    const all = waiting;
    waiting = [];
    const whole = new Float32Array(all.flatMap((one) => [...one.codes]));
    field(whole, whole.length / dim, dim).then(({ sample, logit, grad }) => {
      let first = 0;
      for (const { n: rows, resolve: give } of all) {
        const part = (values) => values.slice((first * values.length) / logit.length, ((first + rows) * values.length) / logit.length);
        give({ sample: part(sample), logit: part(logit), grad: part(grad) });
        first += rows;
      }
    }, reject);
  });
}

/** A run from `start`; with a `path`, every step starts where that is, and what counts is how far it ends from there. */
async function follow({ file, world, start, settings, steps, draws, path }, field) {
  const flow = new Flow(field, { ...world, weights }, { it: await import(file) });
  let used = 0;
  flow.random = { normal: () => draws[used++] };
  await flow.place(Float64Array.from(start));
  const { codes } = flow;
  const away = [];
  for (let k = 0; k < steps; k++) {
    if (!path) await flow.step({ method: "it", settings, until: "steps" });
    else {
      codes.points.set(path[k]);
      await codes.evaluate();
      flow.methods.it.step(codes, settings, flow.random);
      away.push(Math.max(...codes.points.map((value, j) => Math.abs(value - path[k + 1][j]))));
    }
  }
  return { points: [...codes.points], logits: [...codes.logits], away, left: draws.length - used };
}

const answers = {};
for (const [name, file] of Object.entries(fields)) {
  const mine = Object.entries(runs).filter(([, run]) => run.field === name);
  const field = together(await open(ort, wasm, readFileSync(file)), mine.length);
  const ends = await Promise.all(mine.map(([, run]) => follow(run, field)));
  mine.forEach(([key], i) => { answers[key] = ends[i]; });
}
console.log(JSON.stringify(answers, (_, value) => (Number.isNaN(value) ? null : value)));

// Runs methods in their browser form: a list of runs on standard input, where each ended on standard output.
//
// Noise is what the question says, so that both sides see the same; what is left over or missing is an error.
import { readFileSync } from "node:fs";

const { folder, weights: weightsText, tables, runs } = JSON.parse(readFileSync(0, "utf-8"));
const { Sim, driftAt, makeTable } = await import(`${folder}/sim.js`);
const { default: weights } = await import(`data:text/javascript,${encodeURIComponent(`export default ${weightsText}`)}`);
const made = Object.fromEntries(Object.entries(tables).map(([name, packed]) => [name, makeTable(packed)]));

const answers = [];
for (const { module, table, world, start, settings, steps, draws } of runs) {
  const method = await import(`${folder}/${module}`);
  const sim = new Sim(made[table], { ...world, weights }, start.length / 2);
  sim.place(start);
  const drift = driftAt(sim, method, settings, start[0], start[1]);
  let used = 0;
  const random = { normal: () => draws[used++] };
  for (let k = 0; k < steps; k++) method.step(sim, settings, random);
  answers.push({ points: [...sim.points], samples: [...sim.samples], logits: [...sim.logits], drift, left: draws.length - used });
}
console.log(JSON.stringify(answers, (_, value) => (Number.isNaN(value) ? null : value)));

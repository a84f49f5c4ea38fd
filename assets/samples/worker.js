// worker.js: the flow of images or text, beside the page and not on it, so that nothing there waits.
//
// Asked with { do, … }: open, start, choose, run, single, hold, pull, between, pace; told { is, … }: "open" (ms for n
// samples), "frame" (after each step, and whenever what is shown has changed) or "problem" (a sentence).
import { Flow, letters, pixels } from "./codes.js";
import { open, unzipped } from "./runtime.js";

const TRIED = 16; // samples with which the machine is timed

/** Answer the page; `methods` are the modules dgflow_core/methods/<name>.js, `weights` w_f(d) by divergence. */
export function serve({ methods, weights }) {
  let [flow, world, choice, running, gap, timer] = [null, null, null, false, 0, 0];
  let last = Promise.resolve();

  const after = (act) => {
    last = last.then(act).catch((error) => {
      running = false;
      postMessage({ is: "problem", words: String(error?.message ?? error) });
    });
  };

  function show(ms = 0) {
    const { codes, held, rested, taken } = flow;
    const { n, samples } = codes;
    const seen = world.kind === "text" ? letters(samples, n, world.shape) : { rgba: pixels(samples, n, world.shape) };
    const logits = Float32Array.from(codes.logits.subarray(0, n));
    const frame = { is: "frame", step: taken, n, ms, logits, held: [...held], rested: [...rested], version: choice?.version ?? 0, ...seen };
    postMessage(frame, Object.values(seen).concat(logits).map((one) => one.buffer));
  }

  async function step() {
    const began = performance.now();
    await flow.step(choice);
    if (!flow.codes.logits.subarray(0, flow.codes.n).every(Number.isFinite)) {
      running = false;
      postMessage({ is: "problem", words: "The codes left the finite range: take a smaller step, and start again." });
      return;
    }
    show(performance.now() - began);
  }

  function next(wait = 0) {
    clearTimeout(timer);
    timer = setTimeout(() => after(async () => { // a task of its own: what the page has asked meanwhile comes first
      if (!running) return;
      const began = performance.now();
      await step();
      if (running) next(gap - (performance.now() - began));
    }), Math.max(0, wait));
  }

  const acts = {
    async open({ runtime, onnx, about }) {
      world = { ...about, weights };
      const address = URL.createObjectURL(new Blob([runtime.ort], { type: "text/javascript" }));
      const field = await open(await import(address), await unzipped(runtime.wasm), onnx);
      URL.revokeObjectURL(address);
      flow = new Flow(field, world, methods);
      await flow.start(TRIED, 0); // once to warm up
      let ms = Infinity;
      for (let k = 0; k < 3; k++) {
        const began = performance.now();
        await flow.codes.evaluate();
        ms = Math.min(ms, performance.now() - began);
      }
      postMessage({ is: "open", n: TRIED, ms });
    },
    async start({ n, seed }) {
      await flow.start(n, seed);
      show();
    },
    choose(asked) { choice = asked.choice; },
    pace({ stepsASecond }) { gap = 1000 / stepsASecond; },
    run({ on }) {
      running = on;
      if (on) next();
    },
    single: step,
    hold({ i, on }) {
      flow.held[on ? "add" : "delete"](i);
      show();
    },
    async pull({ i }) {
      flow.pull(i);
      await refreshed();
    },
    async between({ i, j, t }) {
      flow.between(i, j, t);
      await refreshed();
    },
  };

  async function refreshed() {
    if (running) return; // the next step begins with it
    await flow.codes.evaluate();
    show();
  }

  onmessage = ({ data }) => after(() => acts[data.do](data));
}

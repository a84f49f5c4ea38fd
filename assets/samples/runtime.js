// runtime.js: ONNX Runtime Web (assets/vendor/onnxruntime-web), WebAssembly on one thread; no DOM.
//
//   const field = await open(ort, wasm, onnx);       // ort: its module; wasm: its bytes; onnx: the field's graph
//   const { sample, logit, grad } = await field(codes, n, dim);
//
// One thread: more need a page that is isolated from other origins, which neither Streamlit nor a plain host sends.

/** Whether this browser has WebAssembly's vector instructions: v128.const, dropped. */
export function capable() {
  const program = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 23, 1, 21, 0, 253, 12, ...Array(16).fill(0), 26, 11];
  try {
    return WebAssembly.validate(Uint8Array.from(program));
  } catch {
    return false;
  }
}

/** The bytes behind gzip, or `bytes` themselves where a host has taken it off already. */
export async function unzipped(bytes) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The function from codes to what the graph `onnx` says of them. */
export async function open(ort, wasm, onnx) {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = wasm;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(onnx, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
  return async (codes, n, dim) => {
    const { sample, logit, grad } = await session.run({ z: new ort.Tensor("float32", codes, [n, dim]) });
    return { sample: sample.data, logit: logit.data, grad: grad.data };
  };
}

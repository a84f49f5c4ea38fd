// source.js: where the runtime comes from: the page itself, a server, or a script beside a page on disk.
import { element } from "../kit/dom.js";
import { unzipped } from "./runtime.js";

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** { ort, wasm }: the runtime's module and its WebAssembly, in gzip; fetched once for a page. */
export function runtime(content, address) {
  return (globalThis.__dgflowRuntime ??= find(content, address).catch((error) => {
    globalThis.__dgflowRuntime = undefined; // so that the next try is a try
    throw error;
  }));
}

async function find(content, address) {
  if (content) return { ort: content.ort, wasm: content.wasm };
  if (address.endsWith(".js")) { // a page on disk may not fetch, but it may load a script
    await new Promise((resolve, reject) => {
      document.head.append(element("script", { src: address, onload: resolve, onerror: () => reject(new Error(`${address} is not there.`)) }));
    });
    const { ort, wasm } = globalThis.__dgflowFiles;
    return { ort: await unzipped(bytes(ort)), wasm: await unzipped(bytes(wasm)) };
  }
  const get = async (name) => {
    const answer = await fetch(new URL(name, new URL(address, document.baseURI)));
    if (!answer.ok) throw new Error(`${name} is not there (${answer.status}).`);
    return new Uint8Array(await answer.arrayBuffer());
  };
  const [ort, wasm] = await Promise.all(["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm.gz"].map(get));
  return { ort, wasm };
}

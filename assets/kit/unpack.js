// unpack.js: the bytes of dgflow_core/pictures/packing.py → plain objects with typed arrays.
//
// Layout (little-endian): uint32 length of a JSON header, the header, padding to 8 bytes, then the
// arrays, each padded to 8. In the header an array is {"$": [dtype, shape, offset]}.

const ARRAYS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };
const padded = (length) => (length + 7) & ~7;

/** The object in `bytes` (a Uint8Array), with every array as a typed array that knows its `shape`. */
export function unpack(bytes) {
  const own = bytes.slice(); // typed arrays need an aligned start, which a network buffer rarely has
  const length = new DataView(own.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(own.subarray(4, 4 + length)));
  const start = padded(4 + length);
  const revive = (value) => {
    if (Array.isArray(value)) return value.map(revive);
    if (value === null || typeof value !== "object") return value;
    if (value.$) {
      const [dtype, shape, offset] = value.$;
      const size = shape.reduce((product, side) => product * side, 1);
      return Object.assign(new ARRAYS[dtype](own.buffer, start + offset, size), { shape });
    }
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, revive(inner)]));
  };
  return revive(header);
}

/** Split what app/components.py sends: where the picture is mounted, and the packed scene. */
export function openEnvelope(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const mount = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  return { mount, packed: bytes.subarray(padded(4 + length)) };
}

/** Quantised codes → numbers in data units; `low` and `high` become ∓Infinity, the last code NaN. */
export function dequantise(codes, [from, to], out = new Float32Array(codes.length)) {
  const top = 256 ** codes.BYTES_PER_ELEMENT - 1; // codes: 0 below, 1 … top − 2 inside, top − 1 above, top NaN
  const unit = (to - from) / (top - 3);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    out[i] = code === top ? NaN : code === 0 ? -Infinity : code === top - 1 ? Infinity : from + (code - 1) * unit;
  }
  return out;
}

// numbers.js: numbers as people write them; no DOM.

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** A number as people write it: three significant digits, a true minus sign. */
export function number(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size !== 0 && (size >= 1e5 || size < 1e-3)
    ? value.toExponential(digits - 1).replace("e+", "e")
    : String(Number(value.toPrecision(digits)));
  return text.replaceAll("-", "−");
}

/** A number with its sign, to two decimals. */
export const signed = (value) => (Number.isFinite(value) ? (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2) : "–");

/** The largest |value| of finite `values`; a loop, since an argument list of a whole run does not fit the stack. */
export function largest(values) {
  let most = 0;
  for (const value of values) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return most;
}

/** A text as part of a file's name. */
export const slug = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}.]+/gu, "-").replace(/^-+|-+$/g, "");

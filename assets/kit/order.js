// order.js: samples in an order, as wall and reader hang them; no DOM.

export const ORDERS = { drawn: "As drawn", improved: "Most improved", harmed: "Most harmed", final: "Highest logit" };
export const FILM = 9; // steps in a film strip

/** The numbers 0 … n − 1 in `order`, by the logit of each at the start and at the end of its run. */
export function ranked(order, n, start, end) {
  const gain = (i) => end(i) - start(i);
  const by = { drawn: (i) => i, improved: (i) => -gain(i), harmed: gain, final: (i) => -end(i) }[order];
  return Array.from({ length: n }, (_, i) => i).sort((a, b) => by(a) - by(b));
}

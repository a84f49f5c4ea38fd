// line.js: a string, a character a cell, with what a generator thinks of each.
import { rgb } from "./colour.js";
import { element } from "./dom.js";

export const LEVELS = 8; // shades of confidence

/** One line of characters; only what differs from what it shows is touched. */
export class Line {
  constructor(length) {
    this.cells = Array.from({ length }, () => element("i"));
    this.node = element("code", { className: "line" }, ...this.cells);
    this.shown = new Int32Array(length).fill(-1);
  }

  /** Show `panel`'s string `row` at `step`, in view "confidence" or "words". */
  show(run, panel, step, row, view) {
    const { n, length, alphabet } = run;
    const at = Math.min(step, panel.steps);
    const [now, past, start] = [at, Math.max(0, at - 1), 0].map((k) => (k * n + row) * length);
    for (let i = 0; i < length; i++) {
      const symbol = panel.symbols[now + i];
      const mark = panel.marks[now + i];
      const since = symbol !== panel.symbols[start + i];
      const fresh = step <= panel.steps && symbol !== panel.symbols[past + i];
      const tint = view === "words" ? 8 + (mark >> 6) : Math.floor(((mark & 63) * LEVELS) / 64);
      const code = symbol | (tint << 8) | (since << 12) | (fresh << 13);
      if (code === this.shown[i]) continue;
      const cell = this.cells[i];
      if ((code & 255) !== (this.shown[i] & 255) || this.shown[i] < 0) cell.textContent = alphabet[symbol];
      cell.className = `t${tint}${since ? " since" : ""}${fresh ? " fresh" : ""}`;
      this.shown[i] = code;
    }
  }
}

/** Give `root` the colours behind characters: unsure ones, and words of the corpus. */
export function tinted(root, palette, dark) {
  const tint = (colour, share) => `rgb(${rgb(colour).join(" ")} / ${share})`;
  const set = (name, value) => root.style.setProperty(`--${name}`, value);
  for (let level = 0; level < LEVELS; level++) set(`t${level}`, tint(palette.unsure, (dark ? 0.45 : 0.7) * (1 - level / (LEVELS - 1))));
  set("known", tint(palette.known, dark ? 0.5 : 0.3));
}

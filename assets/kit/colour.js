// colour.js: colours as numbers, blends and ramps of them.
import { clamp } from "./numbers.js";

let context = null;
const known = new Map();

/** CSS colour → [r, g, b]. */
export function rgb(colour) {
  if (!known.has(colour)) {
    context ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    context.fillStyle = "#000";
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    known.set(colour, [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
  }
  return known.get(colour);
}

export const mixed = (a, b, t) => `rgb(${a.map((v, i) => Math.round(v + (b[i] - v) * t)).join(",")})`;
export const luminance = ([r, g, b]) => (0.299 * r + 0.587 * g + 0.114 * b) / 255;

/** [r, g, b] at `t` in [0, 1] of evenly spaced stops ([r, g, b] each). */
function between(stops, t) {
  const at = clamp(t, 0, 1) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  return stops[low].map((v, k) => Math.round(v + (stops[low + 1][k] - v) * (at - low)));
}

/** The colour at `t` in [0, 1] of evenly spaced stops. */
export const blend = (stops, t) => `rgb(${between(stops.map(rgb), t).join(",")})`;

/** Colour stops → 256 packed pixels for a Uint32Array view of ImageData. */
export function ramp(stops) {
  const colours = stops.map(rgb);
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const [r, g, b] = between(colours, i / 255);
    return (255 << 24) | (b << 16) | (g << 8) | r;
  });
}

/**
 * What the page looks like at `root`: dark or not, font, accent, and the colours of what is drawn there: paper, ink,
 * quiet (small text), grid and panel, real, base and refined; of `palette` where it names them, else mixed from paper and ink.
 */
export function appearance(root, palette = {}) {
  const style = getComputedStyle(root);
  const variable = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const [paper, ink] = [rgb(variable("--paper", "#fff")), rgb(variable("--ink", "#22252b"))];
  const dark = luminance(paper) < 0.5;
  const tone = palette[dark ? "dark" : "light"] ?? {};
  const known = (name, share) => (tone[name] ? mixed(rgb(tone[name]), [0, 0, 0], 0) : mixed(paper, ink, share));
  return {
    dark, font: style.fontFamily || "sans-serif", accent: variable("--accent", "#7b2d8b"),
    paper: mixed(paper, paper, 0), ink: mixed(ink, ink, 0),
    ...Object.fromEntries(["real", "base", "refined"].filter((name) => tone[name]).map((name) => [name, tone[name]])),
    quiet: known("quiet", 0.65), grid: known("grid", 0.14), panel: known("panel", 0.05),
  };
}

/** Call `act` when `root` changes its size, or the system turns light or dark; returns what ends it. */
export function onAppearance(root, act) {
  let size = "";
  const observer = new ResizeObserver(() => {
    const now = `${root.clientWidth} × ${root.clientHeight}`;
    if (now !== size) act();
    size = now;
  });
  observer.observe(root);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", act);
  return () => {
    observer.disconnect();
    dark.removeEventListener("change", act);
  };
}

/** Whether motion should wait until it is asked for. */
export const prefersStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

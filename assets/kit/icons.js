// icons.js: every icon of the kit, as a stroke on a 24 × 24 grid.
import { element } from "./dom.js";
import { say } from "./say.js";

const STROKES = {
  first: "M5 5v14M19 5 9 12l10 7z",
  back: "M8 5v14M18 5l-8 7 8 7z",
  play: "M7 4l13 8-13 8z",
  pause: "M8 5v14M16 5v14",
  next: "M16 5v14M6 5l8 7-8 7z",
  last: "M19 5v14M5 5l10 7-10 7z",
  loop: "M17 2l4 4-4 4M3 11V9a3 3 0 0 1 3-3h15M7 22l-4-4 4-4M21 13v2a3 3 0 0 1-3 3H3",
  save: "M12 3v12M7 10l5 5 5-5M4 20h16",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  cut: "M12 3v18M8 8l-4 4 4 4M16 8l4 4-4 4",
  restart: "M4 4v6h6M20 12a8 8 0 1 1-2.3-5.7L20 8.5",
  clear: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path")).setAttribute("d", STROKES[name]);
  return svg;
}

/** A button that shows the icon `name`; `label` is what it is called. */
export const iconButton = (name, label, act) =>
  element("button", { type: "button", className: `icon ${name}`, title: label, "aria-label": label, onclick: act }, icon(name));

/** The button that plays and pauses; `showPlaying` says which of both it does next. */
export const playButton = (act) => iconButton("play", "Play (space)", act);

export function showPlaying(button, playing) {
  const label = say(playing ? "Pause" : "Play");
  button.replaceChildren(icon(playing ? "pause" : "play"));
  button.className = `icon play ${playing ? "pause" : ""}`;
  button.title = say(playing ? "Pause (space)" : "Play (space)");
  button.setAttribute("aria-label", label);
}

/** Fill the screen with `root`, or give it back. */
export const fullScreen = (root) => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen?.());

/** The button that fills the screen with `root`, and gives it back. */
export const fullScreenButton = (root) =>
  iconButton("full", "Full screen (F)", () => fullScreen(root));

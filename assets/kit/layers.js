// layers.js: what a View can show or hide, and the chips that do.
import { say } from "./say.js";
import { chip, element } from "./dom.js";

/** What each is called, on every page. */
export const LAYER_NAMES = { map: "Map", arrows: "Arrows", real: "Real", base: "Base", refined: "Refined", paths: "Paths" };
export const LAYERS = Object.keys(LAYER_NAMES);

/** Chips for the layers of `view` that `titles` names; `changed(name, on)` is called after one changed. */
export function layerChips(view, titles, changed) {
  return LAYERS.filter((name) => titles[name]).map((name) => {
    const one = chip(titles[name], say("Show or hide: {what}", { what: say(titles[name]) }), () => {
      view.setLayer(name, !view.layers[name]);
      showLayers([one], view);
      if (name === "map") view.layout(); // its colour bar takes room
      changed(name, view.layers[name]);
    }, element("i", { className: `swatch ${name}` }));
    one.dataset.layer = name;
    one.setAttribute("aria-pressed", view.layers[name]);
    return one;
  });
}

export function showLayers(chips, view) {
  for (const one of chips) one.setAttribute("aria-pressed", view.layers[one.dataset.layer]);
}

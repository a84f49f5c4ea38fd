// keys.js: what keys do; one place for every component.
import { element } from "./dom.js";
import { say } from "./say.js";

/** What the keys of every player do, as "?" shows it. */
export const KEYS = {
  "Space bar": "play, pause", "← →": "one step", "Home End": "start, end", "[ ]": "slower, faster", F: "full screen", "?": "these keys",
};

/** What "?" does within `root`: it shows the keys of `rows`, and hides them. */
export function helper(root, rows = KEYS) {
  const list = element("dl", { className: "keylist", role: "note", hidden: true, "aria-label": "Keys" },
    ...Object.entries(rows).map(([key, text]) => element("div", {}, element("dt", { textContent: say(key) }), element("dd", { textContent: say(text) }))));
  root.append(list);
  return () => { list.hidden = !list.hidden; };
}

/** Whether a key belongs to the control that has the focus, and not to the picture around it. */
function taken(event) {
  const { tagName, type, classList } = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || tagName === "SELECT") return true;
  if (event.key === " ") return tagName === "BUTTON" || type === "checkbox";
  return tagName === "INPUT" && type === "range" && !classList.contains("scrub") && !/^[a-z]$/i.test(event.key);
}

/** Act on keys pressed within `root`: { " ": …, ArrowLeft: …, r: … }; letters in either case. */
export function onKeys(root, acts) {
  root.onkeydown = (event) => {
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || taken(event)) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  };
}

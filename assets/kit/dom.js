// dom.js: elements, and groups of them to choose from; what they are called is said in the language of the page.
import { say } from "./say.js";

const CALLED = ["title", "aria-label"];

/** Element with properties, attributes where a name holds a dash, and children. */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, given] of Object.entries(properties)) {
    const value = CALLED.includes(name) ? say(given) : given;
    if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

/** A chip: a button that is pressed or not. */
export const chip = (text, title, act, ...before) =>
  element("button", { type: "button", className: "chip", title, "aria-pressed": "false", onclick: act }, ...before, say(text));

/** Let the buttons of `group` be one stop of the Tab key; within it, arrow keys go from one to the next. */
export function oneStop(group) {
  const buttons = () => [...group.querySelectorAll("button")].filter((one) => one.checkVisibility());
  const stop = (chosen) => { for (const one of group.querySelectorAll("button")) one.tabIndex = one === chosen ? 0 : -1; };
  group.addEventListener("focusin", ({ target }) => target.tagName === "BUTTON" && stop(target));
  group.addEventListener("keydown", (event) => {
    const places = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!places) return;
    const all = buttons();
    all[(all.indexOf(event.target) + places + all.length) % all.length]?.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  return () => { if (!buttons().some((one) => one.tabIndex === 0)) stop(buttons()[0]); };
}

/** A group of chips of which one is chosen: { value: title, … }; `act` is called with the value. */
export function choices(rows, label, act) {
  const group = element("div", { className: "chips choice", role: "group", "aria-label": label });
  for (const [value, text] of Object.entries(rows)) {
    group.append(Object.assign(chip(text, text, () => act(value)), { value, tabIndex: group.children.length ? -1 : 0 }));
  }
  oneStop(group);
  return group;
}

/** Mark `value` as the one chosen in a group of `choices`. */
export function choose(group, value) {
  for (const one of group.children) one.setAttribute("aria-pressed", one.value === value);
}

/** A list to choose from: { value: title, … }; `act` is called with the value. */
export function select(rows, title, act) {
  const options = Object.entries(rows).map(([value, textContent]) => element("option", { value, textContent: say(textContent) }));
  return element("select", { title, "aria-label": title, onchange: (event) => act(event.target.value) }, ...options);
}

/** What a screen reader is told politely: `say(text)` tells it, once. */
export function announcer() {
  const node = element("div", { className: "announced", role: "status", "aria-live": "polite" });
  const tell = (text) => { if (node.textContent !== text) node.textContent = text; };
  return { node, say: tell };
}

/** The file `name` with the picture on `canvas`, downloaded. */
export function download(canvas, name) {
  canvas.toBlob((blob) => {
    const link = element("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}

// controls.js: a method's settings as controls, and its rule with the numbers in it: for pages that compute as they show.
import { element } from "./dom.js";
import { clamp, number } from "./numbers.js";
import { scaleLinear, scaleLog } from "../vendor/d3.js";

/** Put buttons of which one is chosen into `host`: [key, text, title, whether it is off] each; `pick` is told the key. */
export function segments(host, options, value, pick) {
  host.replaceChildren(...options.map(([key, text, title, off]) => {
    const one = element("button", { type: "button", role: "radio", textContent: text, title: title ?? text, disabled: !!off,
      "aria-checked": key === value, onclick: () => pick(key) });
    one.dataset.value = key;
    return one;
  }));
}

/** The control of a declared setting (pictures/live_world.py); `titles`: of its options; `estimate`: what holds until it is set. */
export function setting(name, row, value, changed, { titles = {}, estimate } = {}) {
  const label = `${row.symbol} · ${row.label}`;
  if (row.options) return options(name, label, row, value, changed, { adam: "Adam", sgd: "SGD", ...titles });
  if (row.optional) return optional(name, label, row, value, changed, estimate);
  return slider({ name, label, help: row.help, range: row.slider, log: row.log, step: row.step, value }, changed);
}

function options(name, label, row, value, changed, titles) {
  const select = element("select", { title: row.help, "aria-label": label, onchange: () => changed(select.value) },
    ...row.options.map((key) => element("option", { value: key, textContent: titles[key] ?? key, selected: key === value })));
  select.dataset.setting = name;
  return element("label", { className: "choice", title: row.help }, element("span", { textContent: label }), select);
}

/** A setting that is estimated, or left out, until it is set by hand. */
function optional(name, label, row, value, changed, estimate) {
  const box = element("input", { type: "checkbox", checked: value !== null });
  const one = slider({ name, label, help: row.help, range: row.slider, log: row.log, value: value ?? estimate ?? row.slider[0] }, changed);
  const input = one.querySelector("input");
  input.disabled = value === null;
  box.onchange = () => {
    input.disabled = !box.checked;
    changed(box.checked ? Number(one.dataset.value) : null);
  };
  const known = estimate === undefined ? "" : ` (estimated: ${number(estimate, 3)})`;
  return element("div", { className: "optional" }, one,
    element("label", { className: "check", title: row.help }, box, ` set ${row.symbol} by hand${known}`));
}

/** A slider with its label and value; `text`: the value in words. */
export function slider({ name, label, help, range: [low, high], log, step, value, text }, changed) {
  const ends = [Math.min(low, value), Math.max(high, value)]; // a link may hold more than the slider offers
  const scale = (log ? scaleLog : scaleLinear)(ends, [0, 1]).clamp(true);
  const show = text ?? ((v) => number(v, 3));
  const output = element("output", { textContent: show(value) });
  const input = element("input", { type: "range", className: "slider", min: 0, max: 1, step: "any", value: scale(value), title: help,
    "aria-label": `${label}. ${help}`, "aria-valuetext": show(value) });
  const row = element("label", { className: "setting", title: help }, element("span", { textContent: label }), input, output);
  input.dataset.setting = name;
  row.dataset.value = value;
  const fill = () => input.style.setProperty("--done", `${100 * input.value}%`);
  input.oninput = () => {
    const raw = scale.invert(input.value);
    const rounded = log ? Number(raw.toPrecision(2)) : step ? Math.round(raw / step) * step : raw;
    const next = clamp(Number(rounded.toPrecision(6)), ...ends);
    if (step && !log) input.value = scale(next);
    output.textContent = show(next);
    input.setAttribute("aria-valuetext", show(next));
    row.dataset.value = next;
    fill();
    changed(next);
  };
  fill();
  return row;
}

/** The update rule of `rules` (a method's module) with the numbers of `settings`; `names`: { x, d, weight, estimate }. */
export function ruleWords(rules, settings, names, title) {
  const value = (v) => element("b", { textContent: number(v, 3) });
  const part = (one) => {
    if (typeof one === "string") return one;
    if (typeof one === "number") return value(one);
    const [[tag, text]] = Object.entries(one);
    return element(tag, {}, typeof text === "number" ? value(text) : text);
  };
  const parts = (rules.rule?.(settings, names) ?? [{ i: names.x }, " ← ", title, "(", { i: names.x }, ")"]).map(part);
  const noise = rules.noise?.(settings) ?? 0;
  if (noise > 0) parts.push(" + ", value(noise), " ", element("i", { textContent: "ξ" }));
  return parts;
}

/** Settings as links write them: those of `values` that differ from `standard`. */
export function linked(values, standard) {
  const text = (value) => (value === true ? "1" : value === false ? "0" : value === null ? "none" : String(value));
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== standard[name]).map(([name, value]) => [name, text(value)]));
}

/** `standard` with what a link's `query` says, read as the values there are. */
export function readLink(query, standard) {
  const read = (text, like) => (text === "none" ? null : typeof like === "boolean" ? text === "1" : typeof like === "string" ? text : Number(text));
  return Object.fromEntries(Object.entries(standard).map(([name, like]) => [name, name in query ? read(query[name], like) : like]));
}

/** Write `values` into the address, beside the model it names; an entry of the history for each. */
export function writeAddress(values) {
  const kept = new URLSearchParams(location.search);
  const query = new URLSearchParams(kept.has("model") ? { model: kept.get("model") } : {});
  for (const [name, value] of Object.entries(values)) query.set(name, value);
  const text = query.toString();
  if (text === kept.toString()) return;
  try {
    history.pushState(history.state, "", location.pathname + (text ? `?${text}` : "") + location.hash);
  } catch { /* a page on disk may not change its address everywhere */ }
}

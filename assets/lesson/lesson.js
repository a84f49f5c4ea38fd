// lesson.js: what a browser keeps of the lessons (which were predicted, which goals reached), what its tab keeps of
// a room (code and key, so that its lecturer may reload), and the keys of a clicker: Page Down and Page Up go on and back, B or "." makes the screen black.
import { component } from "../kit/mount.js";

const PLACE = "dgflow.lessons";
const NAMES = ["predicted", "passed"];

/** What was kept in this browser, or nothing where it keeps nothing. */
export function kept(storage) {
  try {
    const found = JSON.parse(storage.getItem(PLACE) ?? "{}");
    return Object.fromEntries(NAMES.map((name) => [name, Array.isArray(found[name]) ? found[name].filter((one) => typeof one === "string") : []]));
  } catch {
    return { predicted: [], passed: [] };
  }
}

/** Both lists together, each name once, in order. */
export const joined = (a, b) => Object.fromEntries(NAMES.map((name) => [name, [...new Set([...a[name], ...b[name]])].sort()]));

/** The room that this tab opened: [code, key], `given` or as it was kept; [] where it opened none. */
export function keptRoom(storage, given) {
  try {
    if (given.length) storage.setItem(PLACE, JSON.stringify(given));
    const found = JSON.parse(storage.getItem(PLACE) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return given;
  }
}

export class Keeper {
  constructor(root, key, tell) {
    Object.assign(this, { root, tell });
    document.addEventListener("keydown", this.onKey = (event) => this.#key(event), true);
  }

  destroy() {
    document.removeEventListener("keydown", this.onKey, true);
    this.black?.remove();
  }

  load(given) {
    this.root.dataset.at = given.at;
    const all = joined(kept(localStorage), given);
    try {
      localStorage.setItem(PLACE, JSON.stringify(all));
    } catch { /* a browser that keeps nothing: the session still does */ }
    const room = keptRoom(sessionStorage, given.room);
    const news = NAMES.some((name) => all[name].length > given[name].length);
    const back = room.length > given.room.length && !this.back; // said once: the room may have ended
    this.back ||= back;
    if (news || back) this.tell({ ...all, room });
  }

  #key(event) {
    const { key, target } = event;
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !["radio", "range"].includes(target.type);
    if (event.ctrlKey || event.metaKey || event.altKey || typing) return;
    if (key === "b" || key === "B" || key === ".") this.#blacken();
    else if (key === "PageDown") press("lesson_on", "lesson_next");
    else if (key === "PageUp") press("lesson_back");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #blacken() {
    if (this.black?.isConnected) return this.black.remove();
    this.black = Object.assign(document.createElement("div"), { className: "blackout" });
    Object.assign(this.black.style, { position: "fixed", inset: 0, background: "#000", zIndex: 2_000_000 });
    document.body.append(this.black);
  }
}

/** Press the first of these buttons that is there and can be pressed. */
function press(...names) {
  for (const name of names) {
    const button = document.querySelector(`.st-key-${name} button:enabled`);
    if (button) return button.click();
  }
}

export default component("lesson", Keeper, "keeper");

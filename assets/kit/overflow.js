// overflow.js: a row of chips that stays one row; what finds no room waits behind "more".
import { element, oneStop } from "./dom.js";
import { say } from "./say.js";

const GAP = 6; // between chips, as tokens.css has it

/** `group`, an element of class "chips", as one row; `put(...chips)` fills it, `chips` are all of them. */
export class ChipRow {
  constructor(group) {
    Object.assign(this, { group, chips: [] });
    group.classList.add("one");
    this.stops = oneStop(group);
    this.menu = element("div", { className: "chips menu", hidden: true });
    this.more = element("button", { type: "button", className: "chip more", textContent: say("more"), title: "What found no room",
      "aria-expanded": "false", "aria-haspopup": "true", onclick: () => this.open(this.menu.hidden) });
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.menu.hidden) return;
      event.stopPropagation();
      this.open(false);
      this.more.focus();
    });
    group.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !group.contains(relatedTarget) && this.open(false));
    this.observer = new ResizeObserver(() => group.clientWidth !== this.width && this.fit());
    this.observer.observe(group);
  }

  destroy() {
    this.observer.disconnect();
  }

  open(on) {
    this.menu.hidden = !on;
    this.more.setAttribute("aria-expanded", on);
  }

  put(...chips) {
    this.chips = chips;
    chips.forEach((one, i) => { one.tabIndex = i ? -1 : 0; });
    this.more.tabIndex = -1;
    this.fit();
  }

  /** Move what has no room into the menu. */
  fit() {
    const { group, menu, more, chips } = this;
    this.width = group.clientWidth;
    const focused = group.getRootNode().activeElement;
    group.replaceChildren(...chips, more, menu);
    menu.replaceChildren();
    more.hidden = false; // what is hidden has no width
    const widths = [...chips, more].map((one) => Math.ceil(one.getBoundingClientRect().width) + GAP);
    const shown = fitting(widths.slice(0, -1), this.width + GAP, widths.at(-1));
    more.hidden = shown === chips.length;
    if (more.hidden) this.open(false);
    menu.append(...chips.slice(shown));
    if (chips.includes(focused)) focused.focus();
    this.stops();
  }
}

/** How many of `widths` fit into `room`, where the rest needs a button as wide as `more`. */
export function fitting(widths, room, more) {
  const sum = (count) => widths.slice(0, count).reduce((all, one) => all + one, 0);
  if (sum(widths.length) <= room) return widths.length;
  let count = widths.length - 1;
  while (count > 0 && sum(count) + more > room) count--;
  return count;
}

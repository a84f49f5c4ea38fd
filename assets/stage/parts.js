// parts.js: what the components are made of; needs nothing.

/** Element with properties, attributes where a name holds a dash, and children. */
function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

/** A stroke on a 24 × 24 grid as an icon. */
function icon(stroke) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path")).setAttribute("d", stroke);
  return svg;
}

/** A button that shows an icon; `label` is what it is called. */
const iconButton = (name, stroke, label, act) =>
  element("button", { type: "button", className: `icon ${name}`, title: label, "aria-label": label, onclick: act }, icon(stroke));

/** A group of buttons of which one is chosen: { value: title, … }; `act` is called with the value. */
function chips(rows, label, act) {
  const group = element("div", { className: "chips", role: "group", "aria-label": label });
  for (const [value, textContent] of Object.entries(rows)) {
    group.append(element("button", { type: "button", className: "chip", textContent, value, onclick: () => act(value) }));
  }
  return group;
}

/** A number with its sign, to two decimals. */
const signed = (value) => (Number.isFinite(value) ? (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2) : "–");

const PACE = 160; // milliseconds a step at speed 1
const FILM = 9; // steps in a film strip
const ORDERS = { drawn: "As drawn", improved: "Most improved", harmed: "Most harmed", final: "Highest logit" };

/** What steps through `run.steps` on a timer; a subclass sets `run` and draws the step `at`. */
class Steps {
  at = 0;
  timer = null;
  speed = 1;

  play() {
    clearInterval(this.timer);
    if (this.at >= this.run.steps) this.at = 0;
    this.timer = setInterval(() => {
      if (this.at >= this.run.steps) this.pause();
      else this.go(this.at + 1);
    }, PACE / this.speed);
    this.go(this.at);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    if (this.run) this.draw();
  }

  go(step) {
    this.at = Math.min(Math.max(step, 0), this.run.steps);
    this.draw();
  }
}

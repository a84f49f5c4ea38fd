// transport.js: the controls of a Playback: buttons, scrub bar, step, speed, keys.
import { element, select } from "./dom.js";
import { iconButton, playButton, showPlaying } from "./icons.js";
import { clamp } from "./numbers.js";
import { say } from "./say.js";

const SPEEDS = { 0.25: "¼×", 0.5: "½×", 1: "1×", 2: "2×", 4: "4×" };

/** Parts to be placed: `buttons` (in a row), `speed`, `scrub`, `count`; `draw` after each change. */
export class Transport {
  constructor(playback) {
    this.playback = playback;
    this.names = []; // what steps are called, where they are no mere steps
    this.play = playButton(() => playback.toggle());
    this.loop = iconButton("loop", "Loop", () => {
      playback.loop = !playback.loop;
      playback.onChoice();
      this.draw();
    });
    this.buttons = [
      iconButton("first", "To the start (Home)", () => playback.go(0)),
      iconButton("back", "One step back (←)", () => playback.back()),
      this.play,
      iconButton("next", "One step on (→)", () => playback.next()),
      iconButton("last", "To the end (End)", () => playback.go(playback.steps)),
      this.loop,
    ];
    for (const one of this.buttons) if (one !== this.play && one !== this.loop) one.tabIndex = -1; // the scrub bar does it by keys
    this.speed = select(SPEEDS, "Speed", (value) => {
      playback.speed = Number(value);
      playback.onChoice();
    });
    this.speed.className = "speed";
    this.scrub = element("input", { type: "range", className: "slider scrub", min: 0, step: 1, value: 0, "aria-label": "Step",
      oninput: () => playback.go(Number(this.scrub.value), false), onchange: () => playback.onChoice() });
    this.count = element("output", { className: "count" });
  }

  /** The speed `places` further on. */
  faster(places) {
    const { playback } = this;
    const speeds = Object.keys(SPEEDS).map(Number).sort((a, b) => a - b);
    playback.speed = speeds[clamp(speeds.indexOf(playback.speed) + places, 0, speeds.length - 1)];
    playback.onChoice();
    this.draw();
  }

  /** What keys do: all of it, or for a component that uses arrows otherwise, only `names`. */
  keys(names = [" ", "ArrowLeft", "ArrowRight", "Home", "End", "[", "]"]) {
    const { playback } = this;
    const acts = {
      " ": () => playback.toggle(), ArrowLeft: () => playback.back(), ArrowRight: () => playback.next(),
      "[": () => this.faster(-1), "]": () => this.faster(1),
      Home: () => playback.go(0), End: () => playback.go(playback.steps),
    };
    return Object.fromEntries(names.map((name) => [name, acts[name]]));
  }

  /** Show where the playback is; touches only what changed, for it is called at every frame. */
  draw() {
    const { playing, loop, speed, steps } = this.playback;
    const step = Math.round(this.playback.at);
    if (this.playing !== playing) showPlaying(this.play, playing);
    if (this.looping !== loop) this.loop.setAttribute("aria-pressed", loop);
    if (this.fast !== speed) this.speed.value = speed;
    Object.assign(this, { playing, looping: loop, fast: speed });
    if (this.step === step && this.steps === steps && this.shownNames === this.names) return false;
    Object.assign(this, { step, steps, shownNames: this.names });
    this.scrub.max = steps;
    this.scrub.value = step;
    this.scrub.style.setProperty("--done", `${steps ? (100 * step) / steps : 100}%`);
    this.count.textContent = say(this.names[step]) ?? say("step {step} / {steps}", { step, steps });
    return true;
  }
}

// playback.js: where a recorded run is, and how it moves; no DOM.
import { clamp } from "./numbers.js";

/** Frames a second over the last second. */
export class FrameMeter {
  constructor() {
    this.times = [];
  }

  /** Note a frame; returns the rate every tenth time, else null. */
  mark(now) {
    const { times } = this;
    this.past = times.at(-1) ?? now;
    times.push(now);
    if (times.length > 61) times.shift();
    const tenth = times.length > 10 && times.length % 10 === 1;
    return tenth ? (1000 * (times.length - 1)) / (now - times[0]) : null;
  }

  /** Seconds since the frame before; a tab that slept must not leap. */
  get seconds() {
    return Math.min(this.times.at(-1) - this.past, 100) / 1000;
  }
}

/**
 * The step of a run of `steps`, played at `rate` steps a second.
 *
 * `onDraw()`: the step, or whether it moves, is another. `onChoice()`: a person chose it, and it may be told.
 * `onFps(rate)`: how fast it moves, now and then. `smooth`: `at` also lies between steps.
 */
export class Playback {
  constructor({ rate = 6.25, smooth = false, onDraw = () => {}, onChoice = () => {}, onFps = () => {}, frames = globalThis.requestAnimationFrame } = {}) {
    Object.assign(this, { rate, smooth, onDraw, onChoice, onFps, frames, steps: 0, at: 0, playing: false, speed: 1, loop: false, run: 0 });
  }

  /** Where it is, from 0 to 1. */
  get share() {
    return this.steps ? this.at / this.steps : 1;
  }

  /** Another run of `steps` is shown, at `at`. */
  load(steps, at) {
    this.steps = steps;
    this.clock = this.at = clamp(this.playing && this.smooth ? at : Math.round(at), 0, steps);
  }

  play() {
    if (this.playing || !this.steps) return;
    if (this.at >= this.steps) this.at = 0;
    this.playing = true;
    const [meter, run] = [new FrameMeter(), ++this.run]; // an older run's frame may still be on its way
    this.clock = this.at;
    const tick = (now) => {
      if (!this.playing || this.run !== run) return;
      const fps = meter.mark(now);
      if (fps !== null) this.onFps(fps);
      this.advance(meter.seconds);
      if (this.playing) this.frames.call(globalThis, tick);
    };
    this.frames.call(globalThis, tick);
    this.onDraw();
  }

  /** `seconds` pass. */
  advance(seconds) {
    this.clock += seconds * this.rate * this.speed;
    if (this.clock >= this.steps) {
      if (!this.loop) {
        this.at = this.steps;
        return this.pause();
      }
      this.clock = this.at = 0;
    }
    const at = this.smooth ? this.clock : Math.floor(this.clock);
    if (at === this.at && !this.smooth) return;
    this.at = at;
    this.onDraw();
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.at = Math.round(this.at);
    this.onDraw();
  }

  /** Its component is taken from the page: it stops and tells nobody, so that the next one can go on. */
  end() {
    this.playing = false;
  }

  /** A person plays, or pauses. */
  toggle() {
    if (this.playing) this.pause();
    else this.play();
    this.onChoice();
  }

  /** From the start to the end, or to the end at once where motion is not wanted. */
  replay(still) {
    this.go(still ? this.steps : 0, false);
    if (!still) this.play();
  }

  /** A person goes to `step`, stopping the motion; `settled`: and stays there. */
  go(step, settled = true) {
    this.playing = false;
    this.at = clamp(Math.round(step), 0, this.steps);
    this.onDraw();
    if (settled) this.onChoice();
  }

  back() {
    this.go(Math.ceil(this.at) - 1);
  }

  next() {
    this.go(Math.floor(this.at) + 1);
  }
}

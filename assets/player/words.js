// words.js: what a run did, for those who do not see its picture; no DOM.
import { known } from "../kit/chart.js";
import { number } from "../kit/numbers.js";
import { say, sayHeading } from "../kit/say.js";

/** What the run did, in words: how many particles, and what its first two curves say before and after. */
export function happened({ panels, curves, steps }) {
  const many = Math.max(...panels.map((panel) => panel.n), 0);
  const told = panels.map((panel, k) => {
    const values = curves.slice(0, 2).filter((curve) => curve.series[k]?.length).map(({ name, unit, series }) => {
      const [before, after] = [series[k][0], known(series[k], series[k].length - 1)].map((value) => `${number(value)}${unit ? ` ${say(unit)}` : ""}`);
      return steps ? say("{name} {after}, {before} before", { name: say(name), after, before }) : `${say(name)} ${after}`;
    });
    return [sayHeading(panel.title), values.join("; ")].filter(Boolean).join(": ");
  });
  const all = steps ? say("{many} particles after {steps} steps.", { many, steps }) : say("{many} particles.", { many });
  return `${all} ${told.filter(Boolean).join(". ")}`.trim();
}

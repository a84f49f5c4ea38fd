// say.js: the interface's own words in the language of the page. The bundle brings them; without, it is English.
const words = typeof WORDS === "undefined" ? {} : WORDS;

/** `english` in the language of the page, with {values} put in. */
export const say = (english, values) => {
  const text = words[english] ?? english;
  return values ? text.replace(/\{(\w+)\}/g, (_, name) => values[name]) : text;
};

/** A heading as the core makes it, part by part: "DGflow (KL) on 25 Gaussians", "η = 0.01, 100 steps, seed 0". */
export const sayHeading = (text) => text.split(", ").map((part) => {
  const [first, ...rest] = part.split(" on ");
  return rest.length ? say("{what} on {where}", { what: counted(first), where: say(rest.join(" on ")) }) : counted(part);
}).join(", ");

/** A word with a number before or behind it. */
const counted = (part) => say(part).replace(/^(\d+) ([a-z ]+)$|^([a-z ]+) (\d+)$/, (_, many, what, word, number) =>
  (many ? `${many} ${say(what)}` : `${say(word)} ${number}`));

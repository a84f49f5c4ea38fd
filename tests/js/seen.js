// What a person sees of a page, measured from outside: shadow roots and canvases included.
() => {
  const UNSEEN = ".announced, .katex-mathml, [data-testid=stStatusWidget], .keylist, script, style";
  const PICTURE = ".picture canvas, canvas.grid, .reader .list, .paper canvas, .js-plotly-plot";
  const walk = function* (node) {
    for (const one of node.children) {
      yield one;
      if (one.shadowRoot) yield* walk(one.shadowRoot);
      yield* walk(one);
    }
  };
  const up = (node) => node.parentElement ?? node.getRootNode().host ?? null;
  const line = (node) => { const all = []; for (let one = node; one; one = up(one)) all.push(one); return all; };
  const name = (node) => `${node.tagName.toLowerCase()} “${node.textContent.trim().slice(0, 30)}”`;
  const area = ({ width, height }) => width * height;
  const found = { pictures: [], largest: 0, outside: [], cut: [], over: [], small: [] };
  const texts = [];
  for (const node of walk(document.body)) {
    const box = node.getBoundingClientRect();
    if (box.width <= 1 || box.height <= 1 || !node.checkVisibility({ visibilityProperty: true })) continue;
    if (box.right <= 0) continue; // a sidebar that is put away
    const above = line(node);
    const within = (selector) => above.some((one) => one.matches(selector));
    if (within(UNSEEN)) continue;
    const picture = node.matches(PICTURE);
    if (picture) found.pictures.push({ width: box.width, height: box.height });
    const words = [...node.childNodes].filter((one) => one.nodeType === 3 && one.textContent.trim());
    const inside = within(PICTURE);
    const symbol = within("[data-testid=stIconMaterial], .katex");
    const scrolled = above.slice(1).some((one) => one !== document.documentElement && one.scrollWidth > one.clientWidth + 1
      && /auto|scroll/.test(getComputedStyle(one).overflowX));
    if ((words.length || node.matches("canvas, img, input, button")) && !scrolled && !symbol
      && (box.left < -1 || box.right > innerWidth + 1)) found.outside.push(name(node));
    if (!inside && (words.length || node.matches("canvas, img"))) found.largest = Math.max(found.largest, area(box));
    if (!words.length || symbol) continue;
    const size = parseFloat(getComputedStyle(node).fontSize);
    if (size < 13.99) found.small.push(`${size} ${name(node)}`);
    if (inside) continue;
    const held = getComputedStyle(node).display === "inline" ? up(node) : node;
    if (/hidden|clip/.test(getComputedStyle(held).overflowX) && held.scrollWidth > held.clientWidth + 1) found.cut.push(name(node));
    if (within(".menu")) continue;
    const fixed = above.some((one) => getComputedStyle(one).position === "fixed" || one.matches("[data-testid=stHeader], [data-testid=stSidebar]"));
    const clips = above.slice(1).filter((one) => getComputedStyle(one).overflow !== "visible").map((one) => one.getBoundingClientRect());
    const range = document.createRange();
    for (const text of words) {
      range.selectNodeContents(text);
      for (const r of range.getClientRects()) {
        const shown = { node, fixed, left: r.left, top: r.top, right: r.right, bottom: r.bottom };
        for (const c of clips) {
          Object.assign(shown, { left: Math.max(shown.left, c.left), top: Math.max(shown.top, c.top),
            right: Math.min(shown.right, c.right), bottom: Math.min(shown.bottom, c.bottom) });
        }
        if (shown.right - shown.left > 3 && shown.bottom - shown.top > 5) texts.push(shown);
      }
    }
  }
  texts.forEach((a, i) => texts.slice(i + 1).forEach((b) => {
    if (a.fixed !== b.fixed || a.node === b.node) return;
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 2 && down > 4) found.over.push(`${name(a.node)} × ${name(b.node)}`);
  }));
  const kits = Object.values(globalThis.__dgflow ?? {}).flatMap((all) => Object.values(all));
  const sizes = kits.flatMap((one) => [one.view?.type, one.chart?.type, one.type]).filter(Boolean).flatMap((type) => Object.values(type));
  const sides = kits.flatMap((one) => one.view?.boxes ?? []).flatMap((box) => [box.w, box.h]);
  return { ...found, across: document.documentElement.scrollWidth - innerWidth, canvas: sizes.length ? Math.min(...sizes) : null, sides };
}

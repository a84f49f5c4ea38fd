// room.js: how much room the window leaves for a component, and the sizes of type that fit it.

const LEAST = 0.45; // of the window, whatever stands above

/** The height of the window below the top of `root`, as it is when the page is not scrolled; CSS pixels. */
export function roomBelow(root) {
  if (root.matches(":fullscreen")) return root.clientHeight;
  let scrolled = 0;
  for (let node = root; node; node = node.parentNode ?? node.host) scrolled += node.scrollTop ?? 0;
  const top = root.getBoundingClientRect().top + scrolled;
  return Math.round(Math.max(innerHeight - top - 16, LEAST * innerHeight));
}

/** Sizes of type on a canvas, CSS pixels: they follow the root font, and grow for a hall when `root` fills the screen. */
export function typeSizes(root) {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
  const unit = rem * (root.closest?.(":fullscreen") ? 1.25 : 1);
  return { tick: 0.78 * unit, axis: 0.85 * unit, title: 0.95 * unit };
}

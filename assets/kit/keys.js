// keys.js: what keys do; one place for every component.

/** Whether a key belongs to the control that has the focus, and not to the picture around it. */
function taken(event) {
  const { tagName, type, classList } = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || tagName === "SELECT") return true;
  if (event.key === " ") return tagName === "BUTTON" || type === "checkbox";
  return tagName === "INPUT" && type === "range" && !classList.contains("scrub") && !/^[a-z]$/i.test(event.key);
}

/** Act on keys pressed within `root`: { " ": …, ArrowLeft: …, r: … }; letters in either case. */
export function onKeys(root, acts) {
  root.onkeydown = (event) => {
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || taken(event)) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  };
}

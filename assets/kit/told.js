// told.js: numbers in a lesson that move the player: a link to "#step-6" on the page goes to step 6.

/** Let the page's links to steps move `playback`; returns what ends that. */
export function followTold(playback) {
  const act = (event) => {
    const link = event.composedPath().find((one) => one.tagName === "A");
    const step = /#step-(\d+)$/.exec(link?.href ?? "")?.[1];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    playback.go(Number(step));
  };
  document.addEventListener("click", act, true);
  return () => document.removeEventListener("click", act, true);
}

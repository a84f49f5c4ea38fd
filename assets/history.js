// What a person does in one go is one entry of the browser's history: a drag, a held arrow key, a burst of
// clicks. And what the app says of the address by itself, on arrival, replaces the address it arrived at.
if (!history.inOneGo) {
  const PAUSE = 1000; // milliseconds without a hand on anything, after which something new begins
  let last = -Infinity, begun = false;
  const touched = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    begun ||= event.timeStamp - last > PAUSE;
    last = event.timeStamp;
  };
  for (const type of ["pointerdown", "pointermove", "pointerup", "keydown"]) {
    addEventListener(type, touched, { capture: true, passive: true });
  }
  const push = history.pushState.bind(history);
  history.pushState = (data, title, url) => {
    const elsewhere = new URL(url, location.href).pathname !== location.pathname;
    if (elsewhere || begun) push(data, title, url);
    else history.replaceState(data, title, url);
    begun = false;
  };
  history.inOneGo = true;
}

// mount.js: how every component comes onto a page, in the app and in a file on disk alike.
//
//   export default component("player", Player, "stage");
//
// A component is a class: constructor(root, key, tell), load(content, mount), destroy(). Streamlit calls
// the default export again on every rerun. What comes is `mount`, a few settings, and the packed content
// behind it; content that is shown already is not unpacked again. What a person chose goes back through
// `tell`, and never comes with the content: `mount.state` counts at first sight only.
import { element } from "./dom.js";
import { openEnvelope, unpack } from "./unpack.js";

const LATEST = 4; // mounts that may be under way at once

/** The function that mounts `Component` in an element of `className`; `globalThis.__dgflow[name][key]` is what it made. */
export function component(name, Component, className = name) {
  const shown = ((globalThis.__dgflow ??= {})[name] ??= {});
  return ({ data, parentElement, setStateValue }) => {
    const receivedAt = performance.now();
    const { mount, packed } = openEnvelope(data);
    const root = parentElement.querySelector(".kit") ?? parentElement.appendChild(element("div"));
    root.classList.add("kit", ...className.split(" "));
    if (mount.height) root.style.height = `${mount.height}px`;
    let one = shown[mount.key];
    if (one?.root !== root) {
      one?.destroy();
      one = shown[mount.key] = new Component(root, mount.key, (state) => setStateValue("state", state));
    }
    const show = () => {
      if (one.digest !== mount.digest || mount.digest === undefined) {
        one.digest = mount.digest;
        one.load(unpack(packed), mount, receivedAt);
      }
    };
    one.mounts = [...(one.mounts ?? []).slice(1 - LATEST), show];
    show();
    const memory = remembered("played", mount.key, {});
    if (mount.play && mount.play !== memory.play) one.replay?.(); // a preset was chosen: from base to refined
    memory.play = mount.play;
    // Streamlit takes a mount back as soon as newer content is on its way. Both come and go late, in either
    // order: one that is not the last leaves what is there, and one that came after the newer gives way to it.
    return () => {
      const last = one.mounts.at(-1) === show;
      one.mounts = one.mounts.filter((other) => other !== show);
      if (shown[mount.key] !== one || !last) return;
      if (one.mounts.length && root.isConnected) {
        one.mounts.at(-1)();
        return;
      }
      delete shown[mount.key];
      one.destroy();
      one.root.replaceChildren();
    };
  };
}

/** What a person chose in the component `name` under `key`; outlives a page change. `first` is what it is before. */
export function remembered(name, key, first) {
  const all = (globalThis.__dgflowMemory ??= {});
  return (all[`${name} ${key}`] ??= first);
}

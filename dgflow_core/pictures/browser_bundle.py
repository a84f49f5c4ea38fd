"""The browser's components: each one's script and style as one text, and a page that needs nothing else.

A component is a folder ``assets/<name>/`` with ``<name>.js`` (an ES module whose default export mounts it,
see ``assets/kit/mount.js``) and ``<name>.css``. The files import each other and are tested as they stand;
a page gets them as one script, because neither Streamlit's components nor a file on disk can import.
"""

from __future__ import annotations

import base64
import functools
import gzip
import json
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from dgflow_core import languages
from dgflow_core.flow.divergences import divergences
from dgflow_core.methods import browser_forms
from dgflow_core.pictures import palette
from dgflow_core.pictures.packing import envelope, pack
from dgflow_core.pictures.scene import Scene
from dgflow_core.places import ASSETS

# The forms that our modules use; any other leaves an `import` or `export` behind, and `bundle` says so.
_IMPORT = re.compile(
    r'^import (?:\{(?P<names>[^}]*)\} from |\* as (?P<all>\w+) from )?"(?P<file>[^"]+)";\n?', re.M
)
_DECLARED = re.compile(r"^export (?=(?:async )?(?:function\*?|class) (\w+)|(?:const|let) (\w+) =)", re.M)
_UNPACKED = re.compile(r"^export (?=const \{([\w, ]+)\} =)", re.M)
_DEFAULT = re.compile(r"^export default ", re.M)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.M)
_HEAD = re.compile(r"^// https?://", re.M)  # of vendored files: a page that stands alone names no address
_STYLE_IMPORT = re.compile(r'^@import "([^"]+)";\n?', re.M)


@functools.cache
def bundle(entry: Path, text: str | None = None) -> str:
    """The ES module ``entry`` and all that it imports, as one module that imports nothing.

    Every file becomes a function that is called once, in the order of need, and keeps its names to itself.

    Args:
        text: what to take for the content of ``entry``, where it is made and not a file.

    Raises:
        ValueError: modules that need each other, or a form of import or export that is not known here.
    """
    parts: list[str] = []
    done: dict[Path, str] = {}
    last = _module(entry.resolve(), text, parts, done, ())
    return "\n".join(parts) + f"\nconst component = {last}.default;\nexport default component;\n"


def _module(file: Path, text: str | None, parts: list[str], done: dict[Path, str], above: tuple) -> str:
    """Add ``file`` after what it needs; returns the name of the constant that holds its exports."""
    if file in above:
        raise ValueError(f"{file.name} imports itself through {above[-1].name}.")
    if file in done:
        return done[file]
    text = file.read_text(encoding="utf-8") if text is None else text

    def imported(match: re.Match) -> str:
        other = _module((file.parent / match["file"]).resolve(), None, parts, done, (*above, file))
        if match["all"]:
            return f"const {match['all']} = {other};\n"
        names = (match["names"] or "").replace(" as ", ": ")
        return f"const {{{names}}} = {other};\n" if names else ""

    body = _IMPORT.sub(imported, text)
    given = [name for pair in _DECLARED.findall(body) for name in pair if name]
    given += [name.strip() for names in _UNPACKED.findall(body) for name in names.split(",")]
    body, defaults = _DEFAULT.subn("const $default = ", _UNPACKED.sub("", _DECLARED.sub("", body)))
    body = _HEAD.sub("// ", body)
    if left := _LEFT.search(body):
        raise ValueError(f"{file.name}: the bundler does not know this form: {left[0]}")
    given += ["default: $default"] * defaults
    done[file] = f"$m{len(done)}"
    parts.append(
        f"const {done[file]} = (() => {{ // {file.name}\n{body}\nreturn {{ {', '.join(given)} }};\n}})();"
    )
    return done[file]


def script(name: str, language: str = "en") -> str:
    """The component ``name``, such as "player", as one JavaScript module that speaks ``language``."""
    words = languages.for_browser(language)
    if name == "live":
        return words + bundle(ASSETS / name / "declared.js", live_entry())
    if name == "samples":
        return words + bundle(ASSETS / name / "declared.js", samples_entry())
    return words + bundle(ASSETS / name / f"{name}.js")


def weights() -> str:
    """w_f(d) of every divergence, as a JavaScript object of functions."""
    return "{ " + ", ".join(f"{json.dumps(key)}: (d) => {row.js}" for key, row in divergences.items()) + " }"


def live_entry() -> str:
    """The module that tells Live what runs: the methods' browser forms, and w_f(d) of each divergence."""
    return _declared("liveWith", "./live.js")


def samples_entry() -> str:
    """The same for samples, which a worker computes: its text is part of what is declared."""
    worker = bundle(ASSETS / "samples" / "worker_declared.js", _declared("serve", "./worker.js"))
    script = worker.removesuffix("export default component;\n")  # no module: on disk a worker may not be one
    return _declared("samplesWith", "./samples.js", f"worker: {json.dumps(script)}")


def _declared(function: str, file: str, more: str = "") -> str:
    """A module whose default export is ``function`` of ``file``, told what runs."""
    forms = browser_forms()
    imports = "".join(f'import * as m{i} from "{form}";\n' for i, form in enumerate(forms.values()))
    runs = ", ".join(f"{json.dumps(name)}: m{i}" for i, name in enumerate(forms))
    return (
        f'import {{ {function} }} from "{file}";\n{imports}'
        f"export default {function}({{ methods: {{ {runs} }}, weights: {weights()}, {more} }});\n"
    )


@functools.cache
def style(name: str) -> str:
    """The style sheet of the component ``name``, with what it imports."""

    def whole(file: Path) -> str:
        text = file.read_text(encoding="utf-8")
        return _STYLE_IMPORT.sub(lambda match: whole((file.parent / match[1]).resolve()), text)

    return whole(ASSETS / name / f"{name}.css")


@dataclass(frozen=True)
class Document:
    """A page that shows one component from disk: no server, no outside address, light and dark.

    Attributes:
        component: which one. packed: what it shows, as bytes.
        title: heads the page. settings: what was run; listed under the picture.
        state: what the component starts with. style: what this page adds to the component's style.
        mount: what the component is told of the page around it.
        site: part of one, beside an index; its script is in gzip, a third of its size.
        more: a script beside the page (``beside``), whose ``content`` replaces ``packed`` once it is there.
    """

    component: str
    packed: bytes
    title: str = ""
    settings: dict[str, Any] | None = None
    state: dict[str, Any] | None = None
    style: str = ""
    mount: dict[str, Any] | None = None
    site: bool = False
    more: str = ""

    def html(self) -> str:
        rows = "".join(
            f"<dt>{escape(str(name))}</dt><dd>{escape(_words(value))}</dd>"
            for name, value in (self.settings or {}).items()
        )
        data = self._content(self.packed)
        text = script(self.component)
        if self.site:
            packed = json.dumps(_zipped(text.encode()))
            text = _SLIM.format(packed=packed)
        return _PAGE.format(
            title=escape(self.title or "DGflow"),
            rows=f"<dl>{rows}</dl>" if rows else "",
            style=style(self.component) + self.style,
            light=variables(palette.LIGHT),
            dark=variables(palette.DARK),
            accent=palette.ACCENT,
            dark_accent=palette.ACCENT_DARK,
            home='<p class="home"><a href="index.html">← Everything here</a></p>' if self.site else "",
            script=text,
            scripts=_SCRIPTS if self.site or self.component == "samples" else "",
            packed=_zipped(data),
            more=_MORE.format(file=json.dumps(self.more)) if self.more else "",
        )

    def _content(self, packed: bytes) -> bytes:
        return envelope(packed, {"key": self.component, "state": self.state or {}, **(self.mount or {})})

    def beside(self, packed: bytes) -> str:
        """The script ``more``, which brings ``packed``."""
        return files(content=self._content(packed))


def files(**content: bytes) -> str:
    """A script that brings bytes to a page that loads it, from a disk as well, where pages may not fetch."""
    parts = ", ".join(f"{name}: {json.dumps(_zipped(whole))}" for name, whole in content.items())
    return f"Object.assign((globalThis.__dgflowFiles ??= {{}}), {{ {parts} }});\n"


def _zipped(whole: bytes) -> str:
    return base64.b64encode(gzip.compress(whole, 9, mtime=0)).decode()


def html(scene: Scene | bytes, title: str = "", settings: dict[str, Any] | None = None) -> str:
    """A page that plays ``scene`` (a Scene, or one already packed) from disk; see ``Document``."""
    packed = scene if isinstance(scene, bytes) else pack(scene)
    return Document("player", packed, title, settings).html()


def _words(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)


def variables(tones: dict[str, str]) -> str:
    """What a page says of its colours, for the components on it."""
    names = {"background": "paper", "text": "ink", "secondary-background": "panel"}
    return " ".join(f"--st-{name}-color: {tones[tone]};" for name, tone in names.items())


_SCRIPTS = "'self' file: blob: 'wasm-unsafe-eval'"
_SLIM = """const module = new Blob([await unzipped({packed})], {{ type: "text/javascript" }});
const {{ default: component }} = await import(URL.createObjectURL(module));"""
_MORE = """await new Promise((resolve, reject) => {{
  const more = document.createElement("script");
  document.head.append(Object.assign(more, {{ src: {file}, onload: resolve, onerror: reject }}));
}});
data = await unzipped(globalThis.__dgflowFiles.content);
component({{ data, parentElement, setStateValue }});"""
# The policy is what keeps the promise of "no outside address".
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' {scripts};
 style-src 'unsafe-inline'; img-src blob: data:; worker-src blob:">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; {light} --st-primary-color: {accent}; }}
@media (prefers-color-scheme: dark) {{ :root {{ {dark} --st-primary-color: {dark_accent}; }} }}
body {{ margin: 0; padding: 16px 20px; background: var(--st-background-color); color: var(--st-text-color);
  font: 1rem/1.4 system-ui, sans-serif; }}
@media (min-width: 1700px) {{ :root {{ font-size: 18px; }} }}
h1 {{ font-size: 1.4rem; margin: 0 0 8px; }}
.home {{ margin: 0 0 6px; }} a {{ color: var(--st-primary-color); }}
dl {{ display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 12px 0 0; font-size: .875rem; }}
dt {{ opacity: .65; }} dd {{ margin: 0 12px 0 -12px; font-variant-numeric: tabular-nums; }}
{style}
</style>
</head>
<body>
{home}<h1>{title}</h1>
<main id="main"></main>
{rows}
<script type="text/plain" id="packed">{packed}</script>
<script type="module">
const unzipped = async (text) => {{
  const zipped = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}};
{script}
const parentElement = document.getElementById("main");
const setStateValue = () => {{}};
let data = await unzipped(document.getElementById("packed").textContent);
component({{ data, parentElement, setStateValue }});
{more}
</script>
</body>
</html>
"""

"""The browser's half of a scene: its script and style, and a page that needs nothing else."""

from __future__ import annotations

import base64
from html import escape
from typing import Any

from dgflow_core import places
from dgflow_core.pictures import palette
from dgflow_core.pictures.packing import pack
from dgflow_core.pictures.scene import Scene

ASSETS = places.ASSETS / "stage"


def script(*names: str) -> str:
    """The files ``assets/stage/<name>.js`` as one JavaScript module, in the order given.

    The files share one scope and import nothing, so there is no build step: name what a file
    needs before it. The player is ``script("unpack", "parts", "view", "chart", "player")``.
    """
    return "\n".join((ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in names)


def style() -> str:
    """The style sheet of the stage."""
    return (ASSETS / "stage.css").read_text(encoding="utf-8")


def html(scene: Scene | bytes, title: str = "", settings: dict[str, Any] | None = None) -> str:
    """A page that plays ``scene`` from disk: no server, no outside address, light and dark.

    Args:
        scene: a Scene, or one already packed.
        title: heads the page. settings: what was run; listed under the picture.
    """
    return document(
        title,
        settings or {},
        style() + ".stage { height: clamp(460px, calc(100vh - 120px), 1000px); }",
        script("unpack", "parts", "view", "chart", "player"),
        scene if isinstance(scene, bytes) else pack(scene),
        'mountPlayer(main, bytes, { key: "stage" });',
    )


def document(
    title: str, settings: dict[str, Any], style: str, script: str, packed: bytes, start: str
) -> str:  # fmt: skip
    """A page that shows ``packed`` from disk: no server, no outside address, light and dark.

    Args:
        title: heads the page. settings: what was run; listed under the picture.
        start: JavaScript that shows ``bytes`` (a Uint8Array) in the element ``main``; ``script``
            comes before it.
    """
    rows = "".join(
        f"<dt>{escape(str(name))}</dt><dd>{escape(_words(value))}</dd>" for name, value in settings.items()
    )
    return _PAGE.format(
        title=escape(title or "DGflow"),
        rows=f"<dl>{rows}</dl>" if rows else "",
        style=style,
        light=_variables(palette.LIGHT),
        dark=_variables(palette.DARK),
        accent=palette.ACCENT,
        dark_accent=palette.ACCENT_DARK,
        script=script,
        packed=base64.b64encode(packed).decode(),
        start=start,
    )


def _words(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)


def _variables(tones: dict[str, str]) -> str:
    names = {"background": "paper", "text": "ink", "secondary-background": "panel"}
    return " ".join(f"--st-{name}-color: {tones[tone]};" for name, tone in names.items())


# The policy is what keeps the promise of "no outside address".
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline';
 style-src 'unsafe-inline'; img-src blob: data:">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; {light} --st-primary-color: {accent}; }}
@media (prefers-color-scheme: dark) {{ :root {{ {dark} --st-primary-color: {dark_accent}; }} }}
body {{ margin: 0; padding: 16px 20px; background: var(--st-background-color); color: var(--st-text-color);
  font: 16px/1.4 system-ui, sans-serif; }}
h1 {{ font-size: 22px; margin: 0 0 8px; }}
dl {{ display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 12px 0 0; font-size: 14px; }}
dt {{ opacity: .65; }} dd {{ margin: 0 12px 0 -12px; font-variant-numeric: tabular-nums; }}
{style}
</style>
</head>
<body>
<h1>{title}</h1>
<main id="main"></main>
{rows}
<script type="text/plain" id="packed">{packed}</script>
<script type="module">
{script}
const text = atob(document.getElementById("packed").textContent);
const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const main = document.getElementById("main");
{start}
</script>
</body>
</html>
"""

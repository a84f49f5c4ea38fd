"""The live simulation as one HTML file: no server, no outside address."""

from __future__ import annotations

import base64
import gzip
from html import escape

from dgflow_core.pictures import browser_bundle as page
from dgflow_core.pictures import live_world as live
from dgflow_core.pictures import palette
from dgflow_core.zoo.model import Model


def live_html(model: Model | None, packed: bytes | None = None, title: str = "") -> str:
    """A page that simulates ``model`` in the browser, from disk and without a network.

    Args:
        model: a 2D model; None where ``packed`` and ``title`` say all.
        packed: ``scene.live.pack(model)``, where the caller has it already.
        title: heads the page; the model's title where it is empty.

    Raises:
        ValueError: the model is not two-dimensional.
    """
    packed = packed or live.pack(model)
    return _PAGE.format(
        title=escape(title or f"DGflow live: {model.title}"),
        style=page.style() + live.style(),
        light=page._variables(palette.LIGHT),
        dark=page._variables(palette.DARK),
        accent=palette.ACCENT,
        dark_accent=palette.ACCENT_DARK,
        script=live.script(),
        packed=base64.b64encode(gzip.compress(packed, 6)).decode(),
    )


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
body {{ margin: 0; padding: 14px 20px; background: var(--st-background-color); color: var(--st-text-color);
  font: 16px/1.4 system-ui, sans-serif; }}
h1 {{ font-size: 22px; margin: 0 0 8px; }}
{style}
.stage.live:not(.narrow) {{ height: clamp(520px, calc(100vh - 72px), 1100px); }}
</style>
</head>
<body>
<h1>{title}</h1>
<main id="stage"></main>
<script type="text/plain" id="world">{packed}</script>
<script type="module">
{script}
const text = atob(document.getElementById("world").textContent);
const zipped = new Blob([Uint8Array.from(text, (letter) => letter.charCodeAt(0))]);
const stream = zipped.stream().pipeThrough(new DecompressionStream("gzip"));
const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
mountLive(document.getElementById("stage"), bytes);
</script>
</body>
</html>
"""

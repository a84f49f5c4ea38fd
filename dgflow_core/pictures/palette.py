"""The colours of every picture, in pages and exports: real brown, base blue, refined red.

The three differ in hue, in lightness and in shape. Any two are at least 20 apart (CIEDE2000) as everybody,
readers with protanopia or deuteranopia, and a grey print see them; methods side by side use other hues.
"""

from __future__ import annotations

from typing import Any

REAL = "#3a1802"
BASE = "#72aee6"
REFINED = "#c4235a"
#: Real samples in figures that do not know whether their paper is light or dark.
REAL_EITHER = "#a9743f"
#: What a sample is drawn as.
SHAPES = {"real": "diamond", "base": "ring", "refined": "dot"}
#: Both stand in .streamlit/config.toml too, where Streamlit wants them.
ACCENT, ACCENT_DARK = "#7b2d8b", "#c58bd3"

LIGHT = {
    "paper": "#ffffff", "panel": "#faf9f7", "ink": "#22252b", "quiet": "#686d77", "grid": "#e4e2dd",
    "real": REAL, "base": BASE, "refined": REFINED,
}  # fmt: skip
DARK = {
    "paper": "#14161b", "panel": "#1b1e25", "ink": "#eceef2", "quiet": "#9aa0ab", "grid": "#30343d",
    "real": "#ffedd0", "base": "#2c9cf0", "refined": "#b3291a",
}  # fmt: skip

#: For curves and panels of several methods: none of them red, blue or brown, which mean something already.
SERIES = ("#009e73", "#e69f00", "#8e5bc8", "#7f7f7f", "#cc79a7", "#1b9aaa", "#a3a000", "#b5b5b5")
#: A density ratio along a flow: as it was at first, from rungs taught on the way, or learning on.
RATIOS = {"stale": BASE, "ladder": REFINED, "online": SERIES[0]}

#: Diverging map for the logit (teal: looks generated, white: undecided, amber: looks real).
LOGIT_LIGHT = ("#1b6e72", "#8fc4c1", "#f7f5f0", "#f0cf8f", "#c98a1b")
LOGIT_DARK = ("#4fb3b5", "#245d60", "#1b1e25", "#6b4d16", "#e0a63a")

#: Sequential map for densities.
DENSITY = ("#0b1d3a", "#1f4e8c", "#3e8ec4", "#9fd0d8", "#fdf3c7")

#: Behind characters: amber where the softmax is unsure, teal behind words of the corpus.
UNSURE, KNOWN = "#f0a92c", "#2a9d8f"


def for_browser() -> dict[str, Any]:
    """Every colour under the name by which the pages' scripts know it."""
    return {
        "shapes": SHAPES,
        "series": SERIES,
        "density": DENSITY,
        "bar": LOGIT_LIGHT,
        "unsure": UNSURE,
        "known": KNOWN,
        "light": {**LIGHT, "logit": LOGIT_LIGHT},
        "dark": {**DARK, "logit": LOGIT_DARK},
    }

"""The colours of every picture, in pages and exports: real brown, base blue, refined red.

The three are told apart by readers with any of the common colour deficiencies because they
differ in lightness as well as hue; methods side by side use Okabe & Ito's set.
"""

from __future__ import annotations

from typing import Any

REAL = "#8c6239"
BASE = "#2f6fde"
REFINED = "#d62839"
#: Both stand in .streamlit/config.toml too, where Streamlit wants them.
ACCENT, ACCENT_DARK = "#7b2d8b", "#c58bd3"

LIGHT = {"paper": "#ffffff", "panel": "#faf9f7", "ink": "#22252b", "quiet": "#7a7f89", "grid": "#e4e2dd"}
DARK = {"paper": "#14161b", "panel": "#1b1e25", "ink": "#eceef2", "quiet": "#9aa0ab", "grid": "#30343d"}

#: For curves of several methods on one axis.
SERIES = ("#d62839", "#0072b2", "#009e73", "#e69f00", "#cc79a7", "#56b4e9", "#8c6239", "#666666")

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
        "real": REAL,
        "base": BASE,
        "refined": REFINED,
        "series": SERIES,
        "density": DENSITY,
        "bar": LOGIT_LIGHT,
        "unsure": UNSURE,
        "known": KNOWN,
        "light": {**LIGHT, "logit": LOGIT_LIGHT},
        "dark": {**DARK, "logit": LOGIT_DARK},
    }

"""The pages, in the order of a lecture, and links between them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

PAGES = Path(__file__).parent / "pages"
STYLE = Path(__file__).parent.parent / "assets" / "style.css"

#: file name → (title, icon, path in the address bar). A page whose file is missing is not shown.
ORDER = {
    "home": ("Home", ":material/home:", ""),
    "flow2d": ("2D flow", ":material/air:", "flow"),
    "live": ("Live", ":material/play_circle:", "live"),
    "draw": ("Draw", ":material/brush:", "draw"),
    "latent": ("Latent density", ":material/blur_on:", "latent"),
    "compare": ("Compare", ":material/compare:", "compare"),
    "sweep": ("Sweep", ":material/grid_on:", "sweep"),
    "images": ("Images", ":material/image:", "images"),
    "text": ("Text", ":material/text_fields:", "text"),
}


def pages():
    """The app's navigation, at the top; the sidebar is left to the controls."""
    shown = [page(name) for name in ORDER if (PAGES / f"{name}.py").exists()]
    return st.navigation(shown, position="top")


def page(name: str):
    """The Streamlit page called ``name``, as ``st.page_link`` and ``st.switch_page`` want it."""
    title, icon, path = ORDER[name]
    return st.Page(PAGES / f"{name}.py", title=title, icon=icon, url_path=path, default=name == "home")


def address(name: str, **values) -> str:
    """The relative address of a page in the state ``values`` (query parameters)."""
    return f"/{ORDER[name][2]}?{urlencode(values)}"

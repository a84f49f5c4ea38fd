"""A page's link, to copy or to photograph from a screen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from urllib.parse import urlencode

import segno
import streamlit as st

from app import words
from app.words import say


def address(said: Mapping[str, str]) -> str:
    """The whole address of the page that is open, in the state ``said`` (query parameters).

    The browser tells where it found the app: it holds under a base path, behind a proxy and in a frame.
    """
    place = (st.context.url or "").split("?")[0]
    said = {**said, **words.in_link()}
    return f"{place}?{urlencode(said)}" if said else place


def qr(text: str) -> str:
    """A QR code as the address of an image, dark on white whatever the theme, as cameras want it."""
    return segno.make(text, micro=False).svg_data_uri(scale=5, border=3, light="#fff")


def image(link: str, about: str, width: str) -> str:
    """The QR code of a link as HTML; ``width``: of CSS."""
    return f'<img src="{qr(link)}" alt="{about}" style="width: {width}">'


@cache
def _asked():
    """What tells the address bar's content."""
    script = """export default ({ parentElement, setStateValue }) => {
      if (parentElement.told !== location.href) setStateValue("href", (parentElement.told = location.href));
    }"""
    return st.components.v2.component("dgflow_address", html="<i></i>", js=script)


@st.fragment
def popover(page: str) -> None:
    """A button, in the same corner of every page, that opens the link to what the address bar says.

    A fragment: opening it leaves the page as it is. What players wrote into the address only the browser
    knows: it is asked.
    """
    with st.container(key="link", width="content"):
        place = st.popover(say("Link"), icon=":material/link:", key=f"{page}._link", on_change="rerun")
    if place.open:
        with place:
            told = _asked()(key=f"{page}._address", default={"href": ""}, on_href_change=lambda: None)
            link = told.href or address(st.query_params.to_dict())
            st.caption(say("A link to exactly this page as it is now."))
            st.code(link, language=None, wrap_lines=True)
            st.html(image(link, say("QR code of the link"), "100%"))
            words.control(f"{page}._language")

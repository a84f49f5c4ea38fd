"""The pages, found by their declarations in a folder, in the order of a lecture; and links between them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from app.page import Page
from app.parameters import as_text
from app.words import say

PAGES = Path(__file__).parent / "pages"
STYLE, HISTORY = (Path(__file__).parent.parent / "assets" / name for name in ("style.css", "history.js"))
#: A file, because an icon's name would be fetched from another host.
ICON = STYLE.with_name("icon.png")


def declaration(file: Path) -> Page:
    """The ``PAGE = Page(…)`` of a page's file, read without running it.

    Raises:
        ValueError: there is none, or not in literals.
    """
    for statement in ast.parse(file.read_text(encoding="utf-8"), file.name).body:
        match statement:
            case ast.Assign(targets=[ast.Name("PAGE")], value=ast.Call(args=args, keywords=named)):
                given = [ast.literal_eval(value) for value in args]
                return Page(*given, **{row.arg: ast.literal_eval(row.value) for row in named})
    raise ValueError(f"{file.name} must declare PAGE = Page(…).")


@cache
def found(folder: Path) -> dict[Page, Path]:
    """The pages of a folder, in their order."""
    files = {declaration(file): file for file in folder.glob("*.py")}
    return dict(sorted(files.items(), key=lambda row: row[0].order))


def pages():
    """The app's navigation, at the top; the sidebar is left to the controls."""
    return st.navigation([page(declared.name) for declared in found(PAGES)], position="top")


def page(name: str):
    """The Streamlit page called ``name``, as ``st.page_link`` and ``st.switch_page`` want it."""
    declared, file = next(row for row in found(PAGES).items() if row[0].name == name)
    return st.Page(
        file, title=say(declared.title), icon=declared.icon, url_path=declared.path, default=not declared.path
    )


def link(name: str, label: str, icon: str, help: str, values: Mapping[str, Any] | None = None) -> None:
    """Draw a link to a page, in the state ``values``."""
    query = {key: as_text(value) for key, value in (values or {}).items()}
    st.page_link(page(name), label=say(label), icon=icon, help=say(help), query_params=query or None)


def foot() -> None:
    """Under every page: the way to what can go wrong."""
    with st.container(key="foot"):
        link("wrong", "Something looks wrong?", ":material/healing:", "What can go wrong, by what one sees.")


def tour() -> list[Page]:
    """The pages that the home page leads to."""
    return [declared for declared in found(PAGES) if declared.tour]


def address(name: str, **values) -> str:
    """The address of a page in the state ``values`` (query parameters), relative to any other page's.

    It holds under any base path, because pages lie beside each other.
    """
    path = next(declared.path for declared in found(PAGES) if declared.name == name) or "."
    return f"{path}?{urlencode(values)}" if values else path

"""Where the files beside the code lie, in a checkout and where the package was installed."""

from __future__ import annotations

from pathlib import Path

_CODE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    """``name`` within the installed package, which carries such folders, else in the checkout."""
    installed = _CODE / name
    return installed if installed.is_dir() else _CODE.parent / name


#: Models, with what ships beside their weights.
PRETRAINED = _folder("pretrained")
#: Styles and scripts of the pages' parts, presets, measured results.
ASSETS = _folder("assets")
#: The checkout, or what holds the installed package: where the app is, if it is there.
HOME = _CODE.parent

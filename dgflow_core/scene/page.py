"""The browser's half of a scene: its script and style, and a page that needs nothing else."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "stage"


def script(*names: str) -> str:
    """The files ``assets/stage/<name>.js`` as one JavaScript module, in the order given.

    The files share one scope and import nothing, so there is no build step: name what a file
    needs before it. The player is ``script("unpack", "view", "chart", "player")``.
    """
    return "\n".join((ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in names)


def style() -> str:
    """The style sheet of the stage."""
    return (ASSETS / "stage.css").read_text(encoding="utf-8")

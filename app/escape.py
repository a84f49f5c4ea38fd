"""What comes from outside (a link, a file, a folder's name), made fit to stand in a sentence on a page."""

from __future__ import annotations

import re

#: The most of one such value that is repeated, and of a whole sentence that may hold several.
VALUE, SENTENCE = 40, 600
#: Characters that move or hide others.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
#: Stands where a program would otherwise see an address, an icon or a mail; nobody sees it.
JOINER = "\N{WORD JOINER}"


def short(text: str, most: int = VALUE) -> str:
    """``text`` cut to ``most`` characters."""
    return text if len(text) <= most else text[:most] + "…"


def plain(sentence: str) -> str:
    """A sentence that shows as it stands: none of it is Markdown, an address, an icon or a formula.

    Streamlit renders every message as Markdown, turns bare addresses into links and ``:name:`` into
    icons, after backslashes have been resolved; those are therefore broken by an invisible joiner.
    """
    sentence = short(" ".join(CONTROL.sub(" ", sentence).split()), SENTENCE)
    sentence = re.sub(r"[\\`*\[\]<>$~#|!^{}&]|(?<!\w)_|_(?!\w)", r"\\\g<0>", sentence)
    sentence = re.sub(r"^([-+=]|\d+(?=[.)]))", r"\\\1" if sentence[:1] in "-+=" else r"\1" + JOINER, sentence)
    return re.sub(r":(?=\S)|@|(?<=www)(?=\.)", rf"\g<0>{JOINER}", sentence, flags=re.IGNORECASE)

"""Text as characters: sentences of the One Billion Word benchmark, cut into strings at word starts."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from dgflow_core.errors import UserError

LENGTH = 32  # characters in a string, as in the papers
UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # what stands for a character outside the alphabet
SYMBOLS = 96  # of the alphabet, the unknown one included
HELD_OUT = 10  # every tenth sentence is kept from training
MAX_PASTE = 100_000  # characters of a text that somebody hands in


@dataclass(frozen=True)
class Corpus:
    """Sentences, and the strings that can be cut from them.

    Attributes:
        sentences: text without its line ends.
        starts: (m, 2) int64: sentence and place of every word start with ``LENGTH`` characters after it.
    """

    sentences: tuple[str, ...]
    starts: Tensor

    def __len__(self) -> int:
        return len(self.starts)

    def string(self, row: int) -> str:
        """The string of ``LENGTH`` characters that begins at ``starts[row]``."""
        sentence, place = self.starts[row].tolist()
        return self.sentences[sentence][place : place + LENGTH]

    def strings(self, n: int, seed: int = 0) -> list[str]:
        """``n`` different strings, chosen at random, the same for the same seed.

        Raises:
            ValueError: the corpus has fewer.
        """
        if n > len(self):
            raise UserError(f"n must be at most {len(self):,}, the strings of this corpus, not {n:,}.")
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))[:n]
        return [self.string(row) for row in order.tolist()]


def corpus(sentences: list[str]) -> Corpus:
    """All strings of ``LENGTH`` characters that begin where a word does."""
    starts = [
        (row, place)
        for row, text in enumerate(sentences)
        for place in range(len(text) - LENGTH + 1)
        if place == 0 or (text[place - 1] == " " and text[place] != " ")
    ]
    return Corpus(tuple(sentences), torch.tensor(starts, dtype=torch.int64).reshape(-1, 2))


@lru_cache(maxsize=2)
def billion_words(root: Path | str | None = None, train: bool = True) -> Corpus:
    """Nine tenths of the sentences (``train``) or every tenth, held out.

    Args:
        root: holds ``billion_words/*.txt``, or the text files themselves, a sentence a line
            (the full benchmark's shards as well); None takes the environment variable DGFLOW_DATA.

    Raises:
        ValueError: no root is named, or it holds no such text.
    """
    root = root or os.environ.get("DGFLOW_DATA")
    if root is None:
        raise UserError("data_root must name the folder that holds billion_words (or set DGFLOW_DATA).")
    folder = Path(root) / "billion_words"
    folder = folder if folder.is_dir() else Path(root)
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != "README.md")
    sentences = []
    for path in files:
        try:
            sentences += path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise UserError(f"data_root: {path.name} in {folder.name} is not UTF-8 text.") from None
    sentences = [line for line in sentences if len(line) >= LENGTH]
    if not sentences:
        raise UserError(
            f"data_root must hold billion_words (text, a sentence a line), which {root} does not."
        )
    return corpus([line for row, line in enumerate(sentences) if (row % HELD_OUT != 0) == train])


def alphabet(sentences: tuple[str, ...], symbols: int = SYMBOLS) -> str:
    """The ``symbols`` − 1 most frequent characters, most frequent first, and ``UNKNOWN`` last."""
    counts = Counter()
    for line in sentences:
        counts.update(line)
    counts.pop(UNKNOWN, None)
    ranked = sorted(counts, key=lambda character: (-counts[character], character))
    return "".join(ranked[: symbols - 1]) + UNKNOWN


def encode(strings: list[str], letters: str) -> Tensor:
    """Places in the alphabet ``letters``, int64 (n, LENGTH); what is not in it becomes ``UNKNOWN``.

    Raises:
        ValueError: a string has another length.
    """
    place = {letter: index for index, letter in enumerate(letters)}
    if any(len(string) != LENGTH for string in strings):
        raise UserError(f"strings must have {LENGTH} characters each.")
    unknown = place[UNKNOWN]
    rows = [[place.get(letter, unknown) for letter in string] for string in strings]
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, LENGTH)


class Pasted(NamedTuple):
    """Somebody's text as strings: ``replaced`` characters, not in the alphabet, became ``UNKNOWN``."""

    strings: list[str]
    replaced: int


def paste(text: str, letters: str) -> Pasted:
    """Any text as strings of ``LENGTH`` characters of ``letters``, one from every word start.

    White space of any kind and length counts as one space.

    Raises:
        ValueError: too short for one string, or longer than ``MAX_PASTE``.
    """
    if len(text) > MAX_PASTE:
        raise UserError(f"text must have at most {MAX_PASTE:,} characters, not {len(text):,}.")
    text = " ".join(text.split())
    if len(text) < LENGTH:
        raise UserError(f"text must have at least {LENGTH} characters besides extra spaces, not {len(text)}.")
    known = "".join(letter if letter in letters else UNKNOWN for letter in text)
    cut = corpus([known])
    replaced = sum(ours != theirs for ours, theirs in zip(known, text, strict=True))
    return Pasted([cut.string(row) for row in range(len(cut))], replaced)

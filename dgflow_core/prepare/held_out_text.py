"""Writes what strings are held against: held-out strings, the corpus's words, and what real strings score.

python -m dgflow_core prepare held-out-text --data-root ROOT
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tqdm import tqdm

from dgflow_core.kinds.text import corpus as text
from dgflow_core.kinds.text.metrics import DETAILS, NGRAMS, STRINGS, WORDS, Reference

DATASET = "billion_words"
KEPT = 10_000  # held-out strings
COUNTS, DRAWS = (
    (8, 16, 32, 64, 100, 250, 1000, 3000, 10_000),
    5,
)  # how many real strings are scored, and how often
SOURCE = (
    "One Billion Word benchmark (Chelba et al. 2013, Apache 2.0), {train:,} sentences for the words and "
    "{held_out:,} others for the strings"
)


def vocabulary(sentences: tuple[str, ...]) -> list[str]:
    """Everything between spaces that holds a letter, in lower case, sorted."""
    found = {word.lower() for line in sentences for word in line.split(" ")}
    return sorted(word for word in found if re.search(r"[^\W\d_]", word))


def write(root: Path | None, folder: Path, counts: tuple[int, ...] = COUNTS) -> Reference:
    """Take the reference from the corpus under ``root`` and write it into ``folder``."""
    train, held_out = text.billion_words(root, train=True), text.billion_words(root, train=False)
    source = SOURCE.format(train=len(train.sentences), held_out=len(held_out.sentences))
    strings, words = held_out.strings(min(KEPT, len(held_out))), vocabulary(train.sentences)
    against = Reference(DATASET, source, tuple(strings), frozenset(words), {})
    floor: dict[str, dict[str, list[float]]] = {}
    for count in tqdm([count for count in counts if count <= len(train)], desc="real strings", disable=None):
        draws = [train.strings(count, seed) for seed in range(DRAWS)]
        floor[str(count)] = {f"js{n}": [round(against.js(draw, n), 5) for draw in draws] for n in NGRAMS}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STRINGS).write_text("\n".join(strings) + "\n", encoding="utf-8")
    (folder / WORDS).write_text("\n".join(words) + "\n", encoding="utf-8")
    details = {"source": source, "strings": len(strings), "words": len(words), "floor": floor}
    (folder / DETAILS).write_text(json.dumps(details, indent=2) + "\n", encoding="utf-8")
    return against

"""Metrics of strings: Jensen–Shannon divergence of n-grams, and the share of real words.

What users without the corpus need is shipped beside the models: 10,000 held-out strings and the
words of the training half (written by ``python -m dgflow_core.training.held_out``).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from dgflow_core.kinds.plane.per_step import Curve
from dgflow_core.kinds.text.transcript import Transcript
from dgflow_core.zoo import shelf

NGRAMS = (4, 6)
DETAILS, STRINGS, WORDS = "reference.json", "held_out.txt", "words.txt"


def ngrams(strings: Iterable[str], n: int) -> Counter:
    """How often each run of ``n`` characters occurs within the strings."""
    counts: Counter = Counter()
    for string in strings:
        counts.update(string[place : place + n] for place in range(len(string) - n + 1))
    return counts


def js(ours: Counter, theirs: Counter) -> float:
    """Jensen–Shannon divergence of two n-gram distributions, in bits: 0 (equal) to 1 (disjoint).

    The JS-n of Gulrajani et al. (2017), whose released code divides by log 2 as we do.

    Raises:
        ValueError: one of them is empty.
    """
    if not ours or not theirs:
        raise ValueError("strings must hold at least one n-gram on both sides.")
    total_p, total_q = ours.total(), theirs.total()
    # What only one side has adds ½ · its share · log2(2) = ½ · its share.
    divergence, missed = 0.0, total_q
    for gram, count in ours.items():
        seen = theirs.get(gram, 0)
        p, q = count / total_p, seen / total_q
        m = (p + q) / 2
        divergence += 0.5 * p * math.log2(p / m) + (0.5 * q * math.log2(q / m) if q else 0.0)
        missed -= seen
    return divergence + 0.5 * missed / total_q


def words(string: str) -> Iterator[re.Match]:
    """The whole words of a string: what stands between spaces and holds a letter.

    The last one counts only where a space follows: strings are cut at their length.
    """
    return (found for found in re.finditer(r"[^ ]+(?= )", string) if re.search(r"[^\W\d_]", found[0]))


@dataclass(frozen=True, eq=False)
class Reference:
    """What strings of a data set are held against.

    Attributes:
        dataset: its key. source: where it comes from, in words.
        strings: held-out strings. vocabulary: the words of the training half, in lower case.
        floor: number of strings, as text, → {"js4": […], "js6": […]}: what so many real strings of
            the training half score, one number a draw.
    """

    dataset: str
    source: str
    strings: tuple[str, ...]
    vocabulary: frozenset[str]
    floor: dict[str, dict[str, list[float]]]

    @cached_property
    def grams(self) -> dict[int, Counter]:
        return {n: ngrams(self.strings, n) for n in NGRAMS}

    def js(self, strings: Iterable[str], n: int) -> float:
        """JS-n of ``strings`` against the held-out ones, bits; ``n`` is 4 or 6."""
        return js(ngrams(strings, n), self.grams[n])

    def real(self, n: int, count: int) -> float:
        """What ``count`` real strings score in JS-n, between the counts measured (log scale)."""
        counts = sorted(map(int, self.floor))
        means = [float(np.mean(self.floor[str(one)][f"js{n}"])) for one in counts]
        return float(np.interp(np.log(count), np.log(counts), means))

    def known(self, strings: Iterable[str]) -> float:
        """Share of the strings' whole words that are in the vocabulary, percent; NaN without words."""
        found = [word[0].lower() in self.vocabulary for string in strings for word in words(string)]
        return 100 * sum(found) / len(found) if found else math.nan

    @cached_property
    def known_real(self) -> float:
        """``known`` of the held-out strings."""
        return self.known(self.strings)

    def marks(self, string: str) -> np.ndarray:
        """For every character 2 in a known word, 1 in another, 0 elsewhere; uint8 (length,)."""
        marks = np.zeros(len(string), np.uint8)
        for word in words(string):
            marks[word.start() : word.end()] = 1 + (word[0].lower() in self.vocabulary)
        return marks

    def score(self, strings: Sequence[str]) -> dict[str, float]:
        """Every metric by name: "js4" and "js6" in bits, "words" in percent."""
        return {**{f"js{n}": self.js(strings, n) for n in NGRAMS}, "words": self.known(strings)}


def reference(dataset: str) -> Reference:
    """The shipped reference of a text data set.

    Raises:
        ValueError: none is shipped for ``dataset``.
    """
    folder = shelf.root() / dataset
    if not (folder / DETAILS).exists():
        raise ValueError(f"dataset {dataset!r} has no held-out strings; training.held_out writes them.")
    return _read(folder, dataset)


@lru_cache(maxsize=4)
def _read(folder: Path, dataset: str) -> Reference:
    details = json.loads((folder / DETAILS).read_text(encoding="utf-8"))
    strings, vocabulary = (
        (folder / name).read_text(encoding="utf-8").removesuffix("\n").split("\n")
        for name in (STRINGS, WORDS)
    )
    return Reference(dataset, details["source"], tuple(strings), frozenset(vocabulary), details["floor"])


def per_step(run: Transcript, against: Reference) -> list[Curve]:
    """JS-4, JS-6, share of known words and mean logit of every step.

    The references are what as many real strings score: few strings never fill a distribution.
    """
    each = [against.score(run.strings(step)) for step in range(run.steps + 1)]
    curves = [
        Curve(
            f"JS-{n}", "bits", "down", np.array([one[f"js{n}"] for one in each]),
            against.real(n, run.n), f"{run.n} real strings",
        )
        for n in NGRAMS
    ]  # fmt: skip
    share = np.array([one["words"] for one in each])
    curves.append(Curve("Known words", "%", "up", share, against.known_real, "real strings"))
    return [*curves, Curve("Mean logit", "nats", "", run.logits.mean(1).numpy())]

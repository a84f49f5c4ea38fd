"""Metrics of strings: Jensen–Shannon divergence of n-grams, and the share of real words.

What users without the corpus need is shipped beside the models: 10,000 held-out strings and the
words of the training half (written by ``python -m dgflow_core prepare held-out-text``).
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
from typing import NamedTuple

import numpy as np

from dgflow_core.errors import UserError
from dgflow_core.kinds import shipped
from dgflow_core.kinds.metric import Metric, MetricCurve, curves, fitting, rows
from dgflow_core.kinds.text.transcript import Transcript
from dgflow_core.zoo.model import Model

NGRAMS = (4, 6)
USUAL = "billion_words"  # what strings of an unknown corpus are held against
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
class TextReference:
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

    def about(self, count: int) -> str:
        """What JS-n of ``count`` strings is and where its ruler comes from, in sentences."""
        return (
            f"JS-n: Jensen–Shannon divergence, in bits, between the n-grams of these {count} strings and of "
            f"{len(self.strings):,} held-out ones. Few strings never reach 0: the dashed line says what as "
            f"many real ones score; below it, strings keep to what is frequent more than real ones do. "
            f"Corpus: {self.source}."
        )

    def prepare(self) -> None:
        """Count what is counted once: the n-grams and words of the held-out strings."""
        for metric in fitting(METRICS, ()).values():
            metric.of(TextSamples([self.strings[:1]]), self)
            metric.real(self, len(self.strings))

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
        """Every metric of ``strings`` alone, by name."""
        seen = TextSamples([strings])
        return {name: float(metric.of(seen, self)[0]) for name, metric in fitting(METRICS, ()).items()}


def reference(dataset: str) -> TextReference:
    """The shipped reference of a text data set.

    Raises:
        ValueError: none is shipped for ``dataset``.
    """
    return _read(shipped.folder(dataset, DETAILS, "held-out strings", "held-out-text"), dataset)


def reference_of(model: Model) -> TextReference:
    """What strings of ``model`` are held against: its own data set where that ships, else ``USUAL``."""
    try:
        return reference(model.dataset or USUAL)
    except UserError:
        return reference(USUAL)


@lru_cache(maxsize=4)
def _read(folder: Path, dataset: str) -> TextReference:
    details = json.loads((folder / DETAILS).read_text(encoding="utf-8"))
    strings, vocabulary = (
        (folder / name).read_text(encoding="utf-8").removesuffix("\n").split("\n")
        for name in (STRINGS, WORDS)
    )
    return TextReference(dataset, details["source"], tuple(strings), frozenset(vocabulary), details["floor"])


class TextSamples(NamedTuple):
    """What is measured: the ``strings`` of some steps, and their ``logits`` (steps, n) or (n,)."""

    strings: Sequence[Sequence[str]]
    logits: np.ndarray | None = None


def _js(n: int) -> Metric:
    return Metric(
        f"js{n}", f"JS-{n}", "bits", "down", 4,
        of=lambda seen, against: [against.js(strings, n) for strings in seen.strings],
        real=lambda against, count: against.real(n, count),
    )  # fmt: skip


#: Add a row here and it is drawn, exported and printed with the rest. ``of`` takes ``TextSamples`` and a
#: ``TextReference``. JS-n depends on how many strings there are: few never fill a distribution.
METRICS = rows(
    *map(_js, NGRAMS),
    Metric(
        "words", "Known words", "%", "up", 1,
        of=lambda seen, against: [against.known(strings) for strings in seen.strings],
        real=lambda against, count: against.known_real,
    ),
    Metric(
        "logit", "Mean logit", "nats", None, 2, ("logits",),
        lambda seen, against: np.asarray(seen.logits).mean(1),
    ),
)  # fmt: skip


def per_step(run: Transcript, against: TextReference) -> list[MetricCurve]:
    """Every metric of every step; the references are what as many real strings score."""
    seen = TextSamples([run.strings(step) for step in range(run.steps + 1)], run.logits.numpy())
    return curves(METRICS, seen, against, run.n, f"{run.n} real strings")


Reference = TextReference

"""Metrics of strings: Jensen–Shannon divergence of n-grams, and the share of real words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable


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
    divergence = 0.0
    for gram, count in ours.items():
        p, q = count / total_p, theirs.get(gram, 0) / total_q
        m = (p + q) / 2
        divergence += 0.5 * p * math.log2(p / m) + (0.5 * q * math.log2(q / m) if q else 0.0)
    missed = sum(count for gram, count in theirs.items() if gram not in ours)
    return divergence + 0.5 * missed / total_q

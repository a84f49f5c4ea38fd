"""The numbers that the paper published, to stand beside ours (``assets/results/paper.csv``).

Ansari, Ang and Soh, Refining Deep Generative Models via Discriminator Gradient Flow, ICLR 2021: Tables 1 to 5
and 8 to 15. Where our metric or sample count differs, ours is not the same quantity.
"""

from __future__ import annotations

import csv
from functools import cache
from typing import NamedTuple

from dgflow_core.places import ASSETS


class Published(NamedTuple):
    """One number of the paper.

    Attributes:
        table: its number, as text. dataset, model, metric: what was measured; see the file's own names.
        method: "base", "dot", "ddls", "drs", "mhgan", or the divergence of DGflow.
        gamma: DGflow's, else None. corrected: with the density-ratio corrector; None: the model's own critic.
        mean, sd: sd is None where the paper gives none.
    """

    table: str
    dataset: str
    model: str
    metric: str
    method: str
    gamma: float | None
    corrected: bool | None
    mean: float
    sd: float | None


@cache
def published() -> tuple[Published, ...]:
    """Every number, in the file's order."""

    def number(text: str) -> float | None:
        return float(text) if text else None

    with (ASSETS / "results" / "paper.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Published(
                row["table"], row["dataset"], row["model"], row["metric"], row["method"],
                number(row["gamma"]), bool(int(row["corrected"])) if row["corrected"] else None,
                float(row["mean"]), number(row["sd"]),
            )
            for row in csv.DictReader(file)
        )  # fmt: skip


def find(tables: tuple[str, ...], **wanted) -> Published | None:
    """The first number of ``tables`` whose fields are those ``wanted``; None where the paper has none."""
    for one in published():
        if one.table in tables and all(getattr(one, name) == value for name, value in wanted.items()):
            return one
    return None

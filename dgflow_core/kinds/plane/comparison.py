"""One row of numbers for a finished two-dimensional run, to stand beside those of other runs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from csv import writer

import numpy as np

from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane import metrics as planar

#: name → (title with unit, decimals)
COLUMNS = {
    "high_quality": ("High quality, %", 1),
    "modes": ("Modes", 0),
    "kde_score": ("KDE score, nats a real point", 3),
    "distance": ("Distance, sliced W₂", 4),
    "logit": ("Mean logit, nats", 3),
    "acceptance": ("Acceptance, %", 1),
    "evaluations": ("Evaluations of d and ∇d", 0),
    "seconds": ("Seconds", 2),
}


def row(trajectory: Trajectory, dataset: str) -> dict[str, float]:
    """The ``COLUMNS`` that apply to a run, measured on the samples of its last step.

    The KDE score is a mean over as many real points as there are particles; evaluations count
    every particle and step at which the field was asked.
    """
    target = plane_datasets.get(dataset)
    real = target.sample(trajectory.n, seed=11)
    numbers = planar.summary(trajectory.samples[-1].numpy(), real, target, kde=True)
    numbers["kde_score"] /= len(real)
    numbers["logit"] = float(trajectory.logits[-1].mean())
    numbers["evaluations"] = trajectory.n * (trajectory.steps + 1)
    if "acceptance" in trajectory.info:
        numbers["acceptance"] = 100 * trajectory.info["acceptance"][-1]
        numbers["evaluations"] = float(np.nansum(trajectory.info["evaluations"]))
    if "seconds" in trajectory.provenance:
        numbers["seconds"] = trajectory.provenance["seconds"]
    return numbers


def markdown(titles: Sequence[str], rows: Sequence[dict[str, float]]) -> str:
    """Runs as a Markdown table."""
    names = [name for name in COLUMNS if any(name in numbers for numbers in rows)]
    head = ["run", *[COLUMNS[name][0] for name in names]]
    lines = [head, ["---", *["---:"] * len(names)]]
    for title, numbers in zip(titles, rows, strict=True):
        lines.append(
            [title, *[f"{numbers[name]:,.{COLUMNS[name][1]}f}" if name in numbers else "–" for name in names]]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def csv(titles: Sequence[str], rows: Sequence[dict[str, float]]) -> str:
    """Runs as comma-separated values, with unrounded numbers."""
    text = io.StringIO()
    table = writer(text, lineterminator="\n")
    table.writerow(["run", *COLUMNS])
    for title, numbers in zip(titles, rows, strict=True):
        table.writerow([title, *[float(numbers[name]) if name in numbers else "" for name in COLUMNS]])
    return text.getvalue()

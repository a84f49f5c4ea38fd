"""One row a run: how good its samples are, and what they cost."""

from __future__ import annotations

from dgflow_core import data, methods
from dgflow_core.metrics import planar
from dgflow_core.trajectory import Trajectory

REAL_SEED = 1_000_000

#: Key → (heading, decimals), in the order of the table.
COLUMNS = {
    "high_quality": ("High quality, %", 1),
    "modes": ("Modes", 0),
    "kde_score": ("KDE score, nats", 0),
    "distance": ("Sliced W₂", 4),
    "acceptance": ("Acceptance, %", 1),
    "logit_evaluations": ("Evaluations of d", 0),
    "gradient_evaluations": ("Evaluations of ∇d", 0),
    "seconds": ("Seconds", 2),
}


def evaluations(trajectory: Trajectory) -> tuple[int, int]:
    """How often a run asked for d and for ∇d, counted in points.

    A method that does not count its own ("evaluations" in its info) asks once a step for each
    particle, and once at the start. Samples that are only generated ask for neither.
    """
    if trajectory.steps == 0:
        return 0, 0
    counted = trajectory.info.get("evaluations")
    total = int(sum(counted)) if counted else (trajectory.steps + 1) * trajectory.n
    return total, total if methods.get(trajectory.settings["method"]).gradient else 0


def row(trajectory: Trajectory, dataset: str, seconds: float | None = None) -> dict[str, float]:
    """Metrics of the last step against as many real points, and the cost; keys as in ``COLUMNS``."""
    target = data.get(dataset)
    points = trajectory.samples[-1].numpy()
    numbers = planar.summary(points, target.sample(len(points), REAL_SEED), target, kde=True)
    if trajectory.info.get("acceptance"):
        numbers["acceptance"] = 100 * trajectory.info["acceptance"][-1]
    numbers["logit_evaluations"], numbers["gradient_evaluations"] = evaluations(trajectory)
    if seconds is not None:
        numbers["seconds"] = seconds
    return numbers

"""How the density of a run's particles approaches its target, step by step, on a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dgflow_core.errors import UserError
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.plane import density
from dgflow_core.zoo.model import Model

GRID = 96
#: The exact Wasserstein distance is the costly one: it is measured this many times along a run.
TRANSPORTS = 11
FRACTION = 1 / 3  # of Silverman's bandwidth, which is made for one bump and blurs many

#: name → unit
DISTANCES = {
    "Total variation": "½∫|p − q|, 0 to 1",
    "KL(p ‖ q)": "nats",
    "Wasserstein-2": "units of the space",
}


@dataclass(frozen=True, eq=False)
class Approach:
    """A run against its target q, in one space.

    Attributes:
        space: "latent" or "data". half: half the side of the grid, centred on the origin.
        base: ρ₀, the prior or the generator's density, (GRID, GRID); ``target``: q. Both are seen
            through the kernel that estimates the particles' density.
        densities: the particles' density at every step, (steps + 1, GRID, GRID) float32.
        curves: the ``DISTANCES`` at every step, (steps + 1,); the Wasserstein distance is measured
            at 11 steps and joined by straight lines between them.
        floor: the same distances for as many independent draws from q.
        best: the step of least total variation.
    """

    space: str
    half: float
    base: np.ndarray
    target: np.ndarray
    densities: np.ndarray
    curves: dict[str, np.ndarray]
    floor: dict[str, float]
    best: int


def aim(model: Model, space: str, field=None) -> density.Target:
    """The target of ``model`` in a space, on the grid that ``approach`` measures on."""
    grid = density.default_grid(model, space, GRID)
    return density.target(model, space, grid, field if space == "latent" else None)


def approach(
    model: Model, run: Trajectory, space: str = "latent", field=None, target: density.Target | None = None
) -> Approach:
    """Measure ``run`` against the target of ``model`` in ``space``.

    In latent space the particles are the run's codes, in data space its samples.

    Args:
        field: where d(g(z)) comes from in latent space; None evaluates the model exactly.
        target: the target on the grid of ``aim``, where it is at hand already.

    Raises:
        ValueError: the run did not move codes, and latent space is asked for; or nothing is 2D.
    """
    if space == "latent" and run.settings["space"] != "latent":
        raise UserError("space must be 'data' for a run in data space, not 'latent'.")
    points = run.positions if space == "latent" else run.samples
    target = target or aim(model, space, field)
    grid = target.grid
    width = max(FRACTION * density.silverman(points[0]), grid.width)
    ruler = target.ruler(run.n, width)
    seen = target.smoothed(width)
    spread = grid.smooth(torch.stack([grid.histogram(frame) for frame in points]), width)
    each = torch.stack([grid.normalise(frame) for frame in spread])
    transports = np.unique(np.linspace(0, run.steps, TRANSPORTS).round().astype(int))
    reached = [
        density.wasserstein2(points[step, : ruler.subsample], ruler.reference[: run.n]) for step in transports
    ]
    variation = np.array([density.total_variation(grid, p, seen) for p in each])
    divergence = np.array([max(density.kl(grid, p, seen), 0.0) for p in each])
    wasserstein = np.interp(np.arange(run.steps + 1), transports, reached)
    base = grid.normalise(grid.smooth(target.base, width))
    return Approach(
        space, grid.half, base.float().numpy(), seen.float().numpy(),
        each.float().numpy(), dict(zip(DISTANCES, (variation, divergence, wasserstein), strict=True)),
        dict(zip(DISTANCES, ruler.floor, strict=True)), int(variation.argmin()),
    )  # fmt: skip

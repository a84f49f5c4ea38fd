"""Densities on a planar grid: the target a flow aims at, the particles' own, how far apart.

Every target here is q(x) ∝ ρ₀(x) exp(d(x)): the base density times the density ratio that the
logit claims. In latent space ρ₀ is the prior, so q(z) ∝ p_Z(z) exp(d(g(z))), the target of DDLS
(Che et al. 2020), is known in closed form up to its constant. Pushed through g it is the
distribution of g(z), z ~ q, which is ρ₀ exp(d) in data space.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import scipy  # its parts load when they are used, which keeps the start short
import torch
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.fields.network import ExactField
from dgflow_core.flow.priors import seeded
from dgflow_core.kinds.plane import square
from dgflow_core.zoo.model import Model

SAMPLES = 100_000
TINY = 1e-300
#: Sets of draws whose mean is a ruler's floor.
FLOORS = 3


@dataclass(frozen=True)
class Grid:
    """A square [−half, half]² of ``size`` × ``size`` cells.

    Densities on it are float64 tensors (size, size), indexed [row of y, column of x], in points
    per unit area.
    """

    half: float
    size: int = 128

    @property
    def width(self) -> float:
        """Side of one cell."""
        return 2 * self.half / self.size

    @cached_property
    def centres(self) -> Tensor:
        """(size,) cell centres along either axis."""
        return -self.half + self.width * (torch.arange(self.size, dtype=torch.float64) + 0.5)

    @cached_property
    def points(self) -> Tensor:
        """(size², 2) cell centres, float32, row by row."""
        y, x = torch.meshgrid(self.centres, self.centres, indexing="ij")
        return torch.stack([x, y], -1).reshape(-1, 2).float()

    def integral(self, density: Tensor) -> float:
        """∫ density over the grid."""
        return float(density.sum()) * self.width**2

    def normalise(self, density: Tensor) -> Tensor:
        """``density`` scaled to integrate to 1 over the grid."""
        return density / max(self.integral(density), TINY)

    def histogram(self, points: Tensor, weights: Tensor | None = None) -> Tensor:
        """The density of ``points`` (n, 2), each shared by its four nearest cells by distance.

        Points off the grid are left out. ``weights`` (n,) need not sum to anything.
        """
        where = (points.double().cpu() + self.half) / self.width - 0.5
        low = where.floor()
        part = where - low
        weights = torch.ones(len(points), dtype=torch.float64) if weights is None else weights.double().cpu()
        total = torch.zeros(self.size**2, dtype=torch.float64)
        for dx in (0, 1):
            for dy in (0, 1):
                column, row = (low[:, 0] + dx).long(), (low[:, 1] + dy).long()
                share = (part[:, 0] if dx else 1 - part[:, 0]) * (part[:, 1] if dy else 1 - part[:, 1])
                inside = (column >= 0) & (column < self.size) & (row >= 0) & (row < self.size)
                total.index_add_(0, (row * self.size + column)[inside], (weights * share)[inside])
        return self.normalise(total.reshape(self.size, self.size))

    def smooth(self, density: Tensor, bandwidth: float) -> Tensor:
        """``density`` (…, size, size) convolved with a Gaussian of standard deviation ``bandwidth``.

        Done as K D Kᵀ, one small matrix an axis: exact, and nowhere below zero, which a Fourier
        transform's rounding would be.
        """
        if bandwidth <= 0:
            return density
        kernel = _kernel(self, bandwidth)
        return kernel @ density @ kernel.T

    def kde(self, points: Tensor, bandwidth: float, weights: Tensor | None = None) -> Tensor:
        """Gaussian kernel density estimate of ``points`` (n, 2), normalised on the grid."""
        return self.normalise(self.smooth(self.histogram(points, weights), bandwidth))

    def interpolate(self, values: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Bilinear ``values`` (size, size) at ``points``: (n,) and the gradient (n, 2), float64.

        Off the grid the value is that of the nearest point on it and the gradient 0.
        """
        where = (points.double().cpu() + self.half) / self.width - 0.5
        held = where.clamp(0, self.size - 1)
        low = held.floor().clamp_max(self.size - 2)
        (u, v), (column, row) = (held - low).T, low.long().T
        a, b = values[row, column], values[row, column + 1]
        c, e = values[row + 1, column], values[row + 1, column + 1]
        value = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * e)
        slope = torch.stack([(1 - v) * (b - a) + v * (e - c), (1 - u) * (c - a) + u * (e - b)], 1)
        return value, slope / self.width * (held == where)

    def sample(self, density: Tensor, n: int, seed: int = 0) -> Tensor:
        """``n`` draws from ``density``: a cell by its mass, then uniform inside it; (n, 2) float32."""
        rng = seeded(seed)
        cells = torch.multinomial(density.flatten().clamp_min(0), n, replacement=True, generator=rng)
        jitter = (torch.rand(n, 2, generator=rng) - 0.5) * self.width
        return self.points[cells] + jitter


@lru_cache(maxsize=8)
def _kernel(grid: Grid, bandwidth: float) -> Tensor:
    """The Gaussian between any two cells of an axis, (size, size); the same at all steps of a run."""
    away = (grid.centres[:, None] - grid.centres[None]) / bandwidth
    kernel = torch.exp(-0.5 * away**2)
    return kernel / kernel.sum(1, keepdim=True).clamp_min(TINY).max()


def silverman(points: Tensor) -> float:
    """Silverman's bandwidth for n points in the plane: n^(−1/6) times their mean standard deviation."""
    return float(points.double().std(0).mean()) * len(points) ** (-1 / 6)


@dataclass(frozen=True)
class Target:
    """What the flow of ``model`` aims at in ``space``: q ∝ ρ₀ exp(d), on a grid.

    Attributes:
        grid: where. ``base``: ρ₀ on it, (size, size). ``density``: q on it, integrates to 1.
        log_constant: log E_ρ₀[exp(d)], 0 for a calibrated logit.
    """

    space: str
    grid: Grid
    base: Tensor
    density: Tensor
    log_constant: float
    _smoothed: dict = field(default_factory=dict, repr=False, compare=False)
    _rulers: dict = field(default_factory=dict, repr=False, compare=False)

    def smoothed(self, bandwidth: float) -> Tensor:
        """q seen through the kernel that estimates the particles' density, (size, size)."""
        if bandwidth not in self._smoothed:
            self._smoothed[bandwidth] = self.grid.normalise(self.grid.smooth(self.density, bandwidth))
        return self._smoothed[bandwidth]

    def ruler(self, n: int, bandwidth: float) -> Ruler:
        """The ruler of all runs of ``n`` particles that are seen through this kernel."""
        return self._rulers.setdefault((n, bandwidth), Ruler(self, n, bandwidth))


def default_grid(model: Model, space: str, size: int = 128) -> Grid:
    """The square that holds the prior (latent) or the data set with a margin (data)."""
    return Grid(square.held(model, space), size)


def target(model: Model, space: str = "latent", grid: Grid | None = None, field=None) -> Target:
    """The target density of ``model`` in ``space``, normalised on ``grid``.

    In latent space it is the closed form p_Z(z) exp(d(g(z))) at the cell centres. In data space
    it is a histogram of 100,000 base samples weighted with exp(d).

    Args:
        field: where (d, ∇d) comes from in latent space; None evaluates the model exactly.

    Raises:
        ValueError: the space is not two-dimensional.
    """
    if model.dim(space) != (2,):
        raise UserError(f"space must be two-dimensional for a density on a grid, not {model.dim(space)}.")
    grid = grid or default_grid(model, space)
    if space == "data":
        z = model.prior.sample(SAMPLES, 5)
        x = model.generate(z)
        d = model.logit(x).double().cpu()
        top = float(d.max())
        base = grid.histogram(x)
        density = grid.histogram(x, torch.exp(d - top))
        log_constant = float(torch.logsumexp(d, 0)) - math.log(len(d))
        return Target(space, grid, base, density, log_constant)
    points = grid.points.to(model.device)
    d = (field or ExactField(model, "latent")).evaluate(points).logit.double().cpu()
    log_prior = model.prior.log_prob(points).double().cpu()
    top = float(d.max())
    shape = (grid.size, grid.size)
    base = grid.normalise(log_prior.exp().reshape(shape))
    unscaled = (log_prior + d - top).exp().reshape(shape)
    mass = grid.integral(unscaled) / max(grid.integral(log_prior.exp().reshape(shape)), TINY)
    return Target(space, grid, base, grid.normalise(unscaled), math.log(mass) + top)


class Distances(NamedTuple):
    """How far a density is from its target."""

    total_variation: float  # ½∫|p − q|, 0 to 1
    kl: float  # ∫ p log(p/q), nats
    wasserstein: float  # 2-Wasserstein distance between samples, in units of the space


def total_variation(grid: Grid, p: Tensor, q: Tensor) -> float:
    """½ ∫ |p − q| on the grid, between 0 and 1."""
    return 0.5 * grid.integral((p - q).abs())


def kl(grid: Grid, p: Tensor, q: Tensor) -> float:
    """KL(p ‖ q) = ∫ p log(p/q) on the grid, in nats; both normalised there."""
    return grid.integral(torch.xlogy(p, p) - torch.xlogy(p, q.clamp_min(TINY)))


def wasserstein2(a: Tensor, b: Tensor) -> float:
    """The 2-Wasserstein distance between two sets of as many points (n, 2), exactly.

    Where all points weigh the same, the best plan sends each to one: √(min over permutations π of
    mean |aᵢ − b_π(i)|²), an assignment.

    Raises:
        ValueError: there are more of one than of the other.
    """
    if len(a) != len(b):
        raise UserError(f"b must hold as many points as a, {len(a)}, not {len(b)}.")
    x, y = (np.asarray(points, dtype=np.float64) for points in (a, b))
    cost = scipy.spatial.distance.cdist(x, y, "sqeuclidean")
    return math.sqrt(cost[scipy.optimize.linear_sum_assignment(cost)].mean())


@dataclass(frozen=True)
class Ruler:
    """Measures distances to one target, always through the same kernel and against the same draws.

    Args:
        target: what is measured against.
        n: particles of the runs that will be measured; the floor is for as many.
        bandwidth: of the kernel both densities are seen through, in units of the space.
        subsample: points on each side of the Wasserstein distance.
    """

    target: Target
    n: int
    bandwidth: float
    subsample: int = 500
    seed: int = 0

    @cached_property
    def reference(self) -> Tensor:
        """Draws from the target, (subsample, 2)."""
        return self.target.grid.sample(self.target.density, self.subsample, self.seed + 1)

    def density(self, points: Tensor) -> Tensor:
        """The particles' density through the ruler's kernel, (size, size)."""
        return self.target.grid.kde(points, self.bandwidth)

    def measure(self, points: Tensor) -> Distances:
        """How far the distribution of ``points`` (n, 2) is from the target."""
        grid, q, p = self.target.grid, self.target.smoothed(self.bandwidth), self.density(points)
        apart = wasserstein2(points[: self.subsample].cpu(), self.reference[: len(points)])
        return Distances(total_variation(grid, p, q), max(kl(grid, p, q), 0.0), apart)

    @cached_property
    def floor(self) -> Distances:
        """What ``n`` independent draws from the target measure; evenly spread particles can lie below."""
        draws = (
            self.measure(self.target.grid.sample(self.target.density, self.n, self.seed + 100 + index))
            for index in range(FLOORS)
        )
        return Distances(*np.mean(list(draws), axis=0).tolist())

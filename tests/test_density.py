"""Target densities on a grid, distances to them, and what stale and fresh ratios do."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch

import dgflow_core as dg
from dgflow_core.fields.table import TabulatedField
from dgflow_core.flow import priors
from dgflow_core.kinds.plane.density import Grid, Ruler, kl, target, total_variation, wasserstein2

SHIPPED = [name for name in ("25gaussians/wgan-gp", "swissroll/wgan-gp") if name in dg.models()]


@pytest.fixture(scope="module", params=SHIPPED)
def model(request) -> dg.Model:
    return dg.load(request.param, device="cpu")


@pytest.mark.slow
def test_the_target_integrates_to_one_and_agrees_with_weighted_prior_samples(model):
    aim = target(model, "latent", Grid(4.5, 96))
    assert aim.grid.integral(aim.density) == pytest.approx(1, abs=1e-9)
    assert aim.log_constant == pytest.approx(0, abs=0.05)  # what the offset's calibration promises
    z = model.prior.sample(60_000, 21)
    weights = torch.exp(model.logit(model.generate(z)).double())
    h = 0.15
    assert total_variation(aim.grid, aim.grid.kde(z, h, weights), aim.smoothed(h)) < 0.02
    assert total_variation(aim.grid, aim.grid.kde(z, h), aim.smoothed(h)) > 0.04  # unweighted does not


def test_histogram_smoothing_and_interpolation_agree_with_closed_forms():
    grid = Grid(4.0, 64)
    points = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0)) * 0.5
    made = grid.kde(points, 0.3)
    exact = torch.exp(-(grid.points.double() ** 2).sum(1) / (2 * 0.34)) / (2 * np.pi * 0.34)
    assert total_variation(grid, made, exact.reshape(64, 64)) < 0.03
    plane = (grid.points[:, 0] * 2 - grid.points[:, 1]).double().reshape(64, 64)
    value, slope = grid.interpolate(plane, points)
    assert torch.allclose(value, (points[:, 0] * 2 - points[:, 1]).double(), atol=1e-5)
    assert torch.allclose(slope, torch.tensor([[2.0, -1.0]], dtype=torch.float64).expand_as(slope), atol=1e-5)


def test_distances_know_their_ends():
    grid = Grid(1.0, 16)
    p, q = torch.zeros(16, 16, dtype=torch.float64), torch.zeros(16, 16, dtype=torch.float64)
    p[3, 3] = q[12, 12] = 1 / grid.width**2
    assert total_variation(grid, p, p) == 0
    assert total_variation(grid, p, q) == pytest.approx(1)
    assert kl(grid, p, p) == pytest.approx(0)
    a = torch.rand(100, 2, generator=torch.Generator().manual_seed(0))
    assert wasserstein2(a, a) == pytest.approx(0, abs=1e-6)
    assert wasserstein2(a, a + torch.tensor([3.0, 4.0])) == pytest.approx(5, abs=1e-4)
    five, others = a[:5], a[5:10]
    plans = [(five - others[list(plan)]).square().sum(1).mean().sqrt() for plan in permutations(range(5))]
    assert wasserstein2(five, others) == pytest.approx(float(min(plans)), abs=1e-5)
    with pytest.raises(ValueError, match="as many points"):
        wasserstein2(five, a)


@pytest.mark.slow
def test_a_stale_ratio_overshoots_and_a_fresh_one_does_not(model):
    """Without noise the stale run's distance falls, turns and rises; the fresh one's only falls."""
    aim = target(model, "latent")
    ruler = Ruler(aim, 5000, 0.1)
    table = TabulatedField(model, "latent", size=257, keep=False)
    settings = {"n": 5000, "steps": 60, "space": "latent", "eta": 0.002, "field": table}
    stale = dg.refine(model, "dgflow", gamma=0.0, **settings).positions
    fresh = dg.refine(model, "exact", **settings).positions

    def distances(positions):
        return np.array(
            [total_variation(aim.grid, ruler.density(x), aim.smoothed(0.1)) for x in positions[::2]]
        )

    old, new = distances(stale), distances(fresh)
    assert old.min() < old[0] - 0.002
    assert 0 < old.argmin() < len(old) - 1
    assert old[-1] > old.min() + 0.02
    assert new[-1] < old[-1] - 0.05
    assert new[-1] < old.min()
    assert (np.diff(new) < 0.003).all()


def test_a_finite_sample_of_the_target_sets_the_floor(model):
    aim = target(model, "latent", Grid(4.5, 64))
    coarse, fine = (Ruler(aim, n, 0.15, subsample=100).floor for n in (200, 5000))
    assert 0 < fine.total_variation < coarse.total_variation < 1


def test_only_the_plane_has_a_grid():
    critic = dg.load(SHIPPED[0]).critic
    deep = dg.Model({"name": "deep"}, priors.make("normal", 3), torch.nn.Linear(3, 2), critic, device="cpu")
    with pytest.raises(ValueError, match="two-dimensional"):
        target(deep, "latent")

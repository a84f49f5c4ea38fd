"""Planar metrics on points whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import dgflow_core as dg
from dgflow_core.kinds.plane import metrics as planar
from dgflow_core.kinds.plane import per_step as curves

MODES, STD = np.array([[0.0, 0.0], [10.0, 0.0]]), 0.5


def test_high_quality_counts_what_lies_within_four_sigma():
    points = np.array([[0, 0], [1.99, 0], [2.01, 0], [10, -1.99], [10, 2.01], [5, 0]])
    assert planar.high_quality(points, MODES, STD) == pytest.approx(50)


def test_modes_need_a_tenth_of_their_share():
    many, few = np.zeros((100, 2)), np.full((4, 2), [10.0, 0.0])
    assert planar.modes_covered(np.concatenate([many, few]), MODES, STD) == 1
    assert planar.modes_covered(np.concatenate([many, few, few]), MODES, STD) == 2


def test_kde_score_is_the_log_likelihood_written_out():
    rng = np.random.default_rng(0)
    points, real = rng.normal(size=(50, 2)), rng.normal(size=(30, 2))
    squares = ((real[:, None] - points[None]) ** 2).sum(-1) / planar.BANDWIDTH**2
    density = np.exp(-squares / 2).mean(1) / (2 * math.pi * planar.BANDWIDTH**2)
    assert planar.kde_score(points, real) == pytest.approx(np.log(density).sum(), rel=1e-6)


def test_sliced_distance_of_shifted_points_is_the_mean_projected_shift():
    points = np.random.default_rng(0).normal(size=(200, 2))
    far = planar.sliced_wasserstein(points, points + np.array([3.0, 4.0]), projections=4000)
    assert far == pytest.approx(5 / math.sqrt(2), rel=0.03)
    assert planar.sliced_wasserstein(points, points[::-1]) == pytest.approx(0, abs=1e-9)


@given(st.floats(0.01, 5), st.floats(-3, 3))
def test_high_quality_does_not_depend_on_place_or_scale(scale, shift):
    points = np.random.default_rng(1).normal(size=(200, 2)) * 3
    before = planar.high_quality(points, MODES, STD)
    after = planar.high_quality(points * scale + shift, MODES * scale + shift, STD * scale)
    assert after == pytest.approx(before, abs=0.51)  # one point may sit on the border


@pytest.mark.parametrize("name", list(dg.datasets))
def test_real_data_scores_as_real_data(name):
    target = dg.datasets[name]
    one, two = target.sample(1000, 1), target.sample(1000, 2)
    numbers = planar.summary(one, two, target, kde=True)
    assert np.array_equal(one, target.sample(1000, 1))
    assert not np.array_equal(one, two)
    assert one.shape == (1000, 2)
    assert one.dtype == np.float32
    assert np.abs(one).max() <= target.extent
    assert numbers["distance"] < 0.15
    assert planar.sliced_wasserstein(one + 1, two) > 0.5
    assert numbers["kde_score"] > planar.kde_score(one + 1, two)
    if target.modes is None:
        assert set(numbers) == {"distance", "kde_score"}
    else:
        assert numbers["high_quality"] > 99.5
        assert numbers["modes"] == len(target.modes)


def test_the_papers_sets_have_the_papers_scale():
    grid = dg.datasets["25gaussians"]
    assert sorted({round(float(v), 4) for v in grid.modes.ravel()}) == pytest.approx(
        [v / (2 * math.sqrt(2)) for v in (-4, -2, 0, 2, 4)], abs=1e-4
    )
    assert grid.std == pytest.approx(0.05 / (2 * math.sqrt(2)))
    points = grid.sample(50_000, 0)
    nearest = points - grid.modes[((points[:, None] - grid.modes[None]) ** 2).sum(-1).argmin(1)]
    assert nearest.std() == pytest.approx(grid.std, rel=0.02)
    roll = dg.datasets["swissroll"].sample(20_000, 0)
    radius = np.linalg.norm(roll, axis=1) * 7.5
    assert 1.5 * math.pi - 1.2 < radius.min() < radius.max() < 4.5 * math.pi + 1.2


def test_curves_agree_with_the_metrics_of_each_step():

    target = dg.datasets["25gaussians"]
    real = target.sample(3000, seed=5)
    moved = torch.from_numpy(np.stack([real + shift for shift in (0.0, 0.03, 0.06, 0.5)]))
    run = dg.Trajectory(moved, moved, torch.zeros(4, 3000), {})
    drawn = {curve.name: curve for curve in curves.per_step(run, "25gaussians")}
    for step, points in enumerate(moved.numpy()):
        share = planar.high_quality(points, target.modes, target.std)
        assert drawn["High quality"].values[step] == pytest.approx(share, abs=0.05)
        covered = planar.modes_covered(points, target.modes, target.std)
        assert drawn["Modes covered"].values[step] == covered
    distance = drawn["Distance to data"].values
    assert list(distance) == sorted(distance)
    # A shift by (s, s) moves quantiles along angle a by s (cos a + sin a): s in root mean square.
    assert distance[-1] == pytest.approx(0.5, rel=0.05)

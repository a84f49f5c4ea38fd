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
from dgflow_core.kinds.plane.metrics import METRICS
from dgflow_core.kinds.plane.nearness import Reached, Within
from dgflow_core.kinds.plane.per_step import per_step
from dgflow_core.kinds.plane.reference import PlaneReference

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


class Shifted:
    """Real data: a fixed cloud, by what one shift moves it."""

    def __init__(self, shift=(0.0, 0.0)):
        self.shift = np.asarray(shift, np.float32)

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        points = np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)
        return 0.3 * points + self.shift


def test_sliced_distance_is_that_of_sorted_projections_to_quantiles():
    against = PlaneReference(Shifted())
    frames = np.stack([Shifted().sample(300, 5), Shifted((1.0, 2.0)).sample(300, 6)])
    for step, points in enumerate(frames):
        squares = []
        for angle in np.arange(8) * math.pi / 8:
            along = np.array([math.cos(angle), math.sin(angle)])
            quantiles = np.quantile(against.many @ along, (np.arange(300) + 0.5) / 300)
            squares.append(np.square(np.sort(points @ along) - quantiles).mean())
        expected = math.sqrt(np.mean(squares))
        assert planar.sliced_wasserstein(frames, against)[step] == pytest.approx(expected, rel=1e-4)
    shift = planar.sliced_wasserstein(frames[1:], against)[0]
    assert shift == pytest.approx(math.sqrt((1 + 4) / 2), rel=0.05)  # root mean square of its projections


def brute(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distance of each point to the nearest of the others, one pair at a time."""
    return np.array([min(math.dist(a, b) for b in others) for a in points])


@pytest.mark.parametrize("radius", [0.02, 0.1, 3.0])
def test_nearness_is_that_of_brute_force(radius):
    rng = np.random.default_rng(0)
    fixed = rng.normal(size=(80, 2)).astype(np.float32)
    moving = (2 * rng.normal(size=(3, 60, 2))).astype(np.float32)
    moving[0, :40] = fixed[:40] + (radius * rng.normal(size=(40, 2))).astype(np.float32)
    moving[1, 0] = 1e6, -1e6  # far outside of every cell
    within = Within(fixed, radius)
    reached = Reached(fixed, radius)(moving)
    for step, points in enumerate(moving):
        assert np.array_equal(within(points), brute(points, fixed) <= radius)
        assert np.array_equal(reached[step], brute(fixed, points) <= radius)


def test_nearness_of_points_far_apart_takes_little_memory():
    far = np.array([[0.0, 0.0], [1e5, 1e5]], np.float32)
    assert list(Within(far, 0.05)(far + np.float32(0.01))) == [True, True]
    assert Reached(far, 0.05)(far[None, :1]).tolist() == [[True, False]]


@pytest.mark.slow
def test_off_support_and_missed_are_shares_in_percent():
    against = PlaneReference(dg.datasets["moons"])
    real = against.many[:200]
    frames = np.stack([real, np.where(np.arange(200)[:, None] < 50, 9.0, real)]).astype(np.float32)
    assert planar.off_support(frames, against) == pytest.approx([0, 25])
    distance = brute(against.many[:2000], frames[1])
    assert planar.missed(frames, against)[1] == pytest.approx(100 * (distance > 0.1).mean())
    assert planar.off_support(frames, against)[0] < planar.off_support(frames, against)[1]


@pytest.mark.parametrize("name", ["swissroll", "moons", "checkerboard"])
def test_data_without_modes_scores_as_data_and_half_of_it_misses_half(name):
    target = dg.datasets[name]
    against, real = PlaneReference(target), target.sample(2000, 77)
    seen = planar.PlaneSamples(np.stack([real, np.where(real[:, :1] > 0, real, real * 0 + real[0])]))
    numbers = {key: METRICS[key].of(seen, against) for key in ("off_support", "missed")}
    assert numbers["off_support"][0] < 0.5
    assert numbers["missed"][0] < 1
    assert 20 < numbers["missed"][1] < 80
    assert METRICS["missed"].real(against, 2000) < 1


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
    against = PlaneReference(target)
    numbers = planar.measure(planar.PlaneSamples(one[None]), against)
    shifted = planar.measure(planar.PlaneSamples(one[None] + 1), against)
    assert np.array_equal(one, target.sample(1000, 1))
    assert not np.array_equal(one, two)
    assert one.shape == (1000, 2)
    assert one.dtype == np.float32
    assert np.abs(one).max() <= target.extent
    assert numbers["distance"] < 0.15
    assert shifted["distance"] > 0.5
    assert numbers["kde_score"] > shifted["kde_score"]
    if target.modes is None:
        assert set(numbers) == {"distance", "kde_score", "off_support", "missed"}
        assert numbers["off_support"] < 1 < shifted["off_support"]
        assert numbers["missed"] < 2 < shifted["missed"]
    else:
        assert set(numbers) == {"distance", "kde_score", "high_quality", "modes"}
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


def test_curves_know_a_shift():
    target = dg.datasets["25gaussians"]
    real = target.sample(3000, seed=5)
    moved = torch.from_numpy(np.stack([real + shift for shift in (0.0, 0.03, 0.06, 0.5)]))
    run = dg.Trajectory(moved, moved, torch.zeros(4, 3000), {})
    drawn = {curve.name: curve for curve in per_step(run, "25gaussians")}
    for step, points in enumerate(moved.numpy()):
        share = (brute(points[:300], target.modes) <= 4 * target.std).mean()
        assert planar.high_quality(points[:300], target.modes, target.std) == pytest.approx(100 * share)
        assert drawn["Modes covered"].values[step] == planar.modes_covered(points, target.modes, target.std)
    distance = drawn["Distance to data"].values
    assert list(distance) == sorted(distance)
    # A shift by (s, s) moves quantiles along angle a by s (cos a + sin a): s in root mean square.
    assert distance[-1] == pytest.approx(0.5, rel=0.05)


def test_a_distant_real_point_costs_finitely_much():
    points, real = np.zeros((10, 2), np.float32), np.array([[30.0, 40.0]], np.float32)
    expected = -(50**2) / (2 * 0.1**2) - math.log(2 * math.pi * 0.1**2)
    assert planar.kde_score(points, real) == pytest.approx(expected, rel=1e-5)

"""The latent density page and what it claims: targets, overshoot, and the exact flow that stops by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import dgflow_core as dg
from app import presets
from dgflow_core import density
from dgflow_core.metrics.approach import aim, approach
from dgflow_core.models.mlp import MLP
from dgflow_core.priors import NormalPrior
from dgflow_core.tabulated import TabulatedField
from tests.browser import ROOT

NAMES = ("25gaussians/wgan-gp", "swissroll/wgan-gp")


@pytest.fixture(scope="module", params=NAMES)
def shipped(request):
    model = dg.load(request.param)
    return model, TabulatedField(model, "latent", size=257, keep=False)


def test_the_target_integrates_to_one_and_agrees_with_weighted_prior_samples(shipped):
    model, field = shipped
    target = aim(model, "latent", field)
    assert target.grid.integral(target.density) == pytest.approx(1.0, abs=1e-9)
    z = model.prior.sample(200_000, 3)
    weights = torch.exp(field.evaluate(z).logit.double())
    weights /= weights.sum()
    square = (z**2).sum(1).double()
    cells = target.density.flatten() * target.grid.width**2
    at = target.grid.points.double()
    assert float((cells * (at**2).sum(1)).sum()) == pytest.approx(float((weights * square).sum()), rel=0.03)
    for axis in (0, 1):
        expected = float((weights * z[:, axis].double()).sum())
        assert float((cells * at[:, axis]).sum()) == pytest.approx(expected, abs=0.03)


def test_the_stale_flow_overshoots_and_the_exact_flow_does_not(shipped):
    model, field = shipped
    target = aim(model, "latent", field)
    common = {
        "space": "latent",
        "n": 1500,
        "steps": 60,
        "eta": 0.002,
        "gamma": 0.0,
        "seed": 0,
        "field": field,
    }
    stale = approach(model, dg.refine(model, "dgflow", **common), "latent", field, target)
    fresh = approach(model, dg.refine(model, "exact", **common), "latent", field, target)
    a, b = stale.curves["Total variation"], fresh.curves["Total variation"]
    assert 0 < stale.best < 30
    assert a[stale.best] < a[0]
    assert a[-1] > a[0]
    assert b[-1] < 0.7 * b[0]
    assert b[-1] < a[stale.best]
    assert b[-1] < 1.02 * b.min()  # it does not rise again


def test_dgflow_and_ddls_take_the_same_path_up_to_the_prior_term():
    torch.manual_seed(0)
    model = dg.Model({"dataset": "25gaussians"}, NormalPrior(2), MLP([2, 16, 2]), MLP([2, 16, 1]))
    common = {"space": "latent", "n": 40, "steps": 1, "seed": 4}
    # ε = 2η, and s √ε = √(2ηγ): the same ∇d, the same noise.
    eta, gamma = 0.01, 0.25
    flow = dg.refine(model, "dgflow", eta=eta, gamma=gamma, **common)
    langevin = dg.refine(model, "ddls", eta=2 * eta, noise_scale=gamma**0.5, **common)
    z = flow.positions[0]
    torch.testing.assert_close(langevin.positions[0], z)
    torch.testing.assert_close(langevin.positions[1], flow.positions[1] - eta * z, atol=1e-6, rtol=1e-5)


@pytest.fixture(scope="module")
def known():
    """N(0, I) generated, N((0.5, 0), I) real: d(x) = 0.5 x₁ − 0.125 exactly."""
    model = dg.Model({"dataset": "25gaussians"}, NormalPrior(2), MLP([2, 2]), MLP([2, 1]))
    model.generator[0].weight.copy_(torch.eye(2))
    model.generator[0].bias.zero_()
    model.critic[0].weight.copy_(torch.tensor([[0.5, 0.0]]))
    model.critic[0].bias.fill_(-0.125)
    return model


@pytest.mark.parametrize(("method", "steps"), [("drs", 60), ("mhgan", 60), ("mala", 400)])
def test_samplers_with_a_known_ratio_reach_the_target(known, method, steps):
    from scipy.stats import ks_2samp

    settings = {"eta": 0.3} if method == "mala" else {"percentile": 0.0} if method == "drs" else {}
    run = dg.refine(known, method, n=3000, steps=steps, seed=1, space="latent", **settings)
    target = np.random.default_rng(2).normal([0.5, 0.0], 1.0, (20_000, 2))
    start, end = run.positions[0].numpy(), run.positions[-1].numpy()
    assert ks_2samp(start[:, 0], target[:, 0]).pvalue < 1e-6  # the test can tell them apart
    for axis in (0, 1):
        assert ks_2samp(end[:, axis], target[:, axis]).pvalue > 0.01


def test_densities_are_densities():
    grid = density.Grid(4.0, 64)
    points = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0))
    p = grid.kde(points, 0.2)
    assert grid.integral(p) == pytest.approx(1.0)
    assert (p >= 0).all()
    assert density.total_variation(grid, p, p) == 0
    assert density.kl(grid, p, p) == pytest.approx(0)
    shifted = grid.kde(points + 1.0, 0.2)
    # Two unit normals (wider by the kernel) √2 apart: TV = 2Φ(√2 / (2σ)) − 1.
    from scipy.stats import norm

    expected = 2 * norm.cdf(2**0.5 / (2 * (1 + 0.2**2) ** 0.5)) - 1
    assert density.total_variation(grid, p, shifted) == pytest.approx(expected, abs=0.03)
    assert density.wasserstein2(points[:200], points[:200] + 1.0) == pytest.approx(2**0.5, rel=1e-4)


def page(**query) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app" / "pages" / "latent.py"), default_timeout=300)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def test_the_page_says_when_the_stale_flow_is_best():
    test = page(n="500", steps="20")
    assert not test.warning
    assert len([m for m in test.markdown if "least at step" in m.value]) == 2


def test_a_bad_link_is_one_sentence():
    test = page(n="1", exact="0", steps="5")
    assert "n must be a whole number from 500" in test.warning[0].value


@pytest.mark.parametrize("row", presets.of("latent"), ids=lambda row: row["title"])
def test_presets_run(row):
    query = {key.rsplit(".", 1)[-1]: str(value) for key, value in row["state"].items()}
    test = page(**{"n": "500", "steps": "5", **query})
    assert not test.warning
    assert not test.error

"""The methods DGflow is compared with, on a toy whose density ratio is known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import chi, kstest, norm
from torch import nn

import dgflow_core as dg
from dgflow_core import methods
from dgflow_core.fields.network import ExactField
from dgflow_core.flow import priors
from dgflow_core.flow.priors import seeded

MEAN, STD = 0.5, 0.8
LEVEL = 1e-3


class TrueLogit(nn.Module):
    """log N(x; (0.5, 0), 0.8² I) − log N(x; 0, I), plus a constant that no sampler may notice."""

    constant = 3.0

    def forward(self, x):
        moved = x - x.new_tensor([MEAN, 0.0])
        return 0.5 * (x**2).sum(1) - (moved**2).sum(1) / (2 * STD**2) - 2 * math.log(STD) + self.constant


@pytest.fixture(scope="module")
def toy() -> dg.Model:
    config = {"name": "toy", "title": "Toy", "kind": "2d", "dataset": "toy"}
    return dg.Model(config, priors.make("normal", 2), nn.Identity(), TrueLogit(), device="cpu")


def smallest_p(points: np.ndarray) -> float:
    """The least p-value of Kolmogorov–Smirnov tests of both coordinates and the radius against the target.

    Under the target it falls below ``LEVEL`` for one seed in 300; over 40 seeds of each chain the
    single p-values were uniform, so the seeds here are not chosen to pass.
    """
    away = (points - np.array([MEAN, 0.0])) / STD
    return min(
        kstest(away[:, 0], norm.cdf).pvalue,
        kstest(away[:, 1], norm.cdf).pvalue,
        kstest(np.hypot(*away.T), chi(2).cdf).pvalue,
    )


def test_the_two_sample_test_has_power(toy):
    assert smallest_p(toy.generate(toy.prior.sample(3000, 0)).numpy()) < 1e-6


@pytest.mark.parametrize("space", ["data", "latent"])
def test_samples_that_drs_accepts_follow_the_target(toy, space):
    settings = methods.get("drs").Settings(steps=60)
    field = ExactField(toy, space)
    method = methods.get("drs")
    state = method.init(field, toy.prior.sample(3000, 0), settings)
    for step in range(1, 61):
        state = method.step(field, state, settings, seeded(0, step))
    accepted = state.memory.accepted
    assert accepted.float().mean() > 0.99
    assert smallest_p(state.at.sample[accepted].numpy()) > LEVEL
    # One in exp(max d) is accepted, with max d the largest logit of the proposals.
    assert state.info["acceptance"] == pytest.approx(
        float(torch.exp(field.evaluate(toy.prior.sample(20_000, 9)).logit - state.memory.largest).mean()),
        abs=0.03,
    )
    assert torch.allclose(state.at.logit, toy.logit(state.at.sample), atol=1e-5)


def test_the_shift_of_drs_trades_exactness_for_acceptance(toy):
    strict, lax = (
        dg.refine(toy, "drs", n=1000, steps=1, percentile=p).info["acceptance"][-1] for p in (90.0, 20.0)
    )
    assert strict < 0.25 < 0.6 < lax


@pytest.mark.parametrize("method", ["mhgan", "mala"])
def test_chains_reach_the_target(toy, method):
    extra = {"eta": 0.5} if method == "mala" else {}
    t = dg.refine(toy, method, n=3000, steps=60, seed=1, space="latent", **extra)
    assert smallest_p(t.samples[-1].numpy()) > LEVEL
    assert 0.3 < t.info["acceptance"][-1] < 1


def test_a_wrong_logit_fails_the_same_test(toy):
    class Half(TrueLogit):
        def forward(self, x):
            return 0.5 * super().forward(x)

    wrong = dg.Model(toy.config, toy.prior, nn.Identity(), Half(), device="cpu")
    t = dg.refine(wrong, "mhgan", n=3000, steps=60, seed=1)
    assert smallest_p(t.samples[-1].numpy()) < LEVEL / 1000


def test_mala_without_steps_rejected_is_langevin_at_full_noise(toy):
    a = dg.refine(toy, "mala", n=200, steps=1, eta=1e-5, space="latent")
    b = dg.refine(toy, "ddls", n=200, steps=1, eta=1e-5, noise_scale=1.0, space="latent")
    assert a.info["acceptance"][-1] > 0.98
    moved = (a.positions[1] != a.positions[0]).all(1)
    assert torch.allclose(a.positions[1][moved], b.positions[1][moved])


def test_langevin_is_dgflow_kl_with_matching_settings(toy):
    a = dg.refine(toy, "langevin", n=100, steps=20, eta=0.02, noise_scale=0.3)
    b = dg.refine(toy, "dgflow", n=100, steps=20, eta=0.01, gamma=0.09)
    assert torch.allclose(a.positions, b.positions, atol=1e-5)


def test_dgflow_kl_and_ddls_share_a_path_up_to_the_prior_term(tiny):
    """η = ε/2 and γ = s² give both the same noise; what is left between them is (ε/2)∇log p_Z = −(ε/2)z."""
    eps, scale, steps = 0.02, 0.3, 25
    ddls = dg.refine(tiny, "ddls", n=64, steps=steps, eta=eps, noise_scale=scale, space="latent")
    for k in range(steps):
        now = ddls.positions[k]
        field = ExactField(tiny, "latent")
        settings = methods.get("dgflow").Settings(eta=eps / 2, gamma=scale**2)
        state = methods.get("dgflow").init(field, now, settings)
        flowed = methods.get("dgflow").step(field, state, settings, seeded(0, k + 1)).points
        assert torch.allclose(ddls.positions[k + 1] - flowed, -eps / 2 * now, atol=1e-6)


def test_with_a_flat_prior_the_two_paths_are_one(tiny):
    model = dg.Model(tiny.config, priors.make("uniform", 2), tiny.generator, tiny.critic, device="cpu")
    a = dg.refine(model, "ddls", n=64, steps=25, eta=0.02, noise_scale=0.3, space="latent")
    b = dg.refine(model, "dgflow", n=64, steps=25, eta=0.01, gamma=0.09, space="latent")
    assert torch.allclose(a.positions, b.positions, atol=1e-5)
    assert (a.positions[0] - a.positions[-1]).abs().max() > 0.05


@pytest.mark.parametrize("how", ["logistic", "isotonic"])
def test_calibration_recovers_the_true_ratio(toy, how):
    from dgflow_core.methods.mh_gan import calibrate

    class Stretched(TrueLogit):
        def forward(self, x):
            return 4 * super().forward(x)

    model = dg.Model(toy.config, toy.prior, nn.Identity(), Stretched(), device="cpu")
    real = np.random.default_rng(0).normal([MEAN, 0.0], STD, (10_000, 2)).astype(np.float32)
    x = model.generate(model.prior.sample(2000, 4))
    fitted, true = calibrate(model, how, real)(model.logit(x)), toy.logit(x) - TrueLogit.constant
    typical = true > -2
    assert (fitted - true)[typical].abs().median() < 0.15
    with pytest.raises(ValueError, match="calibration must be offset"):
        calibrate(model, how)


def test_an_exact_flow_needs_the_plane():
    torch.manual_seed(0)
    deep = dg.Model(
        {"name": "deep", "dataset": "25gaussians"},
        priors.make("normal", 3),
        nn.Linear(3, 2),
        TrueLogit(),
        device="cpu",
    )
    with pytest.raises(ValueError, match="two dimensions"):
        dg.refine(deep, "exact", n=10, steps=1, space="latent")

"""The seven f-divergences against closed forms of our own, automatic differentiation and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import dgflow_core as dg
from dgflow_core.flow.divergences import get

# f(r) as the paper's Table 7 (and the textbooks) write it; float64 and naive on purpose.
WRITTEN = {
    "KL": lambda r: r * torch.log(r),
    "JS": lambda r: r * torch.log(r) - (r + 1) * torch.log((r + 1) / 2),
    "logD": lambda r: (r + 1) * torch.log(r + 1) - 2 * math.log(2),
    "Jeffreys": lambda r: (r - 1) * torch.log(r),
    "reverseKL": lambda r: -torch.log(r),
    "Pearson": lambda r: (r - 1) ** 2,
    "Hellinger": lambda r: (torch.sqrt(r) - 1) ** 2,
}
# w_f(d) in numpy, float64.
WEIGHT = {
    "KL": lambda d: np.ones_like(d),
    "JS": lambda d: 1 / (1 + np.exp(-d)),
    "logD": lambda d: 1 / (1 + np.exp(d)),
    "Jeffreys": lambda d: 1 + np.exp(d),
    "reverseKL": np.exp,
    "Pearson": lambda d: 2 * np.exp(-d),
    "Hellinger": lambda d: np.exp(d / 2) / 2,
}
KEYS = list(WRITTEN)
logits = st.floats(-80, 80, width=32)
moderate = st.floats(-12, 12)


def test_the_list_is_the_list():
    assert list(dg.divergences) == KEYS


@pytest.mark.parametrize("key", KEYS)
def test_f_and_its_derivatives(key):
    row = dg.divergences[key]
    r = torch.logspace(-5, 5, 201, dtype=torch.float64, requires_grad=True)
    f = WRITTEN[key](r)
    (first,) = torch.autograd.grad(f.sum(), r, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), r)
    torch.testing.assert_close(row.f(r), f, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(row.f_prime(r), first, rtol=1e-7, atol=1e-8)
    torch.testing.assert_close(row.f_second(r), second, rtol=1e-6, atol=1e-8)
    assert float(row.f(torch.ones(1, dtype=torch.float64))) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("key", KEYS)
def test_weight_is_stable_in_float32(key):
    d = torch.linspace(-80, 80, 1601)
    weight = dg.divergences[key].weight(d)
    assert weight.dtype == torch.float32
    assert weight.shape == d.shape
    assert torch.isfinite(weight).all()
    np.testing.assert_allclose(weight.double(), WEIGHT[key](d.double().numpy()), rtol=2e-5)


@pytest.mark.parametrize("key", KEYS)
def test_f_is_finite_in_float32_wherever_its_value_is(key):
    d = np.linspace(-80, 80, 321)
    r = np.exp(-d)
    # Sums and differences written so that float64 does not cancel.
    exact = {
        "KL": -r * d,
        "JS": r * (math.log(2) - np.logaddexp(0, d)) - np.log1p(r) + math.log(2),
        "logD": (r + 1) * np.logaddexp(0, -d) - 2 * math.log(2),
        "Jeffreys": -(r - 1) * d,
        "reverseKL": d,
        "Pearson": (r - 1) ** 2,
        "Hellinger": (np.exp(-d / 2) - 1) ** 2,
    }[key]
    ours = dg.divergences[key].f(torch.from_numpy(r).float()).double().numpy()
    fits = np.abs(exact) < 3e38
    assert np.isfinite(ours[fits]).all()
    np.testing.assert_allclose(ours[fits], exact[fits], rtol=2e-5, atol=2e-5)


@given(moderate)
@pytest.mark.parametrize("key", KEYS)
def test_weight_is_r_times_f_second(key, d):
    row = dg.divergences[key]
    d = torch.tensor([d], dtype=torch.float64)
    r = torch.exp(-d)
    torch.testing.assert_close(row.weight(d), r * row.f_second(r), rtol=1e-9, atol=0)


@given(logits)
def test_js_and_log_d_add_up_to_kl(d):
    d = torch.tensor([d], dtype=torch.float32)
    weight = {key: dg.divergences[key].weight(d) for key in KEYS}
    torch.testing.assert_close(weight["JS"] + weight["logD"], weight["KL"])
    torch.testing.assert_close(weight["KL"] + weight["reverseKL"], weight["Jeffreys"])


@given(moderate, moderate, st.floats(0, 1))
@pytest.mark.parametrize("key", KEYS)
def test_f_is_convex_and_not_negative_around_its_tangent(key, a, b, share):
    f = dg.divergences[key].f
    x, y = (torch.tensor(math.exp(value), dtype=torch.float64) for value in (a, b))
    chord = share * f(x) + (1 - share) * f(y)
    scale = float(f(x).abs() + f(y).abs()) + 1
    assert float(f(share * x + (1 - share) * y) - chord) <= 1e-12 * scale


@given(logits)
@pytest.mark.parametrize("key", KEYS)
def test_weights_are_positive(key, d):
    assert float(dg.divergences[key].weight(torch.tensor([d], dtype=torch.float32))) > 0


@pytest.mark.parametrize("key", ["kl", "", None, 3, ["KL"]])
def test_unknown_divergence(key):
    with pytest.raises(ValueError, match="divergence must be one of KL, JS, logD, Jeffreys, reverseKL"):
        get(key)

"""Every method against a loop written here from its paper, on networks that we did not train.

The reference reads the archives itself and differentiates the formula as it is written, so that
it shares no code with the core.
"""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest
import torch
from torch.nn.functional import leaky_relu, linear

import dgflow_core as dg
from dgflow_core.errors import UserError
from dgflow_core.fields.network import ExactField
from dgflow_core.flow import priors
from dgflow_core.flow.priors import seeded
from dgflow_core.methods import base, ddls, dot
from tests.conftest import CRITIC, GENERATOR
from tests.test_divergences import KEYS, WRITTEN

SPACES = ("data", "latent")
PRIORS = ("uniform", "normal")


def network(path, layers):
    """The archive as a plain function of rows."""
    with np.load(path) as file:
        weights = [(torch.from_numpy(file[f"{k}/W"]), torch.from_numpy(file[f"{k}/b"])) for k in layers]

    def apply(rows):
        for index, (weight, bias) in enumerate(weights):
            rows = linear(leaky_relu(rows, 0.2) if index else rows, weight, bias)
        return rows

    return apply


class Reference:
    """d as a function of the refined points, and where those points start."""

    def __init__(self, files, space, prior):
        self.model = dg.load_chainer_mlp(files.generator, files.critic, prior, device="cpu")
        self.space, self.prior = space, prior
        g, critic = network(files.generator, GENERATOR), network(files.critic, CRITIC)
        self.logit = lambda p: critic(g(p) if space == "latent" else p)[:, 0]
        z = self.model.prior.sample(64, 5)
        self.start = z if space == "latent" else g(z)
        self.clip = space == "latent" and prior == "uniform"

    def keep(self, points):
        return points.clamp(-1, 1) if self.clip else points


@pytest.fixture(params=[(space, prior) for space in SPACES for prior in PRIORS], ids="-".join)
def reference(request, files):
    return Reference(files, *request.param)


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def same_path(ours, theirs):
    """Nine particles in ten on the same path to 1e-4, all of them near it.

    Rounding of 1e-7 puts a few on the other side of a kink of ReLU, or turns round a step of Adam,
    which divides by |gradient|; from there on their paths are their own.
    """
    apart = (ours - theirs).abs().amax((0, 2))
    assert float(apart.quantile(0.9)) < 1e-4
    assert float(apart.max()) < 0.05


def written_drift(reference, points, key):
    """−∇ f′(exp(−d)), with f′ itself by automatic differentiation of f."""
    points = points.clone().requires_grad_(True)
    ratio = torch.exp(-reference.logit(points))
    (f_prime,) = torch.autograd.grad(WRITTEN[key](ratio).sum(), ratio, create_graph=True)
    return -torch.autograd.grad(f_prime.sum(), points)[0]


@pytest.mark.slow
@pytest.mark.parametrize("key", KEYS)
def test_drift_is_the_written_formula(reference, key):
    ours = dg.drift(reference.model, reference.start, divergence=key, space=reference.space)
    close(ours, written_drift(reference, reference.start, key))


@pytest.mark.parametrize("key", ["KL", "JS", "logD"])
def test_dgflow_without_noise_is_the_plain_loop(reference, key):
    x, path = reference.start, [reference.start]
    for _ in range(15):
        x = reference.keep(x + 0.02 * written_drift(reference, x, key))
        path.append(x)
    t = dg.refine(
        reference.model, "dgflow", n=64, seed=5, space=reference.space,
        divergence=key, eta=0.02, gamma=0.0, steps=15,
    )  # fmt: skip
    same_path(t.positions, torch.stack(path))
    for before, after in zip(t.positions, t.positions[1:], strict=False):
        close(after, reference.keep(before + 0.02 * written_drift(reference, before, key)))
    close(t.logits, torch.stack([reference.logit(x) for x in t.positions]))


@pytest.mark.slow
def test_dgflow_noise_has_the_stated_size(files):
    """x₁ − x₀ − η ∇d = √(2ηγ) ξ with ξ standard normal."""
    m = dg.load_chainer_mlp(files.generator, files.critic, "normal", device="cpu")
    t = dg.refine(m, "dgflow", n=20_000, seed=3, steps=1, eta=0.04, gamma=0.5)
    noise = (t.positions[1] - t.positions[0] - 0.04 * dg.drift(m, t.positions[0])) / math.sqrt(0.04)
    assert float(noise.mean()) == pytest.approx(0, abs=0.02)
    assert float(noise.std()) == pytest.approx(1, abs=0.02)
    assert abs(float((noise[:, 0] * noise[:, 1]).mean())) < 0.03


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_dot_is_the_optimiser_on_the_written_objective(reference, optimizer):
    k, eta, steps = 1.7, 0.02, 15
    y = reference.start
    x = y.clone().requires_grad_(True)
    if optimizer == "adam":
        descent = torch.optim.Adam([x], lr=eta, betas=(0.0, 0.9))
    else:
        descent = torch.optim.SGD([x], lr=eta)
    path = [y]
    for _ in range(steps):
        descent.zero_grad()
        # linalg.norm differentiates to 0 at 0, which is what the first step needs.
        (torch.linalg.vector_norm(x - y, dim=1) - reference.logit(x) / k).sum().backward()
        if reference.space == "latent" and reference.prior == "normal":
            outward = x.detach() / x.detach().norm(dim=1, keepdim=True)
            x.grad -= (x.grad * outward).sum(1, keepdim=True) * outward
        descent.step()
        x.data = reference.keep(x.data)
        path.append(x.detach().clone())
    t = dg.refine(
        reference.model, "dot", n=64, seed=5, space=reference.space,
        lipschitz=k, optimizer=optimizer, eta=eta, steps=steps,
    )  # fmt: skip
    assert all(torch.isfinite(p).all() for p in path)
    same_path(t.positions, torch.stack(path))
    close(t.positions[1], path[1])


@pytest.mark.parametrize("space", SPACES)
def test_dot_estimates_the_steepest_of_generated_pairs(files, space):
    m = dg.load_chainer_mlp(files.generator, files.critic, device="cpu")
    k = dg.refine(m, "dot", n=8, steps=0, space=space).info["lipschitz"][0]
    assert k == pytest.approx(dot.estimate_lipschitz(ExactField(m, space)))
    points = m.prior.sample(2000, 1) if space == "latent" else m.generate(m.prior.sample(2000, 1))
    steepest = dg.drift(m, points, space=space).norm(dim=1).max()
    assert 0 < k <= float(steepest) * 1.5


def test_dot_estimate_of_a_linear_critic(tiny):
    """For d(x) = a·x the slopes of 100 random pairs come close to ‖a‖ from below."""
    linear_critic = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Flatten(0))
    linear_critic[0].weight.data = torch.tensor([[3.0, 4.0]])
    m = dg.Model(tiny.config, tiny.prior, tiny.generator, linear_critic, device="cpu")
    assert 4.5 < dot.estimate_lipschitz(ExactField(m, "data")) <= 5.0001


def test_ddls_drift_is_the_prior_plus_dgflow(files):
    """One noiseless DDLS step: (ε/2) [∇ log p_Z + latent DGflow(KL) drift], and nothing else."""
    m = dg.load_chainer_mlp(files.generator, files.critic, "normal", device="cpu")
    t = dg.refine(m, "ddls", n=64, seed=5, space="latent", eta=0.02, noise_scale=0.0, steps=1)
    z = t.positions[0]
    grad_log_prior = -z
    flow = dg.drift(m, z, divergence="KL", space="latent")
    close((t.positions[1] - z) / 0.01, grad_log_prior + flow)


def test_ddls_whole_run_is_the_plain_loop(files):
    for prior in PRIORS:
        reference = Reference(files, "latent", prior)
        z, path = reference.start, [reference.start]
        for step in range(1, 11):
            drift = written_drift(reference, z, "KL") - (z if prior == "normal" else 0)
            xi = torch.randn(z.shape, generator=seeded(5, step))
            z = reference.keep(z + 0.02 / 2 * drift + 0.3 * math.sqrt(0.02) * xi)
            path.append(z)
        t = dg.refine(
            reference.model, "ddls", n=64, seed=5, space="latent", eta=0.02, noise_scale=0.3, steps=10
        )
        same_path(t.positions, torch.stack(path))


def test_ddls_scale_one_samples_its_target():
    """With a flat logit the target is the prior: a long unscaled run stays N(0, I)."""

    class Flat(torch.nn.Module):
        def forward(self, x):
            return 0 * x.sum(1)

    config = {"kind": "2d", "title": "flat"}
    m = dg.Model(config, priors.make("normal", 2), torch.nn.Identity(), Flat(), device="cpu")
    start = torch.full((4000, 2), 3.0)
    t = dg.refine(m, "ddls", space="latent", start=start, steps=200, eta=0.1, noise_scale=1.0)
    assert t.positions[-1].mean(0).abs().max() < 0.08
    assert (t.positions[-1].std(0) - 1).abs().max() < 0.06


def test_bounded_priors_keep_their_points(files):
    m = dg.load_chainer_mlp(files.generator, files.critic, "uniform", device="cpu")
    for method in ("dgflow", "dot", "ddls"):
        t = dg.refine(m, method, n=64, space="latent", steps=20, eta=0.5)
        assert t.positions.abs().max() <= 1
        assert dg.methods[method].caveat("latent", m.prior)


@pytest.mark.parametrize("name", list(dg.methods))
def test_every_method_declares_itself(name):
    method = dg.methods[name]
    settings = method.Settings()
    for space in method.spaces:
        rule = method.update_rule(settings, space)
        assert len(rule) > 10
        assert rule.count("{") == rule.count("}")
    for key, info in method.Settings.model_fields.items():
        assert info.description, key
        assert info.json_schema_extra["symbol"], key
    assert method.about.endswith(".")
    assert re.search(r"\b(19|20)\d\d\b", method.paper)  # when, not any "20" in it


def test_ddls_drift_function_matches_its_step(files):
    m = dg.load_chainer_mlp(files.generator, files.critic, "normal", device="cpu")
    field = ExactField(m, "latent")
    state = dg.methods["ddls"].init(field, m.prior.sample(16, 0), ddls.DDLSSettings())
    close(ddls.drift(field, state), -state.points + state.at.grad)


@pytest.mark.slow
def test_the_fresh_ratio_takes_as_many_parts_as_its_kernel_needs(tiny):
    """Stable while η max w(d) ≤ h²/2: with KL, w = 1; what is more than it takes is said."""
    t = dg.refine(tiny, "exact", n=200, steps=1, eta=1.0, bandwidth=0.1)
    assert t.info["substeps"][1] == 200
    assert t.message == ""
    with pytest.warns(RuntimeWarning, match=r"would need 2,000 parts .* in 256\. A smaller eta than 10"):
        dg.refine(tiny, "exact", n=200, steps=1, eta=10.0, bandwidth=0.1)


def test_the_fresh_ratio_names_its_logit_and_nothing_else(monkeypatch):
    rule = dg.methods["exact"].update_rule
    made = dg.methods["exact"].Settings
    assert r"\sigma(-d_t)" in rule(made(divergence="logD"), "data")
    row = dataclasses.replace(dg.divergences["JS"], latex_weight=r"2\cdot d\,\mathrm{id}(d)")
    monkeypatch.setitem(dg.divergences, "JS", row)
    assert r"2\cdot d_t\,\mathrm{id}(d_t)" in rule(made(divergence="JS"), "data")


def test_a_setting_without_bounds_still_has_its_sentence():
    class Free(base.Settings):
        speed: float = base.setting(1.0, symbol="v", help="How fast.")
        least: int = base.setting(1, symbol="k", help="How many.", ge=1)
        most: float = base.setting(1.0, symbol="m", help="How much.", le=2)

    for name, words in {
        "speed": "a number",
        "least": "a whole number from 1",
        "most": "a number up to 2",
    }.items():
        with pytest.raises(UserError, match=f"^{name} must be {words}, not 'x'"):
            Free.parse({name: "x"})

"""Per-sample stopping: the run with a rule against an independent loop over the run without one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import dgflow_core as dg
from dgflow_core.flow import stopping

RULES = ["real5", "real25", "real50", "real75", "real95", "flat"]
STOPPING = [name for name, method in dg.methods.items() if stopping.applies(method)]


def stops(rule: str, d: np.ndarray, level: float) -> list[int]:
    """For each column of logits ``d`` (steps + 1, n), the step after which that sample rests."""
    ends = []
    for path in d.T:
        for step in range(len(path)):
            if rule == "flat":
                gain = path[step] - path[step - 3] if step >= 3 else np.inf
                done = gain <= 0 or gain < 0.25 * (path[3] - path[0])
            else:
                done = path[step] >= level
            if done:
                break
        ends.append(step)
    return ends


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", STOPPING)
def test_a_rule_holds_each_sample_where_it_stopped(name, rule, tiny, monkeypatch):
    space = dg.methods[name].spaces[-1]
    run = {"n": 60, "steps": 15, "eta": 0.3, "seed": 2, "space": space}
    free = dg.refine(tiny, name, **run)
    d = free.logits.double().numpy()
    levels = {f"{share}%": float(np.quantile(d, share / 100)) for share in (5, 25, 50, 75, 95)}
    monkeypatch.setattr(dg.Model, "real_logits", lambda model: levels)  # a random critic's would not matter
    held = dg.refine(tiny, name, until=rule, **run)
    ends = stops(rule, d, levels.get(f"{rule[4:]}%", 0.0))
    assert len(set(ends)) > 2, "the rule must matter here"
    for sample, end in enumerate(ends):
        for step in range(16):
            torch.testing.assert_close(
                held.positions[step, sample], free.positions[min(step, end), sample], rtol=1e-4, atol=1e-5
            )
    moved = [sum(step <= end for end in ends) for step in range(1, 16)]
    assert held.info["moving"][1:] == moved
    torch.testing.assert_close(held.logits[-1], tiny.logit(held.samples[-1]))


def test_resting_samples_cost_nothing(tiny, monkeypatch):
    seen = []
    generator = tiny.generator.forward
    monkeypatch.setattr(tiny.generator, "forward", lambda z: (seen.append(len(z)), generator(z))[1])
    run = dg.Run(tiny, "dgflow", n=50, steps=12, eta=0.3, space="latent", until="real25")
    seen.clear()
    moving = [frame.info.get("moving") for frame in run][1:]
    assert seen == [50, *(count for count in map(int, moving) if count)]
    assert moving[-1] < 50


def test_a_run_that_stops_runs_again_from_its_settings(tiny, tmp_path):
    t = dg.refine(tiny, n=20, steps=5, until="flat")
    assert t.settings["until"] == "flat"
    assert torch.equal(dg.refine(tiny, **t.settings).positions, t.positions)
    assert "until" not in dg.refine(tiny, n=20, steps=1).settings
    assert "until-flat" in dg.export.filename(t, "gif")
    assert dg.Trajectory.load(t.save(tmp_path / "t.npz")).info["moving"][1:] == t.info["moving"][1:]


def test_wrong_rules_get_one_sentence(tiny):
    with pytest.raises(ValueError, match=r"^until must be one of steps, real5, .*, not 'never'\.$"):
        dg.refine(tiny, n=5, steps=1, until="never")
    with pytest.raises(ValueError, match=r"^until must be 'steps' for DRS, not 'flat'\.$"):
        dg.refine(tiny, "drs", n=5, steps=1, until="flat")


def test_the_level_is_that_of_real_samples_and_follows_the_logit(tiny):
    real = tiny.logit(dg.datasets["25gaussians"].sample(5000, 0)).numpy()
    assert tiny.real_logits()["75%"] == pytest.approx(np.quantile(real, 0.75), abs=1e-5)
    level, moved = tiny.real_logits(), tiny.with_offset(1.5).real_logits()
    assert moved["50%"] == pytest.approx(level["50%"] + 1.5, abs=1e-5)
    model = dg.load("fashion_mnist/vae", device="cpu")
    assert model.real_logits() == model.config["real_logits"]
    with pytest.raises(ValueError, match=r"the logits of real samples are not known for this logit\.$"):
        dg.refine(model.without_corrector(), n=4, steps=1, space="latent", until="real50")

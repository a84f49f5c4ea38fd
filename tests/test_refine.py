"""The driver: seeds, batches, streaming, stopping, broken numbers, wrong arguments; and trajectories."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dgflow_core as dg
from dgflow_core.errors import UserError
from dgflow_core.flow.driver import Recorder, Run, record

SMALL = {"n": 40, "steps": 6}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(dg.methods))
def test_every_method_runs_and_its_settings_run_it_again(tiny, name):
    for space in dg.methods[name].spaces:
        t = dg.refine(tiny, name, **SMALL, seed=4, space=space)
        assert t.positions.shape == (7, 40, 2)
        assert t.samples.shape == (7, 40, 2)
        assert t.logits.shape == (7, 40)
        assert torch.isfinite(t.positions).all()
        assert t.ended == "complete"
        torch.testing.assert_close(t.logits, torch.stack([tiny.logit(x) for x in t.samples]))
        again = dg.refine(tiny, **json.loads(json.dumps(t.settings)))
        assert torch.equal(again.positions, t.positions)


def test_seeds(tiny):
    one, same, other = (dg.refine(tiny, **SMALL, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.positions, same.positions)
    assert not torch.equal(one.positions[0], other.positions[0])


def test_global_random_state_neither_matters_nor_changes(tiny):
    torch.manual_seed(1)
    one = dg.refine(tiny, **SMALL)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    two = dg.refine(tiny, **SMALL)
    assert torch.equal(one.positions, two.positions)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", ["dgflow", "dot", "ddls"])
@pytest.mark.parametrize("batch", [1, 7, 39])
def test_batch_size_changes_nothing_but_rounding(tiny, name, batch):
    whole = dg.refine(tiny, name, **SMALL, space="latent")
    parts = dg.refine(tiny, name, **SMALL, space="latent", batch_size=batch)
    torch.testing.assert_close(parts.positions, whole.positions, rtol=1e-4, atol=1e-5)


def test_starting_points_are_shared(tiny):
    """The same particle everywhere: by method, and by space through g."""
    z = dg.refine(tiny, "dgflow", **SMALL, space="latent").positions[0]
    for name in ("dgflow", "dot"):
        x = dg.refine(tiny, name, **SMALL).positions[0]
        torch.testing.assert_close(x, tiny.generate(z))
        assert torch.equal(dg.refine(tiny, name, **SMALL, space="latent").positions[0], z)
    assert torch.equal(dg.refine(tiny, "ddls", **SMALL, space="latent").positions[0], z)


def test_a_longer_run_begins_like_a_shorter_one(tiny):
    short, long = (dg.refine(tiny, n=40, steps=steps).positions for steps in (3, 9))
    assert torch.equal(long[:4], short)


def test_own_start(tiny):
    start = np.random.default_rng(0).normal(size=(9, 2))
    t = dg.refine(tiny, n=5000, steps=2, start=start, gamma=0.0)
    np.testing.assert_allclose(t.positions[0], start, rtol=1e-6)
    assert (t.n, t.settings["n"], t.provenance["own_start"]) == (9, 9, True)
    again = dg.refine(tiny, steps=2, start=torch.from_numpy(start), gamma=0.0)
    assert torch.equal(again.positions, t.positions)
    assert start.shape == (9, 2)


def test_frames_stream(tiny):
    frames = iter(dg.Run(tiny, **SMALL))
    first = next(frames)
    assert (first.step, first.positions.shape) == (0, (40, 2))
    assert [frame.step for frame in frames] == [1, 2, 3, 4, 5, 6]


def test_progress_and_stop(tiny):
    seen = []
    t = dg.refine(tiny, **SMALL, progress=lambda frame: seen.append(frame.step), stop=lambda: len(seen) == 3)
    assert seen == [0, 1, 2]
    assert (t.steps, t.ended) == (2, "stopped")
    assert torch.equal(t.positions, dg.refine(tiny, **SMALL).positions[:3])


def test_numbers_that_are_not_finite_end_the_run_and_keep_the_frames(tiny):
    """reverseKL weighs by e^d: on a critic that grows, a large step runs away."""
    steep = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Flatten(0))
    steep[0].weight.data, steep[0].bias.data = torch.ones(1, 2), torch.zeros(1)
    m = dg.Model(tiny.config, tiny.prior, torch.nn.Identity(), steep, device="cpu")
    with pytest.warns(RuntimeWarning, match=r"At step \d+ of 50, \d+ of 30 particles .* eta than 100"):
        t = dg.refine(m, n=30, steps=50, divergence="reverseKL", eta=100.0, gamma=0.0)
    assert t.ended == "non-finite"
    assert 1 <= t.steps < 50
    assert f"step {t.steps + 1} of 50" in t.message
    assert torch.isfinite(t.positions).all()


def test_a_start_without_finite_logits_is_refused(tiny):
    with pytest.raises(ValueError, match=r"start must have finite logits: 1 of 2 starting points"):
        dg.refine(tiny, start=[[0.0, float("nan")], [0.0, 0.0]], steps=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"method": "sgld"}, "method must be one of dgflow"),
        ({"space": "pixel"}, "space must be 'data' or 'latent', not 'pixel'"),
        ({"method": "ddls", "space": "data"}, "space must be 'latent' for DDLS, not 'data'"),
        ({"n": 0}, "n must be a whole number from 1 to 1000000, not 0"),
        ({"n": 2.5}, "n must be a whole number"),
        ({"n": True}, "n must be a whole number"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"steps": -1}, "steps must be a whole number from 0 to 10000, not -1"),
        ({"steps": 10**6}, "steps must be a whole number from 0 to 10000"),
        ({"steps": 1.5}, "steps must be a whole number"),
        ({"eta": 0}, "eta must be a number from 1e-06 to 100, not 0"),
        ({"eta": "big"}, "eta must be a number from 1e-06 to 100, not 'big'"),
        ({"eta": float("nan")}, "eta must be a number"),
        ({"gamma": -0.1}, "gamma must be a number from 0 to 100"),
        ({"gamma": float("inf")}, "gamma must be a number"),
        ({"divergence": "kl"}, "divergence must be one of KL, JS, logD"),
        (
            {"lipschitz": 3.0},
            "lipschitz is not a setting here; the settings are divergence, eta",
        ),
        ({"method": "dot", "optimizer": "lbfgs"}, "optimizer must be one of adam, sgd, not 'lbfgs'"),
        ({"method": "dot", "lipschitz": 0}, "lipschitz must be a number from 1e-06 to 1e[+]06 or none"),
        ({"batch_size": 0}, "batch_size must be at least 1, not 0"),
        ({"start": [[1.0, 2.0, 3.0]]}, r"start must have shape \(n, 2\), n ≥ 1, not \(1, 3\)"),
        ({"start": np.zeros((0, 2))}, r"start must have shape \(n, 2\)"),
        ({"start": [["a", "b"]]}, "start must be an array of numbers"),
        ({"start": np.zeros(2)}, r"start must have shape \(n, 2\)"),
    ],
)
def test_wrong_arguments_get_one_sentence(tiny, arguments, words):
    with pytest.raises(ValueError, match=words) as caught:
        dg.refine(tiny, **{"n": 5, "steps": 2, **arguments})
    sentence = str(caught.value)
    assert type(caught.value) is UserError
    assert sentence.count("\n") == 0
    assert sentence.endswith(".")


def test_wrong_arguments_of_drift(tiny):
    with pytest.raises(ValueError, match="divergence must be one of KL"):
        dg.drift(tiny, np.zeros((3, 2)), divergence="Renyi")
    with pytest.raises(ValueError, match="space must be 'data' or 'latent'"):
        dg.drift(tiny, np.zeros((3, 2)), space="z")
    with pytest.raises(ValueError, match=r"points must have shape \(n, 2\)"):
        dg.drift(tiny, np.zeros((3, 4)))


@given(
    name=st.sampled_from(["dgflow", "dot", "ddls"]), n=st.integers(1, 20), steps=st.integers(0, 4),
    eta=st.floats(1e-6, 0.5), seed=st.integers(0, 2**31 - 1),
)  # fmt: skip
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_allowed_setting_gives_a_whole_finite_run(tiny, name, n, steps, eta, seed):
    t = dg.refine(tiny, name, n=n, steps=steps, eta=eta, seed=seed, space="latent")
    assert t.positions.shape == (steps + 1, n, 2)
    assert torch.isfinite(t.positions).all()
    assert torch.isfinite(t.logits).all()


def test_zero_steps_is_the_start(tiny):
    t = dg.refine(tiny, n=5, steps=0)
    assert (t.steps, t.ended) == (0, "complete")


@pytest.mark.parametrize("space", ["data", "latent"])
def test_trajectory_comes_back_as_it_was(tiny, space, tmp_path):
    t = dg.refine(tiny, "dot" if space == "data" else "ddls", **SMALL, space=space)
    back = dg.Trajectory.load(t.save(tmp_path / "run.npz"))
    for name in ("positions", "samples", "logits"):
        assert torch.equal(getattr(back, name), getattr(t, name))
    for name in ("settings", "provenance", "info", "ended", "message"):
        assert getattr(back, name) == getattr(t, name)
    assert (back.samples is back.positions) == (space == "data")


def test_a_pickle_is_never_read_as_a_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return warnings.warn, ("a pickle was run",)

    np.savez(tmp_path / "trap.npz", header=np.array([Trap()], dtype=object), positions=np.zeros((1, 1, 2)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="is not a saved run"):
            dg.Trajectory.load(tmp_path / "trap.npz")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04broken"])
def test_other_files_are_not_runs(content, tmp_path):
    (tmp_path / "run.npz").write_bytes(content)
    with pytest.raises(ValueError, match="is not a saved run"):
        dg.Trajectory.load(tmp_path / "run.npz")


def test_a_file_that_unpacks_to_more_than_the_limit_is_not_read(tiny, tmp_path):
    path = dg.refine(tiny, **SMALL).save(tmp_path / "run.npz")
    with pytest.raises(UserError, match=r"path: 'run.npz' holds more than 0 MiB\."):
        dg.Trajectory.load(path, limit=1000)
    assert dg.Trajectory.load(path).n == 40


def test_a_run_away_says_so(tiny):
    """Twenty steps of eta 100 take particles far from all data; nothing is infinite yet."""
    words = r"40 particles ended more than 10 times as far out as the data; a smaller eta than 100 should"
    with pytest.warns(RuntimeWarning, match=words):
        t = dg.refine(tiny, n=40, steps=20, eta=100.0, gamma=0.0)
    assert t.ended == "complete"
    assert "smaller eta than 100" in t.message
    assert dg.refine(tiny, **SMALL).message == ""
    far = dg.refine(tiny, start=np.full((3, 2), 1e4), steps=2, eta=1e-6, gamma=0.0)
    assert far.message == ""  # that is where they were put


def test_one_loop_serves_all(tiny):
    """What the app and the command line use is what ``refine`` uses."""
    seen = []
    run = dg.Run(tiny, **SMALL)
    t = record(run, Recorder(run), each=seen.append, stop=lambda: len(seen) == 4)
    assert (t.steps, t.ended) == (3, "stopped")
    assert t.message == "Stopped after step 3 of 6; what was done is kept."
    assert t.provenance["seconds"] >= 0
    assert torch.equal(t.positions, dg.refine(tiny, **SMALL).positions[:4])


@pytest.mark.parametrize("space", ["data", "latent"])
def test_nothing_is_held_twice_while_a_run_is_recorded(tiny, space):
    run = Run(tiny, n=50, steps=3, space=space)
    recorder = Recorder(run)
    for frame in run:
        recorder.add(frame)
        if frame.step == 1:
            part = recorder.trajectory()
    whole = recorder.trajectory()
    assert part.steps == 1
    for name in ("positions", "samples", "logits"):
        assert getattr(part, name).data_ptr() == getattr(whole, name).data_ptr()
    assert (whole.samples is whole.positions) == (space == "data")

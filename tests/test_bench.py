"""The bench: what it counts, that ours and the plain way agree, and what it writes."""

from __future__ import annotations

import json

import pytest
import torch

import dgflow_core as dg
from dgflow_core import cli
from dgflow_core.bench import engine as bench
from dgflow_core.fields import table
from dgflow_core.fields.network import ExactField
from dgflow_core.flow import priors
from dgflow_core.zoo import shelf


@pytest.fixture
def stocked(tiny, tmp_path, monkeypatch):
    """A zoo that holds one small model under the name the bench looks for."""
    shelf.save(tiny, tmp_path / bench.PLANAR)
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(tmp_path))
    monkeypatch.setenv("DGFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(table, "SIZE", {"data": 129, "latent": 129})  # quickly built
    return tmp_path


def test_exponent_is_the_slope():
    sizes = [100, 200, 400]
    assert bench.exponent(sizes, [0.01 * size for size in sizes]) == pytest.approx(1)
    assert bench.exponent(sizes, [1e-6 * size**2 for size in sizes]) == pytest.approx(2)
    assert bench.exponent(sizes, [0.5, 0.5, 0.5]) == pytest.approx(0)


@pytest.mark.parametrize("space", ["data", "latent"])
def test_the_plain_way_gives_the_same_pair(tiny, space):
    points = torch.randn(50, 2)
    logit, grad = bench.plain(tiny, space)(points)
    ours = ExactField(tiny, space).evaluate(points)
    torch.testing.assert_close(ours.logit, logit)
    torch.testing.assert_close(ours.grad, grad)
    assert all(not weight.requires_grad for weight in tiny.critic.parameters())


def test_operations_are_counted_both_ways(tiny):
    # a 2 → 32 → 1 critic has 96 products, a 2 → 32 → 2 generator 128; forward and back, multiply and add
    assert bench.operations(tiny, "data") == 4 * 96
    assert bench.operations(tiny, "latent") == 4 * (96 + 128)


def test_convolutions_are_counted():
    class Images(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.up = torch.nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1, bias=False)

        def forward(self, z):
            return self.up(z[:, :, None, None].expand(-1, -1, 4, 4))

    class Critic(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = torch.nn.Conv2d(3, 7, 3, padding=1)

        def forward(self, x):
            return self.convolution(x).sum((1, 2, 3))

    model = dg.Model({"kind": "image"}, priors.make("normal", 2), Images(), Critic(), device="cpu")
    conv = 7 * 8 * 8 * 3 * 9  # output elements × products each
    transposed = 2 * 4 * 4 * 3 * 16  # input elements × products each
    assert bench.operations(model, "data") == 4 * conv
    assert bench.operations(model, "latent") == 4 * (conv + transposed)


@pytest.mark.slow
def test_one_command_writes_the_table_and_the_numbers(stocked, tmp_path, capsys):
    path = tmp_path / "bench.json"
    assert cli.main(["bench", "--quick", "--json", str(path)]) == 0
    result = json.loads(path.read_text())
    assert result["machine"]["cores"] >= 1
    assert [row["space"] for row in result["exact"]] == ["data", "latent"]
    assert all(row["grad_error"] < 1e-5 and row["ratio"] > 0 for row in result["exact"])
    for row in result["exact"]:
        assert sum(row["time_in"].values()) == pytest.approx(1)
        assert row["time_in"]["products"] > 0
        assert row["ratio_at_peak"] * row["share_of_peak"] == pytest.approx(row["ratio"])
    assert {(row["field"], row["against"]) for row in result["growth"]} == {
        (field, what) for field in ("tabulated", "exact") for what in ("particles", "steps")
    }
    peaks = result["memory"][0]["peak_mib"]
    assert peaks[-1] < 1.5 * peaks[0]  # flat, while the samples grow eightfold
    shown = capsys.readouterr().out
    assert "| table, 25gaussians/wgan-gp, 5,000 × 100 |" in shown
    assert "exponent" in shown


def test_a_zoo_without_the_model_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(tmp_path))
    with pytest.raises(ValueError, match=r"bench needs the shipped model 25gaussians/wgan-gp\."):
        bench.report(tmp_path / "bench.json")

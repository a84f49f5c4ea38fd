"""The exact field's fast way: near float32 where it is taken, refused where it is not."""

from __future__ import annotations

import pytest
import torch

import dgflow_core as dg
from dgflow_core.fields import network as fields
from dgflow_core.fields.network import ExactField


@pytest.mark.parametrize("space", ["data", "latent"])
def test_the_fast_way_is_half_precision_and_stays_near_float32(tiny, space):
    exact, fast = ExactField(tiny, space), ExactField(tiny, space, fast=True)
    assert (exact.name, fast.name) == ("exact", "fast")
    points = torch.randn(300, 2, generator=torch.Generator().manual_seed(5))
    ours, theirs = fast.evaluate(points), exact.evaluate(points)
    assert all(part.dtype == torch.float32 for part in ours)
    assert not torch.equal(ours.logit, theirs.logit)  # half precision was indeed used
    assert (ours.logit - theirs.logit).abs().max() < 0.02 * theirs.logit.std() + 0.02
    away = (ours.grad - theirs.grad).norm(dim=1) / theirs.grad.norm(dim=1)
    assert away.median() < 0.02  # a point beside a kink may fall on its other side


def test_the_fast_way_is_not_taken_where_the_check_fails(tiny, monkeypatch):
    monkeypatch.setattr(fields, "FAST_ERROR", 0.0)
    field = ExactField(tiny, "latent", fast=True)
    points = torch.randn(50, 2, generator=torch.Generator().manual_seed(5))
    assert field.name == "exact"
    assert torch.equal(field.evaluate(points).grad, ExactField(tiny, "latent").evaluate(points).grad)


def test_a_fast_run_says_so(tiny):
    run = dg.refine(tiny, n=20, steps=3, field=ExactField(tiny, "data", fast=True))
    assert run.provenance["field"] == "fast"

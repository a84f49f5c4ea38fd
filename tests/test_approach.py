"""The latent density page and what it claims: a stale flow overshoots, the exact one stops by itself."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import dgflow_core as dg
from app import presets
from dgflow_core.fields.table import TabulatedField
from dgflow_core.kinds.plane.approach import aim, approach
from tests.pages import visit

NAMES = ("25gaussians/wgan-gp", "swissroll/wgan-gp")


@pytest.fixture(scope="module", params=NAMES)
def shipped(request):
    model = dg.load(request.param)
    return model, TabulatedField(model, "latent", size=257, keep=False)


@pytest.mark.slow
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


def page(**query) -> AppTest:
    return visit("latent", **query)


@pytest.mark.slow
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

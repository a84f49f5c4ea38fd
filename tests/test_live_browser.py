"""The flow in JavaScript, held against the flow in Python, in real Chromium."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from dgflow_core import methods, scene
from dgflow_core.divergences import divergences
from dgflow_core.scene import live
from dgflow_core.tabulated import TabulatedField
from tests import browser

STEPS = 100


@pytest.fixture(scope="module")
def chromium():
    with browser.launch() as running:
        yield running


@pytest.fixture(scope="module")
def page(chromium):
    """An empty page that knows unpack.js and sim.js."""
    page = chromium.new_page()
    page.add_script_tag(content=scene.script("unpack", "sim"))
    yield page
    page.close()


def quantised(field: TabulatedField) -> tuple[TabulatedField, list]:
    """The field as the browser gets it, in double precision here."""
    channels = [live._quantised(channel) for channel in field.table.numpy()]
    rows = [
        np.float32(row["range"][0] + row["codes"] * ((row["range"][1] - row["range"][0]) / 65535))
        for row in channels
    ]
    field.table = torch.from_numpy(np.stack(rows)).double()
    return field, channels


CASES = [
    *(("dgflow", space, {"divergence": key}) for space in ("data", "latent") for key in divergences),
    # DOT with K well below |∇d|: where it only trembles around its start, the direction of x − y is decided
    # by rounding, in Python as well.
    *(
        ("dot", space, {"optimizer": name, "lipschitz": 0.001, "eta": 0.0005})
        for space in ("data", "latent")
        for name in ("adam", "sgd")
    ),
    ("ddls", "latent", {}),
]


@pytest.fixture(scope="module")
def fields(tiny):
    return {
        space: quantised(TabulatedField(tiny, space, size=129, keep=False)) for space in ("data", "latent")
    }


@pytest.mark.parametrize(("method", "space", "changes"), CASES)
def test_javascript_follows_python(page, tiny, fields, method, space, changes):
    field, channels = fields[space]
    row = methods.get(method)
    quiet = {name: 0.0 for name in ("gamma", "noise_scale") if name in row.Settings.model_fields}
    settings = row.Settings.parse({"eta": 0.02, **quiet, **changes})
    z = tiny.prior.sample(200, 3)
    start = (z if space == "latent" else tiny.generate(z)).double()

    state = row.init(field, start, settings)
    for _ in range(STEPS):
        state = row.step(field, state, settings, None)

    world = {
        "offset": tiny.logit_offset, "prior": tiny.prior.kind,
        "lipschitz": {space: state.info.get("lipschitz", 1.0)},
    }  # fmt: skip
    packed = {"size": field.size, "half": field.half, "space": space, "channels": [
        {"codes": channel["codes"].ravel().tolist(), "range": channel["range"]} for channel in channels
    ]}  # fmt: skip
    found = page.evaluate(
        """([packed, world, start, method, settings, steps]) => {
          const sim = new Sim(makeTable(packed), world, start.length / 2);
          sim.place(start);
          for (let i = 0; i < steps; i++) STEPS[method](sim, settings, new Random(1));
          return [...sim.points, ...sim.samples, ...sim.logits];
        }""",
        [packed, world, start.ravel().tolist(), method, json.loads(settings.model_dump_json()), STEPS],
    )
    expected = torch.cat([state.points.ravel(), state.at.sample.ravel(), state.at.logit])
    assert (start - state.points).abs().max() > 0.01  # something moved
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-3)


def test_noise_is_standard_normal_and_seeded(page):
    draws = np.array(
        page.evaluate(
            "() => { const r = new Random(7); return Array.from({length: 40000}, () => r.normal()); }"
        )
    )
    again = page.evaluate(
        "() => { const r = new Random(7); return Array.from({length: 5}, () => r.normal()); }"
    )
    other = page.evaluate(
        "() => { const r = new Random(8); return Array.from({length: 5}, () => r.normal()); }"
    )
    assert draws[:5].tolist() == again != other
    assert abs(draws.mean()) < 0.02
    assert abs(draws.std() - 1) < 0.02
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.02
    assert abs((np.abs(draws) < 1).mean() - 0.6827) < 0.01


def test_high_quality_is_the_metric_of_the_core(page):
    from dgflow_core import data
    from dgflow_core.metrics import planar

    target = data.get("25gaussians")
    points = target.sample(2000, 1) + np.random.default_rng(0).normal(0, 0.04, (2000, 2)).astype(np.float32)
    found = page.evaluate(
        "([p, n, modes, std]) => highQuality(p, n, modes, std)",
        [points.ravel().tolist(), 2000, target.modes.ravel().tolist(), float(target.std)],
    )
    assert found == pytest.approx(planar.high_quality(points, target.modes, target.std), abs=1e-6)
    assert 5 < found < 95

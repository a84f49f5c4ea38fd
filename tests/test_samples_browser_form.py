"""Images and text flow in the browser as in Python: given noise, 50 steps, on the written-out field."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

import dgflow_core as dg
from dgflow_core import kinds
from dgflow_core.fields import written_out
from dgflow_core.fields.network import ExactField
from dgflow_core.flow import priors
from dgflow_core.methods import browser_forms, methods
from dgflow_core.pictures import browser_bundle
from dgflow_core.places import ASSETS
from tests import node

STEPS = 50
RUNS = {
    "KL": ("dgflow", {"divergence": "KL"}),
    "JS": ("dgflow", {"divergence": "JS"}),
    "logD": ("dgflow", {"divergence": "logD"}),
    "DOT": ("dot", {}),
    "DDLS": ("ddls", {}),
}


def smooth(prior: str) -> dg.Model:
    """Images of networks without kinks: both sides follow the same path, however long it is."""
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.Linear(8, 128), nn.Tanh(), nn.Unflatten(1, (8, 4, 4)), nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh()
    )
    critic = nn.Sequential(
        nn.Conv2d(3, 16, 4, 2, 1), nn.Softplus(), nn.Flatten(), nn.Linear(256, 1), nn.Flatten(0)
    )
    critic[3].weight.data *= 20
    config = {"name": f"tiny/{prior}", "title": "Tiny", "kind": "image"}
    return dg.Model(config, priors.make(prior, 8), generator, critic, device="cpu").with_offset(0.4)


TINY = ("smooth", "bounded")
#: Large networks flow under one run of each method: f is in the small ones' runs.
LARGE = ("KL", "DOT", "DDLS")
MODELS = {
    "smooth": lambda: smooth("normal"),
    "bounded": lambda: smooth("uniform"),
    "text": lambda: dg.load("billion_words/wgan-gp", device="cpu"),
    "images": lambda: dg.load("fashion_mnist/sndcgan-ns", device="cpu"),
}


class Run(NamedTuple):
    """What is asked of the browser's form, and where the codes are here after each step."""

    asked: dict[str, Any]
    path: np.ndarray  # (steps + 1, n · dim)


def in_python(name: str, model: dg.Model, run: str) -> Run:
    kind, changes = RUNS[run]
    method = methods[kind]
    settings = method.Settings.parse({**kinds.get(model.kind).default_settings(kind), **changes})
    field, start, draws = ExactField(model, "latent"), model.prior.sample(4 if name in TINY else 1, 3), []
    normal = torch.randn

    def recorded(*size, **options):
        draws.extend((drawn := normal(*size, **options)).ravel().tolist())
        return drawn

    with pytest.MonkeyPatch.context() as patch:
        state, generator = method.init(field, start, settings), priors.seeded(5)
        patch.setattr(torch, "randn", recorded)
        path = [start.numpy().ravel()]
        for _ in range(STEPS):
            state = method.step(field, state, settings, generator)
            path.append(state.points.numpy().ravel())
    world = {
        "dim": model.prior.dim, "prior": model.prior.kind, "offset": model.logit_offset,
        "lipschitz": {"latent": state.info.get("lipschitz", 1.0)},
    }  # fmt: skip
    asked = {
        "field": name, "file": str(browser_forms()[kind]), "world": world, "start": path[0].tolist(),
        "settings": json.loads(settings.model_dump_json()), "steps": STEPS, "draws": draws,
        "path": [one.tolist() for one in path] if name == "images" else None,
    }  # fmt: skip
    assert np.abs(path[-1] - path[0]).max() > 0.05, "nothing moved"
    return Run(asked, np.array(path))


@pytest.fixture(scope="module")
def here() -> dict[tuple[str, str], Run]:
    return {
        (name, run): in_python(name, model, run)
        for name, make in MODELS.items()
        for model in [make()]
        for run in (RUNS if name in TINY else LARGE)
    }


@pytest.fixture(scope="module")
def there(here, tmp_path_factory) -> dict[str, dict]:
    """Where every run ends in Node."""
    folder = tmp_path_factory.mktemp("fields")
    fields = {name: str(folder / f"{name}.onnx") for name in MODELS}
    for name, make in MODELS.items():
        (folder / f"{name}.onnx").write_bytes(written_out.write(make()).onnx)
    question = {
        "assets": str(ASSETS), "weights": browser_bundle.weights(), "fields": fields,
        "runs": {" ".join(key): run.asked for key, run in here.items()},
    }  # fmt: skip
    return node.ask(node.JS / "run_samples.mjs", question)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "run"), [(name, run) for name in TINY for run in RUNS] + [("text", run) for run in LARGE]
)
def test_codes_flow_as_in_python(name, run, here, there):
    found, expected = there[f"{name} {run}"], here[name, run].path[-1]
    assert found["left"] == 0, "one side draws more noise than the other"
    assert (
        np.abs(np.array(found["points"], dtype=float) - expected).max() <= 1e-3
    )  # a code's spread is about 1


@pytest.mark.slow
@pytest.mark.parametrize("run", LARGE)
def test_every_step_of_images_is_the_one_of_python(run, there):
    """From where Python is: a ReLU whose input is 0 up to rounding goes one way or the other."""
    away = np.array(there[f"images {run}"]["away"])
    assert np.median(away) <= 1e-5
    assert (away > 1e-3).mean() <= 0.2
    assert away.max() <= 0.1

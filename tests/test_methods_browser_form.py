"""Methods that run in the browser too, held against their Python: the same noise, step by step, in Node."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

import dgflow_core as dg
from dgflow_core.fields.table import TabulatedField
from dgflow_core.flow import priors
from dgflow_core.flow.divergences import divergences
from dgflow_core.methods import browser_forms, methods
from dgflow_core.nets.mlp import MLP
from dgflow_core.pictures import browser_bundle, live_world
from dgflow_core.places import ASSETS
from tests import node

STEPS, N = 60, 100
OFFSET = 0.7
SIM = (ASSETS / "live" / "particles.js", ASSETS / "live" / "sim.js")
#: Where the defaults would compare rounding: DOT whose K is far above |∇d| only trembles around its start,
#: and the direction of x − y is then decided by the last digit, in Python as well.
CALM = {"dot": {"lipschitz": 0.001, "eta": 0.0005}}


class Case(NamedTuple):
    method: str
    space: str
    prior: str
    changes: tuple[tuple[str, object], ...]


def cases(name: str) -> list[Case]:
    """``name`` in each of its spaces, under both priors, with every option of its settings."""
    method = methods[name]
    rows = {key: live_world._setting(method, key)["options"] for key in method.Settings.model_fields}
    ways = [[(key, one) for one in options] for key, options in rows.items() if options]
    return [
        Case(name, space, prior, changes)
        for space in method.spaces
        for prior in ("normal", "uniform")
        for changes in itertools.product(*ways)
    ]


CASES = [case for name in browser_forms() for case in cases(name)]


def model(prior: str) -> dg.Model:
    torch.manual_seed(0)
    config = {"title": "Tiny", "kind": "2d", "dataset": "25gaussians", "prior": {"kind": prior, "dim": 2}}
    nets = MLP([2, 32, 2]), MLP([2, 32, 1])
    return dg.Model(config, priors.make(prior, 2), *nets, device="cpu").with_offset(OFFSET)


class Field(NamedTuple):
    """A table as the browser gets it, in double precision here, and as it is sent."""

    field: TabulatedField
    packed: dict


@pytest.fixture(scope="module")
def fields() -> dict[str, Field]:
    made = {}
    for prior, space in itertools.product(("normal", "uniform"), ("data", "latent")):
        field = TabulatedField(model(prior), space, size=129, keep=False)
        channels = [live_world._quantised(channel) for channel in field.table.numpy()]
        rows = [
            np.float32(c["range"][0] + c["codes"] * ((c["range"][1] - c["range"][0]) / 65535))
            for c in channels
        ]
        field.table = torch.from_numpy(np.stack(rows)).double()
        sent = [
            {"changes": live_world.changes(c["codes"]).ravel().tolist(), "range": c["range"]}
            for c in channels
        ]
        packed = {"size": field.size, "half": field.half, "space": space, "channels": sent}
        made[f"{prior} {space}"] = Field(field, packed)
    return made


def in_python(case: Case, field: TabulatedField, monkeypatch) -> tuple[dict, dict]:
    """Run ``case`` here; returns what to ask of the browser's form, and what to expect."""
    method = methods[case.method]
    changes = {"eta": 0.02, **CALM.get(case.method, {}), **dict(case.changes)}
    settings = method.Settings.parse(changes)
    z = field.model.prior.sample(N, 3)
    start = (z if case.space == "latent" else field.model.generate(z)).double()
    draws: list[float] = []
    normal = torch.randn

    def recorded(*size, **options):
        drawn = normal(*size, **options)
        draws.extend(drawn.ravel().tolist())
        return drawn

    state = method.init(field, start, settings)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "randn", recorded)
        generator = priors.seeded(5)
        for _ in range(STEPS):
            state = method.step(field, state, settings, generator)
    constant = state.info.get("lipschitz", 1.0)
    question = {
        "module": f"{case.method}.js",
        "table": f"{case.prior} {case.space}",
        "world": {"offset": OFFSET, "prior": case.prior, "lipschitz": {case.space: constant}},
        "start": start.ravel().tolist(),
        "settings": json.loads(settings.model_dump_json()),
        "steps": STEPS,
        "draws": draws,
    }
    assert (start - state.points).abs().max() > 0.01, "nothing moved"
    end = {"points": state.points, "samples": state.at.sample, "logits": state.at.logit}
    return question, {name: one.ravel().numpy() for name, one in end.items()}


@pytest.fixture(scope="module")
def python_runs(fields) -> dict[Case, tuple[dict, dict]]:
    with pytest.MonkeyPatch.context() as patch:
        return {case: in_python(case, fields[f"{case.prior} {case.space}"].field, patch) for case in CASES}


def in_node(folder: Path, fields: dict[str, Field], runs: list[dict]) -> list[dict]:
    """Where ``runs`` end in Node, with the files in ``folder``."""
    tables = {name: field.packed for name, field in fields.items()}
    question = {"folder": str(folder), "weights": browser_bundle.weights(), "tables": tables, "runs": runs}
    return node.ask(node.JS / "run_methods.mjs", question)


def lay_out(folder: Path) -> Path:
    """A folder with the simulation and the methods, which Node takes for ES modules."""
    for path in (*SIM, *browser_forms().values()):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def worst(found: dict, expected: dict) -> float:
    """The largest difference between two ends of a run; infinite where one is no number."""
    pairs = [(np.array(found[name], dtype=float), expected[name]) for name in expected]
    return max(float(np.nan_to_num(np.abs(a - b), nan=np.inf).max()) for a, b in pairs)


@pytest.fixture(scope="module")
def node_runs(fields, python_runs, tmp_path_factory) -> dict[Case, dict]:
    folder = lay_out(tmp_path_factory.mktemp("methods"))
    answers = in_node(folder, fields, [question for question, _ in python_runs.values()])
    return dict(zip(python_runs, answers, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: " ".join(map(str, (*case[:3], *dict(case[3]).values())))
)
def test_the_browser_form_follows_python(case, python_runs, node_runs):
    _, expected = python_runs[case]
    found = node_runs[case]
    assert found["left"] == 0, "one side draws more noise than the other"
    assert worst(found, expected) < 1e-3


def test_all_that_matters_is_in_the_cases(python_runs):
    """Noise where a method has it, an offset, a bounded prior that is reached, every divergence."""
    assert {"dgflow", "dot", "ddls"} <= {case.method for case in CASES}
    assert {value for case in CASES for name, value in case.changes if name == "divergence"} == set(
        divergences
    )
    assert {case.method for case, (question, _) in python_runs.items() if question["draws"]} >= {
        "dgflow",
        "ddls",
    }
    ends = [
        end["points"]
        for case, (_, end) in python_runs.items()
        if (case.space, case.prior) == ("latent", "uniform")
    ]
    assert all((np.abs(points) <= 1).all() for points in ends)
    assert sum((np.abs(points) == 1).any() for points in ends) > len(ends) / 2


NORMAL, UNIFORM = "normal", "uniform"
#: what: (file, right, wrong, a run that must notice)
MUTATIONS = {
    "weak noise": ("dgflow.js", "2 * eta * gamma", "eta * gamma", ("dgflow", "data", NORMAL)),
    "noise ∝ ε": ("ddls.js", "scale * Math.sqrt(eta)", "scale * eta", ("ddls", "latent", NORMAL)),
    "offset −": ("sim.js", "found[0] + this.world", "found[0] - this.world", ("dgflow", "data", NORMAL)),
    "offset 0": ("sim.js", "found[0] + this.world.offset", "found[0]", ("dgflow", "data", NORMAL)),
    "no clipping": ("particles.js", 'this.world.prior !== "uniform"', "true", ("dgflow", "latent", UNIFORM)),
    "no pull of the prior": ("ddls.js", '=== "normal" ? 1 : 0', "? 0 : 0", ("ddls", "latent", NORMAL)),
    "radial part kept": ("dot.js", "sim.latent &&", "false &&", ("dot", "latent", NORMAL)),
    "drift −": ("langevin.js", "(settings.eta / 2)", "(-settings.eta / 2)", ("langevin", "data", NORMAL)),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_wrong_browser_form_is_noticed(mutation, fields, python_runs, tmp_path):
    file, right, wrong, which = MUTATIONS[mutation]
    lay_out(tmp_path)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert text.count(right) >= 1
    (tmp_path / file).write_text(text.replace(right, wrong), encoding="utf-8")
    chosen = [case for case in CASES if case[:3] == which]
    answers = in_node(tmp_path, fields, [python_runs[case][0] for case in chosen])
    differences = [worst(found, python_runs[case][1]) for case, found in zip(chosen, answers, strict=True)]
    assert max(differences) > 0.01


@pytest.mark.parametrize("key", divergences)
def test_a_divergence_in_the_browser_is_the_one_in_the_core(key):
    logits = np.linspace(-6, 6, 25)
    weight = f"({browser_bundle.weights()})[{key!r}]"
    found = node.evaluate(f"console.log(JSON.stringify({json.dumps(logits.tolist())}.map({weight})))")
    np.testing.assert_allclose(found, divergences[key].weight(torch.from_numpy(logits)).numpy(), rtol=1e-9)


def test_what_live_offers_follows_from_the_files():
    assert list(browser_forms()) == list(live_world.METHODS)
    assert all(file.with_suffix(".py").is_file() for file in browser_forms().values())
    entry = browser_bundle.live_entry()
    assert all(str(file) in entry for file in browser_forms().values())
    assert all(f'"{key}": (d) =>' in entry for key in divergences)

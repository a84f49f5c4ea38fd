"""The house itself: what it costs to add a thing, and the rules that its rooms keep.

Each addition is made in a copy of the tree, as one new file or one row, and is looked for wherever it should
appear. ``COST`` is the table that the README shows.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

METHOD = '''
"""Plain ascent of the logit."""

from dgflow_core.methods.base import Method, Settings, Slider, State, number, setting


class AscentSettings(Settings):
    eta: float = setting(
        0.02, symbol="η", help="Step size of the ascent.", ge=1e-6, le=100, slider=Slider(0.001, 1.0)
    )
    steps: int = setting(20, symbol="N", help="How many steps.", ge=0, le=10_000, slider=Slider(1, 300, 1))


def step(field, state: State, settings: AscentSettings, generator) -> State:
    points = state.points + settings.eta * state.at.grad
    return State(points, field.evaluate(points))


METHOD = Method(
    name="ascent",
    title="Ascent",
    Settings=AscentSettings,
    step=step,
    update_rule=lambda settings, space: rf"x \\leftarrow x + {number(settings.eta)}\\,\\nabla d(x)",
    paper="Nobody, 2020",
    about="Follows the logit uphill.",
    order=90,
)
'''
BROWSER_FORM = """
export function step(sim, settings, random) {
  const { points, grads, dim } = sim;
  for (let i = 0; i < sim.n; i++) {
    for (let j = dim * i; j < dim * (i + 1); j++) points[j] += settings.eta * grads[j];
    sim.settle(i);
  }
}
export const noise = () => 0;
export const drift = ({ gradient }) => gradient;
export const arrows = "∇d";
export const rule = ({ eta }, { x, d }) => [{ i: x }, " ← ", { i: x }, " + ", eta, " ∇", { i: d }];
"""
DIVERGENCE = """    Divergence(
        "cubic",
        "Cubic",
        f=lambda r: r**3 - 1,
        f_prime=lambda r: 3 * r**2,
        f_second=lambda r: 6 * r,
        weight=lambda d: 6 * torch.exp(-2 * d),
        latex="r^3-1",
        latex_weight="6e^{-2d}",
        text="6e⁻²ᵈ",
        js="6 * Math.exp(-2 * d)",
        lesson="Violent where the critic rejects.",
    ),
"""
DATASET = '''
"""A ring."""

import numpy as np

from dgflow_core.kinds.plane.datasets import dataset


@dataset("ring", "Ring", "One curve without an end.", extent=2.0)
def ring(n, rng):
    """Points of a circle of radius 1."""
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.02 * rng.standard_normal((n, 2))
'''
METRIC = """    Metric(
        "spread", "Spread", "data units", None, 2, (),
        lambda seen, against: seen.samples.std((1, 2)),
    ),
"""
FORMAT = '''
"""The last step as plain numbers."""

import numpy as np

from dgflow_core.pictures.formats.declaration import Format


def write(picture, path, look, watch):
    np.savetxt(path, picture.runs[0].samples[-1].numpy())
    watch.done()


FORMAT = Format("txt", "numbers of the last step", "text/plain", write, kinds=("2d",), runs=1)
'''
PAGE = '''
"""A page of one sentence."""

import streamlit as st

from app import parameters
from app.page import Page

PAGE = Page("hello", "Hello", ":material/waving_hand:", "hello", order=95, tour="Says hello.")


def declared():
    return {"seed": parameters.SEED}


def show(page):
    with st.sidebar:
        page.controls("seed")
    st.markdown(f"Hello, seed {page['seed']}.")


if __name__ == "__main__":
    PAGE.run(show, declared)
'''
LESSON = (
    (ROOT / "assets" / "lessons" / "02_arrows.md").read_text(encoding="utf-8").replace("# F", "# Hello, f", 1)
)
#: What is added, and the files it takes: (file, "new" or the line a row goes before, text).
COST = {
    "a method, in the browser too": (
        ("dgflow_core/methods/ascent.py", "new", METHOD),
        ("dgflow_core/methods/ascent.js", "new", BROWSER_FORM),
    ),
    "a divergence": (("dgflow_core/flow/divergences.py", "    Divergence(\n", DIVERGENCE),),
    "a 2D data set": (("dgflow_core/kinds/plane/datasets/ring.py", "new", DATASET),),
    "a metric": (("dgflow_core/kinds/plane/metrics.py", '    Metric(\n        "logit"', METRIC),),
    "an export format": (("dgflow_core/pictures/formats/txt.py", "new", FORMAT),),
    "a page": (("app/pages/hello.py", "new", PAGE),),
    "a lesson": (("assets/lessons/70_hello.md", "new", LESSON),),
}

#: What is asked of the copied house: code that leaves its answer in ``found``.
QUESTIONS = {
    "method": """
import dgflow_core as dg
from dgflow_core.pictures import live_world
flow = page("flow2d", method="ascent", eta="0.03", n="100", steps="3")
compare = page("compare", panels="2", p1="ascent;data", n="100")
sweep = page("sweep", method="ascent", size="2")
options = next(box for box in flow.selectbox if box.label == "Method").options
found = {
    "help": "Step size of the ascent" in command("refine", "--method", "ascent", "--help"),
    "api": "ascent" in dg.methods,
    "flow": "ascent" in options or "Ascent" in options,
    "slider": flow.session_state["flow.ascent.eta"],
    "panel": [box.value for box in compare.selectbox if box.label == "Panel 1"],
    "sweep": sweep.session_state["sweep.method"],
    "live": "ascent" in live_world.METHODS,
}""",
    "divergence": """
import dgflow_core as dg
from dgflow_core.pictures import browser_bundle
flow = page("flow2d", divergence="cubic", n="100", steps="1", eta="0.001")
found = {
    "help": "cubic" in command("refine", "--help"),
    "api": "cubic" in dg.divergences,
    "options": "Cubic" in next(box for box in flow.selectbox if "divergence" in box.label).options,
    "live": "6 * Math.exp(-2 * d)" in browser_bundle.script("live"),
}""",
    "data set": """
import dgflow_core as dg
from dgflow_core import kinds
found = {
    "recipes": "ring/wgan-gp" in command("train", "--list"),
    "samples": dg.datasets["ring"].sample(5).shape == (5, 2),
    "kind": "ring" in kinds.get("2d").datasets,
}""",
    "metric": """
import dgflow_core as dg
from dgflow_core.kinds.plane import comparison, per_step
from dgflow_core.reports import sweep_grid
sweep = page("sweep", metric="spread", size="2")
run = dg.refine(dg.load("25gaussians/wgan-gp", device="cpu"), n=50, steps=2)
compare = page("compare", panels="2", n="100")
found = {
    "curves": "Spread" in [curve.name for curve in per_step.per_step(run, "25gaussians")],
    "sweep": "spread" in sweep_grid.metrics(),
    "chosen": sweep.session_state["sweep.metric"],
    "compare": any("Spread" in str(list(frame.value.columns)) or "spread" in frame.value.columns
                   for frame in compare.dataframe),
    "table": "spread" in comparison.row(run, "25gaussians"),
}""",
    "export format": """
import dgflow_core as dg
command("refine", "25gaussians/wgan-gp", "--n", "40", "--steps", "2", "--out", "last.txt")
flow = page("flow2d", n="100", steps="3")
flow.session_state["flow._export"] = True
flow.run()
form = next(box for box in flow.selectbox if box.label == "Format")
found = {
    "file": len(Path("last.txt").read_text().splitlines()),
    "api": "txt" in dg.export.FORMATS,
    "options": any(option.startswith("TXT") for option in form.options),
}""",
    "page": """
from app import navigation
hello = page("hello", seed="7")
home = page("home")
found = {
    "found": [one.name for one in navigation.found(navigation.PAGES)].count("hello"),
    "words": [one.value for one in hello.markdown],
    "tour": "Says hello." in [one.value for one in home.caption],
}""",
    "lesson": """
lessons = page("lessons", lesson="70_hello")
found = {
    "title": any("Hello, follow" in one for one in lessons.selectbox[0].options),
    "link": lessons.query_params["lesson"],
}""",
}
ASK = """
import contextlib, io, json, sys, traceback
from pathlib import Path
from streamlit.testing.v1 import AppTest
from dgflow_core import cli

def page(name, **query):
    test = AppTest.from_file(f"app/pages/{name}.py", default_timeout=240)
    for key, value in query.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception, test.exception
    assert not test.warning, [one.value for one in test.warning]
    assert not test.error, [one.value for one in test.error]
    return test

def command(*words):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        cli.main([*words])
    return said.getvalue()

answers = {}
for what, question in json.loads(sys.argv[1]).items():
    names = {"page": page, "command": command, "Path": Path}
    try:
        exec(question, names)
        answers[what] = names["found"]
    except Exception:
        answers[what] = traceback.format_exc()
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A copy of the tree with every addition made; none of them touches another."""
    copy = tmp_path_factory.mktemp("house")
    for name in ("app", "dgflow_core", "assets", ".streamlit"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "streamlit_app.py", copy)
    (copy / "pretrained").symlink_to(ROOT / "pretrained")
    for files in COST.values():
        for name, where, text in files:
            path = copy / name
            if where == "new":
                assert not path.exists(), name
                path.write_text(text.lstrip("\n"), encoding="utf-8")
            else:
                code = path.read_text(encoding="utf-8")
                assert where in code, name
                path.write_text(code.replace(where, text + where, 1), encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def answers(house) -> dict[str, dict]:
    """What the copied house, asked in one process, says of each addition."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(QUESTIONS)], cwd=house, capture_output=True, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (
            "method",  # one file, and its browser form one beside it
            {"help": True, "api": True, "flow": True, "slider": 0.03, "panel": ["ascent"], "sweep": "ascent",
             "live": True},
        ),
        ("divergence", {"help": True, "api": True, "options": True, "live": True}),
        ("data set", {"recipes": True, "samples": True, "kind": True}),
        ("metric", {"curves": True, "sweep": True, "chosen": "spread", "compare": True, "table": True}),
        ("export format", {"file": 40, "api": True, "options": True}),
        ("page", {"found": 1, "words": ["Hello, seed 7."], "tour": True}),
        ("lesson", {"title": True, "link": "70_hello"}),
    ],
)  # fmt: skip
def test_an_addition_appears_wherever_it_should(what, expected, answers):
    assert answers[what] == expected


def test_the_readme_says_what_it_costs():
    """The table "cost of change" is this test's own list."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for what, files in COST.items():
        names = ", ".join(f"`{name}`" + ("" if how == "new" else " (a row)") for name, how, _ in files)
        assert f"| {what} | {names} |" in readme, what


# Rules of the rooms


def code() -> dict[str, ast.Module]:
    """Every module of the product, by dotted name."""
    files = [*(ROOT / "app").rglob("*.py"), *(ROOT / "dgflow_core").rglob("*.py")]
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            file.read_text(encoding="utf-8")
        )
        for file in files
    }


def imports(tree: ast.Module, known: dict[str, ast.Module]) -> set[str]:
    """What a module imports of ours when it is imported itself."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in known else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_imports_have_no_circle():
    known = code()
    graph = {name: imports(tree, known) & set(known) - {name} for name, tree in known.items()}
    while free := {name for name, needs in graph.items() if not needs & set(graph)}:
        graph = {name: needs for name, needs in graph.items() if name not in free}
    assert not graph, f"a circle among {sorted(graph)}"


def test_the_core_knows_nothing_of_the_app():
    for name, tree in code().items():
        if name.startswith("dgflow_core"):
            words = {
                alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
            }
            words |= {
                node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
            }
            assert not {word for word in words if word.split(".")[0] in ("streamlit", "app")}, name


#: Names of the public contract, which spell out what people may say.
SPELT_OUT = {"refine", "register", "load_published", "Model", "Run"}


def test_functions_take_at_most_six_parameters():
    for name, tree in code().items():
        for node in ast.walk(tree):
            scope = node.body if isinstance(node, ast.ClassDef) else []
            owner = node.name if isinstance(node, ast.ClassDef) else ""
            for one in [*scope, *([node] if isinstance(node, ast.FunctionDef) else [])]:
                if not isinstance(one, ast.FunctionDef) or {owner, one.name} & SPELT_OUT:
                    continue
                given = one.args.posonlyargs + one.args.args + one.args.kwonlyargs
                count = sum(argument.arg not in ("self", "cls") for argument in given)
                assert count <= 6 or one.name == "__init__", f"{name}.{one.name} takes {count}"


def test_files_of_one_name_play_one_role():
    """Only sibling rooms hold files of one name: each kind has its ``kind`` and its ``metrics``."""
    names = Counter(file.name for folder in ("app", "dgflow_core") for file in (ROOT / folder).rglob("*.py"))
    twice = {name for name, count in names.items() if count > 1} - {"__init__.py"}
    assert twice <= {"kind.py", "metrics.py", "declaration.py"}


def test_pages_hold_what_is_special_to_them():
    for file in (ROOT / "app" / "pages").glob("*.py"):
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 110, file.name


def test_no_address_is_fetched_from_elsewhere():
    """What the app shows comes from the app: no font, icon or script of another host."""
    for file in [*(ROOT / "app").rglob("*.py"), ROOT / "streamlit_app.py", *(ROOT / "assets").rglob("*.css")]:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"https?://(?!localhost|127\.0\.0\.1|www\.w3\.org)", text), file.name

"""examples/lesson.ipynb runs from its start to its end, and says what the lessons say."""

from __future__ import annotations

import json
import re

import pytest

from tests.conftest import REPO

CELLS = json.loads((REPO / "examples" / "lesson.ipynb").read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def said() -> str:
    """What the notebook prints, all cells run in their order."""
    import contextlib
    import io

    import matplotlib

    matplotlib.use("agg")
    out, names = io.StringIO(), {}
    with contextlib.redirect_stdout(out):
        for cell in CELLS:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]).replace("n = 500", "n = 250"), names)
    return out.getvalue()


def numbers(said: str, pattern: str) -> list[float]:
    found = re.search(pattern, said)
    assert found, pattern
    return [float(one) for one in found.groups()]


def test_it_ships_without_outputs():
    code = [cell for cell in CELLS if cell["cell_type"] == "code"]
    assert len(code) == 10
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.slow
def test_its_experiments_come_out_as_the_lessons_do(said):
    on, off = numbers(said, r"on the modes (\S+), off them (\S+)")
    assert off < on
    before, after = numbers(said, r"on a mode: (\S+) % before, (\S+) %")
    assert before < 90 < after
    long, start = numbers(said, r"eta = 0.3: (\S+) % on a mode, (\S+) %")
    assert long < start
    trusted, rejected = numbers(said, r"JS +looked real: (\S+), rejected: (\S+)")
    assert trusted > rejected
    assert numbers(said, r"log D but for (\S+)")[0] < 1e-5
    assert numbers(said, r"gamma = 0.0: (\S+) times")[0] < 0.6
    assert 0.85 < numbers(said, r"gamma = 0.01: (\S+) times")[0] < 1.15
    first, best, last = numbers(said, r"(\S+) at first, (\S+) at step \d+, (\S+) at the end")
    assert best < min(first, last)
    codes, pixels = (
        numbers(said, rf"{space} *: mean logit \S+ → (\S+), grain × (\S+)") for space in ("latent", "data")
    )
    assert pixels[0] > codes[0]
    assert pixels[1] > codes[1]
    assert numbers(said, r"DOT are (\S+) apart")[0] < 1e-6
    assert numbers(said, r"pull, but for (\S+)")[0] < 1e-5
    assert numbers(said, r"corrected: grain × (\S+)")[0] > numbers(said, r"borrowed: grain × (\S+)")[0]
    poor, good = (
        numbers(said, rf"{name}: (\S+) before, (\S+) after") for name in ("swissroll/ratio", "swissroll/dcd")
    )
    assert poor[1] > poor[0]
    assert good[1] < poor[1]

"""``pip install .``: the core works from anywhere, models and assets included."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import REPO

SCRIPT = """
import dgflow_core as dg
from dgflow_core import places
assert dg.__file__.startswith({target!r}), dg.__file__
assert places.PRETRAINED.is_relative_to({target!r}) and places.ASSETS.is_dir()
run = dg.refine(dg.load("25gaussians/wgan-gp", device="cpu"), n=20, steps=2)
assert run.positions.shape == (3, 20, 2)
"""


@pytest.mark.slow
def test_installed_it_runs_from_another_folder(tmp_path):
    target = str(tmp_path / "installed")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*install, "--target", target, str(REPO)], check=True, timeout=200)
    script = SCRIPT.format(target=target)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={"PYTHONPATH": target, "HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

"""Models that every test file shares: small random ones, and Tanaka's where the data root has them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

import dgflow_core as dg
from dgflow_core.flow import priors
from dgflow_core.nets.mlp import MLP
from tests.browser import serve

REPO = Path(__file__).resolve().parent.parent
DATA_ROOT = Path(os.environ.get("DGFLOW_DATA", REPO.parent / "shared" / "data"))
GENERATOR, CRITIC = ("l0", "l1", "l2", "l4"), ("l1", "l2", "l3", "l4")

# Servers that outlive a test find no cells of a person's own either.
os.environ["DGFLOW_CELLS"] = str(Path(tempfile.mkdtemp()) / "cells.sqlite")


class Files(NamedTuple):
    """Two Chainer archives and the data set they were trained on, if any."""

    generator: Path
    critic: Path
    dataset: str | None


def write_layers(path: Path, layers: tuple[str, ...], widths: list[int], seed: int) -> Path:
    """Random linear layers in Chainer's layout, scaled so that gradients are of order one."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for layer, inputs, outputs in zip(layers, widths, widths[1:], strict=False):
        arrays[f"{layer}/W"] = rng.normal(0, 1.5 / np.sqrt(inputs), (outputs, inputs)).astype(np.float32)
        arrays[f"{layer}/b"] = rng.normal(0, 0.3, outputs).astype(np.float32)
    np.savez(path, **arrays)
    return path


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Each test computes on one core, whatever a page that ran before it in this process was given."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def cells_of_its_own(tmp_path_factory, monkeypatch):
    """No test finds the cells of sweeps that another finished."""
    monkeypatch.setenv("DGFLOW_CELLS", str(tmp_path_factory.mktemp("cells") / "cells.sqlite"))


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where the app runs on the shipped models, served once for all the tests of this process."""
    with serve() as address:
        yield address


@pytest.fixture(scope="session")
def random_files(tmp_path_factory) -> Files:
    """A small random generator and critic in Chainer's layout."""
    folder = tmp_path_factory.mktemp("chainer")
    return Files(
        write_layers(folder / "G.npz", GENERATOR, [2, 24, 24, 24, 2], seed=1),
        write_layers(folder / "D.npz", CRITIC, [2, 32, 32, 32, 1], seed=2),
        None,
    )


@pytest.fixture(scope="session", params=["random", "tanaka"])
def files(request, random_files) -> Files:
    """Networks that we did not train: random ones always, Tanaka's published ones where they are."""
    if request.param == "random":
        return random_files
    folder = DATA_ROOT / "wgan_gp_2d"
    if not folder.is_dir():
        pytest.skip("DGFLOW_DATA names no data root with wgan_gp_2d")
    return Files(folder / "G_25gaussians_WGAN-GP.npz", folder / "D_25gaussians_WGAN-GP.npz", "25gaussians")


@pytest.fixture(scope="session")
def tiny() -> dg.Model:
    """A random 2D model with a normal prior, in the shape the zoo can save."""
    torch.manual_seed(0)
    config = {
        "title": "Tiny", "kind": "2d", "dataset": "25gaussians", "prior": {"kind": "normal", "dim": 2},
        "generator": {"architecture": "mlp", "arguments": {"widths": [2, 32, 2]}},
        "critic": {"architecture": "mlp", "arguments": {"widths": [2, 32, 1]}},
    }  # fmt: skip
    return dg.Model(config, priors.make("normal", 2), MLP([2, 32, 2]), MLP([2, 32, 1]), device="cpu")

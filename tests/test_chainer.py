"""The Chainer importer: the same numbers as a forward pass of our own, and one sentence for a bad file."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import torch

import dgflow_core as dg
from dgflow_core.zoo import shelf
from dgflow_core.zoo.importers.checkpoint import MAX_BYTES
from tests.conftest import CRITIC, GENERATOR, write_layers


def forward(path, layers, rows: np.ndarray) -> np.ndarray:
    """Linear layers with leaky ReLU (0.2) between them, in float64 and without torch."""
    rows = rows.astype(np.float64)
    with np.load(path) as file:
        for layer in layers:
            rows = rows @ file[f"{layer}/W"].T.astype(np.float64) + file[f"{layer}/b"]
            if layer != layers[-1]:
                rows = np.where(rows > 0, rows, 0.2 * rows)
    return rows


def test_forward_pass(files):
    m = dg.load_chainer_mlp(files.generator, files.critic, dataset=files.dataset, device="cpu")
    z = m.prior.sample(500, 3)
    assert z.abs().max() <= 1
    x = m.generate(z)
    np.testing.assert_allclose(x, forward(files.generator, GENERATOR, z.numpy()), atol=1e-4)
    np.testing.assert_allclose(
        m.logit(x), forward(files.critic, CRITIC, x.numpy())[:, 0], atol=1e-3, rtol=1e-4
    )
    assert (m.kind, m.dataset, m.logit_offset, m.prior.kind) == ("2d", files.dataset, 0.0, "uniform")


def test_prior_and_arguments(random_files):
    load = dg.load_chainer_mlp
    assert load(random_files.generator, random_files.critic, "normal").prior.kind == "normal"
    with pytest.raises(ValueError, match="prior must be one of normal, uniform"):
        load(random_files.generator, random_files.critic, "cauchy")
    with pytest.raises(ValueError, match="dataset must be one of 25gaussians"):
        load(random_files.generator, random_files.critic, dataset="26gaussians")


def test_imported_model_can_be_kept(random_files, tmp_path):
    m = dg.load_chainer_mlp(random_files.generator, random_files.critic, dataset="moons", device="cpu")
    again = dg.load(shelf.save(m, tmp_path / "kept"), device="cpu")
    z = m.prior.sample(20, 0)
    assert torch.equal(again.logit(again.generate(z)), m.logit(m.generate(z)))


def broken(case: str, good, folder):
    """A generator archive that is wrong in one way."""
    path = folder / "broken.npz"
    with np.load(good.generator) as file:
        arrays = dict(file)
    if case == "missing file":
        return path
    if case == "not an archive":
        path.write_bytes(b"not an archive at all")
        return path
    if case == "a bare array":
        np.save(folder / "broken.npy", arrays["l0/W"])
        return folder / "broken.npy"
    if case == "cut short":
        path.write_bytes(good.generator.read_bytes()[:-400])
        return path
    if case == "damaged inside":
        content = bytearray(good.generator.read_bytes())
        content[200:300] = bytes(100)
        path.write_bytes(content)
        return path
    if case == "a folder":
        return folder
    if case == "the critic's file":
        return good.critic
    if case == "a huge array":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("l0/W.npy", bytes(MAX_BYTES + 1))
        return path
    if case == "missing bias":
        del arrays["l1/b"]
    elif case == "pickled":
        arrays["l1/W"] = np.array([{"a": 1}], dtype=object)
    elif case == "text":
        arrays["l1/W"] = arrays["l1/W"].astype(str)
    elif case == "whole numbers":
        arrays["l1/W"] = arrays["l1/W"].astype(int)
    elif case == "wrong shape":
        arrays["l2/W"] = arrays["l2/W"][:, :-1]
    elif case == "three axes":
        arrays["l0/W"] = arrays["l0/W"][None]
    elif case == "wrong bias":
        arrays["l2/b"] = arrays["l2/b"][:-1]
    elif case == "width 0":
        arrays["l0/W"], arrays["l0/b"] = np.zeros((0, 2), np.float32), np.zeros(0, np.float32)
    elif case == "three outputs":
        arrays["l4/W"], arrays["l4/b"] = np.zeros((3, 24), np.float32), np.zeros(3, np.float32)
    elif case == "not a number":
        arrays["l0/W"][0, 0] = np.nan
    elif case == "infinite":
        arrays["l4/b"][0] = np.inf
    np.savez(path, **arrays)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("missing file", "there is no file"),
        ("not an archive", "not an .npz of plain arrays"),
        ("a bare array", "is a single NumPy array: write all"),
        ("cut short", "not an .npz of plain arrays"),
        ("damaged inside", "not an .npz of plain arrays"),
        ("a folder", "is not a file"),
        ("pickled", "not an .npz of plain arrays"),
        ("the critic's file", "lacks l0/W"),
        ("a huge array", "holds more than 256 MiB"),
        ("missing bias", "lacks l1/b"),
        ("text", "l1/W must hold finite floating-point numbers"),
        ("whole numbers", "l1/W must hold finite floating-point numbers"),
        ("wrong shape", "l2 must have W of shape"),
        ("three axes", "l0 must have W of shape"),
        ("wrong bias", "l2 must have W of shape"),
        ("width 0", "l0 must have W of shape"),
        ("three outputs", "the last layer must have 2 outputs, not 3"),
        ("not a number", "l0/W must hold finite floating-point numbers"),
        ("infinite", "l4/b must hold finite floating-point numbers"),
    ],
)
def test_broken_files_get_one_sentence(case, words, random_files, tmp_path):
    with pytest.raises(ValueError, match=words) as caught:
        dg.load_chainer_mlp(broken(case, random_files, tmp_path), random_files.critic)
    sentence = str(caught.value)
    assert sentence.startswith("generator_npz")
    assert sentence.count("\n") == 0
    assert sentence.endswith(".")


def test_critic_must_take_points_of_the_plane(random_files, tmp_path):
    critic = write_layers(tmp_path / "D3.npz", CRITIC, [3, 8, 8, 8, 1], seed=0)
    with pytest.raises(ValueError, match="discriminator_npz must take 2 inputs, not 3"):
        dg.load_chainer_mlp(random_files.generator, critic)

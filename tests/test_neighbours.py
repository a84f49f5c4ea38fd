"""Where samples lie among real images: the map against numpy's SVD, the nearest against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import dgflow_core as dg
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images import neighbours
from dgflow_core.kinds.images.datasets.readers import to_bytes, to_unit
from dgflow_core.kinds.images.metrics import reference
from dgflow_core.prepare import image_features, nearest_images
from dgflow_core.zoo import shelf

CUT = 300


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder with a feature network and an index of made-up pictures: light discs of several sizes."""
    grid = torch.arange(32) - 15.5
    radius = (grid[:, None] ** 2 + grid[None] ** 2).sqrt()
    sizes = torch.rand(CUT, generator=torch.Generator().manual_seed(0)) * 14 + 1
    pictures = ((radius < sizes[:, None, None]) * 255).to(torch.uint8).unsqueeze(1)
    labels = (sizes > 8).long()
    monkeypatch.setattr(image_datasets.ImageDataset, "load", lambda *_, train=True: (pictures, labels))
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(tmp_path))
    neighbours.index.cache_clear(), neighbours._map.cache_clear()
    image_features.train("fashion_mnist", None, tmp_path / "fashion_mnist", epochs=2)
    yield pictures
    neighbours.index.cache_clear(), neighbours._map.cache_clear()


def test_the_map_is_the_plane_of_the_two_largest_directions(shipped):
    samples = to_unit(shipped[:24]).reshape(4, 6, 1, 32, 32)
    found = neighbours.surroundings("fashion_mnist", samples)
    against = reference("fashion_mnist")
    real = against.sample.double().numpy()
    mean = real.mean(0)
    _, spread, axes = np.linalg.svd(real - mean, full_matrices=False)
    with torch.no_grad():
        ours = against.classifier.features(samples.flatten(0, 1)).double().numpy()
    expected = ((ours - mean) @ axes[:2].T).reshape(4, 6, 2)
    np.testing.assert_allclose(
        np.abs(found.paths), np.abs(expected), atol=1e-3
    )  # an axis may point either way
    np.testing.assert_allclose(np.abs(found.real), np.abs((real - mean) @ axes[:2].T), atol=1e-3)
    assert found.explained == pytest.approx((spread[:2] ** 2).sum() / (spread**2).sum(), rel=1e-4)
    assert (found.nearest, found.indexed) == (None, 0)  # no index was made


def test_nearest_training_images(shipped):
    path = nearest_images.make("fashion_mnist", None, shelf.root() / "fashion_mnist", count=120)
    assert path.stat().st_size < 2.5e6
    known = neighbours.index("fashion_mnist")
    chosen = torch.randperm(CUT, generator=torch.Generator().manual_seed(0))[:120].sort().values
    assert known.pictures.shape == (120, 1, 32, 32)
    assert (known.pictures.float() - shipped[chosen].float()).abs().mean() < 6  # WebP at quality 90
    samples = to_unit(shipped[chosen[:7]])[None].repeat(2, 1, 1, 1, 1)
    samples[0] = 0
    found = neighbours.surroundings("fashion_mnist", samples, k=3)
    with torch.no_grad():
        ours = reference("fashion_mnist").classifier.features(samples[1])
    for row, feature in enumerate(ours):
        distances = [float((feature - other).norm()) for other in known.features]
        order = sorted(range(120), key=distances.__getitem__)[:3]
        np.testing.assert_allclose(found.distances[row], [distances[i] for i in order], atol=1e-2)
        assert torch.equal(found.nearest[row, 0], known.pictures[order[0]]) or distances[order[1]] < 1e-2
    assert found.indexed == 120


def test_pictures_without_a_feature_network_are_one_sentence(shipped):
    with pytest.raises(ValueError, match=r"^dataset 'cifar10' has no feature network"):
        neighbours.surroundings("cifar10", torch.zeros(2, 3, 3, 32, 32))
    with pytest.raises(ValueError, match=r"^samples must have shape \(1, 32, 32\)"):
        neighbours.surroundings("fashion_mnist", torch.zeros(2, 3, 3, 32, 32))
    with pytest.raises(ValueError, match="has no index of training images"):
        neighbours.index("fashion_mnist")


@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10"])
def test_what_ships(name):
    neighbours.index.cache_clear()
    known = neighbours.index(name)
    assert known.pictures.shape == (2000, image_datasets.get(name).channels, 32, 32)
    assert (shelf.root() / name / neighbours.INDEX).stat().st_size < 2.5e6
    with torch.no_grad():  # its features are those of its pictures
        again = reference(name).classifier.features(to_unit(known.pictures[:50]))
    assert ((again - known.features[:50]).norm(dim=1) < 0.35 * known.features[:50].norm(dim=1)).all()
    assert to_bytes(to_unit(known.pictures[:1])).equal(known.pictures[:1])
    assert name in {model.split("/")[0] for model in dg.models()}

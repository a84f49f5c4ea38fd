"""Trains the classifier whose features measure images, and takes the reference statistics.

python -m dgflow_core prepare features fashion_mnist --data-root ROOT
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.datasets.readers import to_unit
from dgflow_core.kinds.images.metrics import DETAILS, TENSORS
from dgflow_core.nets.classifier import Classifier

BATCH, RATE, SAMPLE = 128, 3e-3, 2000


def train(dataset: str, root: Path | None, folder: Path, epochs: int = 3, limit: int | None = None) -> float:
    """Train on ``dataset``, write classifier and statistics into ``folder``, return the accuracy (0…1).

    ``limit`` takes only so many training and test images.
    """
    target = image_datasets.get(dataset)
    images, labels = (half[:limit] for half in target.load(root, train=True))
    training = {"images": len(images), "epochs": epochs, "seed": 0, "batch": BATCH, "learning_rate": RATE}
    torch.manual_seed(0)
    network = Classifier(target.channels, len(target.classes), side=target.side)
    steps = epochs * (len(images) // BATCH)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for rows in tqdm(_batches(len(images), epochs), total=steps, desc=f"{dataset} classifier"):
        loss = cross_entropy(network(to_unit(images[rows])), labels[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()

    network.eval()
    images, labels = (half[:limit] for half in target.load(root, train=False))
    with torch.no_grad():
        features = torch.cat([network.features(to_unit(chunk)) for chunk in images.split(500)])
        accuracy = float((network.head(features).argmax(1) == labels).double().mean())
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"classifier.{key}": value.contiguous() for key, value in network.state_dict().items()}
    tensors |= {
        "mean": features.double().mean(0),
        "covariance": features.double().T.cov(),
        "sample": features[:SAMPLE].half(),
    }
    save_file(tensors, folder / TENSORS)
    details = {
        "title": f"{target.title} classifier", "arguments": network.arguments, "accuracy": accuracy,
        "count": len(features), "training": training,
    }  # fmt: skip
    (folder / DETAILS).write_text(json.dumps(details, indent=2) + "\n")
    return accuracy


def _batches(n: int, epochs: int):
    rng = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        order = torch.randperm(n, generator=rng)
        yield from order[: n // BATCH * BATCH].split(BATCH)

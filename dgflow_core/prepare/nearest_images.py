"""Makes the index of training images in which samples are looked up.

python -m dgflow_core.training.index fashion_mnist --data-root ROOT
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.datasets.readers import contact_sheet, to_unit
from dgflow_core.kinds.images.metrics import reference
from dgflow_core.kinds.images.neighbours import COLUMNS, INDEX
from dgflow_core.zoo import shelf

COUNT, SEED = 2000, 0


@torch.no_grad()
def make(dataset: str, root: Path | None, folder: Path, count: int = COUNT) -> Path:
    """Write features (half precision) and pictures (one WebP sheet) of ``count`` training images.

    Raises:
        ValueError: there is no feature network, or no such data.
    """
    classifier = reference(dataset).classifier
    images, _ = image_datasets.get(dataset).load(root, train=True)
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(SEED))[:count]
    images = images[chosen.sort().values]
    features = torch.cat([classifier.features(to_unit(chunk)) for chunk in images.split(500)])
    sheet = io.BytesIO()
    Image.fromarray(contact_sheet(to_unit(images), COLUMNS).numpy()).save(sheet, "WEBP", quality=90, method=6)
    tensors = {
        "features": features.half(),
        "sheet": torch.from_numpy(np.frombuffer(sheet.getvalue(), np.uint8).copy()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / INDEX)
    (folder / INDEX).chmod(0o644)
    return folder / INDEX


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", choices=sorted(image_datasets.datasets))
    parser.add_argument("--data-root", type=Path, help="folder of the data sets (or set DGFLOW_DATA)")
    options = parser.parse_args(argv)
    path = make(options.dataset, options.data_root, shelf.root() / options.dataset)
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MB")


if __name__ == "__main__":
    main()

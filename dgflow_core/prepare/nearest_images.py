"""Makes the index of training images in which samples are looked up.

python -m dgflow_core prepare neighbours fashion_mnist --data-root ROOT
"""

from __future__ import annotations

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

"""How large the square of the plane is, centred on the origin, that shows or holds a model: one rule each."""

from __future__ import annotations

import numpy as np

from dgflow_core.kinds.plane.datasets import datasets

#: Half the side that shows, and that holds, the codes of each prior.
SHOWN, HELD = {"normal": 3.5, "uniform": 1.1}, {"normal": 4.5, "uniform": 1.0}
#: Half the side for data that the explorer does not know, such as drawings.
UNKNOWN = 2.0


def shown(model, space: str) -> float:
    """Half the side of the square that pictures show: the data set's, or where the prior lives."""
    if space == "latent":
        return SHOWN[model.prior.kind]
    return getattr(datasets.get(model.dataset), "extent", UNKNOWN)


def held(model, space: str) -> float:
    """Half the side of the square that densities are measured on: nearly all that is ever there."""
    if space == "latent":
        return HELD[model.prior.kind]
    if model.dataset in datasets:
        return 1.15 * datasets[model.dataset].extent
    return around(model.generate(model.prior.sample(10_000, 0)).cpu().numpy())


def around(*points: np.ndarray) -> float:
    """Half the side of the square that holds the bulk of each of ``points`` (…, 2), and some room."""
    return 1.1 * max(1e-3, *(float(np.quantile(np.abs(some), 0.998)) for some in points))

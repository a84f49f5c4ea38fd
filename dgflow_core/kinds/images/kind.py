"""Images."""

from __future__ import annotations

from dgflow_core.kinds.declaration import Kind, Limits
from dgflow_core.kinds.images.datasets import datasets
from dgflow_core.kinds.images.metrics import METRICS

KIND = Kind(
    name="image",
    title="Images",
    about="images of 1 or 3 channels and 8 to 256 pixels a side, (n, C, H, W)",
    fits=lambda shape: len(shape) == 3 and shape[0] in (1, 3) and all(8 <= side <= 256 for side in shape[1:]),
    spaces=("latent", "data"),
    metrics=METRICS,
    limits=Limits(n=100, steps=200),
    batch=256,
    painter="dgflow_core.pictures.strip_pixels:painter",
    payload="dgflow_core.pictures.image_wall:pack",
    datasets=datasets,
    # The papers' η and steps; DDLS's noise, without which the prior shrinks every code; a burn-in of seconds.
    defaults={
        "dgflow": {"eta": 0.1, "steps": 25},
        "dot": {"steps": 25},
        "ddls": {"eta": 0.1, "noise_scale": 1.0, "steps": 25},
        "drs": {"burn_in": 1000, "steps": 25},
        "mhgan": {"steps": 25},
        "mala": {"steps": 25},
        "langevin": {"eta": 2.0, "noise_scale": 0.0035, "steps": 20, "anneal": "thirds", "clip": 1.0},
    },
)

"""Strings of characters."""

from __future__ import annotations

from dgflow_core.kinds.declaration import Kind, Limits
from dgflow_core.kinds.text.metrics import METRICS

KIND = Kind(
    name="text",
    title="Text",
    about="strings as (n, length, symbols)",
    fits=lambda shape: len(shape) == 2,
    spaces=("latent",),
    metrics=METRICS,
    limits=Limits(n=100, steps=300),
    batch=256,
    painter="dgflow_core.pictures.text_pixels:painter",
    payload="dgflow_core.pictures.text_payload:pack",
    # The paper's η, γ and steps; Langevin's noise, without which the prior shrinks every code; a burn-in of
    # seconds.
    defaults={
        "dgflow": {"eta": 0.1, "gamma": 0.0, "steps": 50},
        "dot": {"steps": 50},
        "ddls": {"eta": 0.1, "noise_scale": 1.0, "steps": 50},
        "drs": {"burn_in": 1000, "steps": 50},
        "mhgan": {"steps": 50},
        "mala": {"steps": 50},
    },
    # What suits the model that the page opens with: a sixth of the paper's steps, and better strings.
    opening={"eta": 1.0, "steps": 8},
)

"""What lies under the particles of the plane: extents, maps, arrows, real points."""

from __future__ import annotations

import math

import numpy as np
import torch

from dgflow_core.fields.network import ExactField
from dgflow_core.flow import divergences
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane import square
from dgflow_core.methods.dgflow import drift
from dgflow_core.pictures.scene import Arrows, Extent, Map
from dgflow_core.zoo.model import Model

AXES = {
    "data": ("x₁ (data units)", "x₂ (data units)"),
    "latent": ("z₁ (prior's units)", "z₂ (prior's units)"),
}
REAL_POINTS = 2000


def extent_of(model: Model, space: str = "data") -> Extent:
    """The square that shows ``model`` in a space: its data set's, or where its prior lives."""
    half = square.shown(model, space)
    return (-half, half, -half, half)


def grid(extent: Extent, size: int) -> np.ndarray:
    """Centres of ``size`` × ``size`` cells over ``extent``, float32 (size², 2), rows from the bottom."""
    x0, x1, y0, y1 = extent
    centres = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = np.meshgrid(x0 + centres * (x1 - x0), y0 + centres * (y1 - y0))
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def logit_map(field: ExactField, extent: Extent, size: int = 96) -> Map:
    """d on a grid: d(x) in data space, d(g(z)) in latent space. ``field``: exact or tabulated."""
    points = torch.from_numpy(grid(extent, size)).to(field.model.device)
    if field.name == "exact":  # no gradient is wanted here
        d = field.model.logit(points if field.space == "data" else field.model.generate(points))
    else:
        d = field.evaluate(points).logit
    values = d.cpu().numpy().reshape(size, size)
    return Map(values, "logit d(x)" if field.space == "data" else "logit d(g(z))", "nats", "logit")


def ratio_map(logit: Map) -> Map:
    """log₁₀ of the density ratio ρ/μ = exp(−d), from a map of d."""
    return Map(-logit.values / math.log(10), "log₁₀ density ratio ρ/μ", "", "ratio")


def weight_map(logit: Map, divergence: str = "KL") -> Map:
    """w_f(d), which multiplies ∇d, from a map of d."""
    weights = divergences.get(divergence).weight(torch.from_numpy(np.asarray(logit.values)))
    return Map(weights.numpy(), "weight w_f(d)", "", "density")


def drift_arrows(field: ExactField, extent: Extent, divergence: str = "KL", size: int = 21) -> Arrows:
    """The drift w_f(d) ∇d on a ``size`` × ``size`` grid."""
    origins = grid(extent, size)
    at = field.evaluate(torch.from_numpy(origins).to(field.model.device))
    vectors = drift(at, divergence).cpu().numpy()
    return Arrows(origins, vectors, "drift −∇f′(ρ/μ)")


def real_points(dataset: str, n: int = REAL_POINTS, seed: int = 0) -> np.ndarray:
    """``n`` samples of a data set, (n, 2), for the layer "real"."""
    return plane_datasets.get(dataset).sample(n, seed)

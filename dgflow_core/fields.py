"""Where (d, ∇d) comes from: the pair that every method here consumes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dgflow_core.model import BATCH, Model, as_tensor


class Evaluation(NamedTuple):
    """The logit at n points, its gradient there, and the samples they stand for."""

    logit: Tensor  # (n,)
    grad: Tensor  # (n, *point), ∇d with respect to the points
    sample: Tensor  # (n, *sample_shape): g(z) in latent space, the points in data space


class ExactField:
    """(d, ∇d) by automatic differentiation of the model, in one pass and in batches.

    Args:
        model: whose logit.
        space: "data" moves x with d(x); "latent" moves z with d(g(z)).
        batch_size: rows at a time; None picks a size that fits memory.
    """

    name = "exact"

    def __init__(self, model: Model, space: str = "data", batch_size: int | None = None):
        self.model, self.space = model, space
        self.shape = model.dim(space)
        self.prior = model.prior if space == "latent" else None
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}.")
        self.batch_size = batch_size or BATCH[model.kind]

    def points(self, name: str, value) -> Tensor:
        """``value`` as points of this space, checked."""
        return as_tensor(name, value, self.model.device, self.shape)

    def project(self, points: Tensor) -> Tensor:
        """The nearest points that the prior supports; data space has no bounds."""
        return points if self.prior is None else self.prior.project(points)

    def evaluate(self, points: Tensor) -> Evaluation:
        """d, ∇d and the samples at ``points`` (n, *shape)."""
        chunks = [self._evaluate(chunk) for chunk in points.split(self.batch_size)]
        return chunks[0] if len(chunks) == 1 else Evaluation(*map(torch.cat, zip(*chunks, strict=True)))

    def _evaluate(self, points: Tensor) -> Evaluation:
        with torch.enable_grad():
            points = points.detach().requires_grad_(True)
            sample = points if self.space == "data" else self.model.generator(points)
            logit = self.model.differentiable_logit(sample)
            (grad,) = torch.autograd.grad(logit.sum(), points)
        return Evaluation(logit.detach(), grad, sample.detach())

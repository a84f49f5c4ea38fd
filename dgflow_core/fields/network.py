"""Where (d, ∇d) comes from: the pair that every method here consumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.zoo.model import Model, as_tensor


class Evaluation(NamedTuple):
    """The logit at n points, its gradient there, and the samples they stand for."""

    logit: Tensor  # (n,)
    grad: Tensor  # (n, *point), ∇d with respect to the points
    sample: Tensor  # (n, *sample_shape): g(z) in latent space, the points in data space


#: How far ∇d may lie from float32's, root mean square over both, for ``fast`` to be used.
FAST_ERROR = 0.02


class ExactField:
    """(d, ∇d) by automatic differentiation of the model, in one pass and in batches.

    Args:
        model: whose logit.
        space: "data" moves x with d(x); "latent" moves z with d(g(z)).
        batch_size: rows at a time; None picks a size that fits memory.
        fast: compiled networks on CUDA, and products in bfloat16 where 64 of the model's own samples show
            ∇d within ``FAST_ERROR`` of float32; ``name`` is "fast" where either is used. bfloat16 is
            tested on a CPU; nothing of this has run on CUDA yet.
    """

    name = "exact"

    def __init__(self, model: Model, space: str = "data", batch_size: int | None = None, fast: bool = False):
        self.model, self.space = model, space
        self.shape = model.dim(space)
        self.prior = model.prior if space == "latent" else None
        if batch_size is not None and batch_size < 1:
            raise UserError(f"batch_size must be at least 1, not {batch_size}.")
        self.batch_size = batch_size or model.batch
        self._half = False
        self._compiled: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None
        if fast:
            self._try_fast()

    def _try_fast(self) -> None:
        """Switch to compiled networks on CUDA, and to bfloat16 if ∇d stays what it is."""
        points = self.model.prior.sample(64, 0).to(self.model.device)
        if self.space == "data":
            points = self.model.generate(points)
        exact = self._evaluate(points)
        if self.model.device.type == "cuda":
            self._compiled = torch.compile(self._sample_and_logit)
        self._half = True
        found = self._evaluate(points)
        error = float((found.grad - exact.grad).norm() / exact.grad.norm().clamp_min(1e-12))
        self._half = error <= FAST_ERROR and bool(torch.isfinite(found.logit).all())
        self.name = "fast" if self._half or self._compiled else "exact"

    def points(self, name: str, value) -> Tensor:
        """``value`` as points of this space, checked."""
        return as_tensor(name, value, self.model.device, self.shape)

    def at(self, time: float) -> ExactField:
        """The field for points that have followed the flow for ``time``: another where the critic climbs."""
        model = self.model.at(time)
        return self if model is self.model else ExactField(model, self.space, self.batch_size)

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
            with torch.autocast(points.device.type, torch.bfloat16, enabled=self._half):
                sample, logit = (self._compiled or self._sample_and_logit)(points)
            (grad,) = torch.autograd.grad(logit.sum(), points)
        return Evaluation(logit.detach().float(), grad, sample.detach().float())

    def _sample_and_logit(self, points: Tensor) -> tuple[Tensor, Tensor]:
        sample = points if self.space == "data" else self.model.generator(points)
        return sample, self.model.differentiable_logit(sample)

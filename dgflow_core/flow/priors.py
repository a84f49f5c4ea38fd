"""Latent priors p_Z: what z is drawn from, and where it is allowed to be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from dgflow_core.errors import UserError


def seeded(seed: int, step: int = 0) -> torch.Generator:
    """A CPU generator for ``step`` of the run with ``seed``.

    Noise is always drawn on the CPU, so that every device shows the same picture, and each
    step has its own generator, so that a run does not depend on what was drawn before it.
    """
    return torch.Generator().manual_seed((seed * 1_000_003 + step) % (2**63))


def drawn(law: Callable[..., Tensor], *size, rng: torch.Generator | None, device: torch.device) -> Tensor:
    """``law(*size)``, such as ``torch.randn``, on ``device``: drawn by ``rng``, or there if that is None."""
    where = device if rng is None else rng.device
    return law(*size, generator=rng, device=where).to(device, non_blocking=True)


@dataclass(frozen=True)
class NormalPrior:
    """z ~ N(0, I) in ``dim`` dimensions."""

    dim: int
    kind = "normal"
    bounded = False
    latex = r"\mathcal N(0, I)"

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """``n`` latent codes, shape (n, dim), the same for the same seed."""
        return torch.randn(n, self.dim, generator=seeded(seed))

    def log_prob(self, z: Tensor) -> Tensor:
        """log p_Z(z), shape (n,)."""
        return -0.5 * (z**2).sum(1) - 0.5 * self.dim * math.log(2 * math.pi)

    def grad_log_prob(self, z: Tensor) -> Tensor:
        """∇ log p_Z(z) = −z, shape (n, dim)."""
        return -z

    def project(self, z: Tensor) -> Tensor:
        """The nearest point where the prior has support: z itself."""
        return z

    def tangent(self, z: Tensor, grad: Tensor) -> Tensor:
        """``grad`` without its radial part, which would move z off its typical radius."""
        along = (grad * z).sum(1, keepdim=True) / (z**2).sum(1, keepdim=True).clamp_min(1e-12)
        return grad - along * z


@dataclass(frozen=True)
class UniformPrior:
    """z uniform on [−1, 1]^dim."""

    dim: int
    kind = "uniform"
    bounded = True
    latex = r"\mathcal U[-1, 1]"

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """``n`` latent codes, shape (n, dim), the same for the same seed."""
        return torch.rand(n, self.dim, generator=seeded(seed)) * 2 - 1

    def log_prob(self, z: Tensor) -> Tensor:
        """log p_Z(z), shape (n,): constant on the cube, −inf outside it."""
        inside = (z.abs() <= 1).all(1)
        level = torch.full_like(z[:, 0], -self.dim * math.log(2.0))
        return torch.where(inside, level, torch.full_like(level, -math.inf))

    def grad_log_prob(self, z: Tensor) -> Tensor:
        """∇ log p_Z(z) = 0 inside the cube, shape (n, dim); the border is kept by ``project``."""
        return torch.zeros_like(z)

    def project(self, z: Tensor) -> Tensor:
        """The nearest point of the cube."""
        return z.clamp(-1, 1)

    def tangent(self, z: Tensor, grad: Tensor) -> Tensor:
        """``grad`` unchanged: the cube is kept by ``project``."""
        return grad


Prior = NormalPrior | UniformPrior
_KINDS: dict[str, type[NormalPrior] | type[UniformPrior]] = {"normal": NormalPrior, "uniform": UniformPrior}


def make(kind: str, dim: int) -> Prior:
    """The prior named ``kind`` ("normal" or "uniform") in ``dim`` dimensions.

    Raises:
        UserError: unknown kind, or ``dim`` below 1.
    """
    if kind not in _KINDS:
        raise UserError(f"prior must be one of {', '.join(_KINDS)}, not {kind!r}.")
    if dim < 1:
        raise UserError(f"prior dim must be at least 1, not {dim}.")
    return _KINDS[kind](dim)

"""Moves each sample towards a higher logit, held back by its distance from where it started.

Tanaka, Discriminator Optimal Transport, NeurIPS 2019
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from dgflow_core.fields.network import ExactField
from dgflow_core.methods.base import (
    Method,
    Settings,
    Slider,
    State,
    number,
    rows,
    setting,
    step_count,
    step_size,
)

BETA1, BETA2, EPSILON = 0.0, 0.9, 1e-8


class DOTSettings(Settings):
    eta: float = step_size(
        "Step size: the learning rate of the optimiser that moves each point.", slider=Slider(0.001, 0.1)
    )
    steps: int = step_count(help="How many optimiser steps to run.")
    optimizer: Literal["adam", "sgd"] = setting(
        "adam", symbol="opt", help="Adam with β = (0, 0.9), the paper's choice, or plain gradient descent."
    )
    lipschitz: float | None = setting(
        None, symbol="K", help="Lipschitz constant of d; leave empty to estimate it from generated pairs.",
        ge=1e-6, le=1e6, slider=Slider(0.1, 100.0),
    )  # fmt: skip


class Memory(NamedTuple):
    origin: Tensor  # y: where each point started
    lipschitz: float  # K
    second: Tensor  # Adam's running mean of squared gradients
    steps: int


@torch.no_grad()
def estimate_lipschitz(field: ExactField, pairs: int = 100, seed: int = 0) -> float:
    """K_eff = max |d(a) − d(b)| / ‖a − b‖ over ``pairs`` pairs of generated samples.

    The estimate of the paper's released code, which draws 100 pairs; in latent space the
    distance is between the codes. It is a lower bound of the Lipschitz constant.
    """
    model = field.model
    z = model.prior.sample(2 * pairs, seed).to(model.device)
    x = model.generate(z)
    points = (z if field.space == "latent" else x).flatten(1)
    rise = (model.logit(x)[:pairs] - model.logit(x)[pairs:]).abs()
    run = (points[:pairs] - points[pairs:]).norm(dim=1)
    return max(float((rise / run.clamp_min(1e-12)).max()), 1e-6)


def init(field, points: Tensor, settings: DOTSettings) -> State:
    lipschitz = settings.lipschitz or estimate_lipschitz(field)
    memory = Memory(points, lipschitz, torch.zeros_like(points), 0)
    return State(points, field.evaluate(points), memory, {"lipschitz": lipschitz})


def step(field, state: State, settings: DOTSettings, generator) -> State:
    """One descent step on ‖x − y‖₂ − d(x)/K from x, y the starting point (Eq. 15).

    The norm's gradient at x = y is taken as 0. In latent space x is z and d is d∘g: a normal
    prior loses the radial part of the gradient, a uniform one is kept by clipping (the paper's
    Algorithm 2). The released 2D code also clips data to [−2, 2] and adds 0.001 to x − y inside
    the norm; we do neither.
    """
    memory: Memory = state.memory
    away = state.points - memory.origin
    distance = rows(away.flatten(1).norm(dim=1), away)
    gradient = away / distance.clamp_min(1e-12) - state.at.grad / memory.lipschitz
    if field.prior is not None:
        gradient = field.prior.tangent(state.points, gradient)
    second, count = memory.second, memory.steps + 1
    if settings.optimizer == "adam":  # β₁ = 0: the first moment is the gradient itself
        second = BETA2 * second + (1 - BETA2) * gradient**2
        gradient = gradient / ((second / (1 - BETA2**count)).sqrt() + EPSILON)
    points = field.project(state.points - settings.eta * gradient)
    memory = Memory(memory.origin, memory.lipschitz, second, count)
    return State(points, field.evaluate(points), memory, {"lipschitz": memory.lipschitz})


def update_rule(settings: DOTSettings, space: str) -> str:
    x, d = ("z", r"d(g(z))") if space == "latent" else ("x", "d(x)")
    k = "K" if settings.lipschitz is None else number(settings.lipschitz)
    optimizer = "Adam" if settings.optimizer == "adam" else "SGD"
    return (
        rf"{x} \leftarrow {x} - \mathrm{{{optimizer}}}_{{{number(settings.eta)}}}"
        rf"\left[\nabla_{x}\left(\lVert {x}-y\rVert_2 - {d}/{k}\right)\right]"
    )


def caveat(space: str, prior) -> str:
    if space != "latent":
        return ""
    if prior.bounded:
        return "Latent codes are clipped to the prior's cube, as in the paper."
    return "With a normal prior DOT drops the radial part of the gradient, so codes stay near their radius."


METHOD = Method.of(__name__, DOTSettings, title="DOT", order=20)

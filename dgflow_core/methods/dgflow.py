"""Follows the gradient flow of an entropy-regularised f-divergence to the data.

Discriminator Gradient flow, Algorithm 1 and Eq. 8.

Ansari, Ang & Soh, Refining Deep Generative Models via Discriminator Gradient Flow, ICLR 2021
"""

from __future__ import annotations

import math

from torch import Tensor

from dgflow_core.fields.network import Evaluation
from dgflow_core.flow.divergences import DivergenceKey
from dgflow_core.flow.divergences import get as get_divergence
from dgflow_core.methods.base import (
    Method,
    Settings,
    Slider,
    State,
    noise,
    number,
    rows,
    setting,
    step_count,
    step_size,
)


def noise_factor(default: float, help: str):
    """The setting ``gamma``: γ of the entropy term."""
    return setting(default, symbol="γ", help=help, ge=0, le=100, slider=Slider(0.0, 0.2, 0.005))


class DGflowSettings(Settings):
    divergence: DivergenceKey = setting(
        "KL", symbol="f", help="The f-divergence whose gradient flow is followed; it sets the weight on ∇d."
    )
    eta: float = step_size("Step size: how far one step follows the drift.")
    gamma: float = noise_factor(0.01, "Noise factor: the weight of the entropy that keeps particles apart.")
    steps: int = step_count()


def drift(at: Evaluation, divergence: str) -> Tensor:
    """−∇f′(exp(−d)) = w_f(d) ∇d at evaluated points, shaped like them."""
    return rows(get_divergence(divergence).weight(at.logit), at.grad) * at.grad


def diffuse(points: Tensor, settings: DGflowSettings, generator) -> Tensor:
    """Points (n, *point) with the step's noise √(2ηγ) ξ added, ξ standard normal."""
    if settings.gamma == 0:
        return points
    return points + math.sqrt(2 * settings.eta * settings.gamma) * noise(points, generator)


def step(field, state: State, settings: DGflowSettings, generator) -> State:
    """x ← x + η w_f(d) ∇d + √(2ηγ) ξ  (Eq. 8; ξ standard normal).

    In latent space x is z and d is d∘g, as in Algorithm 1. A prior with bounded support is kept
    by projection; the paper uses normal priors, where nothing is projected.
    """
    points = state.points + settings.eta * drift(state.at, settings.divergence)
    points = field.project(diffuse(points, settings, generator))
    return State(points, field.evaluate(points))


def rule(x: str, d: str, weight: str, settings: DGflowSettings) -> str:
    """The step in LaTeX, for points called ``x``, a logit ``d`` of them and its ``weight``."""
    middle = "" if weight == "1" else rf"\,{weight}"
    text = rf"{x} \leftarrow {x} + {number(settings.eta)}{middle}\,\nabla_{x} {d}"
    if settings.gamma > 0:
        scale = math.sqrt(2 * settings.eta * settings.gamma)
        text += rf" + \underbrace{{{number(scale)}}}_{{\sqrt{{2\eta\gamma}}}}\,\xi"
    return text


def update_rule(settings: DGflowSettings, space: str) -> str:
    x, d = ("z", "d(g(z))") if space == "latent" else ("x", "d(x)")
    return rule(x, d, get_divergence(settings.divergence).latex_weight, settings)


def caveat(space: str, prior) -> str:
    bounded = space == "latent" and prior.bounded
    return "This prior is bounded; points that leave it are projected back." if bounded else ""


METHOD = Method.of(__name__, DGflowSettings, title="DGflow", order=10, flow=True)

"""Discriminator Gradient flow (Ansari, Ang & Soh, ICLR 2021), Algorithm 1 and Eq. 8."""

from __future__ import annotations

import math

from torch import Tensor

from dgflow_core.fields.network import Evaluation
from dgflow_core.flow.divergences import DivergenceKey
from dgflow_core.flow.divergences import get as get_divergence
from dgflow_core.methods.base import Method, Settings, State, noise, number, rows, setting


class DGflowSettings(Settings):
    divergence: DivergenceKey = setting(
        "KL", symbol="f", help="The f-divergence whose gradient flow is followed; it sets the weight on ∇d."
    )
    eta: float = setting(
        0.01, symbol="η", help="Step size: how far one step follows the drift.",
        ge=1e-6, le=100, slider=(0.001, 1.0), log=True,
    )  # fmt: skip
    gamma: float = setting(
        0.01, symbol="γ", help="Noise factor: the weight of the entropy that keeps particles apart.",
        ge=0, le=100, slider=(0.0, 0.2), step=0.005,
    )  # fmt: skip
    steps: int = setting(
        100, symbol="N", help="How many steps to run.", ge=0, le=10_000, slider=(1, 300), step=1
    )


def drift(at: Evaluation, divergence: str) -> Tensor:
    """−∇f′(exp(−d)) = w_f(d) ∇d at evaluated points, shaped like them."""
    return rows(get_divergence(divergence).weight(at.logit), at.grad) * at.grad


def step(field, state: State, settings: DGflowSettings, generator) -> State:
    """x ← x + η w_f(d) ∇d + √(2ηγ) ξ  (Eq. 8; ξ standard normal).

    In latent space x is z and d is d∘g, as in Algorithm 1. A prior with bounded support is kept
    by projection; the paper uses normal priors, where nothing is projected.
    """
    points = state.points + settings.eta * drift(state.at, settings.divergence)
    if settings.gamma > 0:
        points = points + math.sqrt(2 * settings.eta * settings.gamma) * noise(points, generator)
    points = field.project(points)
    return State(points, field.evaluate(points))


def update_rule(settings: DGflowSettings, space: str) -> str:
    x, d = ("z", r"d(g(z))") if space == "latent" else ("x", "d(x)")
    weight = get_divergence(settings.divergence).latex_weight
    middle = "" if weight == "1" else rf"\,{weight}"
    rule = rf"{x} \leftarrow {x} + {number(settings.eta)}{middle}\,\nabla_{x} {d}"
    if settings.gamma > 0:
        scale = math.sqrt(2 * settings.eta * settings.gamma)
        rule += rf" + \underbrace{{{number(scale)}}}_{{\sqrt{{2\eta\gamma}}}}\,\xi"
    return rule


METHOD = Method(
    name="dgflow",
    title="DGflow",
    Settings=DGflowSettings,
    step=step,
    update_rule=update_rule,
    paper="Ansari, Ang & Soh, Refining Deep Generative Models via Discriminator Gradient Flow, ICLR 2021",
    about="Follows the gradient flow of an entropy-regularised f-divergence to the data.",
    order=10,
    caveat=lambda space, prior: (
        "This prior is bounded; points that leave it are projected back."
        if space == "latent" and prior.bounded
        else ""
    ),
)

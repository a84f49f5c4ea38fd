"""DDLS with every step accepted or rejected, so that its target is kept exactly.

The Metropolis-adjusted Langevin algorithm.

Roberts & Tweedie, Bernoulli 1996, on the target of Che et al., NeurIPS 2020
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dgflow_core.methods.base import (
    Method,
    Settings,
    State,
    noise,
    number,
    rows,
    step_count,
    step_size,
    tally,
    where,
)
from dgflow_core.methods.ddls import drift


class MALASettings(Settings):
    eta: float = step_size("Step size ε of the proposal; larger steps are rejected more often.", symbol="ε")
    steps: int = step_count(help="How many Metropolis steps to run.")


def log_target(field, state: State) -> Tensor:
    """log p_Z(z) + d(g(z)), up to a constant, shape (n,); −∞ outside a bounded prior."""
    return field.prior.log_prob(state.points) + state.at.logit


def log_proposal(to: Tensor, field, state: State, eta: float) -> Tensor:
    """log q(to | state), up to a constant: a Gaussian around one drift step, variance ε."""
    mean = state.points + eta / 2 * drift(field, state)
    return -((to - mean) ** 2).flatten(1).sum(1) / (2 * eta)


def step(field, state: State, settings: MALASettings, generator) -> State:
    """Propose one DDLS step with s = 1; accept it with probability

        min(1, p(z′) q(z | z′) / (p(z) q(z′ | z))),

    so that p(z) ∝ p_Z(z) exp(d(g(z))) is kept exactly, whatever ε.
    """
    points = state.points + settings.eta / 2 * drift(field, state)
    points = points + math.sqrt(settings.eta) * noise(points, generator)
    new = State(points, field.evaluate(points))
    log_ratio = log_target(field, new) - log_target(field, state)
    log_ratio += log_proposal(state.points, field, new, settings.eta)
    log_ratio -= log_proposal(new.points, field, state, settings.eta)
    taken = torch.rand(len(points), generator=generator).to(points.device).log() < log_ratio
    info = tally(state.info, len(points), int(taken.sum()), len(points))
    return State(
        torch.where(rows(taken, points), points, state.points), where(taken, new.at, state.at), None, info
    )


def update_rule(settings: MALASettings, space: str) -> str:
    return (
        rf"z' = z + \tfrac{{{number(settings.eta)}}}{{2}}\,\nabla_z\left[\log p_Z(z) + d(g(z))\right]"
        rf" + \underbrace{{{number(math.sqrt(settings.eta))}}}_{{\sqrt\varepsilon}}\,\xi,\quad"
        r"\text{kept with probability }\min\left(1, \frac{p(z')\,q(z\mid z')}{p(z)\,q(z'\mid z)}\right)"
    )


def caveat(space: str, prior) -> str:
    return "Steps that leave this bounded prior are rejected." if prior.bounded else ""


METHOD = Method.of(__name__, MALASettings, title="DDLS + MALA", spaces=("latent",), order=40)

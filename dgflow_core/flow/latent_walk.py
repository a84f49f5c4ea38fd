"""A walk between two latent codes, where the prior has its mass all along."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.flow.priors import Prior
from dgflow_core.flow.request import whole
from dgflow_core.kinds.text.transcript import Transcript, read
from dgflow_core.zoo.model import Model


def walk(prior: Prior, first: Tensor, last: Tensor, points: int) -> Tensor:
    """``points`` codes from ``first`` (dim,) to ``last`` (dim,), both included: (points, dim).

    For a normal prior the walk is along the arc (Shoemake's slerp) with the radius going evenly
    from one to the other, because a straight line would cut through the middle, where no code lies;
    a bounded prior is walked straight.

    Raises:
        UserError: fewer than two points.
    """
    if points < 2:
        raise UserError(f"points must be at least 2, not {points}.")
    t = torch.linspace(0, 1, points).unsqueeze(1)
    lengths = first.norm(), last.norm()
    cosine = torch.dot(first, last) / (lengths[0] * lengths[1]).clamp_min(1e-12)
    angle = torch.acos(cosine.clamp(-1, 1))
    if prior.bounded or angle.sin() < 1e-4:  # straight on, or right through the middle
        return (1 - t) * first + t * last
    arc = torch.sin((1 - t) * angle) * first / lengths[0] + torch.sin(t * angle) * last / lengths[1]
    return arc / angle.sin() * ((1 - t) * lengths[0] + t * lengths[1])


def walk_through(model: Model, run: Transcript, first: int, last: int, points: int = 12) -> Transcript:
    """At every step of a latent run, the strings on the walk from string ``first`` to string ``last``.

    Raises:
        UserError: the run moved no codes, or has no such strings.
    """
    if run.settings.get("space") != "latent":
        raise UserError("run must be one in latent space: a walk goes from code to code.")
    for name, place in (("first", first), ("last", last)):
        whole(name, place, 0, run.n - 1)
    codes = torch.stack([walk(model.prior, at[first], at[last], points) for at in run.positions])
    samples = model.generate(codes.flatten(0, 1))
    symbols, confidence = (part.unflatten(0, codes.shape[:2]) for part in read(samples))
    logits = model.logit(samples).cpu().unflatten(0, codes.shape[:2])
    return replace(run, positions=codes, symbols=symbols, confidence=confidence, logits=logits, info={})

"""f-divergences, and the one scalar that tells them apart along a flow.

With density ratio r = ρ/μ = exp(−d), d the logit, the drift of DGflow is

    −∇f′(r) = r f″(r) ∇d = w_f(d) ∇d,

because ∇r = −r ∇d. So a divergence enters every flow only through its weight
w_f(d) = r f″(r), written here as a function of d so that it is stable for |d| up to 80 in
float32. ``f``, ``f_prime`` and ``f_second`` take r (the paper's Table 7; each f(1) = 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

_Function = Callable[[Tensor], Tensor]
_LOG2 = math.log(2.0)


@dataclass(frozen=True)
class Divergence:
    """An f-divergence ∫ f(ρ/μ) μ.

    Attributes:
        key: the name used in code, links and the command line.
        title: the name used in text.
        f, f_prime, f_second: f and its derivatives; take the ratio r > 0, keep its shape.
        weight: w_f(d) = r f″(r) at r = exp(−d); takes the logit, keeps its shape.
        latex: f(r), and ``latex_weight``: w_f(d).
        text: w_f(d) in plain text, as it stands before ∇d; "" where it is 1.
        js: w_f(d) as a JavaScript expression in ``d``, for the flow in the browser.
        lesson: what the weight does, in one line.
    """

    key: str
    title: str
    f: _Function
    f_prime: _Function
    f_second: _Function
    weight: _Function
    latex: str
    latex_weight: str
    text: str
    js: str
    lesson: str


def _xlogx(r: Tensor) -> Tensor:
    return torch.xlogy(r, r)


def _js(r: Tensor) -> Tensor:
    # r log(2r/(r+1)) − log((r+1)/2); the first logarithm as −log1p(1/r) keeps large r exact.
    return r * (_LOG2 - softplus(-torch.log(r))) - torch.log1p(r) + _LOG2


_TABLE = (
    Divergence(
        "KL",
        "Kullback–Leibler",
        f=_xlogx,
        f_prime=lambda r: torch.log(r) + 1,
        f_second=lambda r: 1 / r,
        weight=torch.ones_like,
        latex=r"r\log r",
        latex_weight="1",
        text="",
        js="1",
        lesson="Every particle follows ∇d at full strength.",
    ),
    Divergence(
        "JS",
        "Jensen–Shannon",
        f=_js,
        f_prime=lambda r: _LOG2 - softplus(-torch.log(r)),
        f_second=lambda r: 1 / r / (r + 1),
        weight=torch.sigmoid,
        latex=r"r\log r-(r+1)\log\tfrac{r+1}{2}",
        latex_weight=r"\sigma(d)",
        text="σ(d)",
        js="1 / (1 + Math.exp(-d))",
        lesson="Particles that already look real move; those the critic rejects stay.",
    ),
    Divergence(
        "logD",
        "log D",
        f=lambda r: (r + 1) * torch.log1p(r) - 2 * _LOG2,
        f_prime=lambda r: torch.log1p(r) + 1,
        f_second=lambda r: 1 / (1 + r),
        weight=lambda d: torch.sigmoid(-d),
        latex=r"(r+1)\log(r+1)-2\log 2",
        latex_weight=r"\sigma(-d)",
        text="σ(−d)",
        js="1 / (1 + Math.exp(d))",
        lesson="Particles the critic rejects move; those that look real rest.",
    ),
    Divergence(
        "Jeffreys",
        "Jeffreys",
        f=lambda r: (r - 1) * torch.log(r),
        f_prime=lambda r: torch.log(r) + 1 - 1 / r,
        f_second=lambda r: 1 / r + 1 / r / r,
        weight=lambda d: 1 + torch.exp(d),
        latex=r"(r-1)\log r",
        latex_weight="1+e^{d}",
        text="(1 + eᵈ)",
        js="1 + Math.exp(d)",
        lesson="KL plus reverse KL: real-looking particles race ahead.",
    ),
    Divergence(
        "reverseKL",
        "Reverse KL",
        f=lambda r: -torch.log(r),
        f_prime=lambda r: -1 / r,
        f_second=lambda r: 1 / r / r,
        weight=torch.exp,
        latex=r"-\log r",
        latex_weight="e^{d}",
        text="eᵈ",
        js="Math.exp(d)",
        lesson="The drift grows with e^d: fast near the data, asleep far from it.",
    ),
    Divergence(
        "Pearson",
        "Pearson χ²",
        f=lambda r: (r - 1) ** 2,
        f_prime=lambda r: 2 * (r - 1),
        f_second=lambda r: torch.full_like(r, 2.0),
        weight=lambda d: 2 * torch.exp(-d),
        latex="(r-1)^2",
        latex_weight="2e^{-d}",
        text="2e⁻ᵈ",
        js="2 * Math.exp(-d)",
        lesson="The drift grows with e^(−d): violent far from the data.",
    ),
    Divergence(
        "Hellinger",
        "Squared Hellinger",
        f=lambda r: (torch.sqrt(r) - 1) ** 2,
        f_prime=lambda r: 1 - torch.rsqrt(r),
        f_second=lambda r: 0.5 * torch.rsqrt(r) / r,
        weight=lambda d: 0.5 * torch.exp(d / 2),
        latex=r"(\sqrt r-1)^2",
        latex_weight=r"\tfrac12 e^{d/2}",
        text="½e^(d/2)",
        js="0.5 * Math.exp(d / 2)",
        lesson="Between KL and reverse KL: a milder e^(d/2).",
    ),
)

divergences: dict[str, Divergence] = {row.key: row for row in _TABLE}
#: The name of a row, as the type of a setting: what it may be follows from the rows.
if TYPE_CHECKING:
    DivergenceKey = str
else:
    DivergenceKey = Literal[tuple(divergences)]


def get(key: str) -> Divergence:
    """The divergence named ``key``.

    Raises:
        ValueError: no such divergence; the message lists them.
    """
    try:
        return divergences[key]
    except (KeyError, TypeError):
        raise ValueError(f"divergence must be one of {', '.join(divergences)}, not {key!r}.") from None

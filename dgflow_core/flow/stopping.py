"""When a sample stops being refined: one setting, the same for every gradient method.

The papers run a fixed number of steps. A sample's own logit says more: it is enough when the critic
takes the sample for a real one, and it is in vain when further steps no longer raise it.
"""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.fields.network import Evaluation, ExactField
from dgflow_core.methods.base import Method, Settings, State, put, rows, setting
from dgflow_core.zoo.model import Model

#: Rule → the share of real samples whose logit a sample has to reach.
LEVELS = {"real5": "5%", "real25": "25%", "real50": "50%", "real75": "75%", "real95": "95%"}
#: "flat": the last WINDOW steps raised d by less than SHARE of what the first WINDOW did.
WINDOW, SHARE = 3, 0.25


class Stopping(Settings):
    """The driver's own setting, declared like a method's."""

    until: Literal["steps", "real5", "real25", "real50", "real75", "real95", "flat"] = setting(
        "steps", symbol="stop",
        help="When a sample stops: after all steps; sooner, once its logit is higher than that of 5 (25, 50, "
        "75, 95) % of real samples; or once three steps raise it less than a quarter of the first three.",
    )  # fmt: skip


def applies(method: Method) -> bool:
    """Whether samples of ``method`` move on their own, so that one can stop while others go on."""
    return method.gradient and not method.planar


class Rule:
    """Says, step after step, which samples go on; one that has stopped rests for good.

    Raises:
        UserError: the model's logit has no range of real samples to reach.
    """

    def __init__(self, until: str, model: Model):
        if until != "steps" and model.ladder is not None:
            raise UserError(f"until must be 'steps' for {model.name}: each rung's logit has its own scale.")
        self.until = until
        self.level = model.real_logits()[LEVELS[until]] if until in LEVELS else None
        self.past: list[Tensor] = []
        self.moving: Tensor | None = None

    def ask(self, logit: Tensor) -> Tensor:
        """Which samples take the next step, bool (n,), given their logits now; ask once a step."""
        if self.moving is None:
            self.moving = torch.ones_like(logit, dtype=torch.bool)
        if self.level is not None:
            self.moving = self.moving & (logit < self.level)
        elif self.until == "flat":
            self.past.append(logit)
            if len(self.past) > WINDOW:
                first, last = self.past[WINDOW] - self.past[0], logit - self.past[-1 - WINDOW]
                self.moving = self.moving & (last > 0) & (last >= SHARE * first)
        return self.moving


class Partly:
    """A field that evaluates moving points only; the others keep what is known of them."""

    def __init__(self, field, at: Evaluation, moving: Tensor):
        self._field, self._at, self._moving = field, at, moving

    def __getattr__(self, name: str):
        return getattr(self._field, name)

    def evaluate(self, points: Tensor) -> Evaluation:
        """(d, ∇d) and the samples at ``points``; no network sees the resting ones."""
        return put(self._at, self._moving, self._field.evaluate(points[self._moving]))


def step(method: Method, field, state: State, values: Settings, generator, moving: Tensor) -> State:
    """One step of ``method`` for the ``moving`` samples; each takes the step, and the noise, it would
    have taken if all had moved."""
    if moving.all():
        return method.step(field, state, values, generator)
    if not moving.any():
        return state
    partly = cast(ExactField, Partly(field, state.at, moving))
    new = method.step(partly, state, values, generator)
    return new._replace(points=torch.where(rows(moving, new.points), new.points, state.points))


#: Rules as people read them.
TITLES = {
    "steps": "after all N steps",
    **{rule: f"d above {share.replace('%', ' %')} of real samples" for rule, share in LEVELS.items()},
    "flat": "when steps stop paying",
}


def rules(method: Method, model: Model) -> list[str]:
    """The rules that ``method`` can follow with this model's logit."""
    try:
        known = list(model.real_logits())
    except ValueError:
        known = []
    if not applies(method) or model.ladder is not None:
        return ["steps"]
    return [rule for rule in TITLES if rule not in LEVELS or LEVELS[rule] in known]


def mean_steps(trajectory) -> float:
    """How many steps a sample of a run took on average."""
    moving = trajectory.info.get("moving")
    return float(trajectory.steps) if moving is None else sum(moving[1:]) / trajectory.n

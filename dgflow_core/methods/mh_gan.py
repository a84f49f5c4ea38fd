"""A chain of fresh generator samples, each kept in proportion to its density ratio.

Turner et al., Metropolis–Hastings Generative Adversarial Networks, ICML 2019
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.methods.base import (
    Method,
    Settings,
    State,
    Work,
    proposals,
    rows,
    setting,
    start,
    step_count,
    tally,
    where,
)
from dgflow_core.zoo.model import Model

Calibration = Literal["offset", "logistic", "isotonic"]
HELD_OUT, HELD_OUT_SEED = 10_000, 12


class MHGANSettings(Settings):
    steps: int = step_count(symbol="K", help="Length of each chain: one fresh proposal a step.")
    calibration: Calibration = setting(
        "offset",
        symbol="cal",
        help="How d is calibrated: the model's own offset, or a fit on held-out real points.",
    )


class Memory(NamedTuple):
    calibrated: Callable[[Tensor], Tensor]  # logit → calibrated logit, both (n,)


def calibrate(model: Model, how: Calibration, real: np.ndarray | None = None) -> Callable[[Tensor], Tensor]:
    """The map from logit to calibrated logit, fitted on held-out real and generated samples.

    "logistic" fits a·d + b, "isotonic" any rising function; both see 10,000 of each kind.
    "offset" leaves the logit as it is: its constant cancels in every acceptance ratio.

    Raises:
        UserError: a fit is asked for, but the model's data cannot be drawn afresh.
    """
    if how == "offset":
        return lambda d: d
    if real is None:
        if model.dataset not in plane_datasets.datasets:
            raise UserError(
                f"calibration must be offset for {model.name}: its data set cannot be sampled here."
            )
        real = plane_datasets.get(model.dataset).sample(HELD_OUT, HELD_OUT_SEED)
    from sklearn.isotonic import IsotonicRegression  # slow to import, and seldom needed
    from sklearn.linear_model import LogisticRegression

    fake = model.generate(model.prior.sample(len(real), HELD_OUT_SEED))
    d = torch.cat([model.logit(real), model.logit(fake)]).cpu().double().numpy()
    label = np.repeat([1, 0], len(real))
    if how == "logistic":
        fit = LogisticRegression().fit(d[:, None], label)
        slope, offset = float(fit.coef_[0, 0]), float(fit.intercept_[0])
        return lambda logit: slope * logit + offset
    fit = IsotonicRegression(y_min=0.5 / len(d), y_max=1 - 0.5 / len(d), out_of_bounds="clip").fit(d, label)

    def isotonic(logit: Tensor) -> Tensor:
        share = torch.from_numpy(fit.predict(logit.cpu().double().numpy()))
        return torch.logit(share).to(logit)

    return isotonic


def work(settings: MHGANSettings, n: int) -> Work:
    """One fresh proposal for every chain at every step, and what the calibration is fitted on."""
    fitted = 0 if settings.calibration == "offset" else 2 * HELD_OUT
    return Work(n * (settings.steps + 1) + fitted, drawn=n * settings.steps + fitted // 2)


def init(field, points: Tensor, settings: MHGANSettings) -> State:
    memory = Memory(calibrate(field.model, settings.calibration))
    return start(field, points, settings)._replace(memory=memory, info=tally({}, 0, 0, len(points)))


def step(field, state: State, settings: MHGANSettings, generator) -> State:
    """Propose x′ = g(z′), z′ ~ p_Z, and move there with probability

        min(1, (D(x)⁻¹ − 1) / (D(x′)⁻¹ − 1)) = min(1, exp(d(x′) − d(x))).

    The paper calibrates D on held-out data and starts each chain at a real sample, so that no
    burn-in is needed; we start at the base samples that all methods share, so the first steps
    are burn-in.
    """
    points = proposals(field, len(state.points), generator)
    at = field.evaluate(points)
    calibrated = state.memory.calibrated
    uniform = torch.rand(len(points), generator=generator).to(points.device)
    taken = uniform.log() < calibrated(at.logit) - calibrated(state.at.logit)
    info = tally(state.info, len(points), int(taken.sum()), len(points))
    return State(
        torch.where(rows(taken, points), points, state.points), where(taken, at, state.at), state.memory, info
    )


def update_rule(settings: MHGANSettings, space: str) -> str:
    return (
        r"x' = g(z'),\; z' \sim p_Z,\quad \text{kept with probability }\min\left(1, e^{d(x') - d(x)}\right)"
    )


METHOD = Method.of(__name__, MHGANSettings, title="MH-GAN", name="mhgan", order=80, gradient=False)

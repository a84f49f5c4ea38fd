"""What a run costs, in seconds of one core, known before anything of it is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from torch.utils.flop_counter import FlopCounterMode

from dgflow_core.flow.request import Request
from dgflow_core.zoo.model import Model

#: Floating-point operations a second of one core in the products of linear and convolution layers. A core
#: of 2020 does 30 to 40 · 10⁹ with our planar, convolutional and text networks, half of that with Glow.
RATE = 25e9
#: Seconds of one core for a point that is looked up in a table, and for a density estimate on the grid.
LOOKED_UP, SMOOTHED = 2e-7, 1e-2


def operations(model: Model, space: str) -> int:
    """Floating-point operations of one (d, ∇d): the products of linear and convolution layers, both ways."""
    points = model.prior.sample(1, 0).to(model.device)
    if space == "data":
        points = model.generate(points)
    points.requires_grad_(True)
    with FlopCounterMode(display=False) as counter:
        sample = points if space == "data" else model.generator(points)
        model.differentiable_logit(sample).sum().backward()
    return counter.get_total_flops()


_counted: WeakKeyDictionary[Model, tuple[int, int]] = WeakKeyDictionary()


def _operations(model: Model) -> tuple[int, int]:
    """``operations`` in latent and in data space, counted once for a model."""
    if model not in _counted:
        _counted[model] = operations(model, "latent"), operations(model, "data")
    return _counted[model]


def seconds(model: Model, settings: Mapping[str, Any], tabulated: bool = False) -> float:
    """Seconds of one core for the run of ``settings``, as ``refine`` takes them.

    Args:
        tabulated: (d, ∇d) comes from a table; fresh samples still come from the generator.

    Raises:
        UserError: a wrong setting.
    """
    own = dict(settings)
    request = Request.of(model, own.pop("method", "dgflow"), own)
    work = request.method.work(request.values, request.n)
    latent, data = _operations(model)
    evaluated = (latent if request.space == "latent" else data) / RATE
    drawn = (latent - data) / 2 / RATE  # the generator alone: there and back is twice the way there
    each = LOOKED_UP if tabulated else evaluated
    return work.evaluated * each + work.drawn * drawn + work.smoothed * SMOOTHED

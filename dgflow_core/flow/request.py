"""What a run is asked for, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dgflow_core.errors import UserError
from dgflow_core.flow import stopping
from dgflow_core.methods import get as get_method
from dgflow_core.methods.base import Method, Settings
from dgflow_core.zoo.model import Model

MAX_PARTICLES = 1_000_000


def whole(name: str, value: Any, low: int, high: int) -> int:
    """``value`` as an int in [low, high], or a UserError that names it."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or not low <= value <= high:
        raise UserError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


@dataclass(frozen=True)
class Request:
    """A method with all its settings, and what the driver itself is told. See ``refine`` for each.

    Attributes:
        values: the method's own settings.
    """

    method: Method
    values: Settings
    n: int
    seed: int
    space: str
    until: str
    batch_size: int | None

    @classmethod
    def of(cls, model: Model, method: str, settings: dict[str, Any]) -> Request:
        """What ``settings``, those of the driver and of ``method`` together, ask of ``model``.

        Raises:
            UserError: a wrong one; one sentence that names it and what is allowed.
        """
        settings, chosen = dict(settings), get_method(method)
        space, until = settings.pop("space", "data"), settings.pop("until", "steps")
        shape = model.dim(space)
        if space not in chosen.spaces:
            spaces = " or ".join(map(repr, chosen.spaces))
            raise UserError(f"space must be {spaces} for {chosen.title}, not {space!r}.")
        if chosen.planar and shape != (2,):
            raise UserError(f"method {chosen.title} needs points of two dimensions, not {shape}.")
        n = whole("n", settings.pop("n", 5000), 1, MAX_PARTICLES)
        seed = whole("seed", settings.pop("seed", 0), 0, 2**31 - 1)
        batch_size = settings.pop("batch_size", None)
        if settings.get("steps", 0) is None:
            del settings["steps"]
        values = chosen.Settings.parse(settings)
        until = stopping.Stopping.parse({"until": until}).until
        if until != "steps" and not stopping.applies(chosen):
            raise UserError(f"until must be 'steps' for {chosen.title}, not {until!r}.")
        stopping.Rule(until, model)  # says now what would go wrong later
        return cls(chosen, values, n, seed, space, until, batch_size)

    def settings(self, n: int) -> dict[str, Any]:
        """The plain dict that asks for the same with ``n`` particles."""
        plain = {
            "method": self.method.name, "n": n, "seed": self.seed, "space": self.space,
            **self.values.model_dump(),
        }  # fmt: skip
        return plain if self.until == "steps" else {**plain, "until": self.until}

"""The orders in which samples of a run hang or stand, on screen and in exports."""

from __future__ import annotations

from torch import Tensor

from dgflow_core.errors import UserError

ORDERS = ("drawn", "improved", "harmed", "final")


def ranked(logits: Tensor, order: str) -> list[int]:
    """The samples 0 … n − 1 in an order: as drawn, by what they gained or lost in logit, by their last logit.

    Args:
        logits: (steps + 1, n).

    Raises:
        UserError: no such order.
    """
    if order not in ORDERS:
        raise UserError(f"order must be one of {', '.join(ORDERS)}, not {order!r}.")
    gain = logits[-1] - logits[0]
    by = {"improved": -gain, "harmed": gain, "final": -logits[-1]}.get(order)
    return list(range(logits.shape[1])) if by is None else by.argsort(stable=True).tolist()

"""Critics for a flow on its way: each knows the samples as they are after some time."""

from __future__ import annotations

from torch import Tensor, nn

from dgflow_core.errors import UserError
from dgflow_core.nets import architecture
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator


@architecture("critic_ladder")
class CriticLadder(nn.Module):
    """SN-DCGAN discriminators, one a rung; rung i is for flow times (steps × η) from ``starts[i]`` on.

    As a network of its own, images (n, channels, side, side) → logits (n,), it is its last rung.
    """

    def __init__(
        self, starts: list[float], channels: int = 3, width: int = 16, side: int = 32, slope: float = 0.1
    ):
        super().__init__()
        if not starts or starts != sorted(starts):
            raise UserError("a ladder's starts must rise.")
        self.arguments = {
            "starts": starts, "channels": channels, "width": width, "side": side, "slope": slope
        }  # fmt: skip
        self.rungs = nn.ModuleList(SNDCGANDiscriminator(channels, width, side, slope) for _ in starts)

    def at(self, time: float) -> nn.Module | None:
        """The critic for ``time``; None before the first rung."""
        begun = sum(start <= time + 1e-6 for start in self.arguments["starts"])
        return self.rungs[begun - 1] if begun else None

    def forward(self, x: Tensor) -> Tensor:
        return self.rungs[-1](x)

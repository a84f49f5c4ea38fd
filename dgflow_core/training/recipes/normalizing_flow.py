"""Glow by maximum likelihood, with normflows' blocks; what ships is its sampling direction, folded."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from dgflow_core.nets.glow import Glow, scales
from dgflow_core.training.correctors import Corrected, CorrectedTrainer
from dgflow_core.training.network_trainer import averaged


class GlowRecipe(Corrected):
    """``levels`` scales of ``depth`` blocks with ``width`` hidden planes (the paper's: 3, 32, 512)."""

    levels: int = 3
    depth: int = 4
    width: int = 32
    batch: int = 32
    rate: float = 1e-3
    clip: float = 50.0
    ema: float = 0.99

    def trainer(self, device: torch.device, data_root: Path | None) -> GlowTrainer:
        return GlowTrainer(self, device, data_root)


class Flow(nn.Module):
    """The trained flow: images (n, channels, side, side) → codes z (n, channels · side²).

    Raises:
        ValueError: normflows is not installed.
    """

    def __init__(self, **arguments: int):
        super().__init__()
        try:
            from normflows.flows import GlowBlock, Squeeze
        except ImportError:
            raise ValueError("recipe: training Glow needs normflows (pip install normflows).") from None
        self.arguments = arguments
        self.squeeze = Squeeze()
        layout = scales(arguments["channels"], arguments["side"], arguments["levels"])
        self.entering = [shape[0] for _, shape in layout]  # planes of z that enter at each scale
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a call of its own that torch has renamed
            self.scales = nn.ModuleList(
                nn.ModuleList(GlowBlock(planes, arguments["width"]) for _ in range(arguments["depth"]))
                for planes, _ in layout
            )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z and log |det ∂z/∂x| (n,); the first batch sets the activation norms."""
        parts, log_det = [], torch.zeros(len(x), device=x.device)
        for planes, blocks in reversed(list(zip(self.entering, self.scales, strict=True))):
            x, _ = self.squeeze.inverse(x.contiguous())
            for block in reversed(blocks):
                x, change = block.inverse(x)
                log_det = log_det + change
            x, part = x.split([x.shape[1] - planes, planes], dim=1)
            parts.append(part.flatten(1))
        return torch.cat(parts[::-1], dim=1), log_det


@torch.no_grad()
def fold(flow: Flow) -> Glow:
    """The inverse of ``flow`` as a ``Glow`` of plain convolutions, frozen."""
    plain = Glow(**flow.arguments).requires_grad_(False).eval()
    for blocks, steps in zip(flow.scales, plain.scales, strict=True):
        for block, step in zip(blocks, steps, strict=True):
            coupling, mixing, norm = block.flows
            trained = [layer for layer in coupling.modules() if isinstance(layer, nn.Conv2d)]
            own = [layer for layer in step.network if isinstance(layer, nn.Conv2d)]
            for ours, theirs in zip(own, trained, strict=True):
                ours.load_state_dict(theirs.state_dict())
            scale = norm.s.exp().reshape(-1, 1)
            step.mix.weight.copy_((scale * mixing._assemble_W(inverse=True))[..., None, None])
            step.mix.bias.copy_(norm.t.flatten())
    return plain


def dequantised(x: Tensor, rng: torch.Generator) -> Tensor:
    """8-bit images in [−1, 1] spread evenly over their bins, shape kept."""
    return x + (torch.rand(x.shape, generator=rng) - 0.5).to(x.device, non_blocking=True) / 127.5


class GlowTrainer(CorrectedTrainer):
    """Trains one ``GlowRecipe``; an average of the flow ships."""

    architecture = "glow"

    def build_generator(self) -> int:
        recipe = self.recipe
        size = {"channels": self.target.channels, "side": 32}
        layout = {"levels": recipe.levels, "depth": recipe.depth, "width": recipe.width}
        self.flow = Flow(**size, **layout).to(self.device)
        self.average = averaged(self.flow, recipe.ema)
        self.networks = {"flow": self.flow, "average": self.average}
        self.adam("flow", self.flow.parameters(), recipe.rate)
        return self.target.channels * 32**2

    def learn_generator(self, iteration: int, rng: torch.Generator) -> dict[str, float]:
        x, dim = dequantised(self.batches(self.recipe.batch, rng), rng), self.prior.dim
        z, log_det = self.flow(x)
        log_prior = -0.5 * (z**2).sum(1) - 0.5 * dim * math.log(2 * math.pi)
        loss = -(log_prior + log_det).mean()
        self.descend("flow", loss, clip=self.recipe.clip * dim**0.5)
        # a pixel's bin is 1/127.5 wide
        return {"bits_per_dim": loss.detach() / dim / math.log(2) + math.log2(127.5)}

    def phase(self, iteration: int) -> str | None:
        """The first batch sets norms, by a choice that no graph can make."""
        return None if iteration <= self.recipe.generator_iterations else super().phase(iteration)

    def follow(self, iteration: int) -> None:
        if iteration <= self.recipe.generator_iterations:
            self.average.update_parameters(self.flow)

    def folded(self) -> nn.Module:
        return fold(self.average.module)


RECIPES = (
    GlowRecipe.called(
        "cifar10/glow", "Glow on CIFAR-10", critic_from="cifar10/sndcgan-ns",
        depth=6, width=48, generator_iterations=6000, iterations=7500, ema=0.999,
    ),
)  # fmt: skip

"""From trained networks to the model that ships: norms folded in, half precision, its config."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from dgflow_core.flow import priors
from dgflow_core.nets.folding import fold
from dgflow_core.training.recipe import Recipe
from dgflow_core.zoo.model import Model

#: Seeds of the samples a choice is made on (which state to keep, how many steps to refine) …
STATE_SEED, STEPS_SEED = 1001, 1002
#: … and of those that the finished model is measured on: never the same, nor those of a table's repeats,
#: which are 0 and up.
MEASUREMENT_SEED = 1003
#: Quantiles of the logits of real samples that a config records.
BAND = (0.05, 0.25, 0.5, 0.75, 0.95)


def config(
    recipe: Recipe, kind: str, prior: priors.Prior, networks: dict[str, tuple[str, dict]], source: str
) -> dict[str, Any]:
    """``config.json`` of the model that ``recipe`` makes.

    Args:
        networks: architecture and arguments, by part ("generator", "critic", "corrector").
        source: where the data came from, in a few words.
    """
    return {
        "title": recipe.title,
        "kind": kind,
        "dataset": recipe.dataset,
        "prior": {"kind": prior.kind, "dim": prior.dim},
        **{
            part: {"architecture": architecture, "arguments": arguments}
            for part, (architecture, arguments) in networks.items()
        },
        "recipe": recipe.model_dump(mode="json", exclude={"title", "dataset"}),
        "data": {"name": recipe.dataset, "source": source},
        "seed": recipe.seed,
    }


def rounded(network: nn.Module) -> nn.Module:
    """The same network with weights of half precision, so that what is measured is what ships."""
    for value in network.parameters():
        value.data = value.data.half().float()
    return network


def settled(generator: nn.Module, dim: int, batches: int = 16, size: int = 128) -> nn.Module:
    """A folded copy whose batch norm has the statistics of these very weights.

    The running statistics of an averaged generator are those of other weights; they are
    measured anew on ``batches`` × ``size`` codes before they are folded in.
    """
    twin = copy.deepcopy(generator).train()
    norms = [layer for layer in twin.modules() if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))]
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None  # a plain average over the batches
    rng, device = priors.seeded(0), next(twin.parameters()).device
    with torch.no_grad():
        for _ in range(batches if norms else 0):
            twin(torch.randn(size, dim, generator=rng).to(device))
    return fold(twin)


def real_band(model: Model, real: Tensor) -> dict[str, float]:
    """Quantiles of d over real samples (n, *sample_shape): {"5%": …, …, "95%": …}."""
    logits = model.logit(real).double()
    return {f"{100 * share:g}%": round(float(logits.quantile(share)), 4) for share in BAND}


def measurement(half: str, samples: int) -> dict[str, Any]:
    """What the quality in a config was measured on: which real data, how many samples of which seed."""
    return {"against": half, "samples": samples, "seed": MEASUREMENT_SEED}

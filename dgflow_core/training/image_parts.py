"""What the image recipes share: batches, the model as it ships, and the gain from refining it."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from dgflow_core.flow import priors
from dgflow_core.flow.driver import NonFinite, Run
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.datasets.readers import contact_sheet, to_unit
from dgflow_core.kinds.images.metrics import ImageQuality, Reference
from dgflow_core.nets.folding import fold
from dgflow_core.zoo.model import Model

#: How models are refined while they train and when they are finished: the paper's image settings.
REFINE = {"method": "dgflow", "divergence": "KL", "eta": 0.1, "gamma": 0.01, "space": "latent"}
#: After how many steps they are measured; the last is the paper's number.
MARKS = (4, 8, 12, 16, 20, 25)
BAND = (0.05, 0.25, 0.5, 0.75, 0.95)


class Batches:
    """Real batches in [−1, 1], drawn with replacement from uint8 images held in memory."""

    def __init__(self, dataset: str, root: Path | None, device: torch.device):
        self.images = image_datasets.get(dataset).load(root, train=True)[0]
        self.device = device

    def __call__(self, size: int, rng: torch.Generator) -> Tensor:
        rows = torch.randint(len(self.images), (size,), generator=rng)
        return to_unit(self.images[rows]).to(self.device)


def products(device: torch.device, half: bool) -> torch.autocast:
    """A context in which networks multiply in bfloat16 if ``half``, where ``device`` can (MPS cannot)."""
    return torch.autocast(device.type, torch.bfloat16, enabled=half and device.type != "mps")


def initialise(network: nn.Module) -> None:
    """N(0, 0.02) weights, zero biases."""
    for layer in network.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)


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


def rounded(network: nn.Module) -> nn.Module:
    """The same network with weights of half precision, so that what is measured is what ships."""
    for value in network.parameters():
        value.data = value.data.half().float()
    return network


def average(target: nn.Module, source: nn.Module, decay: float) -> None:
    """target ← decay · target + (1 − decay) · source, parameters only."""
    with torch.no_grad():
        for kept, new in zip(target.parameters(), source.parameters(), strict=True):
            kept.lerp_(new, 1 - decay)


def config(recipe, dim: int, generator: nn.Module, critic: nn.Module, names: tuple[str, str]) -> dict:
    """``config.json`` of an image model; ``names`` are the architectures of generator and critic."""
    side = image_datasets.get(recipe.dataset).side
    return {
        "title": recipe.title,
        "kind": "image",
        "dataset": recipe.dataset,
        "prior": {"kind": "normal", "dim": dim},
        "generator": {"architecture": names[0], "arguments": generator.arguments},
        "critic": {"architecture": names[1], "arguments": critic.arguments},
        "recipe": recipe.model_dump(mode="json", exclude={"title", "dataset"}),
        "data": {
            "name": recipe.dataset,
            "source": f"the training half, {side} × {side} pixels, no augmentation",
        },
        "seed": recipe.seed,
    }


def gain(
    model: Model, against: Reference, n: int, seed: int = 1, steps: int | None = None
) -> tuple[dict[str, dict], Tensor, Tensor]:
    """Metrics of ``n`` samples before and after refinement, and the two sets of samples.

    ``steps`` is how many; None takes what is best of ``MARKS``: the ratio is stale after some.

    Returns:
        {"base": …, "DGflow(KL)": …} with "fid", "score", "logit", "steps" (and "kernel"), base
        (n, C, H, W) and refined samples. Only what is still needed is kept.
    """
    marks = MARKS if steps is None else (steps,)
    best: dict = {}
    try:
        for frame in Run(model, n=n, seed=seed, **REFINE, steps=max(marks)):
            if frame.step not in (0, *marks):
                continue
            quality = ImageQuality(against)
            quality.update(frame.samples)
            row = {**quality.compute(), "logit": float(frame.logits.mean()), "steps": frame.step}
            if frame.step == 0:
                base, first = row, frame.samples.cpu()
            if frame.step in marks and (not best or row["fid"] < best["fid"]):
                best, last = row, frame.samples.cpu()
    except NonFinite:  # later than the marks so far
        if not best:
            raise
    return {"base": base, "DGflow(KL)": best}, first, last


def flat(numbers: dict[str, dict]) -> dict[str, float]:
    """``gain``'s metrics as one row for the training log: base_fid, refined_fid, …"""
    labels = zip(("base", "refined"), numbers.values(), strict=True)
    return {f"{label}_{key}": row[key] for label, row in labels for key in ("fid", "score", "logit", "steps")}


def finished(model: Model, against: Reference, root: Path | None, n: int = 500) -> Model:
    """``model`` with its measured quality and the band of real logits written to its config.

    How many steps to refine is chosen on other samples than those it is measured on.
    """
    chosen, _, _ = gain(model, against, n, seed=2)
    numbers, _, _ = gain(model, against, n, steps=chosen["DGflow(KL)"]["steps"])
    model.config["quality"] = {
        "features": against.title,
        "accuracy": round(against.accuracy, 4),
        "samples": n,
        **{label: {key: round(value, 4) for key, value in row.items()} for label, row in numbers.items()},
    }
    real = image_datasets.get(against.dataset).load(root, train=False)[0][:1000]
    logits = model.logit(to_unit(real)).double()
    model.config["real_logits"] = {
        f"{100 * share:g}%": round(float(logits.quantile(share)), 4) for share in BAND
    }
    return model


def write_sheet(path: Path, base: Tensor, refined: Tensor, columns: int = 16, rows: int = 4) -> None:
    """A PNG: ``rows`` rows of base samples, a gap, and the same samples refined."""
    halves = [contact_sheet(half[: rows * columns], columns) for half in (base, refined)]
    gap = torch.full((8, *halves[0].shape[1:]), 255, dtype=torch.uint8)
    Image.fromarray(torch.cat([halves[0], gap, halves[1]]).numpy()).save(path)

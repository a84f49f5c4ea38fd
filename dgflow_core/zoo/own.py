"""A model of networks that were handed in: adapted, named, with what was done to them kept beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from dgflow_core import device as devices
from dgflow_core.errors import UserError
from dgflow_core.flow import priors
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.zoo.adapters import Choice, adapt
from dgflow_core.zoo.model import Model


@dataclass(frozen=True)
class Label:
    """What a person says of a model: its ``name``, ``title``, training ``dataset``, a text's ``alphabet``."""

    name: str
    title: str | None = None
    dataset: str | None = None
    alphabet: str | list[str] | None = None


def own_model(
    label: Label,
    generator: Any,
    critics: dict[str, Any],
    prior: priors.Prior,
    choice: Choice = Choice(),  # noqa: B008 - frozen
    device: str = "auto",
) -> Model:
    """A ``Model`` of any networks; see ``register`` for what they may be.

    Args:
        critics: "critic", and "corrector" or None. ``config["found"]`` keeps what was done to them.

    Raises:
        UserError: they do not fit together, or a choice is needed; one sentence.
    """
    target = devices.pick(device)
    made, taken, found = adapt(label.name, generator, critics, prior, target, choice)
    with torch.no_grad():
        shape = tuple(made(prior.sample(2, 0).to(target)).shape[1:])
    kind = choice.kind or {1: "2d", 2: "text", 3: "image"}.get(len(shape), "image")
    if kind == "text" and len(label.alphabet or ()) != shape[-1]:
        raise UserError(
            f"model {label.name!r}: alphabet must name the {shape[-1]} symbols of its strings, in order."
        )
    dataset, group = label.dataset, label.name.split("/")[0]
    if dataset is None and group in plane_datasets.datasets | image_datasets.datasets:
        dataset = group
    config: dict[str, Any] = {
        "name": label.name, "title": label.title or label.name, "kind": kind, "dataset": dataset,
        "prior": {"kind": prior.kind, "dim": prior.dim}, "found": [finding.as_dict() for finding in found],
    }  # fmt: skip
    if kind == "text":
        config["alphabet"] = label.alphabet
    return Model(config, prior, made, taken["critic"], taken.get("corrector"), device=target)

"""What goes through a model's networks, found with two samples: on "meta" tensors, nothing is allocated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from dgflow_core.errors import UserError

PARTS = ("generator", "critic", "corrector", "ladder")
#: The longest side of an image, in pixels.
MAX_SIDE = 256
#: The most that one sample may take in any layer, in bytes, and cost from code to logit, in operations.
MAX_LAYER, MAX_OPERATIONS = 32 * 2**20, 2e11
#: What samples of each kind look like: a check of one sample's shape, and words for it.
_SAMPLES = {
    "2d": (lambda shape: shape == (2,), "points of the plane, (n, 2)"),
    "image": (
        lambda shape: len(shape) == 3 and shape[0] in (1, 3) and all(8 <= s <= MAX_SIDE for s in shape[1:]),
        f"images of 1 or 3 channels and 8 to {MAX_SIDE} pixels a side, (n, C, H, W)",
    ),
    "text": (lambda shape: len(shape) == 2, "strings as (n, length, symbols)"),
}


class Largest(TorchDispatchMode):
    """Sees what is allocated while it is entered; ``bytes`` is the size of the largest tensor."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        if any(result.alias_info is not None for result in func._schema.returns):
            return made  # a view, or in place
        sizes = (part.numel() * part.element_size() for part in tree_leaves(made) if isinstance(part, Tensor))
        self.bytes = max(self.bytes, *sizes, 0)
        return made


class Shapes(NamedTuple):
    """One sample's shape, and the bytes that the largest layer takes for it."""

    sample: tuple[int, ...]
    layer: int


@torch.no_grad()
def probe(name: str, kind: str, codes: Tensor, networks: Mapping[str, nn.Module]) -> Shapes:
    """Send two ``codes`` (2, dim) through "generator", and its samples through the others.

    Raises:
        UserError: they do not fit together, or one sample takes more than ``MAX_LAYER``; one sentence.
    """
    with Largest() as largest:
        x = _through(
            networks["generator"], codes,
            f"model {name!r}: the generator does not take codes of prior dim {codes.shape[1]}.",
        )  # fmt: skip
        shape = tuple(x.shape[1:])
        fits, words = _SAMPLES[kind]
        if not fits(shape) or len(x) != 2:
            raise UserError(f"model {name!r}: its samples must be {words}, not of shape {shape}.")
        for part in (part for part in PARTS[1:] if part in networks):
            network = networks[part]
            wrong = f"model {name!r}: the {part} does not take the generator's samples, shape {shape}."
            d = _through(network, x, wrong)
            if tuple(d.shape) != (2,):
                raise UserError(
                    f"model {name!r}: the {part} must return one logit a sample, shape (n,), "
                    f"not (n, {', '.join(map(str, d.shape[1:]))})."
                )
    return Shapes(shape, largest.bytes // 2)


def affordable(name: str, kind: str, dim: int, networks: Mapping[str, nn.Module]) -> Shapes:
    """``probe`` for networks on "meta", which nobody has seen before: also what a sample takes and costs.

    Raises:
        UserError: as ``probe``, or a sample takes more than ``MAX_LAYER`` or ``MAX_OPERATIONS``.
    """
    with FlopCounterMode(display=False) as operations:
        shapes = probe(name, kind, torch.empty(2, dim, device="meta"), networks)
    if shapes.layer > MAX_LAYER:
        raise UserError(
            f"model {name!r}: one sample must take at most {MAX_LAYER // 2**20} MiB in a layer, "
            f"not {shapes.layer / 2**20:,.1f} MiB."
        )
    if operations.get_total_flops() / 2 > MAX_OPERATIONS:
        raise UserError(
            f"model {name!r}: one sample must cost at most {MAX_OPERATIONS / 1e9:g} billion operations, "
            f"not {operations.get_total_flops() / 2e9:,.0f} billion."
        )
    return shapes


def _through(network: nn.Module, x: Tensor, wrong: str) -> Tensor:
    """``network`` of ``x``; whatever a network, maybe a person's own, raises means that it does not fit."""
    try:
        made = network(x)
    except Exception as error:
        raise UserError(wrong) from error
    if not isinstance(made, Tensor):
        raise UserError(wrong)
    return made

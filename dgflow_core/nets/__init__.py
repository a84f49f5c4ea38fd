"""Architectures, by name. A file in this folder that calls ``@architecture`` adds one."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from dgflow_core import registry
from dgflow_core.errors import UserError

architectures: dict[str, Callable[..., nn.Module]] = {}


def architecture(name: str):
    """Class decorator: register a network under ``name``, buildable from JSON arguments."""
    return registry.entry(architectures, name, lambda network: network)


def build(name: str, arguments: dict) -> nn.Module:
    """The network ``name`` with ``arguments``.

    Raises:
        UserError: unknown name or arguments it does not take.
    """
    make = registry.one_of("architecture", architectures, name)
    try:
        return make(**arguments)
    except TypeError as error:
        raise UserError(f"architecture {name!r} cannot be built: {error}.") from None


list(registry.files(__name__))

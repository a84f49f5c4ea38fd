"""Architectures, by name. A file in this folder that calls ``@architecture`` adds one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

from torch import nn

architectures: dict[str, Callable[..., nn.Module]] = {}


def architecture(name: str):
    """Class decorator: register a network under ``name``, buildable from JSON arguments."""

    def register(cls):
        architectures[name] = cls
        return cls

    return register


def build(name: str, arguments: dict) -> nn.Module:
    """The network ``name`` with ``arguments``.

    Raises:
        ValueError: unknown name or arguments it does not take.
    """
    if name not in architectures:
        raise ValueError(f"architecture must be one of {', '.join(architectures)}, not {name!r}.")
    try:
        return architectures[name](**arguments)
    except TypeError as error:
        raise ValueError(f"architecture {name!r} cannot be built: {error}.") from None


for _file in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_file.name}")

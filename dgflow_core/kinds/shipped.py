"""What ships beside the models of a data set, such as a feature network or held-out strings."""

from __future__ import annotations

from pathlib import Path

from dgflow_core.errors import UserError
from dgflow_core.zoo import shelf


def folder(dataset: str, file: str, what: str, command: str) -> Path:
    """The folder of ``dataset``, which must hold ``file``.

    Raises:
        UserError: it does not; the sentence names ``what`` is missing and the ``command`` that makes it.
    """
    found = shelf.root() / dataset
    if not (found / file).exists():
        raise UserError(
            f"dataset {dataset!r} has no {what}; python -m dgflow_core prepare {command} makes it."
        )
    return found

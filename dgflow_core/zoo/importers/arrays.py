"""Checkpoints as plain arrays: Chainer ``.npz`` and PyTorch ``.pth``, under Chainer's names.

Nothing is unpickled. Sizes are checked before content: a small file may unpack to a huge one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dgflow_core import files
from dgflow_core.errors import UserError

MAX_BYTES = 64 * 2**20
#: PyTorch's name for an array of a layer → Chainer's; batch norms have their own.
_LAYER = {"weight": "W", "weight_orig": "W", "bias": "b"}
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "avg_mean", "running_var": "avg_var"}
_BYPRODUCTS = ("weight_u", "weight_v", "num_batches_tracked")


def read(name: str, path: str | Path) -> dict[str, Tensor]:
    """The arrays of a checkpoint, float32, named "<layer>/W", "<layer>/b", "<norm>/gamma" ….

    Args:
        name: the argument that gave the path, for error messages.
        path: an ``.npz`` saved by Chainer, or a ``.pth`` state dict saved by PyTorch.

    Raises:
        UserError: missing, too large, another kind of file, or not finite; one sentence.
    """
    path = Path(path)
    if path.suffix not in (".npz", ".pth"):
        raise UserError(f"{name} must be an .npz or a .pth file, not {path.name!r}.")
    files.check(name, path, MAX_BYTES)
    if path.suffix == ".npz":
        arrays = {key: torch.from_numpy(value) for key, value in read_npz(name, path).items()}
    else:
        arrays = _as_chainer(_read_pth(name, path))
    return {key: value.float() for key, value in arrays.items()}


def read_npz(name: str, path: Path, keys: list[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an ``.npz`` that hold finite floating-point numbers; ``keys`` must be among them.

    Chainer's own counters (``N`` of a batch norm) are left out.

    Raises:
        UserError: as ``read``.
    """
    files.check(name, path, MAX_BYTES)
    try:
        with np.load(path, allow_pickle=False) as archive:
            wanted = archive.files if keys is None else keys
            arrays = {
                key: archive[key]
                for key in wanted
                if key in archive.files and key.rsplit("/", 1)[-1] not in ("N", "u")
            }
    except Exception as error:  # zipfile, zlib and numpy each have their own ways to fail on a damaged file
        raise _not_arrays(name, path, ".npz", error) from None
    missing = [key for key in keys or () if key not in arrays]
    if missing:
        raise UserError(f"{name}: {path.name!r} lacks {', '.join(missing)}.")
    for key, array in arrays.items():
        if np.issubdtype(array.dtype, np.floating):
            with np.errstate(over="ignore"):
                arrays[key] = array.astype(np.float32)
        if arrays[key].dtype != np.float32 or not np.isfinite(arrays[key]).all():
            raise UserError(f"{name}: {key} must hold finite floating-point numbers.")
    return arrays


def _read_pth(name: str, path: Path) -> Mapping[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a pickle may hold has no bounds, nor have the ways it is refused
        raise _not_arrays(name, path, ".pth", error) from None
    tensors = isinstance(state, Mapping) and all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    )
    if not tensors:
        raise UserError(f"{name}: {path.name!r} is not a state dict of named tensors.")
    if sum(value.numel() * value.element_size() for value in state.values()) > MAX_BYTES:
        raise UserError(f"{name}: {path.name!r} holds more than {MAX_BYTES // 2**20} MiB.")
    state = {key: value for key, value in state.items() if key.rsplit(".", 1)[-1] not in _BYPRODUCTS}
    for key, value in state.items():
        plain = value.layout == torch.strided and value.is_floating_point() and not value.is_meta
        if not (plain and torch.isfinite(value.float()).all()):
            raise UserError(f"{name}: {key} must hold finite floating-point numbers.")
    return state


def _as_chainer(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    arrays = {}
    for key, value in state.items():
        layer, _, what = key.rpartition(".")
        names = _NORM if f"{layer}.running_var" in state else _LAYER
        arrays[f"{layer.replace('.', '/')}/{names.get(what, what)}"] = value
    return arrays


def _not_arrays(name: str, path: Path, suffix: str, error: Exception) -> ValueError:
    kind = "an .npz" if suffix == ".npz" else f"a {suffix}"
    return ValueError(f"{name}: {path.name!r} is not {kind} of plain arrays ({type(error).__name__}).")

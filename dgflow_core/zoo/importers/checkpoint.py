"""A file of weights as people have it → plain float32 arrays, under plain names, with what was done to them.

Nothing is unpickled but numbers, and sizes are checked before content. What the file is shows in its first
bytes, whatever its name. Wrappers' prefixes are peeled, nested state dicts found, norms folded.
"""

from __future__ import annotations

import argparse
import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from dgflow_core import files
from dgflow_core.errors import UserError
from dgflow_core.zoo.finding import Finding
from dgflow_core.zoo.importers import strangers

MAX_BYTES = 256 * 2**20
MAX_ARRAYS, MAX_DEPTH = 5000, 5
#: Names that people give to one of the two networks; and to a copy that is a running average.
ROLES = {
    "generator": ("generator", "netg", "gen", "g"),
    "critic": ("discriminator", "critic", "netd", "dis", "disc", "d"),
    "corrector": ("corrector", "discriminator", "critic", "netd", "d"),
}
AVERAGES = ("ema", "average", "averaged", "shadow", "avg")
#: What wrappers put before every name.
WRAPPERS = (
    "module", "_orig_mod", "model", "net", "network", "_fsdp_wrapped_module", "ema_model", "online_model",
    "module_",
)  # fmt: skip


@dataclass
class Checkpoint:
    """Arrays by name ("layer/W", "layer/b", "norm/gamma" …), float32; ``found``: what was done or is odd.

    Attributes:
        chainer: the file is Chainer's (their batch norms add another ε).
        normalised: layers whose spectral or weight norm has been divided out.
    """

    arrays: dict[str, Tensor]
    chainer: bool = False
    normalised: set[str] = field(default_factory=set)
    found: list[Finding] = field(default_factory=list)

    def first(self) -> str:
        """The first array, for a sentence about what a file holds."""
        key, value = next(iter(self.arrays.items()))
        return f"{key[:60]} {tuple(value.shape)}"


def read(name: str, path: str | Path, copy: str | None = None, limit: int = MAX_BYTES) -> Checkpoint:
    """The weights of one network.

    Args:
        name: "generator", "critic" or "corrector": the argument that gave the path, and which of a file's
            networks is meant.
        copy: which of several state dicts in the file; None takes the only one, or its running average.
        limit: the most bytes that the file, and what it unpacks to, may hold.

    Raises:
        UserError: missing, too large, something else, not finite; one sentence.
    """
    path = Path(path)
    kind = _kind(name, path, limit)
    if kind == "npz":
        return _tidy(name, path, _read_npz(name, path), chainer=True, found=[])
    found: list[Finding] = []
    try:
        content = _in_order(load_file(path)) if kind == "safetensors" else _load(path)
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError) as error:
        raise _not_arrays(name, path, error) from None
    except Exception as error:  # what a pickle may hold has no bounds, nor have the ways it is refused
        raise _not_arrays(name, path, error) from None
    state = _choose(name, path, content, copy, found)
    return _tidy(name, path, state, chainer=False, found=found)


# What a file is


def _kind(name: str, path: Path, limit: int) -> str:
    """ "npz", "torch" or "safetensors", by content; sizes are checked on the way."""
    files.check(name, path, limit)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise _not_arrays(name, path, error) from None
    if not head:
        raise _stranger(name, path, f"empty, {strangers.NOT_WEIGHTS}")
    if words := strangers.named(head):
        raise _stranger(name, path, words)
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise _not_arrays(name, path, error) from None
        if len(entries) > 4 * MAX_ARRAYS:
            raise UserError(f"{name}: {path.name!r} holds more than {MAX_ARRAYS:,} arrays.")
        names = [entry.filename for entry in entries]
        if words := strangers.in_archive(names):
            raise _stranger(name, path, words)
        if any(entry.endswith("data.pkl") for entry in names):
            return "torch"
        return "npz"
    if head.startswith(b"PK"):
        raise _stranger(name, path, f"cut short or damaged, {strangers.NOT_WEIGHTS}")
    if head[:1] == b"\x80":
        return "torch"
    if len(head) > 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < size:
        return "safetensors"
    raise _stranger(name, path, strangers.unknown(head))


def _stranger(name: str, path: Path, words: str) -> UserError:
    """The sentence about a file that ``words`` say is something else."""
    return UserError(f"{name}: {path.name!r} is {words}.")


def _read_npz(name: str, path: Path) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: np.asarray(archive[key]) for key in archive.files}
    except Exception as error:  # zipfile, zlib and numpy each have their own ways to fail on a damaged file
        raise _not_arrays(name, path, error) from None
    for key, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise UserError(f"{name}: {key} must hold finite floating-point numbers.")
        if array.dtype.kind == "f" and array.dtype.itemsize > 8:  # PyTorch has none so long
            with np.errstate(over="ignore"):
                arrays[key] = array.astype(np.float64)
    return {
        key: torch.from_numpy(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="))))
        for key, array in arrays.items()
        if array.dtype.kind != "u" or array.dtype.itemsize == 1
    }


def _in_order(arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    """By name, numbers as numbers: safetensors keeps no order, and layer 10 comes after layer 9."""

    def place(name: str) -> list[tuple[int, str]]:
        return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]

    return dict(sorted(arrays.items(), key=lambda item: place(item[0])))


def _load(path: Path) -> Any:
    """``torch.load`` of numbers, and of the plain numbers that NumPy and argparse leave beside them."""
    core: Any = np._core.multiarray  # type: ignore[attr-defined]  # what pickled numbers name
    dtypes = [type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "u1", "?")]
    plain = [core.scalar, core._reconstruct, np.ndarray, np.dtype, *dtypes, argparse.Namespace]
    with torch.serialization.safe_globals(plain):
        return torch.load(path, map_location="cpu", weights_only=True)


def _not_arrays(name: str, path: Path, error: Exception) -> UserError:
    kind = "an .npz" if path.suffix == ".npz" else f"a {path.suffix or '.pth'}"
    whole = re.search(r"GLOBAL ([\w.]+)", str(error))
    advice = ""
    if whole:
        advice = f"; it holds {whole[1]}, a program: save the network's state_dict() instead"
    elif isinstance(error, pickle.UnpicklingError):
        advice = "; it is a pickle, a program: write the network's state_dict() by torch.save instead"
    return UserError(f"{name}: {path.name!r} is not {kind} of plain arrays ({type(error).__name__}){advice}.")


# Which of its state dicts


def _states(content: Any, where: str = "", depth: int = 0) -> Iterator[tuple[str, Mapping[str, Tensor]]]:
    """Every mapping of names to tensors, with its place; an optimiser's is none."""
    if not isinstance(content, Mapping) or depth > MAX_DEPTH or "param_groups" in content:
        return
    own = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if any("." in key or key in ("weight", "bias") or value.dim() for key, value in own.items()) and own:
        yield where, own
    for key, value in content.items():
        if isinstance(key, str):
            yield from _states(value, f"{where}.{key}" if where else key, depth + 1)


def _words(place: str) -> list[str]:
    return re.split(r"[^a-z]+", place.lower())


def about(place: str, role: str) -> bool:
    """Whether a name, such as "state.netG" or "discriminator", is one that people give to that network."""
    return any(word in ROLES[role] for word in _words(place)) or any(
        word.startswith(name) for word in _words(place) for name in ROLES[role] if len(name) > 3
    )


def _split(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The networks in one state dict, by what their names begin with: "generator." and "discriminator.", or
    "online_model." and "ema_model."; none where it is one network."""
    heads = list(dict.fromkeys(key.partition(".")[0] for key in state if "." in key))
    parts = [head for head in heads if about(head, "generator") or about(head, "critic")]
    if not parts and len(heads) > 1 and set(heads) <= set(WRAPPERS):
        parts = heads
    if len({key.partition(".")[0] for key in state}) < 2:
        parts = []
    return {
        head: {key[len(head) + 1 :]: value for key, value in state.items() if key.startswith(f"{head}.")}
        for head in parts
    }


def _is_all(split: Mapping[str, Any]) -> bool:
    """Whether the whole is nothing beside its parts: a network and its opponent, or its average."""
    critics = [about(head, "critic") for head in split]
    return (any(critics) and not all(critics)) or (len(split) > 1 and set(split) <= set(WRAPPERS))


def _choose(
    name: str, path: Path, content: Any, copy: str | None, found: list[Finding]
) -> Mapping[str, Tensor]:
    """The state dict that is meant by ``name`` and ``copy``."""
    states = dict(_states(content))
    for place, state in list(states.items()):
        split = _split(state)
        states |= {f"{place}.{head}" if place else head: inner for head, inner in split.items()}
        if _is_all(split):
            del states[place]
    if not states:
        what = f"a {type(content).__name__}"
        raise UserError(f"{name}: {path.name!r} is not a state dict of named tensors, but {what}.")
    listed = ", ".join(repr(place) for place in states)
    if copy is not None:
        called = [place for place in states if copy in (place, place.rpartition(".")[2])]
        if len(called) != 1:
            raise UserError(f"{name}: {path.name!r} holds no one copy {copy!r}; it holds {listed}.")
        return states[called[0]]
    mine = [place for place in states if about(place, name)]
    other = "critic" if name == "generator" else "generator"
    mine = mine or [place for place in states if not about(place, other)]
    if not mine:
        raise UserError(f"{name}: {path.name!r} holds {listed}, none of which is a {name}.")
    averages = [place for place in mine if any(word in AVERAGES for word in _words(place))]
    chosen = mine[0] if len(mine) == 1 else averages[0] if len(averages) == 1 else None
    if chosen is None:
        raise UserError(f"{name}: {path.name!r} holds {len(mine)} copies, {', '.join(map(repr, mine))}: "
        f"choose one by "
                        f"copy={mine[0]!r}.")  # fmt: skip
    if len(mine) > 1:
        rest = ", ".join(repr(place) for place in mine if place != chosen)
        found.append(Finding(
            "copies", f"the file of the {name} holds {len(mine)} copies of it", f"{chosen!r}, an average, "
            f"was taken",
            f"copy= takes another: {rest}", severity="done", values={"part": name, "copy": chosen},
        ))  # fmt: skip
    return states[chosen]


# Names and norms


def _tidy(
    name: str, path: Path, state: Mapping[str, Tensor], chainer: bool, found: list[Finding]
) -> Checkpoint:
    if len(state) > MAX_ARRAYS:
        raise UserError(f"{name}: {path.name!r} holds more than {MAX_ARRAYS:,} arrays.")
    if sum(value.numel() * value.element_size() for value in state.values()) > MAX_BYTES:
        raise UserError(f"{name}: {path.name!r} holds more than {MAX_BYTES // 2**20} MiB.")
    state = _peeled(state)
    kinds = set()
    plain = {}
    for key, value in state.items():
        last = re.split(r"[./]", key)[-1]
        if last in ("num_batches_tracked", "N"):
            continue
        sound = value.layout == torch.strided and value.is_floating_point() and not value.is_meta
        if not (sound and torch.isfinite(value.float()).all()):
            raise UserError(f"{name}: {key} must hold finite floating-point numbers.")
        if last not in ("u", "_u", "_v", "weight_u", "weight_v"):
            kinds.add(value.dtype)
        plain[key] = value.float()
    if not plain:
        raise UserError(f"{name}: {path.name!r} holds no weights.")
    odd = kinds - {torch.float32}
    if odd:
        words = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in odd))
        found.append(Finding(
            "precision", f"the {name}'s weights were {words}", "gradients need float32", "they were "
            "converted",
            severity="done", values={"dtype": words, "part": name},
        ))  # fmt: skip
    made = Checkpoint({}, chainer, found=found)
    if chainer:
        made.arrays = {key: value for key, value in plain.items() if key.rpartition("/")[2] != "u"}
    else:
        folded = _without_weight_norms(name, plain, made.normalised)
        made.arrays = _as_chainer(folded)
        made.normalised = {layer.replace(".", "/") for layer in made.normalised}
    if not made.arrays:
        raise UserError(f"{name}: {path.name!r} holds no weights.")
    _say_fresh_norms(name, made)
    return made


def _counts(key: str, value: Tensor) -> bool:
    """Whether it only counts or marks something, as an average's "n_averaged": a number of no layer."""
    return value.dim() == 0 and not value.is_meta and "." not in key and "/" not in key


def _peeled(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without what torch.compile, DataParallel and their like put before or into every name."""
    state = {key: value for key, value in state.items() if not _counts(key, value)}
    peeled = {re.sub(r"(^|\.)_orig_mod(?=\.)", "", key).lstrip("."): value for key, value in state.items()}
    while True:
        heads = {key.partition(".")[0] for key in peeled}
        if len(heads) != 1 or not all("." in key for key in peeled):
            return peeled
        (head,) = heads
        if head not in WRAPPERS:
            return peeled
        peeled = {key.partition(".")[2]: value for key, value in peeled.items()}


def _without_weight_norms(name: str, state: dict[str, Tensor], normalised: set[str]) -> dict[str, Tensor]:
    """Spectral and weight norm, either age of PyTorch or torch-mimicry's, as the weights they stand for."""
    plain = dict(state)

    def take(key: str) -> Tensor:
        return plain.pop(key)

    for key in list(state):
        layer, _, last = key.rpartition(".")
        if last == "weight_orig":
            u, v = plain.pop(f"{layer}.weight_u", None), plain.pop(f"{layer}.weight_v", None)
            plain[f"{layer}.weight"] = _spectral(take(key), u, v)
        elif key.endswith("parametrizations.weight.original"):
            layer = key.removesuffix(".parametrizations.weight.original").removesuffix(
                "parametrizations.weight.original"
            )
            stem = key.removesuffix("original")
            u, v = plain.pop(f"{stem}0._u", None), plain.pop(f"{stem}0._v", None)
            plain[f"{layer}.weight"] = _spectral(take(key), u, v)
        elif key.endswith("parametrizations.weight.original0"):
            layer = key.removesuffix(".parametrizations.weight.original0")
            plain[f"{layer}.weight"] = _weight_norm(name, layer, take(key), plain.pop(f"{key[:-1]}1", None))
        elif last == "weight_g":
            plain[f"{layer}.weight"] = _weight_norm(
                name, layer, take(key), plain.pop(f"{layer}.weight_v", None)
            )
        elif last == "sn_u" and f"{layer}.weight" in plain:
            u = take(key).flatten()
            plain.pop(f"{layer}.sn_sigma", None)
            matrix = plain[f"{layer}.weight"].flatten(1)
            if len(u) != len(matrix):
                raise UserError(f"{name}: {key} must have {len(matrix)} numbers, not {len(u)}.")
            v = torch.nn.functional.normalize(
                u @ matrix, dim=0
            )  # torch-mimicry takes one step when it is called
            u = torch.nn.functional.normalize(v @ matrix.T, dim=0)
            plain[f"{layer}.weight"] = plain[f"{layer}.weight"] / (u @ matrix @ v).clamp_min(1e-12)
        else:
            continue
        normalised.add(layer)
    order = {key: index for index, key in enumerate(state)}

    def place(key: str) -> int:
        layer = key.rpartition(".")[0]
        return min(
            index
            for other, index in order.items()
            if other == key or other.startswith(f"{layer}.") or not layer
        )

    if normalised:  # layers stand in the order in which the file has them
        plain = dict(sorted(plain.items(), key=lambda item: place(item[0])))
    return plain


def _spectral(weight: Tensor, u: Tensor | None, v: Tensor | None) -> Tensor:
    """W ÷ σ; σ is uᵀWv of the kept u and v, as in evaluation, or else the largest singular value."""
    if weight.dim() < 2 or not weight.numel():
        return weight  # its shape is refused later
    exact = torch.linalg.matrix_norm(weight.flatten(1), 2)
    best = exact
    if (
        u is not None
        and v is not None
        and abs(float(u.norm()) - 1) < 1e-2
        and abs(float(v.norm()) - 1) < 1e-2
    ):
        ways = [
            weight.flatten(1),
            weight.transpose(0, 1).flatten(1),
        ]  # transposed convolutions norm the other axis
        kept = [u @ way @ v for way in ways if way.shape == (len(u), len(v))]
        best = max(kept, key=float, default=exact)
    return weight / (best if float(best.abs()) > 1e-12 else 1e-12)


def _weight_norm(name: str, layer: str, g: Tensor, v: Tensor | None) -> Tensor:
    """g · v ÷ ‖v‖, the norm over the axes along which g has one number."""
    if v is None or g.dim() != v.dim():
        raise UserError(f"{name}: {layer} has one half of a weight norm only.")
    axes = [axis for axis in range(v.dim()) if g.shape[axis] == 1]
    length = v.square().sum(axes, keepdim=True).sqrt() if axes else v.abs()
    return v * (g / length.clamp_min(1e-12))


_LAYER = {"weight": "W", "bias": "b"}
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "avg_mean", "running_var": "avg_var"}


def _as_chainer(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    arrays = {}
    for key, value in state.items():
        layer, _, what = key.rpartition(".")
        names = _NORM if f"{layer}.running_var" in state else _LAYER
        arrays[f"{layer.replace('.', '/')}/{names.get(what, what)}".lstrip("/")] = value
    return arrays


def _say_fresh_norms(name: str, made: Checkpoint) -> None:
    norms = [key.removesuffix("/avg_var") for key in made.arrays if key.endswith("/avg_var")]
    fresh = [
        norm for norm in norms
        if bool((made.arrays[f"{norm}/avg_var"] == 1).all())
        and bool((made.arrays.get(f"{norm}/avg_mean", torch.ones(1)) == 0).all())
    ]  # fmt: skip
    if fresh:
        made.found.append(Finding(
            "batch-norm", f"{len(fresh)} of {len(norms)} batch norms in the {name}'s file never measured "
            f"their "
            "statistics (mean 0, variance 1)", "in evaluation they change nothing, so it does not do what "
            "it did in "
            "training", "take a checkpoint whose statistics were saved with it",
            severity="error", values={"part": name, "first": fresh[0]},
        ))  # fmt: skip

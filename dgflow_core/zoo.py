"""pretrained/ ⇄ Model: what is shipped, how it is loaded and how it is saved.

A model is a folder ``<dataset>/<model>/`` with ``config.json`` and ``weights.safetensors``
(tensors named ``generator.*``, ``critic.*`` and, where there is one, ``corrector.*``).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from dgflow_core import device as devices
from dgflow_core import models as architectures
from dgflow_core import priors
from dgflow_core.model import Model

ROOT = Path(__file__).resolve().parent.parent / "pretrained"
CONFIG, WEIGHTS = "config.json", "weights.safetensors"
MAX_WEIGHTS = 512 * 2**20
PARTS = ("generator", "critic", "corrector")


class _Network(BaseModel):
    model_config = ConfigDict(extra="forbid")
    architecture: str
    arguments: dict[str, Any] = {}


class _Prior(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["normal", "uniform"]
    dim: int = Field(ge=1, le=4096)


class Config(BaseModel):
    """What ``config.json`` holds. Provenance (recipe, data, seed, quality) is free-form."""

    model_config = ConfigDict(extra="allow")
    title: str
    kind: Literal["2d", "image", "text"]
    dataset: str
    prior: _Prior
    generator: _Network
    critic: _Network
    corrector: _Network | None = None
    logit_offset: float = Field(default=0.0, allow_inf_nan=False)


def root() -> Path:
    """The folder of shipped models; the environment variable DGFLOW_PRETRAINED names another."""
    return Path(os.environ.get("DGFLOW_PRETRAINED", ROOT))


def models() -> list[str]:
    """Names of the shipped models, such as "25gaussians/wgan-gp", sorted."""
    return sorted(file.parent.relative_to(root()).as_posix() for file in root().glob(f"*/*/{CONFIG}"))


def describe(name: str) -> dict:
    """The ``config.json`` of a shipped model, without loading its weights.

    Raises:
        ValueError: no such model; the message lists them.
    """
    if name not in models():
        raise ValueError(f"model must be one of {', '.join(models())}, or a folder, not {name!r}.")
    return json.loads((root() / name / CONFIG).read_text())


def load(model: str | Path, device: str = "auto", raw: bool = False) -> Model:
    """Load a shipped model by name, or any folder that holds one.

    Args:
        model: a name from ``models()`` or the path of a folder.
        device: "auto", "cpu", "cuda" or "mps".
        raw: leave the critic's offset as trained (``logit_offset`` 0).

    Raises:
        ValueError: not a model, damaged, or of shapes that do not fit; one sentence.
    """
    if str(model) in models():
        folder, name = root() / str(model), str(model)
    else:
        folder = Path(model)
        name = folder.name
        if not folder.is_dir():
            raise ValueError(f"model must be one of {', '.join(models())}, or a folder, not {str(model)!r}.")
    config = _read_config(folder / CONFIG)
    tensors = _read_weights(folder / WEIGHTS)
    target = devices.pick(device)
    networks: dict[str, nn.Module | None] = {"corrector": None}
    for part in PARTS:
        spec = getattr(config, part)
        if spec is not None:
            own = {k.removeprefix(f"{part}."): v for k, v in tensors.items() if k.startswith(f"{part}.")}
            networks[part] = _network(part, spec, own)
    try:
        return Model(
            {**config.model_dump(), "name": name},
            priors.make(config.prior.kind, config.prior.dim),
            networks["generator"], networks["critic"], networks["corrector"],
            0.0 if raw else config.logit_offset, target,
        )  # fmt: skip
    except RuntimeError:
        raise ValueError(
            f"model {name!r}: the generator does not take codes of prior dim {config.prior.dim}."
        ) from None


def save(model: Model, folder: Path, config: dict | None = None) -> Path:
    """Write ``model`` as a folder that ``load`` reads; ``config`` replaces the model's own.

    Tensors whose values half precision holds exactly are stored so; loading gives float32 back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{part}.{key}": _compact(value.cpu().contiguous())
        for part in PARTS
        if getattr(model, part) is not None
        for key, value in getattr(model, part).state_dict().items()
    }
    save_file(tensors, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)
    config = {**(config or model.config), "logit_offset": model.logit_offset}
    config.pop("name", None)
    Config.model_validate(config)
    (folder / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    return folder


def _compact(value: torch.Tensor) -> torch.Tensor:
    half = value.half()
    return half if torch.equal(half.to(value.dtype), value) else value


def _read_config(path: Path) -> Config:
    try:
        text = path.read_text()
        if len(text) > 2**20:
            raise ValueError(f"model: {CONFIG} is larger than 1 MiB.")
        return Config.model_validate_json(text)
    except FileNotFoundError:
        raise ValueError(f"model: the folder holds no {CONFIG}.") from None
    except (UnicodeDecodeError, OSError):
        raise ValueError(f"model: {CONFIG} cannot be read as text.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ValueError(f"model: {CONFIG} is not valid at {where}: {first['msg']}.") from None


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        if path.stat().st_size > MAX_WEIGHTS:
            raise ValueError(f"model: {WEIGHTS} is larger than {MAX_WEIGHTS // 2**20} MiB.")
        return load_file(path)
    except FileNotFoundError:
        raise ValueError(f"model: the folder holds no {WEIGHTS}.") from None
    except (SafetensorError, OSError):
        raise ValueError(f"model: {WEIGHTS} is not a safetensors file.") from None


def _network(part: str, spec: _Network, tensors: dict[str, torch.Tensor]) -> nn.Module:
    # On "meta" nothing is allocated, so that absurd widths cost nothing before shapes are compared.
    try:
        with torch.device("meta"):
            network = architectures.build(spec.architecture, spec.arguments)
        expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
        if expected != {key: tuple(value.shape) for key, value in tensors.items()}:
            raise ValueError("its tensors in the weights have other names or shapes")
        if any(not torch.isfinite(value).all() for value in tensors.values()):
            raise ValueError("its weights hold numbers that are not finite")
        floats = {key: value.float() for key, value in tensors.items()}
        network.load_state_dict(floats, assign=True)
        return network
    except (ValueError, TypeError, RuntimeError, IndexError, OverflowError) as error:
        raise ValueError(
            f"model: the {part} does not fit its architecture: {str(error).rstrip('.')}."
        ) from None

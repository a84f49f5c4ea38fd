"""pretrained/ ⇄ Model: what is shipped, how it is loaded and how it is saved.

A model is a folder ``<dataset>/<model>/`` with ``config.json`` and ``weights.safetensors``
(tensors named ``generator.*``, ``critic.*`` and, where there are any, ``corrector.*`` and
``ladder.*``). Networks of one's own take a name here with ``register``.
"""

from __future__ import annotations

import functools
import json
import os
import re
import runpy
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save_file
from torch import nn

from dgflow_core import device as devices
from dgflow_core import nets as architectures
from dgflow_core.errors import UserError
from dgflow_core.flow import priors
from dgflow_core.places import PRETRAINED
from dgflow_core.zoo.adapters import Choice
from dgflow_core.zoo.model import Model
from dgflow_core.zoo.own import Label, own_model
from dgflow_core.zoo.shapes import PARTS, affordable

CONFIG, WEIGHTS = "config.json", "weights.safetensors"
MAX_CONFIG, MAX_WEIGHTS = 2**20, 512 * 2**20
#: The largest number and the longest list that a network's arguments may hold, and the most repeated blocks.
MAX_WIDTH, MAX_LAYERS = 16_384, 64
MAX_AXES = 8


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
    title: str = Field(max_length=200)
    kind: Literal["2d", "image", "text"]
    dataset: str = Field(pattern=r"^[A-Za-z0-9_+-]{1,64}$")  # it names a folder
    prior: _Prior
    generator: _Network
    critic: _Network
    corrector: _Network | None = None
    ladder: _Network | None = None
    logit_offset: float = Field(default=0.0, allow_inf_nan=False)
    real_logits: dict[Literal["5%", "25%", "50%", "75%", "95%"], FiniteFloat] = {}
    quality: dict[str, Any] = {}
    alphabet: str | list[str] | None = None

    @field_validator("real_logits")
    @classmethod
    def _rising(cls, value: dict[str, float]) -> dict[str, float]:
        levels = [value.get(f"{share}%") for share in (5, 25, 50, 75, 95)]
        if value and levels != sorted(level for level in levels if level is not None):
            raise UserError("the logits of real samples must be given at 5, 25, 50, 75 and 95 %, rising")
        return value


def root() -> Path:
    """The folder of shipped models; the environment variable DGFLOW_PRETRAINED names another."""
    return Path(os.environ.get("DGFLOW_PRETRAINED", PRETRAINED))


def models() -> list[str]:
    """Names of the shipped models, such as "25gaussians/wgan-gp", and of registered ones, sorted."""
    _run_registry(os.environ.get("DGFLOW_REGISTER"))
    shipped = ("/".join(file.parts[-3:-1]) for file in root().glob(f"*/*/{CONFIG}"))
    return sorted({*filter(readable, shipped), *_registered})


def readable(name: str) -> bool:
    """Whether a file's name is text; on disk it may be any bytes, which no page and no terminal can show."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def describe(name: str) -> dict:
    """The ``config.json`` of a shipped model, without loading its weights.

    Raises:
        UserError: no such model; the message lists them.
    """
    if name not in models():
        raise UserError(f"model must be one of {', '.join(models())}, or a folder, not {name!r}.")
    if name in _registered:
        return _registered[name].config
    return json.loads((root() / name / CONFIG).read_text())


def load(model: str | Path, device: str = "auto", raw: bool = False) -> Model:
    """Load a shipped model by name, or any folder that holds one.

    Args:
        model: a name from ``models()`` or the path of a folder.
        device: "auto", "cpu", "cuda" or "mps".
        raw: leave the critic's offset as trained (``logit_offset`` 0).

    Raises:
        UserError: not a model, damaged, or of shapes that do not fit; one sentence.
    """
    names = models()
    if str(model) in _registered:
        own = _registered[str(model)]
        return own.with_offset(0.0) if raw else own
    if str(model) in names:
        folder, name = root() / str(model), str(model)
    else:
        folder = Path(model)
        name = folder.name
        if not folder.is_dir():
            raise UserError(f"model must be one of {', '.join(names)}, or a folder, not {str(model)!r}.")
    config, weights = _read(folder / CONFIG, MAX_CONFIG), _read(folder / WEIGHTS, MAX_WEIGHTS)
    return assemble(config, weights, name, device, raw)


def assemble(config: bytes, weights: bytes, name: str, device: str = "auto", raw: bool = False) -> Model:
    """A model from what its two files hold; arguments and errors as in ``load``.

    Nothing is unpickled. Nothing is run, and beyond the two files nothing is allocated, before every shape
    is known to fit and what a sample takes is known to be within bounds: see ``shapes.affordable``.
    """
    said, tensors = _parse_config(config), _parse_weights(weights)
    unknown = sorted(key for key in tensors if key.split(".")[0] not in PARTS)
    if unknown:
        raise UserError(f"model: {WEIGHTS} holds {unknown[0][:60]!r}, which belongs to no part of a model.")
    specs = {part: getattr(said, part) for part in PARTS if getattr(said, part) is not None}
    own = {
        part: {k.removeprefix(f"{part}."): v for k, v in tensors.items() if k.startswith(f"{part}.")}
        for part in specs
    }
    networks = {part: _skeleton(part, spec, own[part]) for part, spec in specs.items()}
    affordable(name, said.kind, said.prior.dim, networks)
    for part, network in networks.items():
        network.load_state_dict({key: value.float() for key, value in own[part].items()}, assign=True)
    made = Model(
        {**said.model_dump(), "name": name},
        priors.make(said.prior.kind, said.prior.dim),
        networks["generator"], networks["critic"], networks.get("corrector"),
        0.0 if raw else said.logit_offset, devices.pick(device), networks.get("ladder"),
    )  # fmt: skip
    if made.kind == "text" and len(said.alphabet or ()) != made.sample_shape[-1]:
        raise UserError(f"model: {CONFIG} must have an alphabet of {made.sample_shape[-1]} symbols.")
    return made


_registered: dict[str, Model] = {}


def register(
    name: str,
    generator: Any,
    critic: Any,
    *,
    dim: int,
    prior: str = "normal",
    corrector: Any = None,
    dataset: str | None = None,
    title: str | None = None,
    alphabet: str | list[str] | None = None,
    logit_offset: float = 0.0,
    device: str = "auto",
    **choice,
) -> Model:
    """Give networks of one's own a name: ``models``, ``load``, the command line and the app then know it.

    They are taken as people have them (see ``adapters``); what was done to them is said by ``dg.examine``.
    Networks in another precision are copied before they are converted; all are put in evaluation mode.

    Args:
        name: such as "mine/gan"; a second call with it replaces the first's model.
        generator: any module or function of codes (n, dim) or (n, dim, 1, 1), and of classes where there are
            any → images (n, 1 or 3, H, W) in [−1, 1], 8 to 256 pixels a side; points (n, 2); or, with
            ``kind="text"``, strings (n, length, symbols). It may return them in a tuple, list or dict.
        critic: any module or function of those samples that returns one logit each, also among other things:
            the discriminator before its sigmoid, or a WGAN's critic.
        dim, prior: the latent codes': how many numbers, "normal" or "uniform" on [−1, 1].
        corrector: d_λ, like the critic, or None. logit_offset: added to the logit.
        dataset: the data set it was trained on, where the explorer knows it; None takes the name's first
            part if that is one. The pages for the plane show models named after one of its data sets.
        alphabet: the symbols of a text model, in their order.
        choice: where there is one to be made: ``output`` and ``critic_output`` (an index, or a key) of what a
            network returns; ``label``, the class to draw; ``kind``, "2d", "image" or "text".

    Raises:
        UserError: a wrong name, networks that do not fit together, or a choice that is needed; one sentence.
    """
    if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", name) or (root() / name / CONFIG).exists():
        raise UserError(f"name must be like 'mine/gan' and no shipped model's, not {name!r}.")
    model = own_model(
        Label(name, title, dataset, alphabet), generator, {"critic": critic, "corrector": corrector},
        priors.make(prior, dim), Choice.parse(choice), device,
    )  # fmt: skip
    _registered[name] = model.with_offset(logit_offset)
    return _registered[name]


@functools.cache
def _run_registry(path: str | None) -> None:
    """Run the Python file that the environment variable DGFLOW_REGISTER names: it registers models."""
    if path is None:
        return
    try:
        runpy.run_path(path)
    except Exception as error:  # whatever a person's own file may raise
        raise UserError(
            f"DGFLOW_REGISTER: {Path(path).name} could not be run ({type(error).__name__}: {error})."
        ) from error


def save(model: Model, folder: str | Path, config: dict | None = None) -> Path:
    """Write ``model`` as a folder that ``load`` reads; ``config`` replaces the model's own.

    Tensors whose values half precision holds exactly are stored so; loading gives float32 back.

    Raises:
        UserError: the networks are of no architecture here, so that nothing could load them again.
    """
    if not {"generator", "critic"} <= set(config or model.config):
        raise UserError(f"model {model.name!r} has networks of its own; only our architectures can be saved.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{part}.{key}": _compact(value.cpu().contiguous())
        for part in PARTS
        if getattr(model, part) is not None
        for key, value in getattr(model, part).state_dict().items()
    }
    save_file(tensors, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)
    for name, content in model.beside.items():
        (folder / name).write_bytes(content)
    config = {**(config or model.config), "logit_offset": model.logit_offset}
    config.pop("name", None)
    Config.model_validate(config)
    (folder / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    return folder


def _compact(value: torch.Tensor) -> torch.Tensor:
    half = value.half()
    return half if torch.equal(half.to(value.dtype), value) else value


def _read(path: Path, limit: int) -> bytes:
    try:
        if not path.is_file():
            raise UserError(f"model: the folder holds no {path.name}.")
        with path.open("rb") as stream:  # bounded again: a file may grow after it was looked at
            content = stream.read(limit + 1) if path.stat().st_size <= limit else b""
    except OSError:
        raise UserError(f"model: {path.name} cannot be read.") from None
    if path.stat().st_size > limit or len(content) > limit:
        raise UserError(f"model: {path.name} is larger than {limit // 2**20} MiB.")
    return content


def _parse_config(content: bytes) -> Config:
    if len(content) > MAX_CONFIG:
        raise UserError(f"model: {CONFIG} is larger than {MAX_CONFIG // 2**20} MiB.")
    try:
        return Config.model_validate_json(content.decode())
    except UnicodeDecodeError:
        raise UserError(f"model: {CONFIG} cannot be read as text.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))[:80] or "the file"
        raise UserError(f"model: {CONFIG} is not valid at {where}: {first['msg']}.") from None


def _parse_weights(content: bytes) -> dict[str, torch.Tensor]:
    if len(content) > MAX_WEIGHTS:
        raise UserError(f"model: {WEIGHTS} is larger than {MAX_WEIGHTS // 2**20} MiB.")
    try:
        tensors = load_tensors(content)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError, TypeError):
        raise UserError(f"model: {WEIGHTS} is not a safetensors file.") from None
    for key, value in tensors.items():
        if value.dim() > MAX_AXES:
            raise UserError(
                f"model: {WEIGHTS} must hold tensors of at most {MAX_AXES} axes, and {key[:60]} has more."
            )
        if not value.is_floating_point() or not torch.isfinite(value.float()).all():
            raise UserError(
                f"model: {WEIGHTS} must hold finite floating-point numbers, which {key[:60]} does not."
            )
    return tensors


def _skeleton(part: str, spec: _Network, tensors: dict[str, torch.Tensor]) -> nn.Module:
    """The network of ``spec`` on "meta", where nothing is allocated, its shapes those of ``tensors``."""
    _check_arguments(part, spec.arguments)
    try:
        with torch.device("meta"):
            network = architectures.build(spec.architecture, spec.arguments)
        expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
        if expected != {key: tuple(value.shape) for key, value in tensors.items()}:
            raise ValueError("its tensors in the weights have other names or shapes")
        return network
    except Exception as error:  # whatever a constructor raises for arguments as somebody wrote them
        reason = str(error).partition("\n")[0][:200].rstrip(".") or type(error).__name__
        raise UserError(f"model: the {part} does not fit its architecture: {reason}.") from None


def _check_arguments(part: str, arguments: dict[str, Any]) -> None:
    """Refuse networks so wide or deep that building them, even without weights, would take long."""
    for name, value in arguments.items():
        many = isinstance(value, list) and len(value) > MAX_LAYERS
        limit = MAX_LAYERS if name in ("blocks", "depth", "levels") else MAX_WIDTH
        numbers = value if isinstance(value, list) else [value]
        large = any(isinstance(number, int | float) and not 0 <= number <= limit for number in numbers)
        if many or large:
            raise UserError(
                f"model: the {part}'s {name[:40]} must be 0 to {limit:,}, {MAX_LAYERS} entries at most."
            )

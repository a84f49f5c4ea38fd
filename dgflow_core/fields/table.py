"""(d, ∇d) by table look-up: what makes two-dimensional flows move while a slider moves.

In two dimensions the logit and its gradient are fixed functions of two numbers. They are
computed once on a grid and interpolated bilinearly from then on; every divergence is a weight
on top of that (``divergences``). The gradient is interpolated itself, not derived from the
interpolated logit: a ReLU critic's gradient jumps from one linear piece to the next, and a
bilinear surface would add jumps of its own at every cell border.

Points outside the grid are evaluated by the model, so that results are right everywhere.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor
from torch.nn.functional import grid_sample

from dgflow_core.errors import UserError
from dgflow_core.fields import relu_regions
from dgflow_core.fields.network import Evaluation, ExactField
from dgflow_core.nets.mlp import MLP
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

#: Nodes along one side of the grid, in each space; odd, so that the origin is a node.
SIZE = {"data": 1025, "latent": 1025}
_TILE = 48
log = logging.getLogger("dgflow")
_FORMAT, _TOP = "2", 65535


class TabulatedField(ExactField):
    """(d, ∇d) and g by bilinear interpolation in a table, for 2D models; drop-in for ``ExactField``.

    The table is computed once for a model and a space, kept in the user's cache folder unless one
    ships beside the model, and tied to the weights by their digest, without the offset, which is
    added on look-up: raw and calibrated models share one table.

    Args:
        model: whose logit; its samples and, for "latent", its codes must be points of the plane.
        space: "data" or "latent", as in ``ExactField``.
        size: nodes along one side; None takes ``SIZE[space]``.
        keep: write a table that had to be computed to disk. False for models of one session.
        progress: called with the share done, 0 to 1, while the table is computed.

    Attributes:
        table: (channels, size, size) float32: d without offset, ∂d/∂x, ∂d/∂y and, in latent
            space, the two coordinates of g(z); rows run along y, columns along x.
        half: half the side of the square it covers, centred on the origin, in the units of the space.

    Raises:
        UserError: the points of this space are not in the plane.
    """

    name = "tabulated"

    def __init__(
        self,
        model: Model,
        space: str = "data",
        size: int | None = None,
        keep: bool = True,
        progress: Callable[[float], None] | None = None,
    ):
        super().__init__(model, space)
        if self.shape != (2,) or model.sample_shape != (2,):
            raise UserError(f"model must have 2D samples and points to be tabulated, not {model.name}.")
        size = size or SIZE[space]
        found = _read(model, space, size) if keep else None
        if found is None:
            half = extent(model, space)
            found = compute(model, space, size, half, progress), half
            if keep:  # from the first visit on, everybody sees what is stored
                packed = pack(found[0])
                _write(_cached(model, space), model, space, size, packed, half)
                found = unpack(packed, size), half
        table, self.half = found
        # The channels of a node lie together, so that a look-up touches few lines of the cache.
        self.table = table.to(model.device)[None].contiguous(memory_format=torch.channels_last)[0]
        self.size = size

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the table takes."""
        return self.table.nbytes

    def evaluate(self, points: Tensor) -> Evaluation:
        """d, ∇d and the samples at ``points`` (n, 2)."""
        where = points.detach() / self.half
        values = grid_sample(self.table[None], where[None, None], padding_mode="border", align_corners=True)[
            0, :, 0
        ]
        sample = points if self.space == "data" else values[3:].T
        at = Evaluation(values[0] + self.model.logit_offset, values[1:3].T, sample)
        if where.abs().max().item() <= 1:  # false for points that are not finite as well
            return at
        outside = ~(where.abs() <= 1).all(1)
        exact = super().evaluate(points[outside])
        # Copies, because in data space the samples are the caller's own points.
        return Evaluation(*(_replaced(old, outside, new) for old, new in zip(at, exact, strict=True)))


def _replaced(rows: Tensor, where: Tensor, new: Tensor) -> Tensor:
    rows = rows.clone()
    rows[where] = new
    return rows


def extent(model: Model, space: str) -> float:
    """Half the side of the square that a table covers: where particles are, and some room."""
    if space == "latent":
        return model.reach(space)
    samples = float(model.generate(model.prior.sample(4096, 0)).abs().max())
    return max(1.1 * model.reach(space), 1.2 * samples)


def compute(
    model: Model,
    space: str,
    size: int,
    half: float,
    progress: Callable[[float], None] | None = None,
) -> Tensor:
    """The table on [−half, half]², (channels, size, size); see ``TabulatedField``."""
    read = _tile_reader(model.with_offset(0.0), space)
    axis = torch.linspace(-half, half, size, device=model.device)
    table = torch.empty(3 if space == "data" else 5, size, size, device=model.device)
    corners = [(y, x) for y in range(0, size, _TILE) for x in range(0, size, _TILE)]
    for done, (y, x) in enumerate(corners, 1):  # in tiles: memory stays small, neighbours together
        rows, columns = axis[y : y + _TILE], axis[x : x + _TILE]
        nodes = torch.cartesian_prod(rows, columns).flip(1)
        table[:, y : y + _TILE, x : x + _TILE] = read(nodes).reshape(-1, len(rows), len(columns))
        if progress:
            progress(done / len(corners))
    return table


def _tile_reader(model: Model, space: str) -> Callable[[Tensor], Tensor]:
    """The function from points (n, 2) to the channels of the table, (channels, n)."""
    critics = [net for net in (model.critic, model.corrector) if net is not None]
    field = ExactField(model, space)

    def any_network(points: Tensor) -> Tensor:
        at = field.evaluate(points)
        rows = [at.logit[:, None], at.grad] + ([at.sample] if space == "latent" else [])
        return torch.cat(rows, 1).T

    @torch.no_grad()
    def relu_networks(points: Tensor) -> Tensor:
        x, pull_back = points.T, None
        if space == "latent":
            x, pull_back = relu_regions.forward(cast(MLP, model.generator), x)
        parts = []
        for critic in critics:
            values, pull = relu_regions.forward(cast(MLP, critic), x)
            parts.append((values, pull(torch.ones_like(values))))
        d, grad = (sum(part[1:], part[0]) for part in zip(*parts, strict=True))
        return torch.cat([d, pull_back(grad), x] if pull_back else [d, grad])

    fits = all(map(relu_regions.fits, [*critics, model.generator]))
    return relu_networks if fits else any_network


def cache() -> Path:
    """The folder of tables made here: DGFLOW_CACHE, or the user's cache folder."""
    if named := os.environ.get("DGFLOW_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dgflow-explorer"


def path(model: Model, space: str) -> Path:
    """Where the table of ``model`` lies: beside the model where one ships, else in the cache."""
    beside = _beside(model, space)
    return beside if beside.exists() else _cached(model, space)


def _beside(model: Model, space: str) -> Path:
    return shelf.root() / model.name / f"field-{space}.safetensors"


def _cached(model: Model, space: str) -> Path:
    return cache() / f"{model.weights_digest[:16]}-{space}.safetensors"


def ship(name: str) -> list[Path]:
    """Put the tables of a shipped model beside its weights, so that nobody waits for them.

    Returns:
        The files.
    """
    model = shelf.load(name, device="cpu")
    for space in SIZE:
        field = TabulatedField(model, space, keep=False)
        _write(_beside(model, space), model, space, field.size, pack(field.table), field.half)
    return [path(model, space) for space in SIZE]


class Packed(NamedTuple):
    """A table as stored: 16 bits a number, the differences between neighbours, deflated."""

    ranges: list[tuple[float, float]]  # the lowest and the highest value of each channel
    content: bytes


def pack(table: Tensor) -> Packed:
    """``table`` (channels, size, size) in about a sixth of its bytes; see ``unpack``."""
    ranges = [(float(channel.min()), float(channel.max())) for channel in table]
    values = table.cpu().double().numpy()
    codes = [
        np.rint((channel - low) * (_TOP / ((high - low) or 1.0))).astype(np.uint16)
        for channel, (low, high) in zip(values, ranges, strict=True)
    ]
    change = np.stack(codes)
    for axis in (1, 2):  # modulo 2¹⁶, so that sums give the codes back
        change = np.diff(change, axis=axis, prepend=np.uint16(0))
    return Packed(ranges, zlib.compress(np.stack([change >> 8, change & 255]).astype(np.uint8).tobytes(), 6))


def unpack(packed: Packed, size: int) -> Tensor:
    """The table (channels, size, size) float32; off by at most 2⁻¹⁷ of a channel's range.

    Raises:
        ValueError: the content is damaged.
    """
    shape = (2, len(packed.ranges), size, size)
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(packed.content, math.prod(shape) + 1)
    except zlib.error:
        content = b""
    if len(content) != math.prod(shape):
        raise ValueError("table: the content is damaged.")
    high, low = np.frombuffer(content, np.uint8).reshape(shape).astype(np.uint16)
    codes = (high << 8) | low
    for axis in (2, 1):
        codes = np.cumsum(codes, axis=axis, dtype=np.uint16)
    table = np.empty(shape[1:], np.float32)
    for channel, code, (least, most) in zip(table, codes, packed.ranges, strict=True):
        np.multiply(code, np.float32((most - least) / _TOP), out=channel)
        channel += np.float32(least)
    return torch.from_numpy(table)


def _identity(model: Model, space: str, size: int) -> dict[str, str]:
    return {"format": _FORMAT, "digest": model.weights_digest, "space": space, "size": str(size)}


def _find(model: Model, space: str, size: int) -> tuple[Packed, float] | None:
    """The stored table that fits ``model`` and the half of its side, or None."""
    for file in (_beside(model, space), _cached(model, space)):
        try:
            with safe_open(file, framework="np") as stored:
                found = stored.metadata() or {}
                if not _identity(model, space, size).items() <= found.items():
                    continue
                ranges = [(float(low), float(high)) for low, high in json.loads(found["ranges"])]
                half, content = float(found["half"]), stored.get_tensor("table").tobytes()
        except (OSError, SafetensorError, ValueError, TypeError, KeyError):
            continue
        channels = 3 if space == "data" else 5
        if len(ranges) == channels and np.isfinite([*np.ravel(ranges), half]).all() and half > 0:
            return Packed(ranges, content), half
    return None


def _read(model: Model, space: str, size: int) -> tuple[Tensor, float] | None:
    found = _find(model, space, size)
    if found is None:
        return None
    try:
        return unpack(found[0], size), found[1]
    except ValueError:
        return None


def _write(target: Path, model: Model, space: str, size: int, packed: Packed, half: float) -> None:
    """Store a table in one move, so that a reader never meets half a file."""
    header = {**_identity(model, space, size), "half": repr(half), "ranges": json.dumps(packed.ranges)}
    content = save({"table": np.frombuffer(packed.content, np.uint8)}, metadata=header)
    scratch = target.with_name(f"{target.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(content)
        scratch.chmod(0o644)  # as any other file: another user may read it
        scratch.replace(target)
    except OSError as error:  # a full or read-only disk costs time at the next start, nothing else
        log.warning("The table of %s (%s) cannot be kept: %s", model.name, space, error)
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)

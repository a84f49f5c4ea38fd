"""What is to be seen of a generator being grown in the plane: particles, ratio, samples, loop by loop."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.fields.network import Evaluation
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane.metrics import quick
from dgflow_core.kinds.plane.reference import PlaneReference, reference
from dgflow_core.kinds.plane.square import around
from dgflow_core.methods.dgflow import drift
from dgflow_core.training.plane_quality import REAL_SEED

#: Spectators that are watched; cells along a side of the map, and arrows.
WATCHED, MAP, ARROWS = 400, 32, 13
SEED = 5  # of the codes of the spectators
FILE = "growth.npz"
LARGEST = float(np.finfo(np.float16).max)
_ARRAYS = ("particles", "samples", "logits", "maps", "vectors")


@dataclass
class GrowthRecord:
    """The recorded outer loops of one training. A frame is a move of one of them.

    Attributes:
        dataset, divergence: of what. extent: half the side of the square that map and arrows cover.
        loops: which outer loop each frame belongs to; moves: how many moves its particles have made in it.
        particles: (n, 2) a frame: spectators that follow the flow from where the generator put them.
        samples: (n, 2) a frame: the generator's samples of the same codes. logits: (n,), d of the particles.
        maps: (MAP, MAP) a frame: d on a grid. vectors: (ARROWS², 2) a frame: the drift w_f(d) ∇d on a grid.
        numbers: name → one number for each loop that was recorded: losses and metrics.
    """

    dataset: str
    divergence: str
    extent: float
    loops: list[int] = field(default_factory=list)
    moves: list[int] = field(default_factory=list)
    particles: list[np.ndarray] = field(default_factory=list)
    samples: list[np.ndarray] = field(default_factory=list)
    logits: list[np.ndarray] = field(default_factory=list)
    maps: list[np.ndarray] = field(default_factory=list)
    vectors: list[np.ndarray] = field(default_factory=list)
    numbers: dict[str, list[float]] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        """What each frame is called."""
        return tuple(f"loop {loop}, move {move}" for loop, move in zip(self.loops, self.moves, strict=True))

    def series(self, name: str) -> np.ndarray:
        """A number of the loops, a value for each frame."""
        by_loop = dict(zip(dict.fromkeys(self.loops), self.numbers[name], strict=True))
        return np.array([by_loop[loop] for loop in self.loops], np.float64)

    def state(self) -> dict[str, Any]:
        """Everything, as a checkpoint keeps it."""
        stacked = {name: torch.from_numpy(np.array(getattr(self, name), np.float16)) for name in _ARRAYS}
        return {"arrays": stacked, "loops": self.loops, "moves": self.moves, "numbers": self.numbers}

    def restore(self, state: dict[str, Any]) -> None:
        for name in _ARRAYS:
            setattr(self, name, list(state["arrays"][name].numpy()))
        self.loops, self.moves, self.numbers = state["loops"], state["moves"], state["numbers"]

    def content(self) -> bytes:
        """It as a file of plain arrays of half precision, which ``load`` reads."""
        state = self.state()
        header = {
            "dataset": self.dataset, "divergence": self.divergence, "extent": self.extent,
            "loops": self.loops, "moves": self.moves, "numbers": self.numbers,
        }  # fmt: skip
        arrays = {name: value.numpy() for name, value in state["arrays"].items()}
        stream = io.BytesIO()
        np.savez_compressed(
            stream, header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8), **arrays
        )
        return stream.getvalue()

    def extend(self, other: GrowthRecord) -> None:
        """Put what another record of the same training shows after what this one does."""
        for name in (*_ARRAYS, "loops", "moves"):
            getattr(self, name).extend(getattr(other, name))
        for name, values in other.numbers.items():
            self.numbers.setdefault(name, []).extend(values)

    @classmethod
    def read(cls, content: bytes) -> GrowthRecord:
        """What ``content`` gave; nothing is unpickled.

        Raises:
            UserError: it is no such file.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                header = json.loads(file["header"].tobytes().decode())
                return cls(**header, **{name: list(file[name]) for name in _ARRAYS})
        except Exception as error:
            raise UserError(f"the record of a growth cannot be read ({type(error).__name__}).") from None


def square_grid(half: float, size: int) -> np.ndarray:
    """Centres of ``size`` × ``size`` cells, float32 (size², 2), rows from the bottom."""
    centres = ((np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1) * half
    x, y = np.meshgrid(centres, centres)
    return np.stack([x.ravel(), y.ravel()], axis=1)


class Recorder:
    """Watches outer loops of a planar trainer, which go on exactly as they would without it."""

    def __init__(self, trainer: Any):
        recipe, target = trainer.recipe, trainer.target
        known = recipe.dataset in plane_datasets.datasets
        self.against = reference(recipe.dataset) if known else PlaneReference(target)
        extent = getattr(target, "extent", None) or around(target.sample(2000, REAL_SEED))
        self.trainer, self.record = trainer, GrowthRecord(recipe.dataset, recipe.divergence, float(extent))
        self.codes = trainer.prior.sample(WATCHED, SEED).to(trainer.device)
        self.grids = [
            torch.from_numpy(square_grid(extent, size)).to(trainer.device) for size in (MAP, ARROWS)
        ]

    def clear(self) -> None:
        """Forget what was recorded, once it was sent."""
        record = self.record
        self.record = GrowthRecord(record.dataset, record.divergence, record.extent)

    def loop(self, iteration: int, rng: torch.Generator) -> dict[str, float]:
        """One outer loop of the trainer, recorded; what it returns."""
        trainer, samples = self.trainer, self._samples()
        particles = samples
        for move, found in enumerate(trainer.outer_loop(iteration, rng)):
            if isinstance(found, dict):
                break
            if move:
                particles = trainer.move(particles)
            self._keep(iteration, move, particles, samples)
        with torch.no_grad():
            points = trainer.average.module(trainer.prior.sample(2000, SEED + 1).to(trainer.device))
        measured = quick(points.cpu().numpy(), self.against)
        for name, value in {**found, **measured}.items():
            self.record.numbers.setdefault(name, []).append(round(float(value), 5))
        return found

    @torch.no_grad()
    def _samples(self) -> Tensor:
        return self.trainer.generator(self.codes)

    def _keep(self, loop: int, move: int, particles: Tensor, samples: Tensor) -> None:
        record = self.record
        d, _ = self._look(particles)
        level, _ = self._look(self.grids[0])
        _, vectors = self._look(self.grids[1])
        rows = (particles, samples, d, level.reshape(MAP, MAP), vectors)
        for name, value in zip(_ARRAYS, rows, strict=True):
            value = value.nan_to_num().clamp(-LARGEST, LARGEST)  # Jeffreys' drift knows no end
            getattr(record, name).append(value.cpu().numpy().astype(np.float16))
        record.loops.append(loop)
        record.moves.append(move)

    def _look(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """d and w_f(d) ∇d at points, by the critic as it is now."""
        with torch.enable_grad():
            x = points.detach().requires_grad_(True)
            d = self.trainer.critic(x)
            (grad,) = torch.autograd.grad(d.sum(), x)
        at = Evaluation(d.detach(), grad, points)
        return at.logit, drift(at, self.trainer.recipe.divergence)


def wanted(iteration: int) -> bool:
    """Which outer loops a whole training keeps: the first five, then ever fewer, about 40 of 400."""
    if iteration <= 5:
        return True
    step = max(1, int(iteration**0.5))
    return iteration % step == 0 and (iteration <= 30 or (iteration // step) % 2 == 0)

"""What a run leaves: positions, samples, logits, settings and where they came from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from dgflow_core import files

_VERSION = 2
#: Files of version 1 did not say what kind their run is of; their samples have these many axes.
_KINDS_OF_VERSION_1 = {3: "2d", 4: "text", 5: "image"}
MAX_BYTES = 2**31  # of a saved run, unless the caller says otherwise
Ended = Literal["complete", "stopped", "non-finite"]


@dataclass
class Trajectory:
    """A recorded run of ``steps`` steps with ``n`` particles.

    Attributes:
        positions: (steps + 1, n, *point) in the refined space; ``positions[0]`` is the start.
        samples: (steps + 1, n, *sample_shape); in data space the same tensor as ``positions``.
        logits: (steps + 1, n), d at every position.
        settings: a plain dict; ``dg.refine(model, **settings)`` runs it again.
        provenance: model name, weights digest, field and software versions.
        info: per-step scalars of the method, name → list of ``steps + 1`` values.
        kind: what a sample is, as its model's config says: "2d", "image" or "text".
        ended: "complete", "stopped" (on request) or "non-finite"; ``message`` says why, or "".
    """

    positions: Tensor
    samples: Tensor
    logits: Tensor
    settings: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    info: dict[str, list[float]] = field(default_factory=dict)
    ended: Ended = "complete"
    message: str = ""
    kind: str = "2d"

    @property
    def steps(self) -> int:
        """How many steps were recorded (fewer than asked where the run ended early)."""
        return len(self.positions) - 1

    @property
    def n(self) -> int:
        return self.positions.shape[1]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the arrays take."""
        samples = 0 if self.samples is self.positions else self.samples.nbytes
        return self.positions.nbytes + samples + self.logits.nbytes

    def save(self, path) -> Path:
        """Write the run as a compressed ``.npz`` of plain arrays; return the path written."""
        path = Path(path)
        header = {
            "version": _VERSION, "settings": self.settings, "provenance": self.provenance,
            "info": self.info, "ended": self.ended, "message": self.message,
            "kind": self.kind,
        }  # fmt: skip
        arrays: dict[str, Any] = {"positions": self.positions, "logits": self.logits}
        if self.samples is not self.positions:
            arrays["samples"] = self.samples
        with path.open("wb") as stream:  # a handle: numpy would append .npz to another suffix
            np.savez_compressed(
                stream,
                header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8),
                **{name: value.cpu().numpy() for name, value in arrays.items()},
            )
        return path

    @classmethod
    def load(cls, path, limit: int = MAX_BYTES) -> Trajectory:
        """Read a run written by ``save``; nothing in the file is unpickled.

        Args:
            limit: the most bytes it may hold, unpacked; a small file may unpack to a huge one.

        Raises:
            ValueError: the file is not such a run.
        """
        if Path(path).exists():
            files.check("path", Path(path), limit)
        try:
            with np.load(Path(path), allow_pickle=False) as file:
                header = json.loads(file["header"].tobytes().decode())
                arrays = {
                    name: torch.from_numpy(file[name])
                    for name in ("positions", "logits", "samples")
                    if name in file.files
                }
            positions = arrays.pop("positions")
            samples = arrays.get("samples", positions)
            if header.pop("version") == 1:
                header["kind"] = _KINDS_OF_VERSION_1[samples.dim()]
            return cls(positions, samples, arrays["logits"], **header)
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ValueError(f"path {str(path)!r} is not a saved run ({type(error).__name__}).") from None

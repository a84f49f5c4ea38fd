"""Records what the Draw page plays until somebody paints: a training on a heart, and its refinement.

python -m dgflow_core prepare demonstration
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dgflow_core.kinds.plane.drawn_points import Drawing, shape
from dgflow_core.training import drawn

#: Particles of the recording; iterations of the game; how many of its frames are kept.
SHOWN, GAME, KEPT = 300, 150, 12


def record(path: Path, iterations: int = GAME, alone: int = drawn.ALONE) -> None:
    """Write ``ink`` (SIDE, SIDE), ``frames`` (k, SHOWN, 2) in thousandths, ``refined``: the first such."""
    drawing, frames = shape("Heart"), []
    trainer = drawn.trainer(drawing, iterations)
    every = max(1, iterations // KEPT)
    for iteration in range(1, iterations + 1):
        trainer.step(iteration)
        if iteration % every == 0:
            frames.append(trainer.report("game", iteration)["samples"])
    trainer.begin_alone()
    for iteration in range(alone):
        trainer.alone(iteration / alone)
    begin, path_of = len(frames), trainer.path(drawn.WATCHED, 5)
    frames += [points.mul(1000).round().int().flatten().tolist() for points in path_of[::2]]
    kept = np.array(frames, np.int16).reshape(len(frames), -1, 2)[:, :SHOWN]
    np.savez_compressed(path, ink=drawing.ink.astype(np.uint8), frames=kept, refined=begin)


def read(path: Path) -> tuple[Drawing, np.ndarray, int]:
    """The recording: its drawing, frames (k, n, 2) in data units, and the first one that is refined."""
    with np.load(path) as kept:
        return (
            Drawing(kept["ink"].astype(float)),
            kept["frames"].astype(np.float32) / 1000,
            int(kept["refined"]),
        )

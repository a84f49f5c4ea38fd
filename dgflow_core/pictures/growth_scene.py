"""Generators that are being grown in the plane, as a scene: particles on the ratio as it is, loop by loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dgflow_core.flow.divergences import divergences
from dgflow_core.kinds.plane.metrics import METRICS
from dgflow_core.pictures.plane_layers import AXES
from dgflow_core.pictures.scene import Arrows, Curve, Map, Panel, Scene, check_runs
from dgflow_core.training.growth_record import ARROWS, GrowthRecord, square_grid

#: What is drawn under the panels, by its name in a record: title, unit, which way is better.
LOSSES = {
    "critic_loss": ("Critic's loss", "nats", ""),
    "misfit": ("Generator's misfit", "mean squared", "down"),
}
WORDS = {
    "flow": "Particles on the flow",
    "samples": "Generator's samples",
}


def compose(
    records: Sequence[GrowthRecord], real: np.ndarray, title: str, key: str = "", most: int = 240
) -> Scene:
    """One scene of a growth, its generator's samples beside it, or of two to four growths side by side.

    Args:
        real: (m, 2) samples of the data. most: frames that are shown; of a longer record, fewer loops.

    Raises:
        UserError: no records, or too many.
    """
    check_runs(records, None, 4)
    records = [thinned(record, most) for record in records]
    longest = max(records, key=lambda record: len(record.loops))
    steps = len(longest.loops) - 1
    if len(records) == 1:
        flow = _panel(records[0], "particles", steps, real, WORDS["flow"])
        own = _panel(records[0], "samples", steps, real, WORDS["samples"])
        panels = [flow, replace(own, map=None, arrows=None)]
    else:
        panels = [_panel(one, "particles", steps, real, divergences[one.divergence].title) for one in records]
    return Scene(
        tuple(panels), steps, _curves(records, len(panels)), fps=8.0, key=key, title=title,
        subtitle="exp(−d) is the density ratio as the critic knows it at that moment",
        names=longest.names(),
    )  # fmt: skip


def thinned(record: GrowthRecord, most: int) -> GrowthRecord:
    """The record with whole loops left out, evenly, until it has at most ``most`` frames; the last stays."""
    loops = list(dict.fromkeys(record.loops))
    if len(record.loops) <= most or len(loops) < 2:
        return record
    room = max(1, most * len(loops) // len(record.loops))
    kept = {loops[i] for i in np.unique(np.linspace(0, len(loops) - 1, room).round().astype(int))}
    frames = [index for index, loop in enumerate(record.loops) if loop in kept]
    chosen = {
        name: [getattr(record, name)[index] for index in frames]
        for name in ("loops", "moves", "particles", "samples", "logits", "maps", "vectors")
    }
    at = [index for index, loop in enumerate(loops) if loop in kept]
    numbers = {name: [values[index] for index in at] for name, values in record.numbers.items()}
    return replace(record, **chosen, numbers=numbers)


def _panel(record: GrowthRecord, what: str, steps: int, real: np.ndarray, title: str) -> Panel:
    half = record.extent

    def stacked(name: str) -> np.ndarray:
        frames = np.stack(getattr(record, name)).astype(np.float32)
        missing = steps + 1 - len(frames)
        return np.concatenate([frames, np.repeat(frames[-1:], missing, 0)]) if missing else frames

    return Panel(
        (-half, half, -half, half),
        title,
        axes=AXES["data"],
        map=Map(stacked("maps"), "logit d(x)", "nats", "logit"),
        arrows=Arrows(square_grid(half, ARROWS), stacked("vectors"), "drift −∇f′(ρ/μ)"),
        real=real,
        positions=stacked(what),
        logits=stacked("logits") if what == "particles" else None,
    )


def _curves(records: Sequence[GrowthRecord], panels: int) -> tuple[Curve, ...]:
    rows = {**LOSSES}
    for name, metric in METRICS.items():
        rows[name] = (metric.title, metric.unit, metric.better or "")
    curves = []
    for name, (title, unit, better) in rows.items():
        if any(name in one.numbers for one in records):
            series = [one.series(name) if name in one.numbers else None for one in records]
            curves.append(Curve(title, (*series, *[None] * (panels - len(series))), unit, better))
    return tuple(curves)

"""Runs of images for the wall: sketched while they compute, packed once, their surroundings found later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

import dgflow_core as dg
from app import results
from app.jobs import Rank
from app.links import Values
from app.variations import Row
from dgflow_core.flow.driver import Frame
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.images.datasets.readers import contact_sheet
from dgflow_core.kinds.images.neighbours import surroundings
from dgflow_core.pictures.image_wall import Wall, band, pack, side_by_side
from dgflow_core.pictures.order import ranked


def compute(model: dg.Model, rows: Sequence[Row], own: bool) -> list[Trajectory]:
    """The run of every row; the samples are sketched as they come in, below the rows that are done.

    Raises:
        UserError: a setting is wrong, or over the server's limits.
    """
    progress, sketch, runs = st.container(), st.empty(), []

    def draw(frame: Frame, row: Row) -> None:
        columns = len(frame.samples) if row.label else max(4, round(len(frame.samples) ** 0.5))
        shown = [*(run.samples[-1] for run in runs), frame.samples]
        picture = np.concatenate([contact_sheet(samples, columns) for samples in shown])
        step = f"step {frame.step} of {row.settings.get('steps', frame.step)}"
        caption = f"{row.label}, {step}" if row.label else step
        sketch.image(picture.repeat(2, axis=0).repeat(2, axis=1), caption=caption)

    try:
        with progress:
            for row in rows:
                judged = row.model or model
                runs.append(
                    results.image_run(judged, row.settings, lambda frame, row=row: draw(frame, row), own)
                )
    finally:
        sketch.empty()
    return runs


def packed(model: dg.Model, runs: list[Trajectory], labels: list[str] | None, own: bool) -> tuple:
    """The runs as bytes for the wall, and what surrounds them, or None while that is not found.

    The wall is shown before its map is ready: that takes a second or two, and is drawn in afterwards.
    """
    name = _name(model, runs)
    around = results.found(f"{name} around", own)
    bytes = results.kept(
        f"{name} {around is not None}", lambda: pack(model, runs, name, labels, around), own=own
    )
    return bytes, around


def find_surroundings(model: dg.Model, runs: list[Trajectory], own: bool) -> None:
    """Find the map and the nearest training images of runs, or the sentence why there are none."""

    def near():
        try:
            return surroundings(model.dataset, side_by_side(runs)[0])
        except ValueError as error:  # no index, no features, other pictures: a wall without its map
            return str(error)

    results.kept(f"{_name(model, runs)} around", near, lambda _: 2**20, own, Rank.LONG)


def picture(page: Values, runs: list[Trajectory], labels: list[str] | None) -> Wall | dict[str, Wall]:
    """What is on screen, for exports: the wall, and the selected sample's strip; or a grid."""
    key = results.key([results.identity(run) for run in runs])
    step = page["step"] if page["step"] >= 0 else None
    if labels is not None:
        return Wall(tuple(runs), tuple(labels), rows=True, order=page["order"], step=step, key=key)
    wall = Wall(tuple(runs), order=page["order"], step=step, key=key)
    sample = page["sample"]
    if not 0 <= sample < runs[0].n:
        sample = ranked(runs[0].logits, "improved")[0]
    return {"All samples": wall, f"Sample {sample + 1} over the steps": replace(wall, sample=sample)}


def quality(model: dg.Model) -> str:
    """How the paper's run does over many samples, where that was measured: a sentence, or ""."""
    measured = model.config.get("quality", {})
    if "base" not in measured or band(model) is None:
        return ""
    refined = measured["DGflow(KL)"]
    return (
        f"Over {measured['samples']:,} samples, {refined.get('steps', 25)} steps of DGflow (KL) at η = 0.1 "
        f"take the FID in {measured['features']} (not Inception's: compare it only with itself) "
        f"from {measured['base']['fid']:.1f} to {refined['fid']:.1f}."
    )


def _name(model: dg.Model, runs: list[Trajectory]) -> str:
    return results.key("wall", model.digest, [(run.settings, run.steps) for run in runs])

"""The run that a page of images or text begins with, kept beside its model: nobody waits for it."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dgflow_core import kinds
from dgflow_core.errors import UserError
from dgflow_core.flow.driver import Recorder, Run
from dgflow_core.flow.request import Request
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.text.transcript import Transcriber, Transcript
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

NAME = "first-run.npz"
N, SEED, METHOD = 64, 0, "dgflow"
_FORMS = {"image": (Trajectory, Recorder), "text": (Transcript, Transcriber)}


def settings(kind: str) -> dict[str, Any]:
    """The settings of the run that the page of a kind opens with, as ``dg.refine`` takes them."""
    declared = kinds.get(kind)
    first = {"method": METHOD, "space": "latent", "n": N, "seed": SEED}
    return first | declared.default_settings(METHOD) | dict(declared.opening)


def record(name: str) -> Path:
    """Run a shipped model as its page does at first, and keep that.

    Raises:
        UserError: the model's kind begins with no run that takes time.
    """
    model = shelf.load(name, device="cpu")
    if model.kind not in _FORMS:
        raise UserError(f"model must be of images or text, not {name!r}.")
    form, recorder_of = _FORMS[model.kind]
    recorder = recorder_of(Run(model, **settings(model.kind)))
    for frame in recorder.run:
        recorder.add(frame)
    run = recorder.trajectory()
    parts = {field.name: getattr(run, field.name) for field in fields(form)}
    arrays = {name: part.numpy() for name, part in parts.items() if isinstance(part, torch.Tensor)}
    header = {name: part for name, part in parts.items() if name not in arrays}
    path = shelf.root() / name / NAME
    np.savez_compressed(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    return path


def read(model: Model, settings: dict) -> Trajectory | Transcript | None:
    """The kept run of ``settings`` (as ``dg.refine`` takes them) on a model as it is now, or None."""
    path = shelf.root() / model.name / NAME
    if model.kind not in _FORMS or not path.exists():
        return None
    form, _ = _FORMS[model.kind]
    with np.load(path, allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes().decode())
        given = dict(settings)
        request = Request.of(model, given.pop("method", METHOD), given)
        if (header["provenance"]["digest"], header["settings"]) != (
            model.digest,
            request.settings(request.n),
        ):
            return None
        return form(
            **header, **{name: torch.from_numpy(file[name]) for name in file.files if name != "header"}
        )

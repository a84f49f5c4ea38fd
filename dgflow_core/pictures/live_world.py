"""A model's world as bytes, for ``assets/live/live.js``: tables of (d, ∇d), particles, declared settings."""

from __future__ import annotations

import typing
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from dgflow_core.fields.table import TabulatedField
from dgflow_core.flow.divergences import divergences
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.kinds.plane.reference import PlaneReference
from dgflow_core.methods import browser_forms, methods
from dgflow_core.methods.dot import estimate_lipschitz
from dgflow_core.pictures import palette
from dgflow_core.pictures.packing import encode
from dgflow_core.pictures.plane_layers import AXES, extent_of, real_points
from dgflow_core.zoo.model import Model

#: Methods that run in the browser, in the order of lists.
METHODS = tuple(browser_forms())
#: Nodes along one side of the table in the browser.
SIZE = 513
#: Real points of a drawing that are shown, and their seed; cells along a side of the raster of data.
SHOWN, RASTER = (2000, 7), 256
#: What settings are called on a control, where their names are not words.
_LABELS = {
    "eta": "step size",
    "gamma": "noise factor",
    "optimizer": "optimiser",
    "lipschitz": "Lipschitz constant",
}


def pack(
    model: Model,
    fields: Mapping[str, TabulatedField] | None = None,
    *,
    size: int = SIZE,
    pool: int = 10_000,
    target: Any = None,
    defaults: Mapping[str, Any] | None = None,
) -> bytes:
    """Everything the browser needs to simulate ``model`` by itself.

    Args:
        model: a 2D model.
        fields: its tables by space; None makes both. A space that is missing is not offered.
        size: nodes along one side of the tables, at most what ``fields`` have.
        pool: generated samples to start from; the browser takes as many as it shows.
        target: the data, anything with ``sample(n, seed)``; None: the model's data set, if it is known.
        defaults: settings that differ from the methods' own at first sight.

    Raises:
        ValueError: the model is not two-dimensional.
    """
    fields = fields or {space: TabulatedField(model, space) for space in ("data", "latent")}
    known = model.dataset in plane_datasets.datasets
    target = plane_datasets.get(model.dataset) if known else target
    modes = getattr(target, "modes", None)
    z = model.prior.sample(pool, 0).to(model.device)
    real = None if target is None else real_points(model.dataset) if known else target.sample(*SHOWN)
    tree = {
        "title": model.title,
        "model": model.name,
        "palette": palette.for_browser(),
        "prior": model.prior.kind,
        "offset": model.logit_offset,
        "spaces": {space: _space(field, model, size) for space, field in fields.items()},
        "start": {"data": _floats(model.generate(z)), "latent": _floats(z)},
        "real": None if real is None else np.asarray(real, dtype=np.float32),
        "modes": None if modes is None else np.asarray(modes, dtype=np.float32),
        "std": getattr(target, "std", None),
        "support": None if modes is not None or target is None else _support(target, model),
        "methods": {name: declared(name, fields) for name in METHODS},
        "divergences": shown_divergences(),
        "defaults": dict(defaults or {}),
    }  # fmt: skip
    tree["methods"] = {name: row for name, row in tree["methods"].items() if row["spaces"]}
    return encode(tree)


def _floats(points) -> np.ndarray:
    return points.cpu().numpy().astype(np.float32)


def _support(target: Any, model: Model) -> dict[str, Any]:
    """Where data lie, as a raster over the square that is shown: 1 near a real point; row 0 below."""
    half = extent_of(model, "data")[1]
    middle = (np.arange(RASTER) + 0.5) * (2 * half / RASTER) - half
    cells = PlaneReference(target).support(np.stack(np.meshgrid(middle, middle), -1).reshape(-1, 2))
    return {"side": RASTER, "half": half, "cells": cells.astype(np.uint8)}


def _space(field: TabulatedField, model: Model, size: int) -> dict[str, Any]:
    stride = max(1, (field.size - 1) // (size - 1))
    table = field.table[:, ::stride, ::stride].cpu().numpy()
    extent = extent_of(model, field.space)
    return {
        "size": table.shape[1], "half": field.half, "space": field.space,
        "extent": extent, "axes": AXES[field.space], "lipschitz": estimate_lipschitz(field),
        "channels": [
            {"changes": changes(channel["codes"]), "range": channel["range"]}
            for channel in map(_quantised, table)
        ],
    }  # fmt: skip


def changes(codes: np.ndarray) -> np.ndarray:
    """Codes (size, size) as changes between neighbours, modulo 2¹⁶: their high bytes, then their low ones."""
    for axis in (0, 1):
        codes = np.diff(codes, axis=axis, prepend=np.uint16(0))
    return np.stack([codes >> 8, codes & 255]).astype(np.uint8)


def _quantised(channel: np.ndarray) -> dict[str, Any]:
    low, high = float(channel.min()), float(channel.max())
    high = high if high > low else low + 1.0
    codes = np.rint((channel.astype(np.float64) - low) * (65535 / (high - low)))
    return {"codes": codes.astype(np.uint16), "range": [low, high]}


def shown_divergences() -> dict[str, dict[str, str]]:
    """What the browser shows of each divergence."""
    return {
        key: {"title": row.title, "lesson": row.lesson, "weight": row.text}
        for key, row in divergences.items()
    }


def declared(
    name: str, spaces: Collection[str], defaults: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """A method's declaration for the browser, in those of its ``spaces`` that there are here.

    Args:
        defaults: settings that have another default for this kind of sample.
    """
    method = methods[name]
    return {
        "title": method.title,
        "about": method.about,
        "paper": method.paper,
        "spaces": [space for space in method.spaces if space in spaces],
        "settings": {
            key: _setting(method, key) | ({"default": defaults[key]} if key in defaults else {})
            for key in method.Settings.model_fields
        },
    }


def _setting(method, key: str) -> dict[str, Any]:
    """A setting's declaration, for the browser: the same one that makes the app's sliders."""
    info = method.Settings.model_fields[key]
    extra = info.json_schema_extra
    literal = typing.get_origin(info.annotation) is typing.Literal
    return {
        "symbol": extra["symbol"],
        "label": _LABELS.get(key, key.replace("_", " ")),
        "help": info.description,
        "default": info.default,
        "options": list(typing.get_args(info.annotation)) if literal else None,
        "slider": None if literal else list(extra["slider"]),
        "log": extra["log"],
        "step": extra["step"],
        "optional": type(None) in typing.get_args(info.annotation),
    }

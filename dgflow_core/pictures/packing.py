"""A scene as one blob: a JSON header and quantised arrays, read by ``assets/kit/unpack.js``.

Layout (little-endian): uint32 length of the header, the header, padding to 8 bytes, then the
arrays, each padded to 8. In the header an array is ``{"$": [dtype, shape, offset]}``.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from typing import Any

import numpy as np

from dgflow_core.pictures import palette
from dgflow_core.pictures.scene import Curve, Map, Panel, Scene

_KINDS = {"|u1": "u1", "<u2": "u2", "<u4": "u4", "<f4": "f4"}


def pack(scene: Scene) -> bytes:
    """``scene`` as bytes: positions and logits take 2 bytes a number, map stacks 1.

    5,000 particles × 101 frames are 3.1 MB. Maps of one kind and label share their range over
    all panels, and so do logits and arrows, so that compared panels can be compared by eye. A
    scene without a ``key`` gets a digest of its content.
    """
    header = {
        "title": scene.title,
        "steps": scene.steps,
        "fps": scene.fps,
        "layers": list(scene.layers),
        "names": list(scene.names),
        "palette": palette.for_browser(),
        "panels": _panels(scene.panels),
        "curves": [_curve(curve, scene.steps) for curve in scene.curves],
    }
    arrays: list[np.ndarray] = []
    tree = _lift(header, arrays)
    tree["key"] = scene.key or _digest(tree, arrays)
    return _join(tree, arrays)


def encode(tree: dict[str, Any]) -> bytes:
    """Any nested dictionary with arrays (uint8, uint16, uint32, float32) in the same layout."""
    arrays: list[np.ndarray] = []
    return _join(_lift(tree, arrays), arrays)


def envelope(packed: bytes, mount: dict[str, Any]) -> bytes:
    """``packed`` behind a small header that says where it is mounted (``openEnvelope`` in JS)."""
    return _prefix(mount) + packed


def quantise(values, low: float, high: float, dtype=np.uint16) -> np.ndarray:
    """Numbers → codes: 0 below ``low``, 1 … top − 2 inside, top − 1 above ``high``, top NaN."""
    top = np.iinfo(dtype).max
    values = np.asarray(values, dtype=np.float32)
    scale = np.float32((top - 3) / (high - low))
    with np.errstate(invalid="ignore", over="ignore"):
        codes = np.rint((values - np.float32(low)) * scale) + 1
        codes[values < low], codes[values > high], codes[np.isnan(values)] = 0, top - 1, top
    return np.clip(codes, 0, top).astype(dtype)


def shared_range(values: list[np.ndarray], symmetric: bool = False) -> tuple[float, float]:
    """The range of all finite ``values``; symmetric about 0 where asked; never empty."""
    finite = [v[np.isfinite(v)] for v in map(np.asarray, values)]
    finite = [v for v in finite if v.size]
    low = float(min((v.min() for v in finite), default=0.0))
    high = float(max((v.max() for v in finite), default=1.0))
    if symmetric:
        high = max(abs(low), abs(high))
        low = -high
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _panels(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    logits = [panel.logits for panel in panels if panel.logits is not None]
    logit_range = shared_range(logits)
    ranges = map_ranges([panel.map for panel in panels if panel.map is not None])
    longest = longest_arrows(panels)
    rows = []
    for panel in panels:
        x0, x1, y0, y1 = panel.extent
        row: dict[str, Any] = {
            "title": panel.title, "subtitle": panel.subtitle, "axes": list(panel.axes),
            "extent": list(panel.extent), "n": panel.n,
        }  # fmt: skip
        if panel.positions is not None:
            # x and y apart, so that the browser reads each with one scale and no stride
            row["x"] = quantise(panel.positions[..., 0], x0, x1)
            row["y"] = quantise(panel.positions[..., 1], y0, y1)
        if panel.logits is not None:
            row["logits"], row["logit_range"] = quantise(panel.logits, *logit_range), logit_range
        if panel.real is not None:
            row["real"] = np.asarray(panel.real, dtype=np.float32)
        if panel.map is not None:
            row["map"] = _map(panel.map, ranges[panel.map.group])
        if panel.arrows is not None:
            row["arrows"] = {
                "origins": np.asarray(panel.arrows.origins, dtype=np.float32),
                "vectors": np.asarray(panel.arrows.vectors, dtype=np.float32),
                "label": panel.arrows.label, "longest": longest[panel.arrows.label],
            }  # fmt: skip
        rows.append(row)
    return rows


def map_ranges(maps: list[Map]) -> dict[tuple, tuple[float, float]]:
    """The range that the maps of each group (``Map.group``) share."""
    ranges = {}
    for group in {one.group for one in maps}:
        alike = [one for one in maps if one.group == group]
        given = [one.range for one in alike if one.range is not None]
        values = [np.asarray(one.values) for one in alike]
        if given:
            ranges[group] = (min(r[0] for r in given), max(r[1] for r in given))
        elif alike[0].kind == "density":
            ranges[group] = (0.0, shared_range(values)[1] or 1.0)
        else:
            # extremes live in the corners, where nothing happens: the bulk sets the scale
            finite = np.concatenate([np.abs(v[np.isfinite(v)]) for v in values] or [[]])
            bulk = float(np.percentile(finite, 95)) if finite.size else 1.0
            ranges[group] = (-bulk, bulk) if bulk > 0 else (-1.0, 1.0)
    return ranges


def _map(one: Map, limits: tuple[float, float]) -> dict[str, Any]:
    values = np.clip(np.asarray(one.values, dtype=np.float32), *limits)
    dtype = np.uint8 if values.ndim == 3 else np.uint16
    return {
        "values": quantise(values, *limits, dtype), "range": limits, "kind": one.kind,
        "label": one.label, "unit": one.unit,
    }  # fmt: skip


def longest_arrows(panels: tuple[Panel, ...]) -> dict[str, float]:
    """The size |v| that each label draws at full length: the 95th percentile over all panels.

    Longer vectors are drawn no longer: where a critic folds, a few would shrink all others to dots.
    """
    sizes: dict[str, list[np.ndarray]] = {}
    for arrows in (panel.arrows for panel in panels if panel.arrows is not None):
        lengths = np.linalg.norm(np.asarray(arrows.vectors, dtype=float), axis=-1)
        sizes.setdefault(arrows.label, [np.zeros(0)]).append(lengths[np.isfinite(lengths)])
    joined = {label: np.concatenate(parts) for label, parts in sizes.items()}
    return {label: float(np.percentile(one, 95)) if one.size else 0.0 for label, one in joined.items()}


def _curve(curve: Curve, steps: int) -> dict[str, Any]:
    series = [None if one is None else np.asarray(one, dtype=np.float32) for one in curve.series]
    return {
        "name": curve.name, "unit": curve.unit, "better": curve.better, "series": series,
        "reference": None if curve.reference is None else {
            "low": curve.reference.low, "high": curve.reference.high, "label": curve.reference.label,
        },
    }  # fmt: skip


def _lift(value: Any, arrays: list[np.ndarray]) -> Any:
    """``value`` with its arrays moved to ``arrays`` and replaced by references."""
    if isinstance(value, dict):
        return {name: _lift(inner, arrays) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_lift(inner, arrays) for inner in value]
    if isinstance(value, np.ndarray):
        value = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        offset = sum(_padded(one.nbytes) for one in arrays)
        arrays.append(value)
        return {"$": [_KINDS[value.dtype.str], list(value.shape), offset]}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _join(tree: dict[str, Any], arrays: list[np.ndarray]) -> bytes:
    body = b"".join(one.tobytes().ljust(_padded(one.nbytes), b"\0") for one in arrays)
    return _prefix(tree) + body


def _prefix(tree: dict[str, Any]) -> bytes:
    text = json.dumps(tree, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return (struct.pack("<I", len(text)) + text).ljust(_padded(4 + len(text)), b"\0")


def _padded(length: int) -> int:
    return (length + 7) & ~7


def _digest(tree: dict[str, Any], arrays: list[np.ndarray]) -> str:
    sha = hashlib.blake2b(json.dumps(tree).encode(), digest_size=8)
    for one in arrays:
        sha.update(one)
    return sha.hexdigest()

"""A model of images or text as bytes, for ``assets/samples/samples.js``: field and settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dgflow_core import kinds
from dgflow_core.errors import UserError
from dgflow_core.fields import written_out
from dgflow_core.fields.network import ExactField
from dgflow_core.methods.dot import estimate_lipschitz
from dgflow_core.pictures import live_world, palette
from dgflow_core.pictures.browser_bundle import Document
from dgflow_core.pictures.packing import encode
from dgflow_core.places import ASSETS
from dgflow_core.zoo.model import Model

#: What computes in the browser: its module, and its WebAssembly in gzip.
RUNTIME = ASSETS / "vendor" / "onnxruntime-web"
FILES = {"ort": "ort.wasm.bundle.min.mjs", "wasm": "ort-wasm-simd-threaded.wasm.gz"}


def pack(model: Model, half: bool = False, runtime: bool = False) -> bytes:
    """Everything the browser needs to let samples of ``model`` flow by itself.

    Args:
        model: of images or text; with a ladder of critics, its first critic's logit throughout.
        half: all weights in float16, see ``written_out.field``.
        runtime: whether what computes comes along; else the page says where it is.

    Raises:
        UserError: points of the plane, or a layer that cannot be written out.
    """
    if model.kind not in ("image", "text"):
        raise UserError(f"model must be one of images or text, not {model.name} of kind '{model.kind}'.")
    written = written_out.field(model, half)
    defaults = kinds.get(model.kind).defaults
    return encode(
        {
            "title": model.title, "model": model.name, "kind": model.kind, "palette": palette.for_browser(),
            "prior": model.prior.kind, "dim": model.prior.dim, "offset": model.logit_offset,
            "lipschitz": {"latent": estimate_lipschitz(ExactField(model, "latent"))},
            "shape": list(model.sample_shape), "alphabet": list(model.config.get("alphabet") or ""),
            "real": _real(model), "onnx": np.frombuffer(written.onnx, np.uint8),
            "methods": {
                name: live_world.declared(name, ("latent",), defaults.get(name, {}))
                for name in live_world.METHODS
            },
            "divergences": live_world.shown_divergences(),
            "runtime": {
                part: np.frombuffer((RUNTIME / file).read_bytes(), np.uint8) for part, file in FILES.items()
            } if runtime else None,
        }
    )  # fmt: skip


def _real(model: Model) -> dict[str, float] | None:
    """Quantiles of the logits of real samples, where they are known."""
    try:
        return model.real_logits()
    except UserError:
        return None


def html(model: Model, packed: bytes | None = None, **state: Any) -> str:
    """A page on which samples of ``model`` flow, from disk and without a network.

    Args:
        packed: ``pack(model, runtime=True)``, where the caller has it already.
        state: settings to begin with, by the names that links use.
    """
    return replace(document(model, packed or pack(model, runtime=True)), state=state).html()


def document(model: Model, packed: bytes, **mount: Any) -> Document:
    """``html`` before it is written; ``mount`` says where the runtime and a recorded run are."""
    room = ".stage.samples:not(.narrow) { height: clamp(520px, calc(100vh - 72px), 1100px); }"
    return Document("samples", packed, f"DGflow live: {model.title}", style=room, mount=mount)

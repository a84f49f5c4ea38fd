"""A field as one forward graph, in ONNX: what a browser's runtime computes (g(z), d(g(z)), ∇_z d) with.

Automatic differentiation is run once, while PyTorch writes down every operation: those of the networks and
those of their backward passes, which are forward operations as well (the backward pass of a convolution is a
transposed convolution, that of a ReLU a mask). Each is then said in ONNX's words (``onnx_words``). Networks
with a layer that it has no words for are refused, by the name of the layer.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor, nn
from torch._decomp import get_decompositions
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

from dgflow_core.errors import UserError
from dgflow_core.fields.network import ExactField
from dgflow_core.fields.onnx_words import Graph, Wordless
from dgflow_core.fields.table import cache
from dgflow_core.zoo.model import Model
from dgflow_core.zoo.shapes import PARTS

#: Part of the name of what is kept: another one makes everything anew.
_FORMAT = "2"
#: How far g, d and ∇d may lie from the exact field's, relative to them; by whether weights are rounded.
ALLOWED = {False: 2e-4, True: 3e-2}
log = logging.getLogger("dgflow")
#: Codes that are compared.
_CHECKED = 8
_aten = torch.ops.aten
#: What PyTorch itself says in simpler operations.
_SIMPLER = (
    "tanh_backward", "sigmoid_backward", "elu_backward",
    "_softmax_backward_data", "hardtanh", "hardtanh_backward", "silu", "silu_backward", "gelu_backward",
    "softplus_backward", "hardsigmoid", "hardsigmoid_backward", "addcmul", "native_batch_norm",
    "_native_batch_norm_legit_no_training", "native_batch_norm_backward", "native_layer_norm",
    "native_layer_norm_backward",
)  # fmt: skip


class Written(NamedTuple):
    """A field in ONNX: the input ``z`` (n, dim), outputs ``sample``, ``logit`` (n,) and ``grad`` (n, dim).

    Attributes:
        onnx: the file's bytes; the logit is without offset, which is added where it runs.
        error: how far it lay from the exact field when it was written, relative to that.
    """

    onnx: bytes
    error: float


def field(model: Model, half: bool = False) -> Written:
    """The field of a model in its latent space, checked against ``ExactField``; kept in the cache.

    Args:
        half: all weights in float16 (those that lose nothing always are), computed with in float32.

    Raises:
        UserError: a layer cannot be written out, which is named; the result is not the model's; or the
            packages ``onnx`` and ``onnxruntime`` are not there.
    """
    name = hashlib.sha256(f"{_FORMAT} {model.weights_digest} {half}".encode()).hexdigest()[:24]
    kept = cache() / f"written-{name}.safetensors"
    found = _read(kept)
    if found is None:
        found = write(model, half)
        _keep(kept, found)
    return found


def write(model: Model, half: bool = False) -> Written:
    """``field``, made anew."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as missing:
        raise UserError(
            f"A field for the browser needs the package {missing.name}: pip install onnx onnxruntime."
        ) from None
    bare = model.with_offset(0.0).without_ladder()
    graph = Graph(half)
    try:
        graph.follow(_traced(bare))
    except Wordless as wordless:
        layer = _layer_of(bare, wordless.operation)
        raise UserError(
            f"model {model.name} cannot run in a browser: {layer} cannot be written out "
            f"({wordless.operation})."
        ) from None
    return _checked(bare, graph.bytes(), half)


def _traced(model: Model) -> GraphModule:
    """The operations that compute g(z), d and ∇d, for the batch size of ``Graph.BATCH``."""

    def evaluate(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z = z.detach().requires_grad_(True)
        sample = model.generator(z)
        logit = model.differentiable_logit(sample)
        (grad,) = torch.autograd.grad(logit, z, torch.ones_like(logit))
        return sample, logit, grad

    return _operations(evaluate, model.prior.sample(Graph.BATCH, 0).to(model.device))


def _operations(function: Callable, example: Tensor) -> GraphModule:
    simpler: Any = get_decompositions([getattr(_aten, name) for name in _SIMPLER])
    with torch.enable_grad():
        trace = make_fx(function, decomposition_table=simpler, tracing_mode="real")(example)
    trace.graph.eliminate_dead_code()
    return trace


def _layer_of(model: Model, operation: str) -> str:
    """The first layer whose forward or backward pass is ``operation``, by its place and kind."""
    seen: list[tuple[str, nn.Module, Tensor]] = []
    hooks = []

    def see(place: str) -> Callable:
        return lambda module, args, out: seen.append((place, module, args[0].detach()))

    for part in PARTS:
        for name, module in (getattr(model, part, None) or nn.Identity()).named_modules():
            if not any(module.children()):
                hooks.append(module.register_forward_hook(see(f"{part}.{name}".rstrip("."))))
    with torch.no_grad():
        model.differentiable_logit(model.generator(model.prior.sample(2, 0).to(model.device)))
    for hook in hooks:
        hook.remove()

    def both(module: nn.Module) -> Callable[[Tensor], Tensor]:
        def evaluate(x: Tensor) -> Tensor:
            x = x.detach().requires_grad_(True)
            return torch.autograd.grad(module(x + 0).sum(), x)[0]

        return evaluate

    for place, module, given in seen:
        nodes = _operations(both(module), given).graph.nodes
        if any(str(node.target) == operation for node in nodes):
            return f"the layer {place} ({type(module).__name__})"
    return "one of its layers"


def _checked(model: Model, made: bytes, half: bool) -> Written:
    """See that what was written computes what the model computes, for one code and for several at once.

    A ReLU whose input is 0 up to rounding gives one gradient or the other, in PyTorch as well, so that a few
    codes may differ by more: three quarters of them must agree.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
    z = model.prior.sample(_CHECKED, 11).to(model.device)
    exact = ExactField(model, "latent").evaluate(z)
    codes = z.cpu().numpy()
    answers = zip(session.run(None, {"z": codes}), session.run(None, {"z": codes[:1]}), strict=True)
    errors = []
    for right, (several, single) in zip((exact.sample, exact.logit, exact.grad), answers, strict=True):
        wanted = right.cpu().flatten(1 if right.dim() > 1 else 0).reshape(_CHECKED, -1).double().numpy()
        scale = np.maximum(
            np.linalg.norm(wanted, axis=1), np.std(wanted)
        )  # a logit may be 0, its spread is not
        away = np.linalg.norm(several.reshape(_CHECKED, -1) - wanted, axis=1) / scale
        alone = np.linalg.norm(single.reshape(1, -1) - several[:1].reshape(1, -1), axis=1) / scale[:1]
        errors += [np.quantile(away, 0.75), *alone]
    worst = float(np.max(errors)) if np.isfinite(errors).all() else float("inf")
    if not worst <= ALLOWED[half]:
        raise UserError(
            f"model {model.name} cannot run in a browser: written out{' in float16' if half else ''}, it "
            f"differs from the model by {worst:.1g} (relative; {ALLOWED[half]:g} is allowed)."
        )
    return Written(made, worst)


def _read(kept: Path) -> Written | None:
    try:
        with safe_open(kept, framework="np") as stored:
            return Written(stored.get_tensor("onnx").tobytes(), float(stored.metadata()["error"]))
    except (OSError, SafetensorError, ValueError, TypeError, KeyError):
        return None


def _keep(kept: Path, written: Written) -> None:
    """Store it in one move; where that cannot be, it is made anew every time."""
    whole = {"onnx": np.frombuffer(written.onnx, np.uint8)}
    content = save(whole, metadata={"error": repr(written.error)})
    scratch = kept.with_name(f"{kept.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(content)
        scratch.replace(kept)
    except OSError as error:
        log.warning("The written-out field cannot be kept: %s", error)

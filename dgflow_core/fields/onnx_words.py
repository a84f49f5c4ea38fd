"""PyTorch's operations in ONNX's words: a traced computation becomes a graph that other runtimes read.

The first dimension of the tensors of a trace is the batch, ``BATCH`` rows; the graph takes any number.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.fx import GraphModule, Node

#: Opset and file format: old enough for every runtime of the last years.
OPSET, IR = 18, 9
_aten = torch.ops.aten
#: Fewer numbers than these stay in float32.
_HALVED = 1024
_words: dict[str, Callable] = {}


class Wordless(Exception):
    """There are no words for an operation."""

    def __init__(self, operation: str):
        super().__init__(operation)
        self.operation = operation


def word(*names: str):
    """Says the ATen operations ``names``: (graph, node, *arguments) → the name of the result in ONNX."""

    def known(say: Callable) -> Callable:
        _words.update(dict.fromkeys(names, say))
        return say

    return known


class Graph:
    """An ONNX graph while it grows; values go by their names.

    Args:
        half: whether all weights are kept in float16; else only those that lose nothing by it.
    """

    #: Rows of the batch in a trace: a number that layers hardly have.
    BATCH = 13

    def __init__(self, half: bool = False):
        self.half = half
        self.nodes: list[Any] = []
        self.weights: dict[str, np.ndarray] = {}
        self._known: dict[Any, str] = {}
        self.values: dict[Node, Any] = {}
        self.count = 0

    def follow(self, trace: GraphModule) -> None:
        """Say a trace: one input, and the outputs sample, logit, grad."""
        for node in trace.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = "z"
                self.dim = node.meta["val"].shape[1]
            elif node.op == "get_attr":
                self.values[node] = self.weight(getattr(trace, node.target))
            elif node.op == "output":
                for name, one in zip(("sample", "logit", "grad"), node.args[0], strict=True):
                    self.op("Identity", [self.values[one]], name)
                self.shapes = [one.meta["val"].shape for one in node.args[0]]
            else:
                self._say(node)

    def _say(self, node: Node) -> None:
        if node.target is operator.getitem:
            source, at = cast(tuple[Node, int], node.args)
            found = self.values[source][at]
        else:
            name = str(node.target)
            say = _words.get(name) or _words.get(name.rpartition(".")[0])
            if say is None:
                raise Wordless(name)
            arguments = torch.fx.map_arg(node.args, lambda one: self.values[one])
            found = say(self, node, *arguments, **node.kwargs)
            if name.rpartition(".")[0].endswith("_") and isinstance(node.args[0], Node):
                self.values[node.args[0]] = found  # worked in place: who reads it later reads this
        self.values[node] = found

    def op(self, kind: str, inputs: Sequence[str], name: str = "", **attributes) -> str:
        """Add an operation; returns the name of its result."""
        from onnx import helper

        self.count += 1
        name = name or f"v{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def weight(self, tensor: Tensor) -> str:
        """A tensor of the networks; the same one is kept once."""
        key = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype)
        if key not in self._known:
            self._known[key] = self.constant(tensor.detach().cpu().contiguous().numpy())
        return self._known[key]

    def constant(self, value: Any, dtype: Any = None) -> str:
        """Numbers; many of them in float16 where that loses nothing, or where it is wanted."""
        array = np.asarray(value, dtype=dtype)
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        key = ("constant", array.dtype.str, array.shape, array.tobytes())
        if key in self._known:
            return self._known[key]
        name = f"w{len(self.weights)}"
        if array.dtype == np.float32 and array.size >= _HALVED and self._halves(array):
            self.weights[name] = array.astype(np.float16)
            name = self.op("Cast", [name], to=1)
        else:
            self.weights[name] = array
        self._known[key] = name
        return name

    def _halves(self, array: np.ndarray) -> bool:
        with np.errstate(over="ignore"):
            return self.half or bool((array.astype(np.float16) == array).all())

    def integers(self, *values: int) -> str:
        return self.constant(values, np.int64)

    def number(self, value: Any) -> str:
        """An operand: the name of a value, or a number as a constant."""
        return value if isinstance(value, str) else self.constant(value, np.float32)

    def reshaped(self, x: str, shape: Sequence[int]) -> str:
        return self.op("Reshape", [x, self.integers(*self.free(shape))])

    def free(self, shape: Sequence[int]) -> list[int]:
        """A shape of the trace with the batch left open."""
        first, *rest = shape or [1]
        return [-1 if first % self.BATCH == 0 else first, *rest]

    def spread(self, x: str, shape: Sequence[int]) -> str:
        """``x`` repeated to a shape of the trace, with as many rows as there are codes."""
        first, *rest = shape
        if first != self.BATCH:
            return self.op("Expand", [x, self.integers(*shape)])
        rows = self.op("Shape", ["z"], start=0, end=1)
        return self.op(
            "Expand", [x, self.op("Concat", [rows, self.integers(*rest)], axis=0) if rest else rows]
        )

    def sliced(self, x: str, axis: int, start: int, end: int, step: int = 1) -> str:
        ends = [self.integers(one) for one in (start, end, axis, step)]
        return self.op("Slice", [x, *ends])

    def bytes(self) -> bytes:
        """The file."""
        from onnx import TensorProto, checker, helper, numpy_helper

        def value(name: str, shape: Sequence[int]):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape[1:]])

        names = ("sample", "logit", "grad")
        outputs = [value(name, shape) for name, shape in zip(names, self.shapes, strict=True)]
        nodes: list[Any] = []
        read = set(names)
        for node in reversed(self.nodes):  # what nothing reads is left out
            if read & set(node.output):
                nodes.insert(0, node)
                read.update(node.input)
        weights = [
            numpy_helper.from_array(array, name) for name, array in self.weights.items() if name in read
        ]
        graph = helper.make_graph(nodes, "field", [value("z", (1, self.dim))], outputs, weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        checker.check_model(model)
        return model.SerializeToString()


def shape(node: Any) -> list[int]:
    """The shape of a node's result in the trace."""
    return list(node.meta["val"].shape)


def _filled(given: Sequence[Any], *defaults: Any) -> list[Any]:
    """Arguments that a trace leaves out where they are ``defaults``."""
    return [*given, *defaults[len(given) :]]


# Names and shapes


@word("aten.alias", "aten.clone", "aten.detach", "aten._to_copy", "aten.contiguous", "aten.lift_fresh_copy")
def _same(graph, node, x, **_):
    return x


@word("aten.view", "aten._unsafe_view", "aten.reshape", "aten.squeeze", "aten.unsqueeze")
def _view(graph, node, x, *_, **__):
    return graph.reshaped(x, shape(node))


@word("aten.t")
def _t(graph, node, x):
    return graph.op("Transpose", [x], perm=[1, 0])


@word("aten.transpose.int")
def _transpose(graph, node, x, a, b):
    order = list(range(len(shape(node))))
    order[a], order[b] = order[b], order[a]
    return graph.op("Transpose", [x], perm=order)


@word("aten.permute")
def _permute(graph, node, x, order):
    return graph.op("Transpose", [x], perm=[axis % len(order) for axis in order])


@word("aten.expand")
def _expand(graph, node, x, *_, **__):
    return graph.spread(x, shape(node))


@word("aten.cat")
def _cat(graph, node, parts, axis=0):
    empty = [one for one, source in zip(parts, node.args[0], strict=True) if 0 not in shape(source)]
    return empty[0] if len(empty) == 1 else graph.op("Concat", empty, axis=axis % len(shape(node)))


@word("aten.split.Tensor", "aten.split_with_sizes", "aten.chunk", "aten.unbind.int")
def _split(graph, node, x, _, axis=0):
    starts, parts = 0, []
    for one in node.meta["val"]:
        parts.append(graph.sliced(x, axis, starts, starts + one.shape[axis]))
        starts += one.shape[axis]
    return parts


@word("aten.slice.Tensor")
def _slice(graph, node, x, axis=0, *ends):
    start, end, step = _filled(ends, None, None, 1)
    source = shape(node.args[0])
    if shape(node) == source:
        return x
    return graph.sliced(x, axis, start or 0, source[axis] if end is None else min(end, source[axis]), step)


@word("aten.select.int")
def _select(graph, node, x, axis, index):
    return graph.op("Gather", [x, graph.constant(index, np.int64)], axis=axis)


@word("aten.slice_backward")
def _slice_backward(graph, node, g, sizes, axis, *ends):
    start, _, step = ends
    inner = shape(node.args[0])
    if inner == list(sizes):
        return g
    if 0 in inner:
        return graph.spread(graph.number(0.0), sizes)
    axis, count = axis % len(sizes), inner[axis]
    if step > 1:  # zeros between: a new axis of ``step``, padded, and merged again
        wide = [*inner[: axis + 1], 1, *inner[axis + 1 :]]
        g = graph.reshaped(g, wide)
        g = _padded(graph, g, len(wide), axis + 1, 0, step - 1)
        g = graph.reshaped(g, [*inner[:axis], count * step, *inner[axis + 1 :]])
    return _padded(graph, g, len(sizes), axis, start, sizes[axis] - start - count * step)


def _padded(graph, x, rank, axis, before, after):
    pads = [0] * 2 * rank
    pads[axis], pads[rank + axis] = before, after  # negative: cut
    return graph.op("Pad", [x, graph.integers(*pads)])


@word("aten.select_backward")
def _select_backward(graph, node, g, sizes, axis, index):
    wide = list(sizes)
    wide[axis] = 1
    return _padded(graph, graph.reshaped(g, wide), len(sizes), axis, index, sizes[axis] - index - 1)


@word("aten.pixel_shuffle")
def _pixel_shuffle(graph, node, x, factor):
    return graph.op("DepthToSpace", [x], blocksize=factor, mode="CRD")


@word("aten.pixel_unshuffle")
def _pixel_unshuffle(graph, node, x, r):
    n, planes, height, width = shape(node)
    x = graph.reshaped(x, [n, planes // r**2, height, r, width, r])
    return graph.reshaped(graph.op("Transpose", [x], perm=[0, 1, 3, 5, 2, 4]), [n, planes, height, width])


@word("aten.constant_pad_nd")
def _pad(graph, node, x, pads, value=0):
    rank = len(shape(node))
    every = [0] * 2 * rank
    for k in range(len(pads) // 2):
        every[rank - 1 - k], every[2 * rank - 1 - k] = pads[2 * k], pads[2 * k + 1]
    return graph.op("Pad", [x, graph.integers(*every), graph.number(float(value))])


# Products


@word("aten.addmm")
def _addmm(graph, node, bias, x, w, **scales):
    return graph.op("Gemm", [x, w, bias], **{name: float(value) for name, value in scales.items()})


@word("aten.mm", "aten.bmm", "aten.matmul")
def _mm(graph, node, a, b):
    return graph.op("MatMul", [a, b])


@word("aten.convolution")
def _convolution(graph, node, x, w, bias, *how):
    stride, padding, dilation, transposed, extra, groups = how
    kind = "ConvTranspose" if transposed else "Conv"
    more = {"output_padding": list(extra)} if transposed and any(extra) else {}
    return graph.op(
        kind, [x, w] + ([bias] if bias else []), strides=list(stride), pads=[*padding, *padding],
        dilations=list(dilation), group=groups, **more,
    )  # fmt: skip


@word("aten.convolution_backward")
def _convolution_backward(graph, node, g, x, w, *how):
    _, stride, padding, dilation, transposed, _, groups, _ = how
    outer, inner, kernel = shape(node.args[0])[2:], shape(node.args[1])[2:], shape(node.args[2])[2:]
    said = {
        "strides": list(stride),
        "pads": [*padding, *padding],
        "dilations": list(dilation),
        "group": groups,
    }
    if transposed:
        return [graph.op("Conv", [g, w], **said), None, None]
    back = [d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding, strict=True)]
    if all(one == 1 for one in stride) and groups == 1 and min(back) >= 0:
        # a convolution with the kernel turned round: runtimes are faster at it; made once, when they load
        ends = [graph.integers(*[one] * len(kernel)) for one in (-1, -(2**31))]
        axes = graph.integers(*range(2, 2 + len(kernel))), graph.integers(*[-1] * len(kernel))
        w = graph.op("Slice", [w, *ends, *axes])
        w = graph.op("Transpose", [w], perm=[1, 0, *range(2, 2 + len(kernel))])
        return [graph.op("Conv", [g, w], **(said | {"pads": [*back, *back]})), None, None]
    rest = [
        size - ((out - 1) * s - 2 * p + d * (k - 1) + 1)
        for size, out, s, p, d, k in zip(inner, outer, stride, padding, dilation, kernel, strict=True)
    ]
    return [graph.op("ConvTranspose", [g, w], output_padding=rest, **said), None, None]


# One number at a time

for _name, _kind in {
    "relu": "Relu", "relu_": "Relu", "tanh": "Tanh", "tanh_": "Tanh", "sigmoid": "Sigmoid", "exp": "Exp",
    "sigmoid_": "Sigmoid", "log": "Log", "sqrt": "Sqrt", "neg": "Neg", "abs": "Abs", "erf": "Erf",
    "reciprocal": "Reciprocal", "sign": "Sign", "sin": "Sin", "cos": "Cos", "logical_not": "Not",
    "softplus": "Softplus",
}.items():  # fmt: skip
    _words[f"aten.{_name}"] = lambda graph, node, x, *_, kind=_kind: graph.op(kind, [x])


@word("aten.rsqrt")
def _rsqrt(graph, node, x):
    return graph.op("Reciprocal", [graph.op("Sqrt", [x])])


@word("aten.leaky_relu", "aten.leaky_relu_")
def _leaky(graph, node, x, slope=0.01):
    return graph.op("LeakyRelu", [x], alpha=float(slope))


def _mask(graph, x, threshold):
    """1 where x is above a threshold, else 0: a product with it is faster than a choice."""
    return graph.op("Cast", [graph.op("Greater", [x, graph.number(threshold)])], to=1)


@word("aten.leaky_relu_backward")
def _leaky_backward(graph, node, g, x, slope, _):
    return graph.op("Mul", [g, graph.op("Max", [_mask(graph, x, 0), graph.number(slope)])])


@word("aten.threshold_backward")
def _threshold_backward(graph, node, g, x, threshold):
    return graph.op("Mul", [g, _mask(graph, x, threshold)])


@word("aten.elu", "aten.elu_")
def _elu(graph, node, x, alpha=1.0, scale=1.0, inner=1.0):
    if scale != 1 or inner != 1:
        raise Wordless(str(node.target))
    return graph.op("Elu", [x], alpha=float(alpha))


def _pair(kind: str, turned: bool = False):
    def say(graph, node, a, b, *_, alpha=1, **__):
        a, b = graph.number(a), graph.number(b)
        b = b if alpha == 1 else graph.op("Mul", [b, graph.number(alpha)])
        return graph.op(kind, [b, a] if turned else [a, b])

    return say


for _name, _kind in {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow", "gt": "Greater", "lt": "Less",
    "ge": "GreaterOrEqual", "le": "LessOrEqual", "eq": "Equal", "maximum": "Max", "minimum": "Min",
    "logical_and": "And", "logical_or": "Or", "bitwise_and": "And", "bitwise_or": "Or",
}.items():  # fmt: skip
    _words[f"aten.{_name}"] = _words[f"aten.{_name}_"] = _pair(_kind)
_words["aten.rsub"] = _pair("Sub", turned=True)


@word("aten.where")
def _where(graph, node, condition, a, b):
    return graph.op("Where", [condition, graph.number(a), graph.number(b)])


@word("aten.clamp", "aten.hardtanh", "aten.clamp_", "aten.clamp_min", "aten.clamp_max")
def _clamp(graph, node, x, low=None, high=None):
    if "clamp_max" in str(node.target):
        low, high = None, low
    return graph.op(
        "Clip", [x, "" if low is None else graph.number(low), "" if high is None else graph.number(high)]
    )


@word("aten.scalar_tensor")
def _scalar(graph, node, value, **_):
    return graph.constant(value, np.float32)


@word("aten.ones_like", "aten.zeros_like", "aten.full_like")
def _full_like(graph, node, x, *value, **_):
    from onnx import helper

    fill = float(value[0]) if value else float("ones" in str(node.target))
    return graph.op(
        "ConstantOfShape", [graph.op("Shape", [x])], value=helper.make_tensor("value", 1, [1], [fill])
    )


# Sums and means


def _reduced(kind: str):
    def say(graph, node, x, axes=None, keep=False, **_):
        axes = axes if isinstance(axes, (list, tuple)) else [] if axes is None else [axes]
        inputs = [x] + ([graph.integers(*axes)] if axes else [])
        return graph.op(kind, inputs, keepdims=int(bool(keep)))

    return say


for _name, _kind in {"sum": "ReduceSum", "mean": "ReduceMean", "amax": "ReduceMax"}.items():
    _words[f"aten.{_name}"] = _reduced(_kind)


@word("aten.std.correction", "aten.var.correction", "aten.var_mean.correction")
def _spread(graph, node, x, axes=None, *, correction=1, keepdim=False):
    source, keep = shape(node.args[0]), int(keepdim)
    axes = list(axes) if axes else list(range(len(source)))
    count = int(np.prod([source[axis] for axis in axes]))
    where = graph.integers(*axes)
    away = graph.op("Sub", [x, graph.op("ReduceMean", [x, where], keepdims=1)])
    total = graph.op("ReduceSum", [graph.op("Mul", [away, away]), where], keepdims=keep)
    variance = graph.op(
        "Div", [total, graph.number(max(count - (1 if correction is None else correction), 1))]
    )
    if "var_mean" in str(node.target):
        return [variance, graph.op("ReduceMean", [x, where], keepdims=keep)]
    return graph.op("Sqrt", [variance]) if "std" in str(node.target) else variance


@word("aten._softmax")
def _softmax(graph, node, x, axis, _):
    return graph.op("Softmax", [x], axis=axis)


# Sizes of images


@word("aten.avg_pool2d")
def _avg_pool(graph, node, x, kernel, *how):
    stride, padding, ceil, include, divisor = _filled(how, (), (0, 0), False, True, None)
    if ceil:
        raise Wordless(str(node.target))
    y = graph.op(
        "AveragePool", [x], kernel_shape=list(kernel), strides=list(stride or kernel),
        pads=[*_two(padding), *_two(padding)], count_include_pad=int(include),
    )  # fmt: skip
    return graph.op("Mul", [y, graph.number(np.prod(_two(kernel)) / divisor)]) if divisor else y


@word("aten.avg_pool2d_backward")
def _avg_pool_backward(graph, node, g, x, kernel, *how):
    stride, padding, _, _, divisor = how
    kernel, source, outer = _two(kernel), shape(node.args[1]), shape(node.args[0])
    whole = all(size == out * k for size, out, k in zip(source[2:], outer[2:], kernel, strict=True))
    if (stride and _two(stride) != kernel) or any(_two(padding)) or not whole:
        raise Wordless(str(node.target))
    share = graph.op("Div", [g, graph.number(divisor or int(np.prod(kernel)))])
    return _enlarged(graph, share, kernel)


def _two(value: Any) -> list[int]:
    return list(value) * (3 - len(value)) if isinstance(value, (list, tuple)) else [value, value]


def _enlarged(graph, x, factors):
    scales = graph.constant([1, 1, *factors], np.float32)
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return graph.op("Resize", [x, "", scales], **how)


@word("aten.upsample_nearest2d")
def _nearest(graph, node, x, size, *_):
    source, target = shape(node.args[0])[2:], shape(node)[2:]
    if any(t % s for s, t in zip(source, target, strict=True)):
        return _linear_map(graph, x, (source, target), _aten.upsample_nearest2d, False)
    return _enlarged(graph, x, [t // s for s, t in zip(source, target, strict=True)])


@word("aten.upsample_nearest2d_backward")
def _nearest_backward(graph, node, g, size, source, *_):
    source, target = list(source)[2:], list(size)
    factors = [t // s for s, t in zip(source, target, strict=True)]
    if any(t % s for s, t in zip(source, target, strict=True)):
        return _linear_map(graph, g, (source, target), _aten.upsample_nearest2d, True)
    y = graph.op("AveragePool", [g], kernel_shape=factors, strides=factors)
    return graph.op("Mul", [y, graph.number(int(np.prod(factors)))])


@word("aten.upsample_bilinear2d")
def _bilinear(graph, node, x, size, corners, *_):
    source, target = shape(node.args[0])[2:], shape(node)[2:]
    return _linear_map(graph, x, (source, target), _aten.upsample_bilinear2d, False, corners)


@word("aten.upsample_bilinear2d_backward")
def _bilinear_backward(graph, node, g, size, source, corners, *_):
    return _linear_map(graph, g, (list(source)[2:], list(size)), _aten.upsample_bilinear2d, True, corners)


def _linear_map(graph, x, sizes, resample, back, *corners):
    """A · x · Bᵀ, whose backward pass is Aᵀ · g · B: what resampling rows and columns is."""

    def along(before: int, after: int) -> np.ndarray:
        unit = torch.eye(before)[None, :, :, None].expand(1, before, before, 2)  # rows, one unit each
        return resample(unit, [after, 2], *corners)[0, :, :, 0].T.numpy()  # (after, before)

    rows, columns = (along(s, t) for s, t in zip(*sizes, strict=True))
    left, right = (rows.T, columns) if back else (rows, columns.T)
    y = graph.op("MatMul", [graph.constant(left.copy()), x])
    return graph.op("MatMul", [y, graph.constant(right.copy())])

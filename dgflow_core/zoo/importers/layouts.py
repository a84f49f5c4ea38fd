"""Published networks, recognised by the names of their arrays, as chains of plain layers.

Each layout is a function of a ``Builder``: it says which layers there are, in their order; widths, sides and
numbers of blocks are read off the arrays. Batch norms are folded into the layer before them, or become the
scale that they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from dgflow_core.errors import UserError
from dgflow_core.nets.chain import Chain
from dgflow_core.zoo.finding import Finding
from dgflow_core.zoo.importers.checkpoint import Checkpoint

CHAINER_EPS, TORCH_EPS, STUDIO_EPS = 2e-5, 1e-5, 1e-4  # what each adds to a batch norm's variance


@dataclass(frozen=True)
class Wishes:
    """What a file does not say, and a person may.

    Attributes:
        output: what ends a generator: "tanh", or "sigmoid" (its images are then taken to [−1, 1]).
        label: which class a class-conditional network is to draw or judge.
        pooling: how a residual critic ends: "sum" or "mean" over pixels; None goes by its norms.
        side: of the images, where the other network knows it.
        activation: what stands between the layers of a network of dense layers alone.
    """

    output: str = "tanh"
    label: int | None = None
    pooling: str | None = None
    side: int | None = None
    activation: str | None = None


class Builder:
    """Collects layers and their tensors from a checkpoint."""

    def __init__(
        self, name: str, title: str, checkpoint: Checkpoint, wishes: Wishes, eps: float | None = None
    ):
        self.name, self.title, self.checkpoint, self.wishes = name, title, checkpoint, wishes
        self.arrays = checkpoint.arrays
        self.eps = eps or (CHAINER_EPS if checkpoint.chainer else TORCH_EPS)
        self.layers: list[list] = []
        self.tensors: dict[str, Tensor] = {}

    # Arrays

    def has(self, key: str) -> bool:
        return key in self.arrays

    def array(self, key: str, axes: int) -> Tensor:
        value = self.arrays.get(key)
        if value is None:
            raise UserError(f"{self.name}: a {self.title} has {key}, which the file lacks.")
        if value.dim() != axes or not value.numel():
            raise UserError(f"{self.name}: {key} must have {axes} axes in this {self.title}, not the shape "
                            f"{tuple(value.shape)}.")  # fmt: skip
        return value

    def weight(self, layer: str, axes: int, transposed: bool = False) -> tuple[Tensor, Tensor]:
        """Weight and bias of a layer, the bias 0 where it has none."""
        weight = self.array(f"{layer}/W", axes)
        width = weight.shape[1 if transposed else 0]
        bias = self.array(f"{layer}/b", 1) if self.has(f"{layer}/b") else torch.zeros(width)
        if bias.shape != (width,):
            raise UserError(f"{self.name}: {layer}/b must have shape ({width},) in this {self.title}, not "
                            f"{tuple(bias.shape)}.")  # fmt: skip
        if axes == 4 and weight.shape[2] != weight.shape[3]:
            raise UserError(f"{self.name}: {layer}/W must have a square kernel, not {tuple(weight.shape)}.")
        return weight, bias

    def label(self, classes: int) -> int:
        """Which of ``classes`` is meant; a single one needs no choice."""
        chosen = 0 if classes == 1 else self.wishes.label
        if chosen is None:
            raise UserError(f"{self.name} is class-conditional, with {classes} classes: choose one by "
            f"label=0 "
                            f"to label={classes - 1}.")  # fmt: skip
        if not 0 <= chosen < classes:
            raise UserError(f"label must be from 0 to {classes - 1} for this {self.name}, not {chosen}.")
        return chosen

    def norm_of(self, layer: str) -> tuple[Tensor, Tensor] | None:
        """Scale and shift of a batch norm in evaluation mode, of the class meant; None without one."""
        inner = layer if self.has(f"{layer}/avg_var") else f"{layer}/bn"
        if not self.has(f"{inner}/avg_var"):
            if any(key.startswith(f"{layer}/") for key in self.arrays):
                self.array(f"{layer}/avg_var", 1)
            return None
        mean, variance = self.array(f"{inner}/avg_mean", 1), self.array(f"{inner}/avg_var", 1)
        gamma, beta = torch.ones_like(mean), torch.zeros_like(mean)
        for what, rows in (("gammas/W", "gamma"), ("embed0/W", "gain"), ("betas/W", "beta"), ("embed1/W",
        "beta"),
                           ("embed/W", "both")):  # fmt: skip
            if self.has(f"{layer}/{what}"):
                table = self.array(f"{layer}/{what}", 2)
                row = table[self.label(len(table))]
                if rows == "both":
                    gamma, beta = row.chunk(2)
                elif rows == "beta":
                    beta = row
                else:
                    gamma = row + (rows == "gain")
        if self.has(f"{inner}/gamma") or self.has(f"{inner}/beta"):
            gamma, beta = self.array(f"{inner}/gamma", 1), self.array(f"{inner}/beta", 1)
        if not gamma.shape == beta.shape == mean.shape == variance.shape:
            raise UserError(f"{self.name}: {layer} must have as many scales, shifts, means and variances.")
        scale = gamma / (variance.clamp_min(0) + self.eps).sqrt()
        return scale, beta - scale * mean

    # Layers

    def add(self, kind: str, *arguments, **tensors: Tensor) -> None:
        self.tensors |= {
            f"{len(self.layers)}.{key.replace('__', '.')}": value for key, value in tensors.items()
        }
        self.layers.append([kind, *arguments])

    def linear(self, layer: str, outputs: int | None = None) -> None:
        weight, bias = self.weight(layer, 2)
        if outputs is not None and len(weight) != outputs:
            weight, bias = weight[:outputs], bias[:outputs]
        self.add("linear", weight.shape[1], len(weight), weight=weight, bias=bias)

    def conv(self, layer: str, stride: int | None = None, padding: int | None = None) -> None:
        """Kernels of 4 halve the side and others keep it, unless said otherwise."""
        weight, bias = self.weight(layer, 4)
        kernel = weight.shape[2]
        stride = stride or (2 if kernel == 4 else 1)
        padding = (1 if kernel == 4 else kernel // 2) if padding is None else padding
        self.add("conv", weight.shape[1], len(weight), kernel, stride, padding, weight=weight, bias=bias)

    def deconv(self, layer: str, stride: int | None = None, padding: int | None = None) -> None:
        """A transposed convolution; kernels of 4 double the side, others keep it, unless told otherwise."""
        weight, bias = self.weight(layer, 4, transposed=True)
        kernel = weight.shape[2]
        stride = stride or (2 if kernel == 4 else 1)
        padding = (1 if kernel == 4 else kernel // 2) if padding is None else padding
        self.add("deconv", *weight.shape[:2], kernel, stride, padding, weight=weight, bias=bias)

    def norm(self, layer: str) -> None:
        """A batch norm: folded into the linear layer or convolution before it."""
        folded = self.norm_of(layer)
        if folded is None:
            return
        scale, shift = folded
        place = len(self.layers) - 1
        kind = self.layers[place][0] if self.layers else ""
        if kind in ("linear", "conv", "deconv"):
            weight, bias = self.tensors[f"{place}.weight"], self.tensors[f"{place}.bias"]
            self._same(layer, scale, bias)
            along = (1, -1, 1, 1) if kind == "deconv" else (-1, *[1] * (weight.dim() - 1))
            self.tensors[f"{place}.weight"] = weight * scale.reshape(along)
            self.tensors[f"{place}.bias"] = bias * scale + shift
        else:
            self.add("scale", len(scale), weight=scale, bias=shift)

    def _same(self, layer: str, scale: Tensor, bias: Tensor) -> None:
        if scale.shape != bias.shape:
            raise UserError(f"{self.name}: {layer} must have shape {tuple(bias.shape)} in this "
            f"{self.title}, not "
                            f"{tuple(scale.shape)}.")  # fmt: skip

    def square(self, numbers: int, channels: int, layer: str) -> None:
        """From a dense layer's ``numbers`` to ``channels`` planes; the bottom's width follows."""
        side = math.isqrt(numbers // max(channels, 1))
        if side * side * channels != numbers or not side:
            raise UserError(
                f"{self.name}: {layer} has {numbers} outputs, which are no square of {channels} planes."
            )
        self.add("unflatten", channels, side, side)

    def residual(
        self, block: str, names: tuple[str, ...], resample: str | None = None, first: bool = False
    ) -> None:
        """A residual block; ``names`` of its two norms, two convolutions and shortcut."""
        norms, convolutions, short = names[:2], names[2:4], names[4]
        weights = [self.weight(f"{block}/{layer}", 4) for layer in convolutions]
        (w1, b1), (w2, b2) = weights
        planes = [w1.shape[1], w1.shape[0], w2.shape[0]]
        for layer, weight, inputs, kernel in (
            (convolutions[0], w1, planes[0], 3),
            (convolutions[1], w2, planes[1], 3),
        ):
            if tuple(weight.shape[1:]) != (inputs, kernel, kernel):
                raise UserError(f"{self.name}: {block}/{layer}/W must have shape ({weight.shape[0]}, "
                f"{inputs}, {kernel}, "
                                f"{kernel}) in this {self.title}, not {tuple(weight.shape)}.")  # fmt: skip
        tensors: dict[str, Tensor] = {}
        norm = None
        if not first:
            before = (
                self.norm_of(f"{block}/{norms[0]}") if not self._by_sample(f"{block}/{norms[0]}") else None
            )
            if before is not None:
                norm = "scale"
                tensors |= {"norms__0__weight": before[0], "norms__0__bias": before[1]}
            after = (
                self.norm_of(f"{block}/{norms[1]}") if not self._by_sample(f"{block}/{norms[1]}") else None
            )
            if after is not None:  # between a convolution and its activation: folded
                self._same(f"{block}/{norms[1]}", after[0], b1)
                w1, b1 = w1 * after[0][:, None, None, None], b1 * after[0] + after[1]
            if self._by_sample(f"{block}/{norms[0]}"):
                norm = "sample"
                for index, layer in enumerate(norms):
                    tensors |= {f"norms__{index}__weight": self.array(f"{block}/{layer}/gamma", 1),
                                f"norms__{index}__bias": self.array(f"{block}/{layer}/beta", 1)}  # fmt: skip
        tensors |= {"first__weight": w1, "first__bias": b1, "second__weight": w2, "second__bias": b2}
        shortcut = self.has(f"{block}/{short}/W")
        if shortcut:
            w, b = self.weight(f"{block}/{short}", 4)
            if tuple(w.shape) != (planes[2], planes[0], 1, 1):
                raise UserError(f"{self.name}: {block}/{short}/W must have shape "
                f"{(planes[2], planes[0], 1, 1)} in this "
                                f"{self.title}, not {tuple(w.shape)}.")  # fmt: skip
            tensors |= {"shortcut__weight": w, "shortcut__bias": b}
        elif planes[0] != planes[2]:
            self.array(f"{block}/{short}/W", 4)
        self.add("residual", planes, resample, norm, first, shortcut, **tensors)

    def _by_sample(self, layer: str) -> bool:
        return self.has(f"{layer}/gamma") and not self.has(f"{layer}/avg_var") and not self.checkpoint.chainer

    def end(self, layer: str, classes: Iterable[str] = ()) -> None:
        """The last linear layer; a projection's class vector is added to its weight."""
        weight, bias = self.weight(layer, 2)
        for key in classes:
            if self.has(f"{key}/W"):
                table = self.array(f"{key}/W", 2)
                weight = weight[:1] + table[self.label(len(table))]
        self.add("linear", weight.shape[1], 1, weight=weight[:1], bias=bias[:1])
        self.add("logit")

    def pool(self, spectral: bool) -> None:
        """Sum or mean over pixels, before the last layer."""
        how = self.wishes.pooling or ("sum" if spectral else "mean")
        if self.wishes.pooling is None and not spectral:
            self.checkpoint.found.append(Finding(
                "pooling", f"the {self.name}'s file does not say how it pools, and it has no spectral norm",
                "the mean over pixels was taken, as in WGAN-GP; a sum would make logits steeper",
                'pooling="sum" takes the sum', "likely", "note",
            ))  # fmt: skip
        self.add("sum", how == "mean")

    def ending(self) -> None:
        """What ends a generator."""
        if self.wishes.output == "sigmoid":  # 2 σ(x) − 1 = tanh(x / 2)
            place = len(self.layers) - 1
            for part in ("weight", "bias"):
                self.tensors[f"{place}.{part}"] = self.tensors[f"{place}.{part}"] / 2
        self.add("tanh")

    def built(self) -> Chain:
        """The network; shapes are compared before anything but the arrays themselves is allocated.

        Raises:
            UserError: its layers do not follow one another.
        """
        with torch.device("meta"):
            network = Chain(self.layers)
        for key, value in network.state_dict().items():
            given = self.tensors.get(key)
            if given is None or given.shape != value.shape:
                shape = None if given is None else tuple(given.shape)
                raise UserError(f"{self.name}: layer {key} of this {self.title} must have shape "
                f"{tuple(value.shape)}, "
                                f"not {shape}.")  # fmt: skip
        network.load_state_dict({key: value.contiguous() for key, value in self.tensors.items()}, assign=True)
        return network.requires_grad_(False).eval()


Layout = Callable[[Builder], None]


@dataclass(frozen=True)
class Known:
    """A layout: its title, whose it is, the arrays that give it away, and how it is built."""

    title: str
    signs: tuple[str, ...]  # regular expressions, each of which the name of some array must match
    build: Layout
    eps: float | None = None
    axes: int = 4

    def fits(self, arrays: dict[str, Tensor]) -> bool:
        """Whether ``arrays`` have its signs; without any, whether all weights have as many ``axes``."""
        if not self.signs:
            weights = [value.dim() for key, value in arrays.items() if re.fullmatch(r"(.*/)?W", key)]
            return len(weights) > 1 and set(weights) == {self.axes}
        return all(any(re.fullmatch(sign, key) for key in arrays) for sign in self.signs)


PLANE = "network of dense layers for the plane"
generators: list[Known] = []
critics: list[Known] = []


def layout(shelf: list[Known], title: str, *signs: str, eps: float | None = None, axes: int = 4):
    """Decorator: a layout, known by array names that match every one of ``signs``."""

    def register(build: Layout) -> Layout:
        shelf.append(Known(title, signs, build, eps, axes))
        return build

    return register


def network(name: str, checkpoint: Checkpoint, wishes: Wishes) -> tuple[Chain, str]:
    """The network that a checkpoint holds, and its layout's title.

    Raises:
        UserError: no layout is known by these names, or its shapes do not fit; one sentence.
    """
    known = generators if name == "generator" else critics
    tried = checkpoint
    while True:
        for one in known:
            if one.fits(tried.arrays):
                builder = Builder(name, one.title, tried, wishes, one.eps)
                one.build(builder)
                return builder.built(), one.title
        heads = {key.partition("/")[0] for key in tried.arrays}
        if len(heads) != 1 or not all("/" in key for key in tried.arrays):
            break
        tried = Checkpoint(
            {key.partition("/")[2]: value for key, value in tried.arrays.items()}, tried.chainer,
            {layer.partition("/")[2] for layer in tried.normalised}, tried.found,
        )  # fmt: skip
    titles = ", ".join(dict.fromkeys(one.title for one in known))
    raise UserError(f"{name} must hold one of {titles}, and holds none of them: its first array is "
                    f"{checkpoint.first()}.")  # fmt: skip


def _blocks(b: Builder, pattern: str, first: int) -> list[str]:
    """Block names ``pattern`` with the numbers from ``first`` on that the file has."""
    found: list[str] = []
    while any(key.startswith(f"{pattern.format(first)}/") for key in b.arrays) and len(found) < 16:
        found.append(pattern.format(first))
        first += 1
    return found


# Generators


@layout(generators, "DCGANGenerator", "l0/W", r"dc1/W")
def chainer_dcgan(b: Builder) -> None:
    """chainer-gan-lib's: dense, transposed convolutions; batch norms where there are any."""
    b.linear("l0"), b.norm("bn0"), b.add("relu")
    b.square(len(b.array("l0/W", 2)), len(b.array("dc1/W", 4)), "l0")
    b.deconv("dc1"), b.norm("bn1"), b.add("relu")
    b.deconv("dc2"), b.norm("bn2"), b.add("relu")
    b.deconv("dc3"), b.norm("bn3"), b.add("relu")
    b.deconv("dc4")
    if any(key.startswith("bn") for key in b.arrays):
        for index in range(4):
            b.array(f"bn{index}/avg_var", 1)
    b.ending()


@layout(generators, "ResNetGenerator", r"l1/W", r"block2/c1/W")
def miyato_resnet(b: Builder) -> None:
    """sngan_projection's and torch-mimicry's; Chainer's enlarges by repeating, torch-mimicry's linearly."""
    blocks = _blocks(b, "block{}", 2)
    b.linear("l1")
    b.square(len(b.array("l1/W", 2)), b.array("block2/c1/W", 4).shape[1], "l1")
    for block in blocks:
        b.residual(block, ("b1", "b2", "c1", "c2", "c_sc"), "nearest" if b.checkpoint.chainer else "bilinear")
    last = len(blocks) + 2
    b.array(f"b{last}/avg_var", 1)
    b.norm(f"b{last}"), b.add("relu"), b.conv(f"c{last}"), b.ending()


@layout(generators, "StudioGAN ResNet generator", "linear0/W", r"blocks/0/0/conv2d1/W", eps=STUDIO_EPS)
def studio_resnet(b: Builder) -> None:
    b.linear("linear0")
    b.square(len(b.array("linear0/W", 2)), b.array("blocks/0/0/conv2d1/W", 4).shape[1], "linear0")
    for block in _blocks(b, "blocks/{}", 0):
        b.residual(f"{block}/0", ("bn1", "bn2", "conv2d1", "conv2d2", "conv2d0"), "nearest")
    b.norm("bn4"), b.add("relu"), b.conv("conv2d5" if b.has("conv2d5/W") else "conv5"), b.ending()


@layout(generators, "StudioGAN DCGAN generator", "linear0/W", r"blocks/0/0/deconv0/W", eps=STUDIO_EPS)
def studio_dcgan(b: Builder) -> None:
    b.linear("linear0")
    b.square(len(b.array("linear0/W", 2)), len(b.array("blocks/0/0/deconv0/W", 4)), "linear0")
    for block in _blocks(b, "blocks/{}", 0):
        b.deconv(f"{block}/0/deconv0"), b.norm(f"{block}/0/bn0"), b.add("relu")
    b.conv("conv2d4" if b.has("conv2d4/W") else "conv4"), b.ending()


@layout(generators, "WGAN-GP GoodGenerator", "ln1/W", r"rb1/conv_1/conv(/conv)?/W")
def good_generator(b: Builder) -> None:
    """Gulrajani et al.'s for 64 × 64, by the names of the PyTorch port improved-wgan-pytorch."""
    _shorten(b)
    b.linear("ln1")
    b.square(len(b.array("ln1/W", 2)), b.array("rb1/conv_1/W", 4).shape[1], "ln1")
    for block in _blocks(b, "rb{}", 1):
        b.residual(block, ("bn1", "bn2", "conv_1", "conv_2", "conv_shortcut"), "nearest")
    b.norm("bn"), b.add("relu"), b.conv("conv1"), b.ending()


def _shorten(b: Builder) -> None:
    """Without the wrappers that a port puts around every convolution, "conv_1/conv/conv" being "conv_1"."""
    b.arrays = {re.sub(r"(/conv)+(?=/[Wb]$)", "", key): value for key, value in b.arrays.items()}


@layout(generators, "DCGAN generator (transposed convolutions, such as CNNDecoder)")
def plain_dcgan(b: Builder) -> None:
    """pytorch/examples' DCGAN, DGflow's CNNDecoder: transposed convolutions and norms in the file's order."""
    order = _convolutions(b)
    for index, (layer, norm) in enumerate(order):
        if not index:
            b.add("unflatten", len(b.array(f"{layer}/W", 4)), 1, 1)
            b.deconv(layer, 1, 0)
        else:
            b.deconv(layer)
        if norm:
            b.norm(norm)
        if index < len(order) - 1:
            b.add("relu")
    b.ending()
    if b.wishes.side and b.wishes.side != _side(order, b):
        b.add("upsample", b.wishes.side)


def _side(order: list[tuple[str, str]], b: Builder) -> int:
    side = b.array(f"{order[0][0]}/W", 4).shape[2]
    for layer, _ in order[1:]:
        side *= 2 if b.array(f"{layer}/W", 4).shape[2] == 4 else 1
    return side


def _convolutions(b: Builder) -> list[tuple[str, str]]:
    """(convolution, the batch norm after it or "") in the file's order; nothing else may be there."""
    order: list[tuple[str, str]] = []
    for layer in dict.fromkeys(key.rpartition("/")[0] for key in b.arrays):
        if b.has(f"{layer}/avg_var"):
            if order and not order[-1][1]:
                order[-1] = order[-1][0], layer
                continue
        elif b.has(f"{layer}/W") and b.arrays[f"{layer}/W"].dim() == 4:
            order.append((layer, ""))
            continue
        raise UserError(f"{b.name}: {layer[:60]} does not belong to a {b.title}.")
    if len(order) < 2:
        raise UserError(f"{b.name}: a {b.title} has two convolutions at least, and the file {len(order)}.")
    return order


@layout(generators, PLANE, axes=2)
def planar_generator(b: Builder) -> None:
    """Codes to points of the plane; Tanaka's networks for Chainer among them."""
    last = _dense(b)
    if len(b.array(f"{last}/W", 2)) != 2:
        outputs = len(b.arrays[f"{last}/W"])
        raise UserError(
            f"{b.name}: a {b.title} ends in 2 outputs, not {outputs}; images of dense layers come in as a "
            "network in PyTorch, by dg.register."
        )
    b.linear(last)


def _dense(b: Builder) -> str:
    """All dense layers in the file's order, each but the last with its activation; the last one's name."""
    layers = list(dict.fromkeys(key.rpartition("/")[0] for key in b.arrays))
    for layer in layers:
        if not b.has(f"{layer}/W") or b.has(f"{layer}/avg_var"):
            raise UserError(f"{b.name}: {layer[:60]} does not belong to a {b.title}.")
    for layer in layers[:-1]:
        b.linear(layer)
        if b.wishes.activation is None:
            raise UserError(
                f"{b.name}: files of dense layers do not say what stands between them: choose by "
                'activation="relu", "leaky_relu" (slope 0.2) or "tanh".'
            )
        b.add(b.wishes.activation, *([0.2] if b.wishes.activation == "leaky_relu" else []))
    return layers[-1]


# Critics


@layout(critics, "SNDCGANDiscriminator", "c0_0/W", "c0_1/W")
def sndcgan(b: Builder) -> None:
    """chainer-gan-lib's; its files hold weights before their spectral norm."""
    if any(key.startswith("bn") for key in b.arrays):
        raise UserError(f"{b.name} must hold an SNDCGANDiscriminator or a WGANDiscriminator, and holds "
        f"neither: it has "
                        "batch norms.")  # fmt: skip
    _spectral(b)
    _plain_critic(b, ("c0_0", "c0_1", "c1_0", "c1_1", "c2_0", "c2_1", "c3_0"))


@layout(critics, "WGANDiscriminator", "c0/W", "c1_0/W")
def wgan(b: Builder) -> None:
    _plain_critic(b, ("c0", "c1", "c1_0", "c2", "c2_0", "c3", "c3_0"))


def _spectral(b: Builder) -> None:
    """Every weight that is not yet divided by its largest singular value is."""
    for key, value in b.arrays.items():
        if (
            key.endswith("/W")
            and value.dim() >= 2
            and value.numel()
            and key[:-2] not in b.checkpoint.normalised
        ):
            sigma = torch.linalg.matrix_norm(value.flatten(1), 2).clamp_min(1e-12)
            b.arrays = b.arrays | {key: value / sigma}


def _plain_critic(b: Builder, convolutions: tuple[str, ...]) -> None:
    for layer in convolutions:
        b.conv(layer), b.add("leaky_relu", 0.2)
    b.add("flatten"), b.end("l4")


@layout(critics, "ResNetDiscriminator", "block1/c1/W", "block2/c1/W")
def miyato_critic(b: Builder) -> None:
    """sngan_projection's and torch-mimicry's; without spectral norm, Gulrajani et al.'s."""
    if b.checkpoint.chainer:
        _spectral(b)
    spectral = b.checkpoint.chainer or bool(b.checkpoint.normalised)
    blocks = _blocks(b, "block{}", 1)
    _down_blocks(b, blocks, ("b1", "b2", "c1", "c2", "c_sc"), last_halves=True)
    b.add("relu"), b.pool(spectral)
    last = next((key[:-2] for key in b.arrays if re.fullmatch(r"l\d+/W", key)), f"l{len(blocks) + 1}")
    b.end(last, ("l_y",))


def _down_blocks(b: Builder, blocks: list[str], names: tuple[str, ...], last_halves: bool) -> None:
    """Blocks that halve the side where they have a shortcut, as long as it is even; the first takes images.

    ``last_halves``: whether the last may. Shapes do not tell: a block whose width changes has a shortcut too.
    """
    side = b.wishes.side or 32
    for index, block in enumerate(blocks):
        shortcut = b.has(f"{block}/{names[4]}/W")
        halve = index == 0 or (
            shortcut and side % 2 == 0 and side > 2 and (last_halves or index < len(blocks) - 1)
        )
        b.residual(block, names, "down" if halve else None, first=index == 0)
        side //= 2 if halve else 1


@layout(critics, "StudioGAN ResNet critic", "linear1/W", r"blocks/0/0/conv2d1/W", eps=STUDIO_EPS)
def studio_critic(b: Builder) -> None:
    if any(key.endswith("/avg_var") for key in b.arrays):
        raise UserError(
            f"{b.name}: StudioGAN's ResNet critic is read with spectral norm, not with batch norms."
        )
    blocks = [f"{block}/0" for block in _blocks(b, "blocks/{}", 0)]
    _down_blocks(b, blocks, ("bn1", "bn2", "conv2d1", "conv2d2", "conv2d0"), last_halves=False)
    b.add("relu"), b.add("sum"), b.end("linear1", ("embedding",))


@layout(critics, "StudioGAN DCGAN critic", "linear1/W", r"blocks/0/0/conv0/W", eps=STUDIO_EPS)
def studio_dcgan_critic(b: Builder) -> None:
    for block in _blocks(b, "blocks/{}", 0):
        b.conv(f"{block}/0/conv0"), b.norm(f"{block}/0/bn0"), b.add("relu")
        b.conv(f"{block}/0/conv1"), b.norm(f"{block}/0/bn1"), b.add("relu")
    b.conv("conv"), b.norm("bn"), b.add("relu"), b.add("sum"), b.end("linear1", ("embedding",))


@layout(critics, "WGAN-GP GoodDiscriminator", "ln1/W", r"rb1/conv_2/conv(/conv)?/W")
def good_critic(b: Builder) -> None:
    _shorten(b)
    b.conv("conv1")
    for block in _blocks(b, "rb{}", 1):
        b.residual(block, ("bn1", "bn2", "conv_1", "conv_2", "conv_shortcut"), "down")
    b.add("flatten"), b.end("ln1")


@layout(critics, "DCGAN critic (convolutions)")
def plain_dcgan_critic(b: Builder) -> None:
    """pytorch/examples' DCGAN before its sigmoid: convolutions of 4 × 4, the last one without a border."""
    order = _convolutions(b)
    for index, (layer, norm) in enumerate(order):
        last = index == len(order) - 1
        b.conv(layer, *((1, 0) if last else ()))
        if norm:
            b.norm(norm)
        if not last:
            b.add("leaky_relu", 0.2)
    b.add("logit")


@layout(critics, PLANE, axes=2)
def planar_critic(b: Builder) -> None:
    b.end(_dense(b))

"""Networks as people have them, taken as the explorer calls them: codes → samples, samples → logits.

Taken as they are: codes of shape (n, dim, 1, 1); a class beside the code; tuples, lists and dicts of outputs;
flat images and images with the colours last; patches of logits; half, bfloat16 and double weights; a first
layer that works in place; compiled and data-parallel wrappers; noise drawn inside; scores that depend on the
rest of the batch. Where a choice is needed it is asked for by name. Everything done is said in a ``Finding``.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import math
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dgflow_core.errors import UserError
from dgflow_core.flow.priors import Prior
from dgflow_core.zoo.finding import Finding

#: Samples that stand beside each one where a network looks at its whole batch, the judged one included.
BATCH = 8
#: How far a row may move with its batch or the hour, as a share of the spread over rows, before it counts.
SAME = 2e-3
#: Units in the last place by which sums in another order may differ: a weak critic's spread may be as small.
ULPS = 32
_LOCK = threading.RLock()


@dataclass(frozen=True)
class Choice:
    """What ``register`` was told about how to call the networks; None where nothing was said."""

    output: int | str | None = None
    critic_output: int | str | None = None
    label: int | None = None
    kind: str | None = None

    @classmethod
    def parse(cls, values: dict) -> Choice:
        """
        Raises:
            UserError: an unknown name or a value of another kind.
        """
        known = [field.name for field in fields(cls)]
        for name, value in values.items():
            if name not in known:
                raise UserError(f"choice must be among {', '.join(known)}, not {name!r}.")
            if name == "label" and not (value is None or (type(value) is int and value >= 0)):
                raise UserError(f"label must be a whole number from 0, not {value!r}.")
            if name == "kind" and value not in (None, "2d", "image", "text"):
                raise UserError(f"kind must be '2d', 'image' or 'text', not {value!r}.")
        return cls(**values)


class _Called(nn.Module):
    """A function or callable object as a module."""

    def __init__(self, function: Callable):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


class _OneMode(_Called):
    """A network that cannot be told to train or to be evaluated, and is as it is."""

    def train(self, mode: bool = True) -> _OneMode:
        self.training = mode
        return self


def written(words: str) -> Tensor:
    """``words`` as a buffer: what a wrapper does belongs to a model's digest, as weights do."""
    return torch.tensor(list(words.encode()), dtype=torch.uint8)


class Taken(nn.Module):
    """``network``, called as it wants to be and answering as the explorer wants it.

    ``inputs`` makes the network's arguments of the rows, ``answer`` picks and shapes its output; ``how``
    says both in words.
    """

    def __init__(self, network: nn.Module, inputs: Callable, answer: Callable, clone: bool, how: str = ""):
        super().__init__()
        self.network, self._inputs, self._answer, self._clone = network, inputs, answer, clone
        self.register_buffer("how", written(how))

    def forward(self, rows: Tensor) -> Tensor:
        return self._answer(self.network(*self._inputs(rows.clone() if self._clone else rows))).float()


class PerRow(nn.Module):
    """Each row by itself: always beside the same ``companions``, always with the same noise.

    So a row's answer depends on nothing but the row. Where PyTorch can it takes the rows at once
    (``torch.vmap``), else one after the other, which is slower by a factor of the batch.
    """

    def __init__(self, network: nn.Module, companions: Tensor, rows: Tensor, seed: int = 0):
        """``companions`` (m, …) may be none; ``rows`` (3, …) are tried to see which way works."""
        super().__init__()
        self.network, self.seed = network, seed
        self.companions: Tensor
        self.register_buffer("companions", companions.detach().clone())
        self.vectorised = self._agrees(rows)

    @torch.no_grad()
    def _agrees(self, rows: Tensor) -> bool:
        try:
            return torch.allclose(self._at_once(rows), self._one_by_one(rows), rtol=1e-3, atol=1e-5)
        except Exception:  # whatever an unknown network does under vmap
            return False

    def _one(self, row: Tensor) -> Tensor:
        return self.network(torch.cat([row.unsqueeze(0), self.companions]))[0]

    def _at_once(self, rows: Tensor) -> Tensor:
        with same_noise(self.seed):
            return torch.vmap(self._one, randomness="same", chunk_size=32)(rows)

    def _one_by_one(self, rows: Tensor) -> Tensor:
        answers = []
        for row in rows:
            with same_noise(self.seed):
                answers.append(self._one(row))
        return torch.stack(answers)

    def forward(self, rows: Tensor) -> Tensor:
        return self._at_once(rows) if self.vectorised else self._one_by_one(rows)


@contextmanager
def same_noise(seed: int) -> Iterator[None]:
    """Every global source of randomness starts from ``seed`` inside, and goes on as before outside."""
    with _LOCK, torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        ours = np.random.get_state(), random.getstate()  # noqa: NPY002 - what others draw from
        torch.manual_seed(seed), np.random.seed(seed), random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(ours[0]), random.setstate(ours[1])  # noqa: NPY002


def adapt(
    name: str, generator: Any, critics: Mapping[str, Any], prior: Prior, device: torch.device, choice: Choice
) -> tuple[nn.Module, dict[str, nn.Module], list[Finding]]:
    """The networks in the explorer's form, and what was done to them.

    Args:
        name: the model's, for messages. critics: "critic", and "corrector" where there is one.

    Raises:
        UserError: they cannot be called, or a choice is needed; one sentence.
    """
    found: list[Finding] = []
    network = _plain(name, "generator", generator, device, found)
    codes = prior.sample(16, 0).to(device)
    made = _take(name, "generator", network, codes, choice, found)
    with torch.no_grad():
        samples = made(codes)
    taken = {
        part: _take(name, part, _plain(name, part, critic, device, found), samples, choice, found)
        for part, critic in critics.items()
        if critic is not None
    }
    return made, taken, found


def _plain(name: str, part: str, network: Any, device: torch.device, found: list[Finding]) -> nn.Module:
    """Without wrappers, in float32, in evaluation mode, on ``device``."""
    if isinstance(network, type) or not callable(network):
        raise UserError(
            f"model {name!r}: the {part} must be a network that can be called, not {network!r:.60}."
        )
    network = getattr(network, "_torchdynamo_orig_callable", network)  # a function's torch.compile
    if not isinstance(network, nn.Module):
        network = _Called(network)
    while True:
        inner = getattr(network, "_orig_mod", None)
        if inner is None and isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = network.module
        if not isinstance(inner, nn.Module):
            break
        network = inner
    kinds = {value.dtype for value in network.state_dict().values() if value.is_floating_point()}
    if kinds - {torch.float32}:
        words = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in kinds - {torch.float32}))
        with contextlib.suppress(Exception):  # what cannot be copied is converted where it is
            network = copy.deepcopy(network)
        network = network.float()
        found.append(Finding(
            "precision", f"the {part}'s weights were {words}", "gradients need float32",
            "they were converted", severity="done", values={"dtype": words, "part": part},
        ))  # fmt: skip
    try:
        network = network.to(device)
        try:
            return network.eval()
        except NotImplementedError:  # torch.export's, which knows one mode only
            return _OneMode(network).eval()
    except (RuntimeError, NotImplementedError) as error:
        raise UserError(
            f"model {name!r}: the {part} cannot be put on {device} ({_first_line(error)})."
        ) from None


def _take(
    name: str, part: str, network: nn.Module, rows: Tensor, choice: Choice, found: list[Finding]
) -> nn.Module:
    """``network`` as a ``Taken``, and a ``PerRow`` where its answers do not hang on the row alone."""
    result, inputs, count = _call(name, part, network, rows, choice)
    probe = rows[:count].clone()
    before = probe._version
    with torch.no_grad():
        network(*inputs(probe))
    clone = probe._version != before or not torch.equal(probe, rows[:count])
    if clone:
        found.append(Finding(
            "in-place", f"the {part}'s first layer works in place", "it would overwrite what it is given, "
            "and "
            "has no gradient there", "it gets a copy", severity="done", values={"part": part},
        ))  # fmt: skip
    pick = choice.output if part == "generator" else choice.critic_output
    who = f"model {name!r}: the {part}"
    answer = (
        _samples(who, result, count, pick, choice.kind)
        if part == "generator"
        else _logits(who, result, count, pick)
    )
    taken = Taken(network, inputs, answer, clone, f"{choice} {answer.key}").to(rows.device)
    return steadied(part, taken, rows, found)


def steadied(part: str, network: nn.Module, rows: Tensor, found: list[Finding]) -> nn.Module:
    """``network``, as a ``PerRow`` where noise or the rest of the batch moves its answers; says so.

    ``rows`` (n, …), n ≥ 16: samples or codes to try it with, of which some become the companions.
    """
    moved = dependence(network, rows)
    if not (moved.noise or moved.batch):
        return network
    settled = PerRow(network, rows[1 : moved.size] if moved.batch else rows[:0], rows[:3])
    slower = "" if settled.vectorised else ", one after the other, which is slow"
    if moved.noise:
        found.append(Finding(
            "noise", f"the {part} draws noise of its own", "the same input would give another answer each "
            "time",
            f"its noise is held fixed, the same for every sample{slower}", severity="done",
            values={"part": part, "moved": moved.noise},
        ))  # fmt: skip
    if moved.batch:
        share = "it takes no single one" if math.isinf(moved.batch) else f"by {moved.batch:.0%} of its spread"
        found.append(Finding(
            "batch-dependent", f"the {part}'s answer for a sample depends on the rest of the batch ({share})",
            "results would change with the batch size",
            f"every sample is taken beside the same {moved.size - 1} others{slower}", severity="done",
            values={"part": part, "moved": min(moved.batch, 1e9)},
        ))  # fmt: skip
    return settled


class Dependence(NamedTuple):
    """How far answers move with noise and with the rest of the batch, as shares of their spread (0: within
    rounding; infinite: a sample alone is refused), and the batch ``size`` that was tried."""

    noise: float
    batch: float
    size: int


@torch.no_grad()
def dependence(network: nn.Module, rows: Tensor) -> Dependence:
    """Ask ``network`` about ``rows`` (n ≥ 16, …) with other noise, and with other rows beside them."""

    def asked(chosen: Tensor, seed: int = 0) -> Tensor | None:
        with same_noise(seed):
            try:
                return network(chosen.clone()).reshape(len(chosen), -1)
            except Exception:  # an unknown network raises what it likes, for a batch that does not suit it
                return None

    def moved(answers: Tensor | None, reference: Tensor) -> float:
        if answers is None:
            return math.inf
        far = float((answers - reference).abs().max())
        rounding = ULPS * torch.finfo(reference.dtype).eps * float(reference.abs().max())
        same = far <= max(SAME * spread, rounding) or not torch.isfinite(reference).all()
        return 0.0 if same else far / spread

    answers = ((size, asked(rows[:size])) for size in (BATCH, 4, 16, 2))
    size, whole = next(((size, found) for size, found in answers if found is not None), (1, None))
    if whole is None:
        return Dependence(0.0, 0.0, 1)
    spread = float((whole - whole.mean(0)).abs().mean() + 1e-5 * whole.abs().mean()) + 1e-12
    noise = moved(asked(rows[:size], 1), whole)
    others = torch.cat([rows[:1], 0.5 * rows[1:size].flip(0)])  # the first row beside other ones
    beside = asked(others)
    batch = moved(None if beside is None else beside[:1], whole[:1])
    if not noise:  # a network without noise says the same of a row alone
        alone = asked(rows[:1])
        batch = max(batch, moved(alone, whole[:1]))
    return Dependence(noise, batch, size)


# How it is called


def _call(name: str, part: str, network: nn.Module, rows: Tensor, choice: Choice):
    """What the network says to the first form of input that it takes; that form; and to how many rows."""
    needed = _inputs_needed(network)
    what = f"codes of prior dim {rows.shape[1]}" if part == "generator" else (
        f"the generator's samples, shape {tuple(rows.shape[1:])}")  # fmt: skip
    forms: list[Callable] = [lambda x: x]
    if part == "generator":
        forms.append(lambda x: x.reshape(len(x), -1, 1, 1))
    else:
        forms.append(lambda x: x.flatten(1))
    error: Exception | None = None
    extra = _labels(network, rows, choice.label) if needed > 1 or choice.label is not None else [()]
    if needed > 1 and choice.label is None:
        extra = [lambda x: (None,)]
    elif choice.label is not None and needed <= 1:
        extra = [lambda x: ()] if _takes_one_only(network) else [*extra, lambda x: ()]
    for count in (2, 4, 8, 16, 1):
        for form in forms:
            for labels in extra:
                more = labels if callable(labels) else (lambda x: ())
                inputs = _Inputs(form, more)
                try:
                    with torch.no_grad(), same_noise(0):
                        return network(*inputs(rows[:count].clone())), inputs, count
                except Exception as problem:  # an unknown network raises what it likes
                    error = error or problem
    if needed > 1 and choice.label is None:
        raise UserError(
            f"model {name!r}: the {part} takes {needed} inputs: choose the class that goes with each sample "
            f"by label=0 (or another number), or hand in a function of one input."
        )
    raise UserError(f"model {name!r}: the {part} does not take {what} ({_first_line(error)}).")


@dataclass(frozen=True)
class _Inputs:
    form: Callable
    labels: Callable

    def __call__(self, rows: Tensor) -> tuple:
        return (self.form(rows), *self.labels(rows))


def _inputs_needed(network: nn.Module) -> int:
    try:
        parameters = inspect.signature(network.forward).parameters.values()
    except (TypeError, ValueError):
        return 1
    if isinstance(network, _Called):
        try:
            parameters = inspect.signature(network.function).parameters.values()
        except (TypeError, ValueError):
            return 1
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return max(1, sum(p.kind in plain and p.default is p.empty for p in parameters))


def _takes_one_only(network: nn.Module) -> bool:
    try:
        parameters = list(inspect.signature(network.forward).parameters.values())
    except (TypeError, ValueError):
        return False
    return len(parameters) == 1 and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL


def _labels(network: nn.Module, rows: Tensor, label: int | None) -> list[Callable]:
    """Ways to write one class: its number, then one-hot rows of a width that a layer would take."""
    if label is None:
        return [lambda x: ()]
    layers = list(network.modules())
    widths = [layer.num_embeddings for layer in layers if isinstance(layer, nn.Embedding)]
    flat = rows[0].numel()
    widths += [layer.in_features - flat for layer in layers if isinstance(layer, nn.Linear)]
    widths += [layer.in_features for layer in layers if isinstance(layer, nn.Linear)]
    ways: list[Callable] = [lambda x: (torch.full((len(x),), label, dtype=torch.long, device=x.device),)]
    for width in dict.fromkeys(width for width in widths if label < width <= 10_000):
        ways.append(
            lambda x, width=width: (
                nn.functional.one_hot(torch.full((len(x),), label, device=x.device), width).to(x.dtype),
            )
        )
    return ways


# What it answers


def _outputs(result: Any) -> dict[int | str, Tensor]:
    """The tensors of an answer, by their index or key; a plain tensor is output 0."""
    if isinstance(result, Tensor):
        return {0: result}
    if isinstance(result, Mapping):
        pairs = list(result.items())
    elif isinstance(result, Sequence):
        pairs = list(enumerate(result))
    elif hasattr(result, "__dict__"):
        pairs = list(vars(result).items())
    else:
        pairs = []
    return {key: value for key, value in pairs if isinstance(value, Tensor)}


def _pick(who: str, result: Any, fits: Callable, pick: int | str | None, argument: str, wanted: str):
    """The key of the output to take, and how to shape it."""
    outputs = _outputs(result)
    listed = ", ".join(f"{key!r}: {tuple(value.shape)}" for key, value in outputs.items())
    if pick is not None:
        if pick not in outputs:
            raise UserError(f"{who} has no output {pick!r}; it has {listed or 'no tensors'}.")
        outputs = {pick: outputs[pick]}
    shapes = {key: shape for key, value in outputs.items() if (shape := fits(value)) is not None}
    if len(shapes) == 1:
        return next(iter(shapes.items()))
    if shapes:
        raise UserError(f"{who} returns {len(shapes)} outputs that could be {wanted} ({listed}): choose "
        f"one by "
                        f"{argument}={next(reversed(shapes))!r}.")  # fmt: skip
    raise UserError(f"{who} must return {wanted}, not {listed or type(result).__name__}.")


@dataclass(frozen=True)
class _Answer:
    key: int | str
    shape: Callable
    plain: bool

    def __call__(self, result: Any) -> Tensor:
        return self.shape(result if self.plain else _outputs(result)[self.key])


def _samples(who: str, result: Any, count: int, pick: int | str | None, kind: str | None) -> _Answer:
    def fits(value: Tensor) -> Callable | None:
        shape = tuple(value.shape[1:])
        if not value.dim() or len(value) != count or not value.is_floating_point():
            return None
        if kind == "text":
            return _as_is if len(shape) == 2 else None
        if len(shape) == 3 and shape[0] not in (1, 3) and shape[2] in (1, 3):
            return _colours_first
        if len(shape) == 3 or shape == (2,):
            return _as_is
        if len(shape) == 2 and shape[0] == shape[1]:
            return _one_colour
        if len(shape) == 1:
            for colours in (1, 3):
                side = math.isqrt(shape[0] // colours)
                if side >= 8 and colours * side**2 == shape[0]:
                    return _Unflat(colours, side)
        return None

    words = "strings (n, length, symbols)" if kind == "text" else "images (n, C, H, W) or points (n, 2)"
    key, shape = _pick(who, result, fits, pick, "output", words)
    return _Answer(key, shape, isinstance(result, Tensor))


def _logits(who: str, result: Any, count: int, pick: int | str | None) -> _Answer:
    if isinstance(result, Tensor) and result.dim() == 2 and result.shape[1] > 1 and len(result) == count:
        columns = result.shape[1]
        if not isinstance(pick, int):
            raise UserError(f"{who} must return one logit a sample, shape (n,), not (n, {columns}): "
            f"choose a column "
                            f"by critic_output=0.")  # fmt: skip
        if not -columns <= pick < columns:
            raise UserError(f"{who} has no column {pick}; it has {columns}.")
        return _Answer(0, _Column(pick), True)

    def fits(value: Tensor) -> Callable | None:
        if not value.is_floating_point():
            return None
        if value.numel() == count:
            return _flat
        patches = value.dim() == 4 and len(value) == count and value.shape[1] == 1
        return _mean_of_patches if patches else None

    key, shape = _pick(who, result, fits, pick, "critic_output", "one logit a sample, shape (n,)")
    return _Answer(key, shape, isinstance(result, Tensor))


def _as_is(value: Tensor) -> Tensor:
    return value


def _flat(value: Tensor) -> Tensor:
    return value.reshape(-1)


def _mean_of_patches(value: Tensor) -> Tensor:
    return value.flatten(1).mean(1)


def _colours_first(value: Tensor) -> Tensor:
    return value.movedim(-1, 1)


def _one_colour(value: Tensor) -> Tensor:
    return value.unsqueeze(1)


@dataclass(frozen=True)
class _Unflat:
    colours: int
    side: int

    def __call__(self, value: Tensor) -> Tensor:
        return value.reshape(-1, self.colours, self.side, self.side)


@dataclass(frozen=True)
class _Column:
    index: int

    def __call__(self, value: Tensor) -> Tensor:
        return value[:, self.index]


def _first_line(error: Exception | None) -> str:
    text = str(error).partition("\n")[0][:160].rstrip(". ")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

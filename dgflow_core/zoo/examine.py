"""A model, examined: what is unusual about it, what that does to refinement, and what can be done.

A few hundred samples go through the networks; each check below looks at what came out. Real samples are
compared where they are at hand: a data root that is named, the pictures that ship with a data set, a planar
data set's own sampler.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from dgflow_core.fields.network import ExactField
from dgflow_core.flow import priors
from dgflow_core.kinds.images import datasets as image_datasets
from dgflow_core.kinds.images.datasets.readers import to_unit
from dgflow_core.kinds.images.neighbours import index
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.zoo.adapters import PerRow, dependence
from dgflow_core.zoo.finding import SEVERITIES, Finding
from dgflow_core.zoo.model import Model

#: Samples of the plane; of images and strings at most and at least; the seconds they may take.
PLANAR, MOST, LEAST, SECONDS = 2000, 256, 64, 0.7
GRADIENTS = 64  # samples whose gradients are looked at
RUN = (64, 25)  # the usual run, samples × steps, whose time and memory are foretold
LONG, LARGE = 60.0, 2 * 2**30  # seconds and bytes from which that is worth saying

#: Logits this far apart over the middle half of the samples leave weights like σ(d) at 0 and 1.
STEEP = 12.0
#: How much farther than half the gap between real and generated the zero of d may lie from both.
STRAY = 2.0
#: Where no real sample is at hand: how large log E[exp d] over generated ones may be; a ratio's is 0.
#: Below 0 it says less: a critic that tells them apart easily finds few that pass.
FAR = 15.0


class Findings(list[Finding]):
    """Findings, the gravest first, and ``facts``: what was measured on the way."""

    def __init__(self, findings: list[Finding], facts: dict[str, float | int | str]):
        super().__init__(sorted(findings, key=lambda found: SEVERITIES.index(found.severity)))
        self.facts = facts

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "Nothing unusual was found."


@dataclass
class Evidence:
    """What went through the networks: tensors over the same samples, in their order."""

    model: Model
    codes: Tensor
    samples: Tensor
    logits: Tensor
    gradients: Tensor  # ∇d in data space, of the first few
    latent_gradients: Tensor  # ∇(d∘g), of the first few
    real: Tensor | None = None
    real_logits: Tensor | None = None
    named_root: bool = False
    facts: dict[str, float | int | str] = field(default_factory=dict)


Check = Callable[[Evidence], Iterator[Finding]]
checks: list[Check] = []


def check(function: Check) -> Check:
    """Decorator: one thing that is looked at."""
    checks.append(function)
    return function


def examine(model: Model, data_root: str | Path | None = None) -> Findings:
    """What is unusual about ``model``, the gravest first; empty where nothing is.

    Takes a second or two for networks of CIFAR-10's size on one thread.

    Args:
        data_root: where the data set's images are; with it, how well the logit separates real from
            generated samples and how honest its odds are is always said.

    Raises:
        UserError: ``data_root`` does not hold the model's data set.
    """
    carried = [Finding(**found) for found in model.config.get("found", ())]
    try:
        evidence = _gather(model, data_root)
    except (RuntimeError, TypeError, IndexError, AttributeError, ArithmeticError) as error:
        reason = str(error).partition("\n")[0][:160].rstrip(".")
        broken = Finding(
            "fails", f"the networks do not take {LEAST} samples ({type(error).__name__}: {reason})",
            "nothing can be refined with them", "hand them in by dg.register, which adapts them",
            severity="error",
        )  # fmt: skip
        return Findings([broken, *carried], {})
    found = [finding for look in checks for finding in look(evidence)]
    return Findings([*carried, *_without_consequences(found)], evidence.facts)


def _without_consequences(found: list[Finding]) -> list[Finding]:
    """Without what only follows from something graver: a dead critic needs no offset."""
    keys = {finding.key for finding in found}
    hides = {
        "not-finite": {"offset", "saturated", "dead", "exploding", "separation", "odds"},
        "dead": {"offset", "separation", "odds"},
        "sigmoid": {"offset", "odds", "exploding"},
        "saturated": {"offset", "exploding", "odds"},
        "collapsed": {"prior"},
        "flipped": {"offset", "odds"},
    }  # fmt: skip
    hidden = set().union(*(hides[key] for key in keys & hides.keys()))
    return [finding for finding in found if finding.key not in hidden]


# What goes through


def _gather(model: Model, data_root: str | Path | None) -> Evidence:
    # A thread's own time: other work on the machine does not count.
    count = PLANAR if model.kind == "2d" else LEAST
    codes = model.prior.sample(count, 1).to(model.device)
    begun = time.thread_time()
    samples = model.generate(codes)
    logits = model.logit(samples)
    each = (time.thread_time() - begun) / count
    more = min(MOST, int(SECONDS / max(each, 1e-9))) - count
    if model.kind != "2d" and more > 0:
        codes = torch.cat([codes, model.prior.sample(more, 2).to(model.device)])
        samples = torch.cat([samples, model.generate(codes[count:])])
        logits = torch.cat([logits, model.logit(samples[count:])])
    few = GRADIENTS if each < 0.05 else 8
    begun = time.thread_time()
    in_codes = ExactField(model, "latent").evaluate(codes[:few])
    step = (time.thread_time() - begun) / few
    in_data = ExactField(model, "data").evaluate(samples[:few])
    rows, steps = RUN
    numbers = samples[0].numel() + codes[0].numel() + 1
    evidence = Evidence(
        model, codes, samples, logits, in_data.grad, in_codes.grad,
        facts={"samples": len(samples), "seconds": step * rows * steps,
        "bytes": 4 * numbers * rows * (steps + 1)},
    )  # fmt: skip
    evidence.real, source = _real(model, data_root)
    evidence.named_root = data_root is not None
    if evidence.real is not None:
        evidence.real_logits = model.logit(evidence.real)
        evidence.facts |= {"real": len(evidence.real), "real samples from": source}
    if torch.isfinite(logits).all():
        evidence.facts |= {"logit": float(logits.median()), "logit spread": _spread(logits)}
    return evidence


def _real(model: Model, data_root: str | Path | None) -> tuple[Tensor | None, str]:
    """Real samples of the model's own data set in its own shape, and where they are from."""
    name = model.dataset
    if model.kind == "2d" and name in plane_datasets.datasets:
        points = torch.as_tensor(np.asarray(plane_datasets.get(name).sample(PLANAR, 1)))
        return points.float().to(model.device), "its sampler"
    if model.kind != "image" or name not in image_datasets.datasets:
        return None, ""
    if data_root is not None:
        pictures, source = image_datasets.get(name).load(Path(data_root), train=True)[0], "the data root"
    else:
        try:
            pictures, source = index(name).pictures, "the pictures that ship"
        except ValueError:  # none ship with this data set
            return None, ""
    chosen = torch.randperm(len(pictures), generator=priors.seeded(3))[:MOST]
    real = to_unit(pictures[chosen]).to(model.device)
    return (real, source) if real.shape[1:] == model.sample_shape else (None, "")


def _spread(values: Tensor) -> float:
    """The width of the middle half."""
    return float(values.quantile(0.75) - values.quantile(0.25))


# What comes out of the generator


@check
def finite(e: Evidence) -> Iterator[Finding]:
    bad = ~(torch.isfinite(e.samples).flatten(1).all(1) & torch.isfinite(e.logits))
    if bad.any() or not torch.isfinite(e.gradients).all():
        yield Finding(
            "not-finite", f"{int(bad.sum())} of {len(bad)} samples or their logits are not finite",
            "a run stops where the first such sample comes", "look for a division or a logarithm at 0",
            severity="error",
        )  # fmt: skip


@check
def value_range(e: Evidence) -> Iterator[Finding]:
    low, high = float(e.samples.min()), float(e.samples.max())
    if not math.isfinite(low + high) or e.model.kind == "2d":
        return
    if e.model.kind == "text":
        if low < -1e-4 or abs(float(e.samples.sum(-1).mean()) - 1) > 1e-2:
            yield Finding(
                "range", f"rows of a string sum to {float(e.samples.sum(-1).mean()):.2f} and reach from "
                f"{low:.2f}",
                "letters are read as the largest entry, and confidences mean nothing", "end the generator "
                "in a softmax",
                severity="note", values={"low": low, "high": high},
            )  # fmt: skip
        return
    ends = {"low": 0.0, "high": 255.0 if high > 2 else 1.0}
    if low >= -1e-6 and high > 1e-3 and high <= ends["high"] * 1.0001:
        yield Finding(
            "range", f"images have values in [0, {ends['high']:g}], from {low:.2f} to {high:.2f}",
            "they would be shown grey, and be compared with real images at another scale",
            "take them to [−1, 1] (the critic goes on seeing them as they are)",
            "certain" if _last_step(e.model.generator, e.codes[:2]) == "Sigmoid" else "likely",
            "error", "rescale", "Rescale to [−1, 1]", ends,
        )  # fmt: skip
        return
    outside = float((e.samples.abs() > 1.05).float().mean())
    if outside > 0.01:
        yield Finding(
            "range", f"{outside:.0%} of all values lie outside [−1, 1], from {low:.2f} to {high:.2f}",
            "they would be shown clipped", "end the generator in a tanh, or say dg.register(…) a function "
            "that "
            "undoes the normalisation of the training data", "likely", values={"low": low, "high": high},
        )  # fmt: skip


@check
def variety(e: Evidence) -> Iterator[Finding]:
    spread = float(e.samples.flatten(1).std(0).mean())
    if spread <= 1e-5 * max(1.0, float(e.samples.abs().mean())):
        yield Finding(
            "collapsed", "all samples are the same", "there is nothing to refine but one picture",
            "check that the weights were loaded, and that codes reach the first layer", severity="error",
            values={"spread": spread},
        )  # fmt: skip


@check
def prior(e: Evidence) -> Iterator[Finding]:
    """Another prior, held against the batch norms' statistics, and against real samples."""
    model = e.model
    if not torch.isfinite(e.samples).all():
        return
    kind = "uniform" if model.prior.kind == "normal" else "normal"
    other = priors.make(kind, model.prior.dim).sample(len(e.codes), 1).to(model.device)
    words = {"normal": "N(0, I)", "uniform": "uniform on [−1, 1]"}
    report = Finding(
        "prior", "", f"codes that the generator was not trained on give poorer samples than {words[kind]} "
        f"would",
        f"take {words[kind]} as the prior", "likely", "warning", "other_prior", f"Use the {kind} prior",
        {"prior": kind},
    )  # fmt: skip
    mine, others = _first_norm_misfit(model.generator, e.codes), _first_norm_misfit(model.generator, other)
    if mine is not None and others is not None and abs(mine) > 0.4 and abs(others) < 0.4 * abs(mine):
        times = math.exp(mine)
        what = f"the first batch norm meets {times:.2g} times the variance it was trained on with "
        f"{words[model.prior.kind]}"
        yield _with(report, what=what, values={"prior": kind, "variance": times})
    elif e.real is not None and len(e.real) >= LEAST:
        ours, theirs = (_energy(samples, e.real) for samples in (e.samples, model.generate(other)))
        if theirs < 0.75 * ours and ours - theirs > 0.003:
            what = (f"with {words[kind]} codes samples come {ours / max(theirs, 1e-4):.1f} times as close "
            f"to real ones "
                    f"as with {words[model.prior.kind]}")  # fmt: skip
            yield _with(report, what=what, values={"prior": kind, "distance": ours, "other": theirs})


def _with(finding: Finding, **changes) -> Finding:
    return Finding(**{**finding.as_dict(), **changes})


@torch.no_grad()
def _first_norm_misfit(network: nn.Module, codes: Tensor) -> float | None:
    """Median log of (variance met ÷ kept) of the first batch norm that codes meet; None without one."""
    norm = next((layer for layer in _norms(network) if _measured(layer)), None)
    if norm is None or isinstance(network, PerRow):
        return None
    met: list[Tensor] = []
    handle = norm.register_forward_hook(lambda layer, inputs, output: met.append(inputs[0]))
    try:
        network(codes[:MOST])
    finally:
        handle.remove()
    if not met or met[0].dim() < 2 or len(met[0]) < 16:
        return None
    variance, kept = met[0].transpose(0, 1).flatten(1).var(1), cast(Tensor, norm.running_var)
    return float((variance.clamp_min(1e-12) / kept.clamp_min(1e-12)).log().median())


def _energy(a: Tensor, b: Tensor) -> float:
    """The energy distance of samples a and b as a share of b's own mean distance; images as 8 × 8 means."""
    a, b = (adaptive_avg_pool2d(x, 8).flatten(1) if x.dim() == 4 else x.flatten(1) for x in (a, b))
    within = [torch.cdist(x, x).sum() / (len(x) * (len(x) - 1)) for x in (a, b)]
    return float((2 * torch.cdist(a, b).mean() - within[0] - within[1]) / within[1].clamp_min(1e-12))


@check
def determinism(e: Evidence) -> Iterator[Finding]:
    model = e.model
    for part in ("generator", "critic", "corrector"):
        network = getattr(model, part)
        if network is None or isinstance(network, PerRow):
            continue
        rows = e.codes[:16] if part == "generator" else e.samples[:16]
        noise, batch, _ = dependence(network, rows)
        if noise:
            yield Finding(
                "noise", f"the {part} draws noise of its own", "the same input gives another answer each "
                "time",
                "hold its noise fixed, the same for every sample", "certain", "error", "steady", "Hold "
                "the noise fixed",
                {"part": part},
            )  # fmt: skip
        if batch:
            share = "it takes no single one" if math.isinf(batch) else f"by {batch:.0%} of its spread"
            yield Finding(
                "batch-dependent", f"the {part}'s answer for a sample depends on the rest of the batch "
                f"({share})",
                "results change with the batch size", "take every sample beside the same few others",
                "certain",
                "error", "steady", "Pin the batch", {"part": part},
            )  # fmt: skip


def _norms(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    return [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]


def _measured(norm: nn.modules.batchnorm._BatchNorm) -> bool:
    """Whether its statistics were ever updated."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        return False
    return bool((mean != 0).any() or (variance != 1).any())


@check
def batch_norms(e: Evidence) -> Iterator[Finding]:
    for part in ("generator", "critic"):
        norms = [layer for layer in _norms(getattr(e.model, part)) if layer.running_mean is not None]
        fresh = [layer for layer in norms if not _measured(layer)]
        if fresh:
            yield Finding(
                "batch-norm", f"{len(fresh)} of {len(norms)} batch norms in the {part} never measured "
                f"their statistics "
                "(mean 0, variance 1)", "in evaluation they change nothing, so it does not do what it did "
                "in training",
                "measure them on generated samples", "certain", "error", "measure_norms", "Measure the "
                "statistics",
                {"part": part},
            )  # fmt: skip


# What the critic says


def _last_step(network: nn.Module, rows: Tensor) -> str:
    """The last operation that is no reshaping ("Sigmoid", "Addmm", …), as autograd recorded it."""
    with torch.enable_grad():
        try:
            node = network(rows.detach().clone().requires_grad_(True)).grad_fn
        except RuntimeError:
            return ""
    moves = ("View", "UnsafeView", "Squeeze", "Unsqueeze", "ReshapeAlias", "Select", "Slice", "Clone",
    "Alias",
             "ToCopy", "Permute", "Transpose", "T", "Expand", "Index")  # fmt: skip
    while node is not None:
        name = node.name().rstrip("0123456789").removesuffix("Backward")
        if name not in moves or not node.next_functions:
            return name
        node = node.next_functions[0][0]
    return ""


@check
def last_word(e: Evidence) -> Iterator[Finding]:
    """A probability where a logit should be."""
    critic = e.model.critic
    forms = {"Sigmoid": "probability", "Hardsigmoid": "probability", "Softmax": "probability",
             "LogSigmoid": "log-probability", "LogSoftmax": "log-probability"}  # fmt: skip
    sure: Literal["certain", "likely"] = "certain"
    form = forms.get(_last_step(critic, e.samples[:2]))
    if form is None and _stays_between_0_and_1(critic, e.samples[:16]):
        form, sure = "probability", "likely"
    if form is None:
        return
    with torch.no_grad():
        said = critic(e.samples)
    p = said.exp() if form == "log-probability" else said
    yield Finding(
        "sigmoid", f"the critic ends in a sigmoid: its last word is a {form}, here from "
        f"{float(said.min()):.3g} to "
        f"{float(said.max()):.3g}", "the flow would follow a probability, and exp(−d) would be no density "
        "ratio",
        "undo it by its logit", sure, "error", "logit", "Undo the sigmoid", {"form": form},
    )  # fmt: skip
    stuck = float(((p < 1e-6) | (p > 1 - 1e-6)).float().mean())
    if stuck > 0.3:
        yield Finding(
            "saturated", f"{stuck:.0%} of the critic's probabilities are 0 or 1 to six places",
            "they have no gradient to follow", "use the logits before the sigmoid, from a critic trained "
            "less long",
            "certain", "error", values={"share": stuck},
        )  # fmt: skip


@torch.no_grad()
def _stays_between_0_and_1(critic: nn.Module, samples: Tensor) -> bool:
    """Whether no input, however far out, leads the critic out of [0, 1]: a sigmoid written by hand."""
    said = []
    for scale in (0.0, 1.0, 10.0, 100.0, 1e4, 1e6):  # a critic of small weights takes long to get out
        noise = torch.randn(samples.shape, generator=priors.seeded(4)).to(samples.device)
        answers = [critic(sign * scale * noise + (samples if not scale else 0)) for sign in (1, -1)]
        said.extend(answers)
    values = torch.cat(said)
    return bool((values >= 0).all() and (values <= 1).all() and values.max() - values.min() > 1e-3)


@check
def gradients(e: Evidence) -> Iterator[Finding]:
    if not torch.isfinite(e.logits).all() or not torch.isfinite(e.gradients).all():
        return
    lengths = e.gradients.flatten(1).norm(dim=1)
    level, typical = float(e.logits.abs().max()), float(lengths.median())
    flat = float(e.logits.max() - e.logits.min()) <= 2e-6 * max(level, 1e-6)
    cut = _last_step(e.model.critic, e.samples[:2]) in ("Sigmoid", "Hardsigmoid", "Tanh", "Clamp", "Hardtanh")
    if typical < 1e-7 and flat and not cut:
        yield Finding(
            "dead", f"the critic says {float(e.logits.mean()):.4g} of every sample, and its gradient is "
            f"{typical:.1g}", "nothing moves", "check that its weights were loaded; a critic whose loss "
            "went to 0 or "
            "whose ReLUs all died has to be trained again", severity="error", values={"gradient": typical},
        )  # fmt: skip
        return
    still = float((lengths < 1e-9).float().mean())
    if still > 0.05:
        yield Finding(
            "zero-gradient" if still < 0.5 else "saturated", f"{still:.0%} of the samples have no "
            f"gradient at all",
            "they stay where they are",
            "the critic is saturated or its ReLUs are dead there: use its logits before any clamp", "certain",
            "warning" if still < 0.5 else "error", values={"share": still},
        )  # fmt: skip
    top, largest = float(e.latent_gradients.flatten(1).norm(dim=1).max()), float(lengths.max())
    reach = max(float(e.samples.flatten(1).norm(dim=1).median()), 1.0)
    if typical > 300 * reach or (largest > 1e3 * max(typical, 1e-6) and largest > 300 * reach):
        yield Finding(
            "exploding", f"the gradient of the logit is {typical:.3g} long at the median and "
            f"{largest:.3g} at most",
            "the usual step sizes throw samples out of the finite range",
            f"take η below {reach / max(largest, 1e-12):.1g}", "likely", "warning",
            values={"median": typical, "largest": largest, "latent": top},
        )  # fmt: skip


@check
def steepness(e: Evidence) -> Iterator[Finding]:
    if not torch.isfinite(e.logits).all():
        return
    width = _spread(e.logits)
    if width <= STEEP:
        return
    remedy: dict = {}
    if e.real_logits is not None and torch.isfinite(e.real_logits).all():
        scale, shift = honest_odds(e.logits, e.real_logits)
        if 0 < scale < 0.5:
            remedy = {"remedy": "temper", "button": "Soften the logits",
                      "values": {"scale": scale, "shift": shift, "width": width}}  # fmt: skip
    yield Finding(
        "saturated", f"the middle half of the logits is {width:.3g} wide (from "
        f"{float(e.logits.min()):.3g} to "
        f"{float(e.logits.max()):.3g})", "weights such as σ(d) are 0 or 1, and exp(−d) overflows",
        "divide the critic by a temperature, or take KL alone and a smaller η", "likely", "error",
        **{"values": {"width": width}, **remedy},
    )  # fmt: skip


@check
def offset(e: Evidence) -> Iterator[Finding]:
    """Where the zero of the logit lies: between real and generated samples, if exp(−d) is a ratio."""
    d = e.logits.double()
    if not torch.isfinite(d).all():
        return
    report = Finding(
        "offset", "", "KL does not see a constant, every other f and every acceptance does",
        "calibrate the offset", "likely", "warning", "calibrate", "Calibrate the offset",
    )  # fmt: skip
    if e.real_logits is not None and torch.isfinite(e.real_logits).all():
        ours, theirs = float(d.median()), float(e.real_logits.median())
        middle, gap = (ours + theirs) / 2, abs(theirs - ours)
        if abs(middle) > STRAY + max(gap, _spread(e.logits)):
            yield _with(report, what=f"real samples have a logit of {theirs:+.2f} and generated ones of "
            f"{ours:+.2f}, "
                        "both far on one side of 0", values={"shift": -middle})  # fmt: skip
        return
    excess = float(torch.logsumexp(d, 0)) - math.log(len(d))
    if excess > FAR or float(d.quantile(0.75)) < -2 * FAR:
        yield _with(report, what=f"generated samples have a logit of {float(d.median()):+.2f}, where "
        f"those of a density "
                    "ratio have E[exp d] = 1")  # fmt: skip


@check
def separation(e: Evidence) -> Iterator[Finding]:
    if e.real_logits is None or not torch.isfinite(e.logits).all() or not torch.isfinite(e.real_logits).all():
        return
    area = float((e.real_logits[:, None] > e.logits[None]).float().mean())
    e.facts["real above generated"] = area
    if area < 0.4:
        yield Finding(
            "flipped", f"real samples score below generated ones (in {1 - area:.0%} of pairs)",
            "the flow would make samples worse: the labels of real and generated were the other way round",
            "negate the logit", "certain" if area < 0.25 else "likely", "error", "flip", "Flip the sign",
            {"area": area},
        )  # fmt: skip
    elif e.named_root:
        yield Finding(
            "separation", f"a real sample scores above a generated one in {area:.0%} of pairs",
            "50 % would be a critic that sees no difference, 100 % one that has nothing left to teach",
            severity="note", values={"area": area},
        )  # fmt: skip


@check
def odds(e: Evidence) -> Iterator[Finding]:
    """How honest σ(d) is as the probability of being real: a calibration curve in ten steps."""
    if not e.named_root or e.real_logits is None or not torch.isfinite(e.logits).all():
        return
    said, share = calibration_curve(e.logits, e.real_logits)
    scale, shift = honest_odds(e.logits, e.real_logits)
    error = float(np.mean(np.abs(np.subtract(said, share))))
    yield Finding(
        "odds", f"σ(d) is off by {error:.0%} on average as the probability that a sample is real; the "
        f"best line through "
        f"its odds is {scale:.2f} d {shift:+.2f}", "exp(−d) is a density ratio where that line is 1.00 d "
        "+ 0.00",
        "soften the logits by that line" if scale > 0 and error > 0.1 else "",
        "likely", "note", "temper" if scale > 0 and error > 0.1 else None, "Use honest odds",
        {"scale": scale, "shift": shift, "error": error, "said": said, "share": share},
    )  # fmt: skip


def calibration_curve(generated: Tensor, real: Tensor, steps: int = 10) -> tuple[list[float], list[float]]:
    """What σ(d) says, and the share of real ones where it says so, in ``steps`` parts of equal size."""
    d = torch.cat([generated, real]).double()
    is_real = torch.cat([torch.zeros(len(generated)), torch.ones(len(real))]).to(d)
    weight = torch.where(
        is_real > 0, 0.5 / len(real), 0.5 / len(generated)
    )  # as if there were as many of both
    order = d.argsort()
    said, share = [], []
    for part in order.chunk(steps):
        said.append(float((torch.sigmoid(d[part]) * weight[part]).sum() / weight[part].sum()))
        share.append(float((is_real[part] * weight[part]).sum() / weight[part].sum()))
    return said, share


def honest_odds(generated: Tensor, real: Tensor) -> tuple[float, float]:
    """a and b of the best σ(a d + b), by Newton's method on the logistic loss with a trace of ridge."""
    d = torch.cat([generated, real]).double().cpu()
    target = torch.cat([torch.zeros(len(generated)), torch.ones(len(real))]).double()
    weight = torch.where(target > 0, 0.5 / len(real), 0.5 / len(generated)).double()
    centre, unit = d.mean(), d.std().clamp_min(1e-9)
    rows = torch.stack([(d - centre) / unit, torch.ones_like(d)], 1)
    ab = torch.zeros(2, dtype=torch.float64)
    for _ in range(30):
        p = torch.sigmoid(rows @ ab)
        slope = rows.T @ (weight * (p - target)) + 1e-3 * ab
        curve = rows.T @ (rows * (weight * p * (1 - p))[:, None]) + 1e-3 * torch.eye(2, dtype=torch.float64)
        ab = ab - torch.linalg.solve(curve, slope).clamp(-4, 4)
    return float(ab[0] / unit), float(ab[1] - ab[0] * centre / unit)


@check
def cost(e: Evidence) -> Iterator[Finding]:
    seconds, size = float(e.facts["seconds"]), int(e.facts["bytes"])
    if seconds > LONG or size > LARGE:
        yield Finding(
            "cost", f"{RUN[0]} samples × {RUN[1]} steps take about {seconds:.0f} s and keep "
            f"{size / 2**20:,.0f} MiB",
            "a run takes patience", "refine fewer samples, or on a GPU", "likely", "note",
            values={"seconds": seconds, "bytes": size},
        )  # fmt: skip

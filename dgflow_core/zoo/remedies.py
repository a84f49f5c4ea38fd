"""What can be done about a finding: functions from a model to a new one; the old one stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from dgflow_core.errors import UserError
from dgflow_core.flow import priors
from dgflow_core.zoo.adapters import steadied, written
from dgflow_core.zoo.finding import Finding
from dgflow_core.zoo.model import Model, calibration_offset

CODES = 512  # that pass through a generator to measure its batch norms' statistics

remedies: dict[str, Callable[[Model, Finding], Model]] = {}


def remedy(function):
    """Decorator: a remedy, under the function's name."""
    remedies[function.__name__] = function
    return function


def apply(finding: Finding, model: Model) -> Model:
    """``model`` with the finding's remedy.

    Raises:
        UserError: it has none.
    """
    if finding.remedy not in remedies:
        raise UserError(f"finding {finding.key!r} has no remedy that can be applied; {finding.advice}.")
    return remedies[finding.remedy](model, finding)


class Through(nn.Module):
    """``after(network(before(x)))``, where a function or module is given."""

    def __init__(self, network: nn.Module, before: Callable | None = None, after: Callable | None = None):
        super().__init__()
        self.network, self.before, self.after = network, before, after
        names = [getattr(part, "__qualname__", type(part).__name__) for part in (before, after)]
        self.register_buffer("wrapped", written(" ".join(names)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x) if self.before else x
        x = self.network(x)
        return self.after(x) if self.after else x


class Affine(nn.Module):
    """x ↦ scale · x + shift."""

    def __init__(self, scale: float, shift: float = 0.0):
        super().__init__()
        self.line: Tensor
        self.register_buffer("line", torch.tensor([scale, shift]))

    def forward(self, x: Tensor) -> Tensor:
        return self.line[0] * x + self.line[1]


def remade(model: Model, **changes) -> Model:
    """A model like ``model`` with other parts: generator, critic, corrector, prior, offset, config."""
    config = {**model.config, **changes.pop("config", {})}
    for part in ("generator", "critic", "corrector"):
        if part in changes:  # what a config says of it no longer builds it
            config.pop(part, None)
    parts = {part: changes.get(part, getattr(model, part)) for part in ("generator", "critic", "corrector")}
    return Model(
        config, changes.get("prior", model.prior), parts["generator"], parts["critic"], parts["corrector"],
        changes.get("offset", model.logit_offset), model.device,
    )  # fmt: skip


def _logit_of(form: str) -> Callable[[Tensor], Tensor]:
    """What turns the critic's last word into a logit; exact in double precision."""

    def of_probability(p: Tensor) -> Tensor:
        p = p.double().clamp(1e-12, 1 - 6e-8)  # 1 − 2⁻²⁴ is the largest that float32 tells from 1
        return (p.log() - torch.log1p(-p)).float()

    def of_log_probability(log_p: Tensor) -> Tensor:
        log_p = log_p.double().clamp_max(-1e-12)
        return (log_p - torch.log(-torch.expm1(log_p))).float()

    return of_log_probability if form == "log-probability" else of_probability


@remedy
def logit(model: Model, finding: Finding) -> Model:
    """Undo a critic's sigmoid: by leaving out the layer where it is one, else by its inverse."""
    inverse = _logit_of(str(finding.values.get("form", "probability")))
    wrapped = remade(model, critic=Through(model.critic, after=inverse))
    bare = without_last_sigmoid(model.critic)
    if bare is None:
        return wrapped
    samples = model.generate(model.prior.sample(8, 0))
    with torch.no_grad():  # the layer may not have been the last
        same = torch.allclose(torch.sigmoid(bare(samples)), model.critic(samples), atol=1e-5)
    return remade(model, critic=bare) if same else wrapped


def without_last_sigmoid(critic: nn.Module) -> nn.Module | None:
    """A copy of ``critic`` whose one ``nn.Sigmoid`` is left out; None where it has none or several.

    With several (in gates, say) leaving out the last might not be the one that ends it.
    """
    names = [name for name, layer in critic.named_modules() if isinstance(layer, nn.Sigmoid)]
    if len(names) != 1 or not names[0]:
        return None
    try:
        twin = copy.deepcopy(critic)
    except Exception:  # a network that cannot be copied is wrapped instead
        return None
    twin.set_submodule(names[0], nn.Identity())
    return twin


@remedy
def flip(model: Model, finding: Finding) -> Model:
    """−d in place of d, the offset and the corrector included."""
    negative = {
        part: Through(network, after=torch.neg)
        for part in ("critic", "corrector")
        if (network := getattr(model, part)) is not None
    }
    return remade(model, **negative, offset=-model.logit_offset)


@remedy
def rescale(model: Model, finding: Finding) -> Model:
    """Images in [low, high] as ones in [−1, 1]; the critic still sees them as it was trained to."""
    low, high = float(finding.values["low"]), float(finding.values["high"])
    half = (high - low) / 2
    out, back = Affine(1 / half, -low / half - 1), Affine(half, low + half)
    critics = {
        part: Through(network, before=back)
        for part in ("critic", "corrector")
        if (network := getattr(model, part)) is not None
    }
    return remade(model, generator=Through(model.generator, after=out), **critics)


@remedy
def other_prior(model: Model, finding: Finding) -> Model:
    """The same networks with codes from the prior that fits."""
    kind = str(finding.values["prior"])
    return remade(
        model, prior=priors.make(kind, model.prior.dim),
        config={"prior": {"kind": kind, "dim": model.prior.dim}},
    )  # fmt: skip


@remedy
def calibrate(model: Model, finding: Finding) -> Model:
    """The offset that the finding measured against real images, or the one that makes E[exp d] = 1."""
    if "shift" in finding.values:
        return model.with_offset(model.logit_offset + float(finding.values["shift"]))
    n = 50_000 if model.kind == "2d" else 1000
    return model.with_offset(model.logit_offset + calibration_offset(model, n))


@remedy
def temper(model: Model, finding: Finding) -> Model:
    """a · d + b, with a and b such that real and generated samples are told apart with honest odds."""
    scale, shift = float(finding.values["scale"]), float(finding.values["shift"])
    critics = {
        part: Through(network, after=Affine(scale))
        for part in ("critic", "corrector")
        if (network := getattr(model, part)) is not None
    }
    return remade(model, **critics, offset=scale * model.logit_offset + shift)


@remedy
def steady(model: Model, finding: Finding) -> Model:
    """Each sample beside the same others, with the same noise."""
    codes = model.prior.sample(16, 0).to(model.device)
    part = str(finding.values["part"])
    if part == "generator":
        return remade(model, generator=steadied(part, model.generator, codes, []))
    return remade(model, **{part: steadied(part, getattr(model, part), model.generate(codes), [])})


@remedy
def measure_norms(model: Model, finding: Finding) -> Model:
    """Batch-norm statistics measured anew on generated samples."""
    part = str(finding.values["part"])
    network = copy.deepcopy(getattr(model, part))
    norms = [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    rows = model.prior.sample(CODES, 0).to(model.device)
    if part != "generator":
        rows = model.generate(rows)
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None  # the plain average over batches
        layer.train()
    with torch.no_grad():
        for batch in rows.split(64):
            network(batch)
    network.eval()
    return remade(model, **{part: network})

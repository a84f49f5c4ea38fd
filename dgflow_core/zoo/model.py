"""A generator, its prior, and the logit that knows where it is wrong."""

from __future__ import annotations

import copy
import hashlib
import threading
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from dgflow_core import device as devices
from dgflow_core.errors import UserError
from dgflow_core.flow.priors import Prior
from dgflow_core.kinds.plane import datasets as plane_datasets
from dgflow_core.nets.ladder import CriticLadder
from dgflow_core.zoo.shapes import PARTS, probe

#: Rows that go through a network at once; bounds memory, never changes a result beyond rounding.
BATCH = {"2d": 65_536, "image": 256, "text": 256}
#: The most that so many rows may take in a layer, in bytes: networks with large layers take fewer at once.
BATCH_BYTES = 2**29


def as_tensor(name: str, value: Any, device: torch.device, shape: tuple[int, ...]) -> Tensor:
    """``value`` as a float32 tensor of shape (n, *shape) on ``device``.

    Raises:
        UserError: it has another shape, no rows, or is not numeric; the message names it.
    """
    try:
        tensor = torch.as_tensor(np.asarray(value) if not isinstance(value, Tensor) else value)
        tensor = tensor.detach().to(device=device, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError):
        raise UserError(f"{name} must be an array of numbers.") from None
    if tensor.shape[1:] != shape or tensor.dim() != len(shape) + 1 or len(tensor) == 0:
        wanted = ", ".join(str(side) for side in ("n", *shape))
        raise UserError(f"{name} must have shape ({wanted}), n ≥ 1, not {tuple(tensor.shape)}.")
    return tensor


class Model:
    """A generator g, a prior p_Z and a logit d, ready to be refined.

    The logit is d(x) = critic(x) + corrector(x) + logit_offset, so that σ(d) estimates
    P(real | x) and exp(−d) the density ratio ρ/μ of generated to real data.

    Args:
        config: what ``config.json`` holds (see ``zoo``); ``dataset``, ``kind`` ("2d", "image",
            "text") and ``title`` are read here, the rest is provenance.
        prior: the latent prior.
        generator: network (n, dim_z) → (n, *sample_shape).
        critic: network (n, *sample_shape) → (n,).
        corrector: network like the critic, or None: the d_λ of the corrected ratio d_φ + d_λ.
        ladder: critics for later in a flow (``CriticLadder``), or None; see ``at``.
        logit_offset: constant added to the logit. A WGAN critic is only determined up to a
            constant; ``calibration_offset`` gives the one that makes exp(−d) a density ratio.
    """

    def __init__(
        self,
        config: dict,
        prior: Prior,
        generator: nn.Module,
        critic: nn.Module,
        corrector: nn.Module | None = None,
        logit_offset: float = 0.0,
        device: str | torch.device = "auto",
        ladder: nn.Module | None = None,
    ):
        """
        Raises:
            UserError: the parts do not fit together; one sentence.
        """
        self.config = config
        self.prior = prior
        self.device = devices.pick(device)
        self.logit_offset = float(logit_offset)
        self.generator, self.critic = self._placed(generator), self._placed(critic)
        self.corrector = None if corrector is None else self._placed(corrector)
        self.ladder = None if ladder is None else cast(CriticLadder, self._placed(ladder))
        shapes = probe(
            self.name, self.kind, prior.sample(2, 0).to(self.device),
            {part: getattr(self, part) for part in PARTS if getattr(self, part) is not None},
        )  # fmt: skip
        self.sample_shape = shapes.sample
        #: Rows that go through the networks at once.
        self.batch = max(1, min(BATCH[self.kind], BATCH_BYTES // max(shapes.layer, 1)))
        #: Files that ship beside the weights, by name.
        self.beside: dict[str, bytes] = {}
        self._weights_digest: str | None = None
        self._starts: dict[tuple[int, int], Tensor] = {}
        self._lock = threading.Lock()  # several sessions share a model

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None, "_starts": {}}  # for another process: its own

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def _placed(self, network: nn.Module) -> nn.Module:
        """The network on this model's device, to be evaluated only."""
        # Convolutions run a quarter faster in this layout; other weights do not change.
        return network.to(self.device).to(memory_format=torch.channels_last).eval().requires_grad_(False)

    @property
    def networks(self) -> tuple[nn.Module | None, ...]:
        """Generator, critic, corrector and ladder; None for those it has not."""
        return self.generator, self.critic, self.corrector, self.ladder

    @property
    def name(self) -> str:
        return self.config.get("name", "unnamed")

    @property
    def title(self) -> str:
        return self.config.get("title", self.name)

    @property
    def dataset(self) -> str | None:
        return self.config.get("dataset")

    @property
    def kind(self) -> str:
        return self.config.get("kind", "2d")

    @property
    def weights_digest(self) -> str:
        """SHA-256 of the prior and all weights, hexadecimal; the same for every offset."""
        if self._weights_digest is None:
            sha = hashlib.sha256(repr(self.prior).encode())
            for net in self.networks:
                for key, value in net.state_dict().items() if net is not None else ():
                    sha.update(key.encode())
                    sha.update(value.cpu().numpy().tobytes())
            self._weights_digest = sha.hexdigest()
        return self._weights_digest

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the networks take."""
        nets = [net for net in self.networks if net is not None]
        return sum(part.nbytes for net in nets for part in (*net.parameters(), *net.buffers()))

    @property
    def digest(self) -> str:
        """SHA-256 of all weights and the offset, hexadecimal: what a result was made with."""
        return hashlib.sha256(f"{self.weights_digest} {self.logit_offset!r}".encode()).hexdigest()

    def with_offset(self, offset: float) -> Model:
        """The same networks (shared) with another ``logit_offset``; 0 gives the raw critic."""
        twin = copy.copy(self)
        twin.logit_offset = float(offset)
        return twin

    def without_corrector(self) -> Model:
        """The same networks (shared) with d(x) = critic(x) + logit_offset alone."""
        twin = copy.copy(self)
        twin.corrector = None
        twin._weights_digest = None
        return twin

    def without_ladder(self) -> Model:
        """The same networks (shared) with one logit throughout a flow."""
        twin = copy.copy(self)
        twin.ladder, twin._weights_digest = None, None
        return twin

    def at(self, time: float) -> Model:
        """What judges samples that have followed the flow for ``time``, steps × η.

        The model itself, or with its ladder's critic for that time in place of its own logit.
        """
        critic = None if self.ladder is None else self.ladder.at(time)
        return self if critic is None else self.judged_by(critic)

    def judged_by(self, critic: nn.Module) -> Model:
        """The same generator (shared) with another critic's logit alone."""
        twin = self.without_ladder().without_corrector().with_offset(0.0)
        twin.critic = critic
        return twin

    def real_logits(self) -> dict[str, float]:
        """Quantiles of d over real samples, "5%" … "95%", for the logit as it is: its offset, its corrector.

        Raises:
            UserError: they were not measured, or were with a corrector that has been left out.
        """
        measured = self.config.get("real_logits")
        if self.kind == "2d" and self.dataset in plane_datasets.datasets:
            d = self.logit(plane_datasets.get(self.dataset).sample(5000, 0)).double()
            return {f"{share}%": float(d.quantile(share / 100)) for share in (5, 25, 50, 75, 95)}
        if not measured or (self.corrector is None) != (self.config.get("corrector") is None):
            raise UserError(f"model {self.name}: the logits of real samples are not known for this logit.")
        moved = self.logit_offset - self.config.get("logit_offset", 0.0)
        return {share: value + moved for share, value in measured.items()}

    def dim(self, space: str) -> tuple[int, ...]:
        """Shape of one point: (dim_z,) in ``"latent"`` space, the sample shape in ``"data"``.

        Raises:
            UserError: another space.
        """
        if space not in ("data", "latent"):
            raise UserError(f"space must be 'data' or 'latent', not {space!r}.")
        return (self.prior.dim,) if space == "latent" else self.sample_shape

    def reach(self, space: str) -> float:
        """How far from the origin, in each coordinate, points of ``space`` are to be expected."""
        if space == "latent":
            return 1.0 if self.prior.bounded else 4.5
        if self.kind == "2d":
            return getattr(plane_datasets.datasets.get(self.dataset or ""), "extent", 2.0)
        return 1.0  # pixels, probabilities

    def generate(self, z) -> Tensor:
        """g(z): latent codes (n, dim_z) → samples (n, *sample_shape), images in [−1, 1]."""
        z = as_tensor("z", z, self.device, (self.prior.dim,))
        with torch.no_grad():
            return self._batched(self.generator, z)

    def start(self, n: int, seed: int) -> Tensor:
        """g(z) of the ``n`` codes that ``seed`` draws, (n, *sample_shape): where runs in data space start.

        Planar models keep the last few: a slider asks again and again, and they outweigh the run.
        """
        with self._lock:
            if (n, seed) in self._starts:
                return self._starts[n, seed]
        samples = self.generate(self.prior.sample(n, seed).to(self.device))
        if self.sample_shape == (2,) and n <= 20_000:
            with self._lock:
                while len(self._starts) >= 8:
                    del self._starts[next(iter(self._starts))]
                self._starts[n, seed] = samples
        return samples

    def logit(self, x) -> Tensor:
        """d(x): samples (n, *sample_shape) → (n,), corrector and offset included."""
        x = as_tensor("x", x, self.device, self.sample_shape)
        with torch.no_grad():
            return self._batched(self.differentiable_logit, x)

    def differentiable_logit(self, x: Tensor) -> Tensor:
        """d(x) with gradients with respect to ``x``; no batching, no checks."""
        d = self.critic(x)
        if self.corrector is not None:
            d = d + self.corrector(x)
        return d + self.logit_offset

    def decode(self, x) -> list[str]:
        """Samples as strings, for text models.

        Raises:
            UserError: this is not a text model.
        """
        alphabet = self.config.get("alphabet")
        if alphabet is None:
            raise UserError(f"decode needs a text model; {self.name} is of kind '{self.kind}'.")
        x = as_tensor("x", x, self.device, self.sample_shape)
        return ["".join(alphabet[i] for i in row) for row in x.argmax(-1).tolist()]

    def _batched(self, function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
        if len(rows) <= self.batch:
            return function(rows)
        return torch.cat([function(chunk) for chunk in rows.split(self.batch)])


def calibration_offset(model: Model, n: int = 50_000, seed: int = 0) -> float:
    """The constant to add to the current logit so that E_ρ[exp(d)] = 1 over generated samples.

    Since E_ρ[μ/ρ] = 1 for true densities, this is what makes exp(−d) a density ratio that
    integrates. KL does not see the constant; JS, log D and every other f do.
    """
    d = model.logit(model.generate(model.prior.sample(n, seed))).double()
    return float(np.log(n) - torch.logsumexp(d, 0).item())

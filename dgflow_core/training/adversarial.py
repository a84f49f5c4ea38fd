"""What a generator and its critic do to each other: losses, gradient penalties, who stands still when.

Every critic here is a logit d: (n, *sample_shape) → (n,), large on real samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from dgflow_core.flow.priors import drawn

Loss = Literal["ns", "hinge", "wgan-gp"]
Critic = Callable[[Tensor], Tensor]
#: What is added to a critic's loss, its weight included: of (critic, real, fake).
Penalty = Callable[[Critic, Tensor, Tensor], Tensor]


def logistic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """−E[log σ(d(x))] − E[log(1 − σ(d(x̃)))] of logits (n,) and (m,); its optimum is d = log μ/ρ."""
    return softplus(-real).mean() + softplus(fake).mean()


def critic_loss(loss: Loss, real: Tensor, fake: Tensor) -> Tensor:
    """What the critic descends, from its logits (n,) and (m,) of real and generated samples."""
    if loss == "ns":
        return logistic_loss(real, fake)
    if loss == "hinge":
        return (1 - real).relu().mean() + (1 + fake).relu().mean()
    return fake.mean() - real.mean()


def generator_loss(loss: Loss, fake: Tensor) -> Tensor:
    """What the generator descends, from logits (n,): non-saturating, or −E[d] for hinge and Wasserstein."""
    return softplus(-fake).mean() if loss == "ns" else -fake.mean()


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, rng: torch.Generator | None) -> Tensor:
    """E[(‖∇d(x̂)‖ − 1)²] at x̂ uniform between real and generated samples (Gulrajani et al. 2017).

    A critic with several outputs (n, k) is penalised for the gradient of their sum.
    """
    mix = drawn(torch.rand, len(real), rng=rng, device=real.device)
    mix = mix.reshape(-1, *[1] * (real.dim() - 1))
    between = (mix * real + (1 - mix) * fake).requires_grad_(True)
    (grad,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((grad.flatten(1).norm(dim=1) - 1) ** 2).mean()


def lipschitz(weight: float, rng: torch.Generator | None) -> Penalty:
    """``weight`` times ``gradient_penalty``, as ``critic_objective`` takes it."""
    return lambda critic, real, fake: weight * gradient_penalty(critic, real, fake, rng)


def r1(critic: Critic, real: Tensor) -> Tensor:
    """½ E‖∇d(x)‖² at real samples (Mescheder et al. 2018)."""
    real = real.detach().requires_grad_(True)
    (grad,) = torch.autograd.grad(critic(real).sum(), real, create_graph=True)
    return 0.5 * (grad.flatten(1) ** 2).sum(1).mean()


def zero_centred(weight: float, first: int | None = None) -> Penalty:
    """``weight`` times ``r1`` of the ``first`` real samples (None: all), as ``critic_objective`` takes it."""
    return lambda critic, real, _: weight * r1(critic, real[:first])


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """``network`` learns nothing inside: gradients pass through it, none reach its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def critic_objective(
    critic: Critic,
    real: Tensor,
    fake: Tensor,
    loss: Loss = "ns",
    penalty: Penalty | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """What one step of the critic descends on a batch of each kind (n, *sample_shape), and what to log.

    Both halves go through the critic in one pass.

    Returns:
        The scalar to descend, and "critic_loss", "logit_real", "logit_real_sd", "logit_fake",
        "logit_fake_sd"; with a penalty "penalty", and for a Wasserstein critic "wasserstein". They are
        scalars on the critic's device: reading one waits for it, so that whoever logs does, now and then.
    """
    real_logit, fake_logit = critic(torch.cat([real, fake])).split([len(real), len(fake)])
    objective = critic_loss(loss, real_logit, fake_logit)
    numbers = {}
    for label, logit in (("real", real_logit.detach()), ("fake", fake_logit.detach())):
        numbers |= {f"logit_{label}": logit.mean(), f"logit_{label}_sd": logit.std()}
    if loss == "wgan-gp":
        numbers["wasserstein"] = numbers["logit_real"] - numbers["logit_fake"]
    if penalty is not None:
        extra = penalty(critic, real, fake)
        objective = objective + extra
        numbers["penalty"] = extra.detach()
    return objective, {"critic_loss": objective.detach(), **numbers}

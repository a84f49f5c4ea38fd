"""A critic that keeps up with samples as they move: logistic regression of real against generated.

R1 (Mescheder et al. 2018) every few steps keeps ∇d from growing without bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from dgflow_core.training.adversarial import logistic_loss, r1

BETAS = (0.0, 0.9)


class FreshRatio:
    """``critic`` and the Adam that moves it.

    Args:
        critic: samples (n, *sample_shape) → logits (n,); its optimum is d = log μ/ρ.
        batch: samples of either kind in a step. penalty: weight of R1, taken every ``penalty_every`` steps.
    """

    def __init__(
        self, critic: nn.Module, rate: float, batch: int = 64, penalty: float = 0.1, penalty_every: int = 4
    ):
        self.critic = critic.requires_grad_(True).train()
        self.batch, self.penalty, self.penalty_every = batch, penalty, penalty_every
        self.optimizer = torch.optim.Adam(critic.parameters(), lr=rate, betas=BETAS)
        self.taken = 0

    def learn(
        self, real: Callable[[int, torch.Generator], Tensor], samples: Tensor, rng: torch.Generator
    ) -> dict[str, Tensor]:
        """One step on a batch of ``real`` against one of ``samples`` (n, *sample_shape); what to log."""
        x = real(self.batch, rng)
        fake = samples[torch.randint(len(samples), (self.batch,), generator=rng).to(samples.device)]
        with torch.enable_grad():
            loss, numbers = ratio_loss(self.critic, x, fake)
            self.taken += 1
            if self.penalty and self.taken % self.penalty_every == 0:
                loss = loss + self.penalty * self.penalty_every * r1(self.critic, x)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
        self.optimizer.step()
        return numbers

    def state(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict(), "taken": self.taken}

    def restore(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
        self.taken = state["taken"]


def ratio_loss(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """The logistic loss of a batch of each kind (n, *sample_shape), and what to log, left on the device."""
    real_logit, fake_logit = critic(torch.cat([real, fake])).split([len(real), len(fake)])
    loss = logistic_loss(real_logit, fake_logit)
    means = {"logit_real": real_logit.detach().mean(), "logit_fake": fake_logit.detach().mean()}
    return loss, {"critic_loss": loss.detach(), **means}

"""Growing a generator by the flow: Variational Gradient Flow (VGrow; Gao et al., ICML 2019).

One outer loop draws a pool of codes z and their samples, the particles x = g(z). The particles then go
along the flow that DGflow refines with, x ← x + η w_f(d(x)) ∇d(x); before each such move the critic
takes one step of telling real samples from the particles as they are, so that its density ratio
never goes stale. At last the generator follows: it is fitted to where the particles are now.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from dgflow_core.fields.network import Evaluation
from dgflow_core.flow import priors
from dgflow_core.flow.divergences import DivergenceKey
from dgflow_core.methods.dgflow import drift
from dgflow_core.training.adversarial import Critic, frozen, zero_centred
from dgflow_core.training.fresh_ratio import ratio_loss
from dgflow_core.training.network_trainer import NetworkTrainer, averaged
from dgflow_core.training.recipe import Recipe

#: Particles that go through the critic at once when the pool moves.
AT_ONCE = 1280


class Growth(Recipe):
    """A recipe that grows its generator. An iteration is an outer loop.

    Attributes:
        divergence: f, whose flow the particles follow. eta: the step size η of their moves.
        batch: real samples and particles in a step of the critic.
        pool: batches of particles. moves: of the pool in an outer loop. critic_steps: before each.
        passes, last_passes: how often the generator is fitted to the whole pool, at first and in the end;
            it rises in even steps over the first ``passes_over`` outer loops.
        fit_batch: particles in a step of the generator. together: those that were made together, since with
            batch norm a sample hangs on its batch, and a fit to others could never be exact (ours).
        generator_rate, critic_rate: of RMSProp; both are halved every ``halve_every`` outer loops.
        ema: of the generator's weights, from one outer loop to the next; the average ships.
        penalty: weight of R1 on the critic (ours; the paper's has none). penalised: on how many of a
            step's real samples it is taken; None for all.
        settling: steps that the critic goes on alone when all is done, on samples of the generator that
            ships, whose ratio it then gives.
    """

    can_be_extended: ClassVar[bool] = True
    counts: ClassVar[tuple[str, ...]] = ("iterations", "passes_over", "halve_every")
    divergence: DivergenceKey = "KL"
    eta: float = 0.5
    batch: int = 64
    pool: int = 20
    moves: int = 20
    critic_steps: int = 1
    passes: int = 5
    last_passes: int = 20
    passes_over: int = 1000
    fit_batch: int = 64
    together: bool = False
    generator_rate: float = 1e-4
    critic_rate: float = 1e-4
    halve_every: int = 500
    ema: float = 0.9
    penalty: float = 0.0
    penalised: int | None = None
    settling: int = 300

    def passes_at(self, iteration: int) -> int:
        """How often the generator goes over the pool of outer loop ``iteration``."""
        share = min(1.0, (iteration - 1) / self.passes_over)
        return self.passes + int(share * (self.last_passes - self.passes))

    def rate_factor(self, iteration: int) -> float:
        """What the rates are multiplied by in outer loop ``iteration``."""
        return 0.5 ** ((iteration - 1) // self.halve_every)


class Pool(NamedTuple):
    """The particles of one outer loop: their codes (n, dim), and where they are (n, *sample_shape)."""

    codes: Tensor
    particles: Tensor


def moved(logit: Critic, x: Tensor, divergence: str, eta: float, bound: float | None = None) -> Tensor:
    """x + η w_f(d(x)) ∇d(x) of particles x (n, *sample_shape), each coordinate kept within ± ``bound``.

    With a bound, what a weight such as Jeffreys' 1 + eᵈ makes infinite ends there, and what it leaves
    undefined stays where it is.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        d = logit(x)
        (grad,) = torch.autograd.grad(d.sum(), x)
    x = x.detach()
    there = x + eta * drift(Evaluation(d.detach(), grad, x), divergence)
    return there if bound is None else torch.where(there.isnan(), x, there.clamp(-bound, bound))


class GrowingTrainer(NetworkTrainer):
    """Trains one ``Growth`` recipe; a subclass brings networks, codes and data.

    Attributes:
        generator, critic: what learns. bound: how far particles may go in each coordinate; None for no
            bound. Set by the subclass.
        average: of the generator's weights. settled: the critic that has settled on it, in the end.
    """

    generator: nn.Module
    critic: nn.Module
    bound: float | None = None
    settled: nn.Module | None = None

    @abstractmethod
    def real(self, n: int, rng: torch.Generator) -> Tensor:
        """Real samples (n, *sample_shape)."""

    @abstractmethod
    def codes(self, n: int, rng: torch.Generator) -> Tensor:
        """Latent codes (n, dim) from the prior."""

    def through(self, network: nn.Module, x: Tensor) -> Tensor:
        """``network(x)``, in float32."""
        return network(x)

    def logit(self, x: Tensor) -> Tensor:
        return self.through(self.critic, x)

    def optimizer(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        """What moves a network's weights: RMSProp, as in the paper."""
        return torch.optim.RMSprop(network.parameters(), lr=rate, alpha=0.9)

    def begin(self) -> None:
        """Make the average, and the optimisers of both networks."""
        self.average = averaged(self.generator, self.recipe.ema)
        self.networks = {"generator": self.generator, "critic": self.critic, "average": self.average}
        for name, network in (("generator", self.generator), ("critic", self.critic)):
            self.optimizers[name] = self.optimizer(network, 0.0)  # rates are set loop by loop

    def learn(self, iteration: int, rng: torch.Generator) -> dict[str, float]:
        *_, numbers = self.outer_loop(iteration, rng)
        return numbers

    def outer_loop(self, iteration: int, rng: torch.Generator) -> Iterator[Any]:
        """One outer loop: yields the pool before the first move and after each, at last what to log."""
        recipe, sums = self.recipe, {}
        factor = recipe.rate_factor(iteration)
        self._set_rate("critic", recipe.critic_rate * factor)
        start = pool = self.pool(rng)
        yield pool
        steps = recipe.moves * recipe.critic_steps
        real = self.real(recipe.batch * steps, rng).split(recipe.batch)
        chosen = torch.randint(len(pool.codes), (steps, recipe.batch), generator=rng).to(self.device)
        for step, (some, rows) in enumerate(zip(real, chosen, strict=True), 1):
            for name, value in self._learn_critic(some, pool.particles[rows]).items():
                sums[name] = sums.get(name, 0) + value / steps
            if step % recipe.critic_steps == 0:
                pool = pool._replace(particles=self.move(pool.particles))
                yield pool
        sums["moved"] = (pool.particles - start.particles).flatten(1).norm(dim=1).mean()
        sums["misfit"] = self._fit(pool, recipe.passes_at(iteration), recipe.generator_rate * factor, rng)
        self.average.update_parameters(self.generator)
        yield dict(zip(sums, torch.stack([*sums.values()]).tolist(), strict=True))

    @torch.no_grad()
    def pool(self, rng: torch.Generator) -> Pool:
        """A fresh pool; a generator with batch norm makes its samples as it will be fitted to them."""
        codes = self.codes(self.recipe.pool * self.recipe.batch, rng)
        made = [self.through(self.generator, part) for part in codes.split(self.recipe.fit_batch)]
        return Pool(codes, torch.cat(made))

    def move(self, particles: Tensor) -> Tensor:
        """All particles one step along the flow of the ratio as it is now."""
        recipe = self.recipe
        self.critic.eval()  # a norm's own statistics stand still
        with frozen(self.critic):
            parts = [
                moved(self.logit, part, recipe.divergence, recipe.eta, self.bound)
                for part in particles.split(AT_ONCE)
            ]
        self.critic.train()
        return torch.cat(parts)

    def _set_rate(self, name: str, rate: float) -> None:
        for group in self.optimizers[name].param_groups:
            group["lr"] = rate

    def _learn_critic(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        loss, numbers = self._objective(self.critic, real, fake)
        self.descend("critic", loss)
        return numbers

    def _objective(self, critic: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        def logit(x: Tensor) -> Tensor:
            return self.through(critic, x)

        loss, numbers = ratio_loss(logit, real, fake)
        if self.recipe.penalty:
            loss = loss + zero_centred(self.recipe.penalty, self.recipe.penalised)(logit, real, fake)
        return loss, numbers

    def _fit(self, pool: Pool, passes: int, rate: float, rng: torch.Generator) -> Tensor:
        """Descend ‖g(z) − x‖² over the pool, ``passes`` times; returns its mean in the last pass.

        The rate falls from pass to pass: at an even one the last steps undo what the first have gained.
        (Ours; the paper's stays.)
        """
        orders = torch.stack([self._order(len(pool.codes), rng) for _ in range(passes)]).to(self.device)
        for done, order in enumerate(orders):
            self._set_rate("generator", rate * (1 - done / passes))
            misfits = []
            for rows in order.split(self.recipe.fit_batch):
                made = self.through(self.generator, pool.codes[rows])
                misfit = ((made - pool.particles[rows]) ** 2).flatten(1).sum(1).mean()
                self.descend("generator", misfit)
                misfits.append(misfit.detach())
        return torch.stack(misfits).mean()

    def _order(self, size: int, rng: torch.Generator) -> Tensor:
        """In what order a pass goes over a pool of ``size``."""
        if not self.recipe.together:
            return torch.randperm(size, generator=rng)
        parts = torch.arange(size).split(self.recipe.fit_batch)
        return torch.cat([parts[k] for k in torch.randperm(len(parts), generator=rng)])

    def settle(self, generate: Callable[[Tensor], Tensor]) -> None:
        """Let a copy of the critic go on alone, against what ``generate`` makes of codes."""
        recipe, critic = self.recipe, copy.deepcopy(self.critic).train().requires_grad_(True)
        optimizer = self.optimizer(critic, recipe.critic_rate * recipe.rate_factor(recipe.iterations))
        for step in range(recipe.settling):
            rng = priors.seeded(recipe.seed + 2, step)
            real = self.real(recipe.batch, rng)
            with torch.no_grad():
                fake = generate(self.codes(recipe.batch, rng))
            loss, _ = self._objective(critic, real, fake)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        self.settled = critic.eval()

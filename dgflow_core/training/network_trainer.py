"""What trainers of networks share: steps down a loss, averages of weights, rates over time, their state."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dgflow_core.flow import priors
from dgflow_core.training.recipe import Numbers, Recipe


class NetworkTrainer(ABC):
    """Trains the networks of one recipe.

    Attributes, filled by the subclass:
        networks: what training changes, by name. optimizers: what changes it.
        schedules: how an optimiser's rate changes from iteration to iteration, by the optimiser's name.
            All three are saved and restored.
    """

    def __init__(self, recipe: Recipe, device: torch.device):
        self.recipe, self.device = recipe, device
        torch.manual_seed(recipe.seed)
        self.networks: dict[str, nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.schedules: dict[str, LambdaLR] = {}
        self._replays: dict[str, Replay] = {}

    @abstractmethod
    def learn(self, iteration: int, rng: torch.Generator | None) -> Numbers:
        """One iteration (the first is 1), all its chance drawn from ``rng``, or from the device's generator.

        Returns what to log.
        """

    def phase(self, iteration: int) -> str | None:
        """Iterations of one phase do the same work, so that CUDA can replay it; None: they do not."""
        return None

    def follow(self, iteration: int) -> None:
        """What is done after ``learn``: averages of weights, if any."""
        return None

    def step(self, iteration: int) -> Numbers:
        """``learn``, ``follow``, and the rates of the next iteration.

        On CUDA the iterations of a phase are one graph, drawing from the device's own generator: a run
        that is resumed there goes on alike, not bit by bit.
        """
        phase = self.phase(iteration) if self.device.type == "cuda" else None
        if phase is None:
            numbers = self.learn(iteration, priors.seeded(self.recipe.seed + 1, iteration))
        else:
            if phase not in self._replays:
                self._replays = {phase: Replay(lambda: self.learn(iteration, None))}
            numbers = self._replays[phase]()
        self.follow(iteration)
        # A network may stand still at first, of which torch warns once.
        with warnings.catch_warnings(action="ignore") if iteration == 1 else nullcontext():
            for schedule in self.schedules.values():
                schedule.step()
        return numbers

    def adam(
        self,
        name: str,
        parameters: Iterable[nn.Parameter],
        rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        factor: Callable[[int], float] | None = None,
    ) -> None:
        """Let Adam move ``parameters`` under ``name``; at iteration i its rate is ``rate · factor(i)``."""
        on_cuda = self.device.type == "cuda"  # where a graph reads its rate from the device
        start = torch.tensor(rate, device=self.device) if on_cuda else rate
        self.optimizers[name] = torch.optim.Adam(parameters, lr=start, betas=betas, capturable=on_cuda)
        if factor is not None:
            last = self.recipe.iterations  # the schedule looks one further
            self.schedules[name] = LambdaLR(self.optimizers[name], lambda done: factor(min(done + 1, last)))

    def descend(self, name: str, loss: Tensor, clip: float | None = None) -> None:
        """One step of the optimiser called ``name`` down ``loss``, the gradient's norm at most ``clip``."""
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], clip)
        optimizer.step()

    def state(self) -> dict[str, Any]:
        return {
            part: {name: one.state_dict() for name, one in getattr(self, part).items()}
            for part in ("networks", "optimizers", "schedules")
        }

    def restore(self, state: dict[str, Any]) -> None:
        for part in ("networks", "optimizers", "schedules"):
            for name, one in getattr(self, part).items():
                one.load_state_dict(state[part][name])
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                if isinstance(group["lr"], Tensor):  # a checkpoint holds it on the CPU
                    group["lr"] = group["lr"].to(self.device)


class Replay:
    """``work`` on CUDA as one graph (``torch.cuda.CUDAGraph``): each call repeats it in one launch.

    Making it does the work ``WARM_UP`` times. The tensors it returns are the same ones every time. Where
    the work cannot be captured, calls do it as it is.
    """

    WARM_UP = 4

    def __init__(self, work: Callable[[], Numbers]):
        self.work = work
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(self.WARM_UP):
                work()
        torch.cuda.current_stream().wait_stream(aside)
        torch.cuda.synchronize()
        self.graph: torch.cuda.CUDAGraph | None = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(self.graph):
                self.result = work()
        except RuntimeError as error:
            warnings.warn(f"no CUDA graph of this training: {error}", stacklevel=2)
            self.graph = None

    def __call__(self) -> Numbers:
        if self.graph is None:
            return self.work()
        self.graph.replay()
        return self.result


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """The exponential moving average of ``network``'s weights, as they are now at first.

    The k-th ``update_parameters`` weighs what was with min(decay, k / (k + 10)): early on the average
    follows closely, so that it forgets the weights it began with. ``module`` is the averaged network;
    its buffers are those of ``network``.
    """

    def follow(kept: list[Tensor], new: list[Tensor], before: Tensor) -> None:
        k = int(before) + 1
        get_ema_multi_avg_fn(min(decay, k / (k + 10)))(kept, new, before)

    return AveragedModel(network, multi_avg_fn=follow).requires_grad_(False)


def initialise(network: nn.Module) -> None:
    """N(0, 0.02) weights, zero biases."""
    for layer in network.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)


#: What processors say that multiply in bfloat16 themselves (``torch.cpu.get_capabilities``).
IN_BFLOAT16 = ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16")


def products(device: torch.device, half: bool) -> torch.autocast:
    """A context in which networks multiply in bfloat16 if ``half``, where ``device`` can.

    MPS cannot; a processor that only imitates it takes 13 to 20 times as long as in float32.
    """
    # An older torch cannot say: then in float32.
    processor = getattr(torch.cpu, "get_capabilities", dict)()
    able = device.type == "cuda" or (device.type == "cpu" and any(map(processor.get, IN_BFLOAT16)))
    return torch.autocast(device.type, torch.bfloat16, enabled=half and able)

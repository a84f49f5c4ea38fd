"""Where independent jobs run: one after the other here, in this machine's processes, or on a Ray cluster.

    for number, result in engines.get("processes").run(work, jobs): …

Sweeps, tables and trainings are lists of jobs that know nothing of each other. An engine calls ``work(job)``
for each and yields results as they come, in any order. Whoever stops iterating stops the work. In processes
and on Ray a job computes on one core, so that its numbers are the same to the last bit wherever it runs, and
a job whose worker died is run again.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

import torch

from dgflow_core.errors import UserError

#: How often a job may lose its worker before that is an error.
TRIES = 5
WORDS = "here, processes[:N] or ray[:ADDRESS]"

Work = Callable[[Any], Any]
Results = Iterator[tuple[int, Any]]


class Engine(Protocol):
    """Something that runs jobs."""

    def run(self, work: Work, jobs: Sequence[Any]) -> Results:
        """Yield (number of the job, ``work(job)``) for all ``jobs``, in any order."""
        ...


class Here:
    """One job after the other in this process, each on all cores."""

    def run(self, work: Work, jobs: Sequence[Any]) -> Results:
        for number, job in enumerate(jobs):
            yield number, work(job)


class Processes:
    """As many processes of this machine as there are cores, or ``count``."""

    def __init__(self, count: int | None = None):
        self.count = count or cores()

    def run(self, work: Work, jobs: Sequence[Any]) -> Results:
        from joblib import Parallel, delayed

        todo = dict(enumerate(jobs))
        for tries in range(TRIES):
            crew = Parallel(self.count, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs")
            try:
                for number, result in crew(delayed(_alone)(work, *item) for item in list(todo.items())):
                    del todo[number]
                    yield number, result
                return
            except BrokenProcessPool:
                if tries == TRIES - 1:
                    raise


class Ray:
    """The workers of a Ray cluster; without an ``address`` this process's own, or a new one here.

    Every node needs this package and the same versions of its dependencies.

    Args:
        gpus: the share of a graphics card that each job takes.
    """

    def __init__(self, address: str | None = None, gpus: float = 0.0):
        self.address, self.gpus = address, gpus

    def run(self, work: Work, jobs: Sequence[Any]) -> Results:
        try:
            import ray
        except ImportError:
            raise UserError(
                "engine: ray is not installed; pip install 'dgflow-explorer[ray]' brings it."
            ) from None
        if not ray.is_initialized():
            try:
                ray.init(self.address, log_to_driver=False, logging_level="ERROR")
            except ConnectionError as error:
                raise UserError(f"engine: no Ray cluster answers at {self.address!r}.") from error
        task = ray.remote(num_cpus=1, num_gpus=self.gpus, max_retries=TRIES)(_alone)
        shared = ray.put(work)  # once, however many jobs
        under_way = {task.remote(shared, number, job): number for number, job in enumerate(jobs)}
        try:
            while under_way:
                ready, _ = ray.wait(list(under_way), num_returns=1)
                del under_way[ready[0]]
                yield ray.get(ready[0])
        finally:
            for one in under_way:
                ray.cancel(one, force=True)


def get(name: str, gpus: float = 0.0) -> Engine:
    """The engine that a command line names.

    Args:
        name: "here", "processes", "processes:4", "ray" or "ray:<address of the cluster>".

    Raises:
        UserError: another name; a wrong number; one sentence.
    """
    kind, _, more = name.partition(":")
    if not 0 <= gpus <= 8:
        raise UserError(f"gpus must be from 0 to 8, not {gpus:g}.")
    if gpus and kind != "ray":
        raise UserError("gpus are shared out by Ray alone: give them with --engine ray.")
    if kind == "ray":
        return Ray(more or None, gpus)
    if kind == "processes" and (not more or (more.isdecimal() and 1 <= int(more) <= 256)):
        return Processes(int(more) if more else None)
    if name == "here":
        return Here()
    raise UserError(f"engine must be {WORDS}, N from 1 to 256, not {name!r}.")


def options(parser: argparse.ArgumentParser, first: str = "here") -> None:
    """Add the choice of an engine to a command."""
    parser.add_argument("--engine", default=first, help=f"where jobs run: {WORDS} ({first})")
    parser.add_argument("--gpus", type=float, default=0.0, help="share of a graphics card a job on Ray (0)")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _alone(work: Work, number: int, job: Any) -> tuple[int, Any]:
    torch.set_num_threads(1)
    return number, work(job)

"""Many recipes at once on one machine, each in a process of its own, within a given time.

A recipe that needs another's model (``Recipe.needs``) begins once that has ended; the ones that are
waited for end after ``FIRST`` of the time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dgflow_core.training.recipe import Recipe

#: The share of the time after which those end that others wait for.
FIRST = 0.65
#: The share kept for measuring the finished models.
LAST = 0.08
#: Seconds between two looks at what has ended.
EVERY = 0.5


@dataclass
class Crew:
    """Runs ``recipes`` side by side; ``command`` is what trains one, its name and seconds still missing.

    Attributes:
        logs: folder that takes what each process prints, one file a recipe.
        failed: recipes that ended with an error, or whose lender did.
    """

    recipes: Sequence[Recipe]
    command: Sequence[str]
    logs: Path
    failed: list[str] = field(default_factory=list)

    def run(self, seconds: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Train them all in about ``seconds``; after ``stop`` each saves what it has and ends."""
        began, running = time.monotonic(), dict[str, subprocess.Popen]()
        waiting = {recipe.name: recipe for recipe in self.recipes}
        lenders = {name for recipe in self.recipes for name in recipe.lenders()} & set(waiting)
        over = began + seconds * (1 - LAST)
        try:
            while (waiting or running) and not stop():
                for name, recipe in list(waiting.items()):
                    needs = set(recipe.needs()) & set(lenders)
                    if needs & set(self.failed):
                        self.failed.append(waiting.pop(name).name)
                    elif not needs & (set(waiting) | set(running)):
                        now = time.monotonic()
                        ends = began + FIRST * seconds if name in lenders else over
                        running[name] = self._begin(waiting.pop(name), max(10.0, ends - now))
                for name, process in list(running.items()):
                    if process.poll() is not None:
                        del running[name]
                        if process.returncode:
                            self.failed.append(name)
                time.sleep(EVERY)
        finally:
            for process in running.values():
                process.send_signal(signal.SIGINT)
            for process in running.values():
                process.wait()

    def _begin(self, recipe: Recipe, seconds: float) -> subprocess.Popen:
        self.logs.mkdir(parents=True, exist_ok=True)
        # one thread each: together they use every core, and a device is kept busy by all of them
        settings = os.environ | {"OMP_NUM_THREADS": "1", "TQDM_MININTERVAL": "10"}
        command = [*self.command, recipe.name, "--seconds", f"{seconds:.0f}"]
        with (self.logs / f"{recipe.name.replace('/', '+')}.log").open("a") as log:
            return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=settings)


def command(*options: str) -> list[str]:
    """What trains one recipe: this Python's ``python -m dgflow_core train`` with ``options``."""
    return [sys.executable, "-m", "dgflow_core", "train", *options]

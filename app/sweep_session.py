"""One person's sweep: its cells, those that are finished, and whether it is running."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import streamlit as st

from app import jobs, kept_cells, limits, results
from app.jobs import Rank
from dgflow_core import engines
from dgflow_core.reports import sweep_grid

#: The most finished cells that a session keeps.
KEPT = 4096
#: Where cells are computed; "" for this process, one in line after the other, by the model's table.
ENGINE = os.environ.get("DGFLOW_ENGINE", "")


class Sweep:
    """The grid that a page asks for; finished cells serve every grid of the session.

    Raises:
        UserError: a cell is over the server's limits.
    """

    def __init__(self, page: str, name: str, base: dict[str, Any], x: sweep_grid.Axis, y: sweep_grid.Axis):
        self.page, self.name, self.base, self.x, self.y = page, name, base, x, y
        self.model, self.cells = results.model(name), sweep_grid.cells(base, x, y)
        for cell in self.cells:
            limits.check(self.model, cell, tabulated=True)
        self.finished: dict = st.session_state.setdefault(f"{page}._finished", {})
        while len(self.finished) > KEPT:
            self.finished.pop(next(iter(self.finished)))
        keys = [sweep_grid.cell_key(self.model, cell) for cell in self.cells]
        if lacking := [key for key in keys if key not in self.finished]:
            shipped = sweep_grid.shipped()
            self.finished.update({key: shipped[key] for key in lacking if key in shipped})
            self.finished.update(kept_cells.read(lacking))
        self.missing = sum(key not in self.finished for key in keys)
        self.identity = results.key(name, base, x, y)
        # A sweep goes on by itself after a page change; only stop, or another grid, ends it.
        self.running = st.session_state.get(f"{page}._running") == self.identity and self.missing > 0

    def go(self, on: bool) -> None:
        """Start or stop."""
        st.session_state[f"{self.page}._running"] = self.identity if on else None

    def button(self, place) -> None:
        """Draw the button that starts it, or stops it."""
        count = len(self.cells)
        if self.running:
            words, help = "Stop", "Stop here; finished cells stay."
        else:
            words = "Run the grid" if self.missing == count else f"Run {self.missing} more"
            help = f"{count} runs of {self.base['n']} particles from the same start."
        place.button(
            words if self.missing else "Finished",
            icon=":material/stop:" if self.running else ":material/play_arrow:",
            type="secondary" if self.running else "primary",
            on_click=self.go,
            args=(not self.running,),
            disabled=not self.missing,
            help=help,
        )

    def values(self, metric: str) -> np.ndarray:
        """(len(y), len(x)) of a metric; NaN where a cell is not finished."""
        return sweep_grid.table(self.model, self.base, self.x, self.y, self.finished, metric)

    def steps(self) -> Iterator[int]:
        """Compute what is missing, giving the number of finished cells after each; then it runs no more.

        Every cell waits in line by itself, so that a grid holds nobody up for longer than one of its runs.
        """
        yield from self._by(engines.get(ENGINE)) if ENGINE else self._here()
        self.go(False)

    def _by(self, engine: engines.Engine) -> Iterator[int]:
        """All cells on an engine, by exact runs, in one place in line; whoever stops listening stops them."""
        place, kept = st.empty(), set(self.finished)
        with jobs.place(Rank.LONG, place.progress):
            for done in sweep_grid.sweep_by(engine, self.model, self.cells, self.finished):
                jobs.look()
                for key in self.finished.keys() - kept:
                    kept_cells.write(key, self.finished[key])
                    kept.add(key)
                yield done
        place.empty()

    def _here(self) -> Iterator[int]:
        cells = sweep_grid.sweep(
            self.model, self.cells, self.finished, lambda space: results.field(self.name, False, space)
        )
        place, done = st.empty(), 0
        for settings in self.cells:
            key = sweep_grid.cell_key(self.model, settings)
            if key in self.finished:
                done = next(cells)
                continue
            with jobs.place(Rank.LONG, place.progress):
                done = next(cells)
            kept_cells.write(key, self.finished[key])
            yield done
        place.empty()

"""Planar generators grown by the flow beside WGAN-GP that had about as long: what seeds reached, unrefined.

The trainings have been made; their configs say what they reached. Seed after seed, with a folder for each:

    python -m dgflow_core train 25gaussians/vgrow-kl --seed 1 --out seed1
    python -m dgflow_core train 25gaussians/wgan-gp --seed 1 --seconds 170 --out seed1
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dgflow_core.errors import UserError
from dgflow_core.kinds import get
from dgflow_core.reports.kept_results import RESULTS, Printer, Results, spread
from dgflow_core.reports.plane_table import TABLE as PLANE
from dgflow_core.reports.resumable_table import Table
from dgflow_core.zoo.shelf import CONFIG

#: What the base samples of a finished model are measured by, in the order of the columns.
METRICS = ("high_quality", "modes", "off_support", "missed", "distance")
NAME = re.compile(r"[a-z0-9]+/(vgrow-[a-z]+|wgan-gp)")


def configs(folder: Path) -> list[tuple[str, dict]]:
    """(name, config) of the grown planar models in ``folder`` and those beside them.

    Raises:
        UserError: there is none.
    """
    found = []
    for path in sorted(folder.glob(f"*/*/{CONFIG}")):
        name, config = "/".join(path.parts[-3:-1]), json.loads(path.read_text())
        if NAME.fullmatch(name) and config["kind"] == "2d" and config.get("training_seconds"):
            found.append((name, config))
    if not found:
        raise UserError(
            f"folder must hold trained planar models, <data set>/<model>: {folder.name!r} has none."
        )
    return found


@dataclass(frozen=True)
class GrownTable(Table):
    """``evaluate grown``: nothing is measured, what the configs of trained models say is kept."""

    def options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, nargs="*", help="folders of trained models, one a seed")
        parser.add_argument(
            "--out", type=Path, help=f"JSON file of results (assets/results/{self.name}.json)"
        )
        parser.add_argument("--markdown", action="store_true", help="print Markdown tables")

    def run(self, args: argparse.Namespace) -> None:
        results = Results(args.out or RESULTS / f"{self.name}.json", self.name)
        self.keep(args.folder, results)
        known = get(self.kind).metrics
        shown = [known[name] for name in METRICS]
        printer = Printer(
            ["model", "seeds", *(one.heading for one in shown), "seconds"], args.markdown, 14, 26
        )
        for key, cell in sorted(results.cells.items()):
            repeats = list(cell["repeats"].values())
            cells = [spread([one.get(row.name) for one in repeats], row.decimals) for row in shown]
            seconds = spread([one["seconds"] for one in repeats], 0)
            printer.row([key.split(" | ")[0], str(len(repeats)), *cells, seconds])

    def keep(self, folders: Sequence[Path], results: Results) -> None:
        """Take what the models in ``folders`` reached into ``results``, each under its seed."""
        for folder in folders:
            for name, config in configs(folder):
                recipe, n = config["recipe"], config["measurement"]["samples"]
                same = {
                    key: value
                    for key, value in recipe.items()
                    if value is not None and key not in ("seed", "iterations", "watch_every")
                }
                repeats = results.repeats(f"{name} | n = {n}", {"n": n, "recipe": same})
                base = {key: value for key, value in config["quality"]["base"].items() if key in METRICS}
                repeats[str(config["seed"])] = base | {
                    "seconds": config["training_seconds"], "iterations": recipe["iterations"],
                }  # fmt: skip
        results.save()


TABLE = GrownTable(
    "grown", "planar models grown by the flow, and WGAN-GP with about as long: several seeds, unrefined",
    kind="2d", rows=(), collector=PLANE.collector,
)  # fmt: skip

"""The paper's Table 5: strings of a character-level GAN, refined by every method."""

from __future__ import annotations

from torch import Tensor

from dgflow_core.kinds.text import transcript
from dgflow_core.kinds.text.metrics import reference
from dgflow_core.reports.resumable_table import Table, TableRow
from dgflow_core.zoo.model import Model


class TextCollector:
    """Keeps samples as strings, and holds them against the held-out ones."""

    def __init__(self, model: Model, repeat: int):
        self.letters = transcript.alphabet(model)
        self.against = reference(model.dataset)
        self.strings: list[str] = []

    def update(self, samples: Tensor) -> None:
        symbols, _ = transcript.read(samples)
        self.strings += ["".join(self.letters[place] for place in string) for string in symbols.tolist()]

    def compute(self) -> dict[str, float]:
        return self.against.score(self.strings)


def dgflow(divergence: str, title: str) -> TableRow:
    settings = {"divergence": divergence, "eta": 0.1, "gamma": 0.0, "steps": 50}
    return TableRow(f"DGflow ({title})", "dgflow", "latent", settings, divergence)


ROWS = (
    TableRow("Base", None, paper="base"),
    TableRow("DOT", "dot", "latent", {"eta": 0.01, "steps": 50, "optimizer": "adam"}, "dot"),
    TableRow("DDLS", "ddls", "latent", {"eta": 0.1, "noise_scale": 1.0, "steps": 50}, "ddls"),
    dgflow("KL", "KL"),
    dgflow("JS", "JS"),
    dgflow("logD", "log D"),
)


def floor(model: Model, n: int) -> list[dict[str, float]]:
    """What ``n`` strings of the training half score, draw by draw; empty where that was not measured."""
    against = reference(model.dataset)
    measured = against.floor.get(str(n), {})
    draws = [dict(zip(measured, values, strict=True)) for values in zip(*measured.values(), strict=True)]
    return draws and [*draws, {"words": against.known_real}]


TABLE = Table(
    "text",
    "text models: base and every method, JS-4 and JS-6 (Table 5)",
    kind="text",
    rows=ROWS,
    collector=TextCollector,
    models=("billion_words/wgan-gp",),
    chunk=256,
    floor=floor,
    lacking=False,
    papers=("5",),
    paper_models={"billion_words/wgan-gp": "WGAN-GP"},
    paper_metrics={"js4": "js4", "js6": "js6"},
)

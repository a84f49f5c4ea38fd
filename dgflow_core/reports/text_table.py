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


def dgflow(divergence: str, title: str, own: bool = False) -> TableRow:
    """A row with the paper's η and steps, or with the model's ``own``, which its config tells."""
    eta, steps = (None, None) if own else (0.1, 50)
    settings = {"divergence": divergence, "eta": eta, "gamma": 0.0, "steps": steps}
    return TableRow(
        f"DGflow ({title})" + (", own steps" if own else ""), "dgflow", "latent", settings,
        "" if own else divergence,
    )  # fmt: skip


ROWS = (
    TableRow("Base", None, paper="base"),
    TableRow("DOT", "dot", "latent", {"eta": 0.01, "steps": 50, "optimizer": "adam"}, "dot"),
    TableRow("DDLS", "ddls", "latent", {"eta": 0.1, "noise_scale": 1.0, "steps": 50}, "ddls"),
    dgflow("KL", "KL"),
    dgflow("JS", "JS"),
    dgflow("logD", "log D"),
    dgflow("KL", "KL", own=True),
    dgflow("JS", "JS", own=True),
    dgflow("logD", "log D", own=True),
)


def floor(dataset: str, n: int) -> list[dict[str, float]]:
    """What ``n`` strings of the training half score, draw by draw; empty where that was not measured."""
    against = reference(dataset)
    measured = against.floor.get(str(n), {})
    draws = [dict(zip(measured, values, strict=True)) for values in zip(*measured.values(), strict=True)]
    return draws and [*draws, {"words": against.known_real}]


TABLE = Table(
    "text",
    "text models: base and every method, JS-4 and JS-6 (Table 5)",
    kind="text",
    rows=ROWS,
    collector=TextCollector,
    models=("billion_words/wgan-gp", "billion_words/wgan-gp-wide"),
    chunk=256,
    own={"eta": 0.1, "steps": 50},
    floor=floor,
    lacking=False,
    papers=("5",),
    paper_models={"billion_words/wgan-gp-wide": "WGAN-GP"},
    paper_metrics={"js4": "js4", "js6": "js6"},
)

"""The paper's Table 5: strings of a character-level GAN, refined by every method.

Strings are refined a few hundred at a time and kept as strings, so that memory does not grow
with their number.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from dgflow_core.flow.driver import Run, whole
from dgflow_core.kinds.text import transcript
from dgflow_core.kinds.text.metrics import Reference, reference
from dgflow_core.reports.resumable import RESULTS, Printer, Results, Table, spread
from dgflow_core.zoo import shelf
from dgflow_core.zoo.model import Model

DEFAULT = "billion_words/wgan-gp"
CHUNK = 256  # strings refined at once


@dataclass(frozen=True)
class Row:
    """One line of the table: ``method`` None is the base. ``paper``: the paper's numbers, where known."""

    title: str
    method: str | None
    settings: dict = field(default_factory=dict)
    paper: dict[str, float] = field(default_factory=dict)


def dgflow(divergence: str, title: str, **more) -> Row:
    settings = {"divergence": divergence, "eta": 0.1, "gamma": 0.0, "steps": 50}
    return Row(f"DGflow ({title})", "dgflow", settings, **more)


#: Add a row here and it is measured, kept and printed with the rest. All run in latent space.
ROWS = [
    Row("Base", None),
    Row("DOT", "dot", {"eta": 0.01, "steps": 50, "optimizer": "adam"}),
    Row("DDLS", "ddls", {"eta": 0.1, "noise_scale": 1.0, "steps": 50}),
    dgflow("KL", "KL"),
    dgflow("JS", "JS"),
    dgflow("logD", "log D"),
]

#: Metric → (heading, decimals). JS-n in bits against the held-out strings, known words in percent.
METRICS = {
    "js4": ("JS-4", 4),
    "js6": ("JS-6", 4),
    "words": ("known words, %", 1),
    "logit": ("mean logit", 2),
    "seconds": ("seconds", 0),
}


def measure(model: Model, row: Row, repeat: int, n: int) -> dict[str, float]:
    """One repeat of ``row``: ``n`` strings refined, chunk by chunk, and measured.

    Repeat i starts every row from the same codes (seed i); each chunk has noise of its own.
    """
    letters = transcript.alphabet(model)
    strings: list[str] = []
    seconds, logit = 0.0, 0.0
    for index, chunk in enumerate(model.prior.sample(n, repeat).split(CHUNK)):
        began = time.monotonic()
        steps = row.settings if row.method else {"steps": 0}
        run = Run(
            model, row.method or "dgflow", space="latent", start=chunk, seed=repeat * 100_003 + index, **steps
        )
        (frame,) = deque(run, maxlen=1)  # only the last frame is kept
        seconds += time.monotonic() - began
        logit += float(frame.logits.sum()) / n
        symbols, _ = transcript.read(frame.samples)
        strings += ["".join(letters[place] for place in string) for string in symbols.tolist()]
    numbers = reference(model.dataset).score(strings) | {"logit": logit, "seconds": seconds}
    return {key: round(value, 5) for key, value in numbers.items()}


def head(known: set[str]) -> list[str]:
    cells = ["method", "logit"]
    for key, (title, _) in METRICS.items():
        cells += [f"{title}, paper", f"{title}, ours"] if key in known else [title]
    return cells


def line(row: Row, logit: str, found: list[dict[str, float]], known: set[str]) -> list[str]:
    cells = [row.title, logit]
    for key, (_, digits) in METRICS.items():
        if key in known:
            cells.append(f"{row.paper[key]:.{digits}f}" if key in row.paper else "–")
        cells.append(spread([one[key] for one in found if key in one], digits))
    return cells


def real(against: Reference, n: int) -> list[dict[str, float]]:
    """What ``n`` strings of the training half score, draw by draw; empty where that was not measured."""
    floor = against.floor.get(str(n), {})
    draws = [dict(zip(floor, values, strict=True)) for values in zip(*floor.values(), strict=True)]
    return draws and [*draws, {"words": against.known_real}]


def lines(model: Model, results: Results, repeats: int, n: int) -> Iterator[list[str]]:
    """Yield the head and then one row after the other, measuring what ``results`` lacks."""
    known = {key for row in ROWS for key in row.paper}
    yield head(known)
    yield line(Row("Real strings", None), "", real(reference(model.dataset), n), known)
    with tqdm(total=len(ROWS) * repeats, desc="text", unit="run", leave=False, disable=None) as bar:
        for row in ROWS:
            settings = {"digest": model.digest, "n": n, "method": row.method, "space": "latent"}
            done = results.repeats(f"{model.name} | {row.title}", settings | row.settings)
            for repeat in range(repeats):
                if str(repeat) not in done:
                    done[str(repeat)] = measure(model, row, repeat, n)
                    results.save()
                bar.update()
            yield line(row, "calibrated", [done[str(repeat)] for repeat in range(repeats)], known)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default=DEFAULT, help=f"a text model's name or folder ({DEFAULT})")
    parser.add_argument("--repeats", type=int, default=5, help="repeats with other seeds, 1 to 100 (5)")
    parser.add_argument("--n", type=int, default=10_000, help="strings a repeat, 10 to 100,000 (10,000)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (auto)")
    parser.add_argument("--out", type=Path, help="JSON file of results (assets/results/text.json)")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")


def run(args: argparse.Namespace) -> None:
    repeats, n = whole("repeats", args.repeats, 1, 100), whole("n", args.n, 10, 100_000)
    model = shelf.load(args.model, args.device)
    transcript.alphabet(model)
    against = reference(model.dataset)
    results = Results(args.out or RESULTS / "text.json", {"table": "text"})
    rows = lines(model, results, repeats, n)
    tqdm.write(
        f"\n{model.title}: {n:,} strings against {len(against.strings):,} held-out ones; JS-n in bits\n"
    )
    printer = Printer(next(rows), args.markdown)
    for cells in rows:
        printer.row(cells)


TABLE = Table("text", "text models: base and every method, JS-4 and JS-6 (Table 5)", options, run)

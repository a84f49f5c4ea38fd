"""A small random text model and a made-up corpus, for every test of text."""

from __future__ import annotations

import random
from pathlib import Path

import torch

import dgflow_core as dg
from dgflow_core.flow import priors
from dgflow_core.kinds.text import corpus as text
from dgflow_core.nets.characters import TextCritic, TextGenerator
from dgflow_core.prepare import held_out_text as held_out
from dgflow_core.zoo import shelf

TEXT = (
    "the cat sat on a mat and saw 2 small dogs that were in no great hurry , but café é <b> & o e s i f w r m"
)
WORDS = TEXT.split(" ")
LETTERS = text.alphabet((TEXT,), 30)


def write_corpus(root: Path, sentences: int = 300) -> Path:
    """A data root with sentences of ``WORDS``; returns it."""
    rng = random.Random(0)
    lines = [" ".join(rng.choices(WORDS, k=rng.randint(9, 20))) for _ in range(sentences)]
    (root / "billion_words").mkdir(parents=True)
    (root / "billion_words" / "part-1.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def tiny_text() -> dg.Model:
    """A random model of strings, sharp enough that its characters change when codes move."""
    torch.manual_seed(0)
    sizes = {"symbols": len(LETTERS), "length": text.LENGTH, "width": 8, "blocks": 1}
    generator, critic = TextGenerator(dim=8, **sizes), TextCritic(**sizes)
    with torch.no_grad():
        generator.symbols.weight.mul_(6)
        critic.head.weight.mul_(30)
    config = {
        "title": "Toy text", "kind": "text", "dataset": "billion_words", "alphabet": LETTERS,
        "prior": {"kind": "normal", "dim": 8},
        "generator": {"architecture": "text_generator", "arguments": generator.arguments},
        "critic": {"architecture": "text_critic", "arguments": critic.arguments},
    }  # fmt: skip
    return dg.Model(config, priors.make("normal", 8), generator, critic, device="cpu")


def shelve(root: Path) -> Path:
    """A folder of models: the small one, under both names that ship, and what the made-up corpus gives."""
    for name in ("wgan-gp", "wgan-gp-wide"):
        shelf.save(tiny_text(), root / "pretrained" / "billion_words" / name)
    held_out.write(write_corpus(root / "data"), root / "pretrained" / "billion_words", (4, 16, 64, 100))
    return root / "pretrained"

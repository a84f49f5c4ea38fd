"""A small random image model, for tests of pages."""

from __future__ import annotations

import torch

import dgflow_core as dg
from dgflow_core.flow import priors
from dgflow_core.nets.sndcgan import SNDCGANDiscriminator


def image_model(title: str, generator, corrector: bool = False) -> dg.Model:
    """``generator`` (codes of 4 numbers → 32 × 32 grey images) with a random critic, in the zoo's shape."""
    critic = SNDCGANDiscriminator(1, 2)
    with torch.no_grad():
        for value in (*generator.parameters(), *critic.parameters()):
            value.mul_(2)  # random networks this small are nearly flat otherwise
    config = {
        "title": title, "kind": "image", "dataset": "fashion_mnist", "prior": {"kind": "normal", "dim": 4},
        "generator": {
            "architecture": "dcgan_decoder" if corrector else "sndcgan_generator",
            "arguments": generator.arguments,
        },
        "critic": {"architecture": "sndcgan_discriminator", "arguments": critic.arguments},
        "real_logits": {"5%": -1.0, "25%": -0.5, "50%": 0.0, "75%": 0.5, "95%": 1.0},
    }  # fmt: skip
    second = None
    if corrector:
        config["corrector"], second = config["critic"], SNDCGANDiscriminator(1, 2)
    return dg.Model(config, priors.make("normal", 4), generator, critic, second, device="cpu")

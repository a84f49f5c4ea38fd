"""Discriminator Contrastive Divergence on images: the same dynamics before and after contrastive training.

In pixels and in latent codes, as in Song et al. (2020). Their FID is in Inception features: it stands beside
ours, and is not the same quantity.
"""

from __future__ import annotations

from dgflow_core.reports.image_table import ImageCollector, gain
from dgflow_core.reports.resumable_table import Table, TableRow
from dgflow_core.training.recipes.image_dcd import DYNAMICS

ROWS = (
    TableRow("Base", None, paper="base"),
    TableRow("Langevin in pixels", "langevin", "data", DYNAMICS),
    TableRow("Langevin in latent codes", "langevin", "latent", DYNAMICS),
)

TABLE = Table(
    "dcd",
    "image models: Langevin on the critic in pixels and codes, before and after DCD's training",
    kind="image",
    rows=ROWS,
    collector=ImageCollector,
    have=lambda model: {"logits", "neighbours", "subsets"},
    models=tuple(
        f"{dataset}/{name}"
        for dataset in ("fashion_mnist", "cifar10")
        for name in ("sndcgan-ns", "dcd-pixel", "dcd-latent")
    ),
    n=2000,
    chunk=250,
    lacking=False,
    extra_columns={"FID, gain": gain},
)

"""Networks that others published, as models: the checkpoints of the papers' CIFAR-10 and STL-10 tables."""

from dgflow_core.zoo.importers.published import load_published

__all__ = ["load_published"]

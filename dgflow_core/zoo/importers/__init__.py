"""Networks that others published, or that people trained elsewhere, as models: from files of weights."""

from dgflow_core.zoo.importers.published import load_files, load_published

__all__ = ["load_files", "load_published"]

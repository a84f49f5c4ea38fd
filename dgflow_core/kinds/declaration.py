"""What a kind of sample is: one declaration each, in ``kinds/<folder>/kind.py``."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dgflow_core.kinds.metric import Metric


class Limits(NamedTuple):
    """How much one person may ask of the server in one run, beside the bytes it may take."""

    n: int
    steps: int


@dataclass(frozen=True)
class Kind:
    """A kind of sample: a point of the plane, an image, a string.

    Attributes:
        name: the value of ``kind`` in a model's config. title: as people read it, in the plural.
        about: the shape of samples in words. fits: whether one sample may have this shape.
        datasets: by key; empty where data sets are not listed. spaces: in which runs may move.
        defaults: method → settings that differ here from the method's own defaults.
        opening: settings of DGflow that differ from ``defaults`` in the run that its page opens with.
        metrics: by name.
        limits: of one run in the app. batch: samples that go through a network at once.
        painter: "module:name" of what draws a picture of this kind: (picture, look) → a ``Sheet`` of frames.
        payload: "module:name" of what makes a run of this kind bytes for the browser.
    """

    name: str
    title: str
    about: str
    fits: Any = field(repr=False)
    spaces: tuple[str, ...]
    metrics: Mapping[str, Metric] = field(repr=False)
    limits: Limits
    batch: int
    painter: str
    payload: str
    datasets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    opening: Mapping[str, Any] = field(default_factory=dict)

    def default_settings(self, method: str) -> dict[str, Any]:
        """The settings of ``method`` that have another default for this kind than the method's own."""
        return dict(self.defaults.get(method, {}))

    def paint(self, *arguments, **options):
        """What ``painter`` names, called."""
        return _named(self.painter)(*arguments, **options)

    def pack(self, *arguments, **options):
        """What ``payload`` names, called."""
        return _named(self.payload)(*arguments, **options)


def _named(reference: str):
    module, name = reference.split(":")
    return getattr(importlib.import_module(module), name)

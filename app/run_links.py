"""From a measured result to the page where that very run can be watched."""

from __future__ import annotations

from typing import Any, NamedTuple

from app import navigation
from app.parameters import as_text
from dgflow_core.reports.beside_paper import Ours


class Watch(NamedTuple):
    """A page and the state in which it shows a run."""

    page: str
    values: dict[str, Any]

    @property
    def address(self) -> str:
        """Relative to any page's."""
        return navigation.address(self.page, **{name: as_text(value) for name, value in self.values.items()})


def watch(kind: str, ours: Ours) -> Watch:
    """Where a run of ``kind`` is watched: in its table's model, method, settings, logit and seed 0."""
    run = {name: value for name, value in ours.run.items() if name not in ("method", "space")}
    method, space = ours.run["method"] or "dgflow", ours.run["space"]
    if kind == "text":
        said = [f"{name}={as_text(value)}" for name, value in run.items()]
        return Watch("text", {"model": ours.model, "panels": 1, "p1": ";".join([method, space, *said])})
    values = {"model": ours.model, "method": method, **run}
    if kind == "image":
        return Watch("images", values | ({"corrector": False} if ours.logit == "uncorrected" else {}))
    return Watch("flow", values | {"space": space, "n": ours.n, "raw": ours.logit == "raw"})

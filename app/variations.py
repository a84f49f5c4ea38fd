"""The same samples under variations of one run: which rows such a grid has, and what each of them runs."""

from __future__ import annotations

from typing import Any, NamedTuple

import dgflow_core as dg
from app.panels import run_title
from dgflow_core.flow import stopping
from dgflow_core.flow.divergences import divergences

COLUMNS = 8
FACTORS = (0.1, 0.3, 1, 3, 10)
OVER = {"method": "method", "divergence": "divergence f", "eta": "step size η", "until": "stopping rule"}


class Row(NamedTuple):
    """One row: its name, and what ``dg.refine`` takes."""

    label: str
    settings: dict[str, Any]


def over(method: dg.methods.Method) -> list[str]:
    """What a grid can run over, with this method."""
    own = [name for name in ("divergence", "eta") if name in method.Settings.model_fields]
    return ["method", *own, *(["until"] if stopping.applies(method) else [])]


def rows(what: str, settings: dict[str, Any], model: dg.Model, others: dict[str, dict]) -> list[Row]:
    """The rows of a grid over ``what``, around a run's ``settings``.

    ``others`` holds the settings of every method that a grid over methods shows.
    """
    settings = {**settings, "n": COLUMNS}
    method = dg.methods[settings["method"]]
    if what == "method":
        common = {name: settings[name] for name in ("space", "n", "seed")}
        return [
            Row(run_title(name, values), {"method": name, **common, **values})
            for name, values in others.items()
        ]
    if what == "divergence":
        return [Row(divergences[key].title, settings | {"divergence": key}) for key in divergences]
    if what == "eta":
        values = dict.fromkeys(float(f"{settings['eta'] * factor:.3g}") for factor in FACTORS)
        return [Row(f"η = {eta:g}", settings | {"eta": eta}) for eta in values if _allowed(method, eta)]
    return [Row(stopping.TITLES[rule], settings | {"until": rule}) for rule in stopping.rules(method, model)]


def _allowed(method: dg.methods.Method, eta: float) -> bool:
    try:
        method.Settings.parse({"eta": eta})
    except ValueError:
        return False
    return True

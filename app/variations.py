"""The same samples under variations of one run: which rows such a grid has, and what each of them runs."""

from __future__ import annotations

from typing import Any, NamedTuple

import dgflow_core as dg
from app.panels import run_title
from dgflow_core.flow import stopping
from dgflow_core.flow.divergences import divergences

COLUMNS = 8
FACTORS = (0.1, 0.3, 1, 3, 10)
OVER = {
    "method": "method", "divergence": "divergence f", "eta": "step size η", "until": "stopping rule",
    "space": "space", "ratio": "ratio",
}  # fmt: skip
SPACES = {"latent": "Latent codes move", "data": "Pixels move"}


class Row(NamedTuple):
    """One row: its name, what ``dg.refine`` takes, and the model, where it is another than the page's."""

    label: str
    settings: dict[str, Any]
    model: dg.Model | None = None


def over(method: dg.methods.Method, model: dg.Model) -> list[str]:
    """What a grid can run over, with this method and model."""
    offered = {
        "method": True,
        "divergence": "divergence" in method.Settings.model_fields,
        "eta": "eta" in method.Settings.model_fields,
        "until": len(stopping.rules(method, model)) > 1,
        "space": set(SPACES) <= set(method.spaces),
        "ratio": model.ladder is not None,
    }
    return [what for what in OVER if offered[what]]


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
    if what == "space":
        return [Row(words, settings | {"space": space}) for space, words in SPACES.items()]
    if what == "ratio":
        return [Row("Stale: one critic", settings, model.without_ladder()), Row("Fresh: a ladder", settings)]
    return [Row(stopping.TITLES[rule], settings | {"until": rule}) for rule in stopping.rules(method, model)]


def _allowed(method: dg.methods.Method, eta: float) -> bool:
    try:
        method.Settings.parse({"eta": eta})
    except ValueError:
        return False
    return True

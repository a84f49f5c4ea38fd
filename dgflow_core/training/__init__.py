"""Recipes, by name, and what trains them. Every file in ``recipes`` that defines ``RECIPES`` adds some."""

from __future__ import annotations

import importlib
import pkgutil

from dgflow_core.training import recipes as _folder
from dgflow_core.training.loop import Recipe

recipes: dict[str, Recipe] = {}

for _file in sorted(pkgutil.iter_modules(_folder.__path__), key=lambda file: file.name):
    for _recipe in getattr(importlib.import_module(f"{_folder.__name__}.{_file.name}"), "RECIPES", ()):
        recipes[_recipe.name] = _recipe


def get(name: str) -> Recipe:
    """The recipe called ``name``.

    Raises:
        ValueError: no such recipe; the message lists them.
    """
    if name not in recipes:
        raise ValueError(f"recipe must be one of {', '.join(recipes)}, not {name!r}.")
    return recipes[name]

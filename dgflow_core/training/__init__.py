"""Recipes, by name, and what trains them. A file in this folder that defines ``RECIPES`` adds some."""

from __future__ import annotations

import importlib
import pkgutil

from dgflow_core.training.base import Recipe

recipes: dict[str, Recipe] = {}

for _file in sorted(pkgutil.iter_modules(__path__), key=lambda file: file.name):
    for _recipe in getattr(importlib.import_module(f"{__name__}.{_file.name}"), "RECIPES", ()):
        recipes[_recipe.name] = _recipe


def get(name: str) -> Recipe:
    """The recipe called ``name``.

    Raises:
        ValueError: no such recipe; the message lists them.
    """
    if name not in recipes:
        raise ValueError(f"recipe must be one of {', '.join(recipes)}, not {name!r}.")
    return recipes[name]

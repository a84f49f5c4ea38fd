"""Recipes, by name, and what trains them. Every file in ``recipes`` that defines ``RECIPES`` adds some."""

from __future__ import annotations

from dgflow_core import registry
from dgflow_core.training import loop as loop
from dgflow_core.training.recipe import Recipe

recipes: dict[str, Recipe] = {
    recipe.name: recipe for some in registry.declared(f"{__name__}.recipes", "RECIPES") for recipe in some
}


def get(name: str) -> Recipe:
    """The recipe called ``name``.

    Raises:
        UserError: no such recipe; the message lists them.
    """
    return registry.one_of("recipe", recipes, name)

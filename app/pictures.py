"""Scenes for the stage, built by the core and kept packed."""

from __future__ import annotations

from app import results
from dgflow_core import scene
from dgflow_core.trajectory import Trajectory

MAPS = {"logit": "Logit d", "ratio": "Density ratio exp(−d)"}

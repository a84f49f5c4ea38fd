"""The core of DGflow Explorer: refinement of generators by the gradient of their critic.

>>> import dgflow_core as dg
>>> m = dg.load("25gaussians/wgan-gp")
>>> t = dg.refine(m, method="dgflow", n=1000, steps=100, divergence="KL", eta=0.01, gamma=0.01)
"""

from dgflow_core.flow.divergences import divergences
from dgflow_core.flow.driver import Frame, Run, drift, refine
from dgflow_core.flow.trajectory import Trajectory
from dgflow_core.kinds.plane.datasets import datasets
from dgflow_core.methods import methods
from dgflow_core.pictures import export
from dgflow_core.zoo.examine import examine
from dgflow_core.zoo.importers import load_published
from dgflow_core.zoo.importers.chainer_mlp import load_chainer_mlp
from dgflow_core.zoo.model import Model, calibration_offset
from dgflow_core.zoo.shelf import load, models, register, save

__all__ = [
    "Frame", "Model", "Run", "Trajectory", "calibration_offset", "datasets", "divergences", "drift",
    "examine", "export", "load", "load_chainer_mlp", "load_published", "methods", "models", "refine",
    "register", "save",
]  # fmt: skip

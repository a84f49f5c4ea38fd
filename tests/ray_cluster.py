"""Jobs on a Ray cluster of two nodes, one of them killed in the middle; prints what came of them."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

import ray
from ray.cluster_utils import Cluster

import dgflow_core as dg
from dgflow_core import engines
from dgflow_core.reports import sweep_grid

JOBS = 10
SIZE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}


def slowly(job: tuple[str, int]) -> tuple[int, str]:
    """Leaves word that it began, takes a while, and says where it ran."""
    folder, number = job
    Path(folder, f"{number} {time.time_ns()}").touch()
    time.sleep(1)
    return number, ray.get_runtime_context().get_node_id()


def main() -> None:
    torch.set_num_threads(1)
    model = dg.load("swissroll/wgan-gp", "cpu")
    x, y = sweep_grid.Axis("eta", (0.01, 0.02, 0.05)), sweep_grid.Axis("gamma", (0.01, 0.1))
    todo = sweep_grid.cells({"method": "dgflow", "space": "data", "n": 50, "seed": 0, "steps": 3}, x, y)
    here: dict = {}
    list(sweep_grid.sweep_by(engines.Here(), model, todo, here))

    cluster = Cluster(initialize_head=True, head_node_args={**SIZE, "include_dashboard": False})
    doomed = cluster.add_node(**SIZE)
    folder, done = tempfile.mkdtemp(), []
    engine = engines.Ray(cluster.address)
    for number, (_, node) in engine.run(slowly, [(folder, job) for job in range(JOBS)]):
        done.append(number)
        if doomed is not None and node == doomed.node_id:
            time.sleep(0.6)  # it is at the next one
            cluster.remove_node(doomed, allow_graceful=False)
            doomed = None
    there: dict = {}
    list(sweep_grid.sweep_by(engine, model, todo, there))
    begun = len(list(Path(folder).iterdir()))
    told = {"jobs": sorted(done), "begun": begun, "cells": len(there), "same": here == there}
    ray.shutdown()
    cluster.shutdown()
    print(json.dumps(told))


if __name__ == "__main__":
    main()

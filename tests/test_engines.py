"""Jobs give the same numbers to the last bit wherever they run, and survive the loss of a worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dgflow_core import engines
from dgflow_core.cli import main
from dgflow_core.errors import UserError
from tests.browser import ROOT

SWEEP = ["sweep", "swissroll/wgan-gp", "--x", "eta:0.01:0.1:2", "--y", "gamma:0.01:0.1:2"]
SWEEP += ["--n", "100", "--steps", "5"]


def halves(job: int) -> float:
    return job / 2


def dies_once(job: tuple[Path, int]) -> int:
    """Takes its worker with it, the first time that it is asked for job 1."""
    folder, number = job
    mark = folder / "died"
    if number == 1 and not mark.exists():
        mark.touch()
        os._exit(1)
    return number


def test_here_is_one_after_the_other():
    assert list(engines.get("here").run(halves, [4, 2])) == [(0, 2.0), (1, 1.0)]


@pytest.mark.parametrize("name", ["there", "processes:0", "processes:x", "processes:999", "here:2"])
def test_another_engine_is_refused_in_a_sentence(name):
    with pytest.raises(UserError, match="engine must be here, processes"):
        engines.get(name)
    with pytest.raises(UserError, match="gpus"):
        engines.get("processes", gpus=0.5)


@pytest.mark.slow
def test_a_process_that_dies_is_replaced(tmp_path):
    found = dict(engines.Processes(2).run(dies_once, [(tmp_path, number) for number in range(5)]))
    assert found == {number: number for number in range(5)}
    assert (tmp_path / "died").exists()


@pytest.mark.slow
def test_a_sweep_is_the_same_to_the_last_bit_in_processes_and_goes_on(tmp_path, capsys):
    cells = {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for engine in ("here", "processes:2"):
            out = tmp_path / f"{engine}.json"
            assert main([*SWEEP, "--engine", engine, "--out", str(out)]) == 0
            cells[engine] = json.loads(out.read_text())["cells"]
    finally:
        torch.set_num_threads(threads)
    assert len(cells["here"]) == 4
    assert cells["here"] == cells["processes:2"]
    kept = json.loads(out.read_text())
    for cell in kept["cells"].values():
        cell["repeats"]["0"]["distance"] = 7.0  # what is there is not measured again
    out.write_text(json.dumps(kept))
    capsys.readouterr()
    assert main([*SWEEP, "--out", str(out)]) == 0
    assert capsys.readouterr().out.count("\t7") == 4


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--x", "eta:1"], "x must be NAME"),
        (["--x", "eta:a:b"], "x must give numbers"),
        (["--y", "eta"], "the two axes must be different"),
        (["--metric", "beauty"], "metric must be one of"),
    ],
)
def test_a_wrong_sweep_gets_one_sentence(more, said, tmp_path, capsys):
    assert main([*SWEEP, *more, "--out", str(tmp_path / "s.json")]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_table_and_trainings_run_in_processes(tmp_path, capsys):
    found = []
    for engine in ("here", "processes:2"):
        out = tmp_path / f"{engine}.json"
        table = ["evaluate", "table1", "--n", "50", "--repeats", "2", "--row", "Base", "--row", "DOT"]
        assert main([*table, "--engine", engine, "--out", str(out)]) == 0
        cells = json.loads(out.read_text())["cells"]
        repeats = [
            cell["repeats"][number] for cell in cells.values() for number in "01"
        ]  # they came in any order
        found.append([{k: v for k, v in repeat.items() if k != "seconds"} for repeat in repeats])
    assert len(found[0]) == 4
    # here a product may use more cores and round otherwise
    assert [list(one.values()) for one in found[0]] == [
        pytest.approx(list(one.values()), rel=1e-3) for one in found[1]
    ]
    where = ["--out", str(tmp_path / "models"), "--runs-dir", str(tmp_path / "runs")]
    recipes = ["moons/wgan-gp", "swissroll/vgrow-kl"]
    assert main(["train", *recipes, "--iterations", "2", "--engine", "processes:2", *where]) == 0
    for name in recipes:
        assert (tmp_path / "models" / name / "weights.safetensors").exists()


@pytest.mark.slow
@pytest.mark.timeout(290)
def test_on_two_nodes_of_which_one_dies_the_numbers_are_the_same():
    if not os.environ.get("DGFLOW_REQUIRE_RAY"):
        pytest.importorskip("ray")
    script = Path(__file__).with_name("ray_cluster.py")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=280, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["jobs"] == list(range(10))
    assert found["begun"] > 10  # what the lost node was at began anew
    assert found["cells"] == 6
    assert found["same"]

"""What whoever runs the server for others relies on: settings, figures, the container's recipe."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from app import housekeeping, log_lines, metrics, uploads
from app.cache import Budget, Store
from app.failures import calmly
from app.jobs import Line, Rank
from app.visitors import Answer, Person
from dgflow_core.bench import server
from tests.browser import ROOT
from tests.tools import program

COPIED = {"ignore": shutil.ignore_patterns("__pycache__")}
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_variable_that_the_code_reads_stands_in_the_table_and_no_other():
    files = [*(ROOT / "app").rglob("*.py"), *(ROOT / "dgflow_core").rglob("*.py")]
    read = set(re.findall(r'"(DGFLOW_[A-Z]+)"', "".join(file.read_text(encoding="utf-8") for file in files)))
    rows = "\n".join(line for line in README.splitlines() if line.startswith("| `DGFLOW_"))
    assert set(re.findall(r"`(DGFLOW_[A-Z]+)`", rows)) == read


def test_prometheus_reads_line_waits_runs_memory_and_faults(caplog):
    line, budget = Line(1, cores=1), Budget(100)
    kept = Store(100, budget)
    kept.put("run", b"", 60)
    port = metrics.serve("0", housekeeping.gauges(budget, line))

    def read() -> dict[str, float]:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
        return {
            name: float(value)
            for name, _, value in (row.rpartition(" ") for row in text.splitlines() if row[0] != "#")
        }

    before = read()
    assert before["dgflow_kept_bytes"] == 60
    assert before["process_resident_memory_bytes"] > 50e6
    entered, end = threading.Event(), threading.Event()

    def compute() -> None:
        with line.place("she", Rank.LONG):
            entered.set()
            end.wait(10)

    thread = threading.Thread(target=compute)
    thread.start()
    entered.wait(10)

    def gone() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), line.place("he", Rank.SHORT, gone):
        pass
    assert read()["dgflow_running"] == 1
    end.set()
    thread.join()
    with caplog.at_level(logging.ERROR, "dgflow"):
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            number = re.search(r"as ([0-9a-f]{6})", calmly("a page"))[1]
    assert number in caplog.text
    after = read()
    for name in (
        'dgflow_wait_seconds_count{rank="long"}',
        'dgflow_run_seconds_count{rank="long"}',
        'dgflow_dropped_total{rank="short"}',
        'dgflow_errors_total{where="a page"}',
    ):
        assert after[name] == before.get(name, 0) + 1, name
    assert after["dgflow_running"] == 0


def test_the_log_is_lines_and_the_person_is_told_the_requests_number(tmp_path, monkeypatch):
    """Everything of one run of a page has its number, which is also the one on the screen."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(log_lines.Lines())
    logger = logging.getLogger("dgflow")
    logger.addHandler(handler)
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.manager._clear_cache()
    file = tmp_path / "bug.py"
    file.write_text(
        "from app.page import Page\n"
        "import logging\n"
        "def show(page):\n"
        "    logging.getLogger('dgflow').warning('two\\nlines')\n"
        "    [][1]\n"
        "Page('bug', 'Bug', ':material/star:', 'bug', order=1).run(show)\n"
    )
    try:
        runs = [AppTest.from_file(str(file)).run() for _ in range(2)]
    finally:
        logger.removeHandler(handler)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    numbers = [re.search(r"as ([0-9a-f]{6})", run.error[0].value)[1] for run in runs]
    assert numbers[0] != numbers[1]
    assert [line["request"] for line in lines] == [number for number in numbers for _ in range(3)]
    warned, failed, ended = lines[:3]
    assert (warned["level"], warned["message"]) == ("WARNING", "two\nlines")
    assert "IndexError" in failed["trace"]
    assert re.fullmatch(r"bug: done after \d+\.\d{3} s", ended["message"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", ended["time"])


@pytest.mark.parametrize(
    ("given", "kept"), [("9d0e-1", "9d0e-1"), ('x" : 1\n', ""), ("y" * 65, ""), (None, "")]
)
def test_a_proxys_number_is_kept_where_it_is_one(given, kept, monkeypatch):
    monkeypatch.setattr(log_lines, "get_script_run_ctx", object)
    context = SimpleNamespace(headers={"X-Request-ID": given} if given else {})
    monkeypatch.setattr(log_lines.st, "context", context)
    assert log_lines.current().connection == kept


@pytest.mark.parametrize("where", ["nowhere", "127.0.0.1:99999", "203.0.113.1:0"])
def test_a_port_that_cannot_be_had_is_a_line_in_the_log(where, caplog):
    with caplog.at_level(logging.ERROR, "dgflow"):
        housekeeping.publish(where, Budget(1), Line(1, 1))
    assert "DGFLOW_METRICS must be a free PORT" in caplog.text


def test_the_container_runs_as_nobody_special_and_writes_in_one_place():
    recipe = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER (?!root)", recipe, re.M)
    assert "HEALTHCHECK" in recipe
    assert "+cpu" in recipe
    copied = re.findall(r"^COPY (\S+)", recipe, re.M)
    assert all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{name}" for name in copied} <= set(ignored)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_containers_steps_serve_the_app_from_a_tree_that_is_read_only(tmp_path):
    """The recipe's files, settings and command, in a fresh folder; writing is refused."""
    setpriv = [program("setpriv", "util-linux", "setpriv"), "--inh-caps=-all"]
    setpriv += ["--bounding-set=-dac_override,-dac_read_search,-fowner"] if os.geteuid() == 0 else []
    recipe = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    tree, cache = tmp_path / "srv", tmp_path / "cache"
    cache.mkdir()
    tree.mkdir()
    for name in re.findall(r"^COPY (\S+)", recipe, re.M):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, tree / name, **COPIED if copy is shutil.copytree else {})
    subprocess.run(["chmod", "-R", "a-w", str(tree)], check=True)
    said = dict(re.findall(r"(\w+)=(\S+)", re.search(r"^ENV (.*)$", recipe, re.M)[1]))
    env = {**os.environ, **{name: value.replace("/cache", str(cache)) for name, value in said.items()}}
    env.pop("DGFLOW_CELLS", None)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = json.loads(re.search(r"^CMD (\[.*\])$", recipe, re.M)[1])
    command = [sys.executable, *command[1:], "--server.port", str(port)]
    process = subprocess.Popen([*setpriv, *command] if os.geteuid() == 0 else command, cwd=tree, env=env)
    try:
        served = server.Server(f"http://127.0.0.1:{port}", process)
        server.await_health(served)

        async def visit(page: str) -> Answer:
            async with Person(served.address, page) as person:
                await person.ask()
                return await asyncio.wait_for(person.answer(Answer(0, 0.0, 0.0), 0.0), 120)

        assert asyncio.run(visit("flow")).problem == ""
    finally:
        process.kill()
        process.wait(10)
        subprocess.run(["chmod", "-R", "u+w", str(tree)], check=True)
    assert (cache / "matplotlib").is_dir()
    assert not list(tree.rglob("__pycache__"))


def test_a_folder_whose_name_is_no_text_is_passed_over(tmp_path, monkeypatch):
    for name in (b"good", b"b\xff\xfed"):
        folder = os.path.join(os.fsencode(tmp_path), name)
        os.mkdir(folder)
        with open(os.path.join(folder, b"config.json"), "w") as file:
            file.write("{}")
    monkeypatch.setenv("DGFLOW_MODELS", str(tmp_path))
    assert uploads.choices() == {"own/good": "Folder · good"}

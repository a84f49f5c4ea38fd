"""What goes wrong around the app: damaged and unwritable stores, closed tabs, other hosts."""

from __future__ import annotations

import errno
import logging
import sqlite3
import tempfile
import threading
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import dgflow_core as dg
from app import drawing, export_menu, kept_cells
from dgflow_core.pictures import formats
from dgflow_core.pictures.picture import Choice, picture_of
from dgflow_core.pictures.sheet import Look
from tests.browser import ROOT, launch


@pytest.fixture
def cells(tmp_path, monkeypatch):
    """An empty store of cells; returns its file."""
    monkeypatch.delenv("DGFLOW_CELLS")
    monkeypatch.setenv("DGFLOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sweep-cells.sqlite"


def test_finished_cells_are_found_again(cells):
    assert kept_cells.read(["a"]) == {}
    assert not cells.exists()
    kept_cells.write("a", {"emd": 0.5, "high_quality": 1.0})
    kept_cells.write("b", {"emd": float("nan")})
    found = kept_cells.read(["a", "b", "c"])
    assert found["a"] == {"emd": 0.5, "high_quality": 1.0}
    assert found.keys() == {"a", "b"}


def test_numbers_of_other_code_are_not_used(cells, monkeypatch):
    kept_cells.write("a", {"emd": 0.5})
    monkeypatch.setattr(kept_cells, "code", lambda: "other")
    assert kept_cells.read(["a"]) == {}


def test_the_store_of_cells_is_bounded(cells, monkeypatch):
    monkeypatch.setattr(kept_cells, "LIMIT", 3)
    for number in range(6):
        kept_cells.write(str(number), {"emd": number})
    assert list(kept_cells.read(map(str, range(6)))) == ["3", "4", "5"]


@pytest.mark.parametrize("text", ["{", "[1]", '{"emd": "x"}', "null"])
def test_a_damaged_cell_is_dropped_with_a_line(cells, caplog, text):
    kept_cells.write("a", {"emd": 0.5})
    kept_cells.write("b", {"emd": 0.5})
    with sqlite3.connect(cells) as store:
        store.execute("UPDATE cells SET numbers = ? WHERE key LIKE '% a'", (text,))
    store.close()
    with caplog.at_level(logging.WARNING, "dgflow"):
        assert list(kept_cells.read(["a", "b"])) == ["b"]
        assert "dropped" in caplog.text
    caplog.clear()
    kept_cells.read(["a", "b"])
    assert not caplog.text


def test_a_damaged_store_is_made_anew(cells, caplog):
    cells.parent.mkdir()
    cells.write_bytes(b"no database at all" * 100)
    with caplog.at_level(logging.WARNING, "dgflow"):
        assert kept_cells.read(["a"]) == {}
    assert caplog.text
    kept_cells.write("a", {"emd": 0.5})
    assert kept_cells.read(["a"])


def test_no_room_for_the_store_costs_only_that(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DGFLOW_CELLS", str(tmp_path / "file" / "below" / "cells.sqlite"))
    with caplog.at_level(logging.WARNING, "dgflow"):
        kept_cells.write("a", {"emd": 0.5})
    assert "cannot be kept" in caplog.text
    assert kept_cells.read(["a"]) == {}


@pytest.mark.slow
def test_a_server_that_was_killed_has_kept_its_finished_cells():
    from streamlit.testing.v1 import AppTest

    def visit() -> AppTest:
        test = AppTest.from_file(str(ROOT / "app" / "pages" / "sweep.py"), default_timeout=120)
        test.query_params["size"] = "2"
        test.query_params["n"] = "100"
        return test.run()

    test = visit()
    button = next(button for button in test.button if button.label == "Run the grid")
    button.click().run()
    assert any(button.label == "Finished" for button in test.button)
    assert any(button.label == "Finished" for button in visit().button)  # another session, nothing shared


class Training(threading.Thread):
    """Holds a place of Draw until its process is killed."""

    def __init__(self, attended: bool):
        super().__init__(daemon=True)
        self.killed, self.process = threading.Event(), self
        self.wanted, self.kill = lambda: attended, self.killed.set

    def run(self):
        self.killed.wait(60)
        drawing.places().release()


@pytest.mark.parametrize("attended", [False, True])
def test_a_closed_tab_gives_its_place_to_who_asks(monkeypatch, attended):
    held = [Training(attended) for _ in range(drawing.TOGETHER)]
    for training in held:
        assert drawing.places().acquire(blocking=False)
        training.start()
        drawing.running().add(training)
    try:
        assert drawing.free_place() is not attended
        if not attended:
            drawing.places().release()
    finally:
        for training in held:
            training.kill()
            training.join()


@pytest.mark.parametrize("when", ["before", "while writing"])
def test_an_export_that_finds_no_room_is_one_sentence(when, monkeypatch, tmp_path, tiny):
    """A folder for temporary files that is missing, or full when the file is put in its place."""
    said = []
    monkeypatch.setattr(export_menu.st, "error", lambda words, icon: said.append(words))
    scratch = tmp_path / "scratch"
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    form = formats.get(".png")
    picture = picture_of(dg.refine(tiny, n=5, steps=1), Choice(model=tiny))
    if when == "while writing":
        scratch.mkdir()

        def full(self, target):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
    assert export_menu._make(picture, form, Look(size=240), lambda done, total: None) is None
    (sentence,) = said
    assert "could not be written" in sentence
    assert "No space left" in sentence or "No such file" in sentence
    assert not list(tmp_path.rglob("*.png"))


def test_the_server_listens_to_this_machine_alone():
    server = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]
    assert server["address"] == "localhost"
    makefile = (ROOT / "Makefile").read_text()
    assert "HOST ?= localhost" in makefile
    assert "--server.address $(HOST)" in makefile


@pytest.mark.browser
@pytest.mark.timeout(600)
def test_no_other_host_is_asked(address):
    with launch() as browser:
        page = browser.new_page()
        page.set_default_timeout(180_000)
        hosts = set()
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc or "inline"))
        page.goto(f"{address}/draw")
        page.wait_for_function(
            "() => document.title !== 'Streamlit'"
        )  # the page's own title and icon are there
        page.wait_for_timeout(1500)
        assert "/media/" in page.locator("link[rel*=icon]").first.get_attribute("href")
        assert hosts <= {urlsplit(address).netloc, "inline"}

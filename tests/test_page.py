"""What every page shares: its declaration, its link, its limits, and what it says where it fails."""

from __future__ import annotations

import gc
import logging
import threading
import time

import pytest
from streamlit.testing.v1 import AppTest

from app import cache, drawing, limits, navigation, results
from app.escape import plain
from app.parameters import as_text
from dgflow_core import methods
from dgflow_core.errors import UserError
from tests.browser import ROOT

PAGES = sorted((ROOT / "app" / "pages").glob("*.py"))
HOSTILE = (
    "![t](http://127.0.0.1:9/t.png)[Sign in](http://evil.example/)",
    "<b>x</b> `code` $a$ :material/home: :red[x] www.evil.example a@b.example",
    "x" * 100_000,
    "a\nb\x00\N{RIGHT-TO-LEFT OVERRIDE}",
)


def visit(name: str, **query) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app" / "pages" / f"{name}.py"), default_timeout=120)
    for key, value in query.items():
        test.query_params[key] = value
    return test.run()


@pytest.fixture
def idle(monkeypatch):
    """Pages that compute nothing: every run is refused."""

    def refuse(*arguments, **named):
        raise UserError("nothing is computed here.")

    for name in ("trajectory", "image_run", "text_run"):
        monkeypatch.setattr(results, name, refuse)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_a_page_is_what_is_special_to_it(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 110
    assert navigation.declaration(file).name


PAGE = """
from app.page import Page
PAGE = Page("{name}", "A page", ":material/star:", "{name}", order={order}, tour="Something new.")
def show(page):
    {body}
if __name__ == "__main__":
    PAGE.run(show)
"""


def test_a_page_is_found_by_its_declaration_alone(tmp_path, monkeypatch):
    (tmp_path / "later.py").write_text(PAGE.format(name="later", order=2, body="1 / 0"))
    (tmp_path / "sooner.py").write_text(PAGE.format(name="sooner", order=1, body="pass"))
    monkeypatch.setattr(navigation, "PAGES", tmp_path)
    assert [page.name for page in navigation.found(tmp_path)] == ["sooner", "later"]
    assert [page.tour for page in navigation.tour()] == ["Something new."] * 2
    assert navigation.address("later", eta=0.1) == "later?eta=0.1"


def test_a_bug_is_one_calm_sentence_and_a_traceback_in_the_log(tmp_path, caplog):
    file = tmp_path / "bug.py"
    file.write_text(PAGE.format(name="bug", order=1, body="[][1]"))
    with caplog.at_level(logging.ERROR, "dgflow"):
        test = AppTest.from_file(str(file)).run()
    assert not test.exception
    assert test.error[0].value.startswith("Something went wrong on our side; it is logged")
    assert "IndexError" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_what_comes_from_outside_is_plain_and_short(hostile, idle):
    for query in ({"method": hostile}, {"eta": hostile}, {"n": hostile}, {hostile[:60]: "1"}):
        test = visit("flow2d", **query)
        assert not test.exception
        (sentence,) = [box.value for box in test.warning]
        assert len(sentence) < 700
        for markup in ("](", "<b>", "http://", "www.", "\n", " :material", "$a$"):
            assert markup not in sentence.replace(r"\]", "¬").replace(r"\<", "¬").replace(r"\$", "¬")


def test_ordinary_sentences_stay_as_they_are():
    sentence = "steps must be a whole number from 0 to 10,000, not 'noise_scale'; see config.json (1e-06)."
    assert plain(sentence) == sentence


def test_links_keep_every_digit_and_ignore_what_others_append(idle):
    test = visit("flow2d", eta="0.0123456789", utm_source="chat", fbclid="x")
    assert not test.warning
    assert test.query_params == {"eta": "0.0123456789"}
    assert as_text(0.1 + 0.2) == repr(0.1 + 0.2)
    assert as_text(10.0) == "10"


#: Pages whose controls are no sliders of the server's.
WITHOUT_SLIDERS = ("home", "lessons", "live", "live_samples", "grow", "paper_tables", "glossary", "wrong")


@pytest.mark.slow
@pytest.mark.parametrize("name", [file.stem for file in PAGES if file.stem not in WITHOUT_SLIDERS])
def test_a_slider_offers_nothing_that_its_link_refuses(name, idle):
    for method in methods if name in ("flow2d", "images", "sweep") else [None]:
        query = {"method": method} if method else {"walk": "0"} if name == "text" else {}
        first = visit(name, **query)
        if first.warning:  # this page does not offer that method
            continue
        sliders = [slider for slider in first.slider if slider.key.count(".") < 3]
        assert sliders
        for end in ("min", "max"):
            ends = {slider.key.rsplit(".", 1)[-1]: getattr(slider, end) for slider in sliders}
            test = visit(name, **query, **{key: as_text(value) for key, value in ends.items()})
            assert not test.warning, [box.value for box in test.warning]
            assert all(test.session_state[slider.key] == getattr(slider, end) for slider in sliders)


def test_limits_count_bytes_and_say_what_would_fit(monkeypatch):
    monkeypatch.setattr(limits.price, "seconds", lambda *asked: 0.0)  # no networks, no price

    class Model:
        kind, sample_shape = "image", (3, 256, 256)
        dim = staticmethod(lambda space: (128,))

    settings = {"n": 100, "steps": 200, "space": "latent"}
    with pytest.raises(UserError, match=r"15,\d{3} MB, at most 256 MB fit: n = 1 with 200 steps or 2 steps"):
        limits.check(Model, settings)
    limits.check(Model, {**settings, "n": 1})


def test_identical_requests_share_one_computation():
    store, made = cache.Store(100), []

    def make():
        made.append(1)
        time.sleep(0.3)
        return b"x"

    threads = [threading.Thread(target=store.make, args=("name", make)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
    store.put("large", b"", 90)
    store.put("other", b"", 50)
    assert store.names() == ["name", "other"] or store.names() == ["other"]
    store.put("too large", b"", 101)
    assert store.used <= 100


def test_who_fails_leaves_the_work_to_the_next():
    store = cache.Store(100)
    with pytest.raises(ZeroDivisionError):
        store.make("name", lambda: 1 / 0)
    assert store.make("name", lambda: b"x") == b"x"


def test_a_training_that_cannot_start_gives_its_place_back(monkeypatch):
    from tests.test_draw import DOT

    def refuse(*arguments, **named):
        raise BlockingIOError

    monkeypatch.setattr(drawing.subprocess, "Popen", refuse)
    for _ in range(drawing.TOGETHER + 1):
        with pytest.raises(UserError, match="cannot start a training"):
            drawing.start(DOT, 200)


def test_a_training_ends_when_its_session_is_gone(monkeypatch):
    from tests.test_draw import DOT

    monkeypatch.setattr(drawing, "GRACE", 1)
    monkeypatch.setattr(drawing, "LOOK_UP", 0.2)
    monkeypatch.setattr(drawing.jobs, "attended", lambda: lambda: False)
    job = drawing.start(DOT, 600)
    job.join(30)
    assert not job.is_alive()
    assert job.process.poll() is not None
    held = [drawing.places().acquire(blocking=False) for _ in range(drawing.TOGETHER)]
    for _ in filter(None, held):
        drawing.places().release()
    assert all(held)


def test_a_stopped_run_can_go_on_from_where_it_was(monkeypatch):
    from app.results import _Work
    from dgflow_core.flow.driver import Recorder, Run

    model = results.model("25gaussians/wgan-gp")
    settings = {"method": "dgflow", "n": 5, "steps": 6, "seed": 3}
    work = _Work(Recorder(Run(model, **settings)))

    class Interrupted(Exception):
        pass

    def at_three(frame):
        if frame.step == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        work.go(at_three)
    work.stop()
    assert work.shown.ended == "stopped"
    assert work.shown.message == "Stopped at step 3 of 6."
    whole = work.go(lambda frame: None)
    assert whole.ended == "complete"
    assert not whole.message
    straight = Recorder(Run(model, **settings))
    for frame in straight.run:
        straight.add(frame)
    assert whole.positions.equal(straight.trajectory().positions)


def test_one_budget_for_all_stores_gives_up_foundations_last():
    budget = cache.Budget(100)
    everybody, mine = cache.Store(100, budget), cache.Store(80, budget)
    everybody.put("table", b"", 40, cache.FOUNDATION)
    everybody.put("old", b"", 20)
    mine.put("run", b"", 30)
    assert budget.used == 90
    everybody.get("old")
    everybody.put("new", b"", 30)  # the run was used least lately, in whichever store
    assert (everybody.names(), mine.names()) == (["table", "old", "new"], [])
    mine.put("larger than its own store", b"", 81)
    assert mine.used == 0
    mine.put("run", b"", 60)
    assert (everybody.names(), mine.names()) == (["table"], ["run"])
    del mine  # its session has ended
    gc.collect()
    assert budget.used == 40
    everybody.put("x", b"", 10)
    budget.clear()
    assert everybody.names() == ["table"]

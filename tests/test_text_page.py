"""The text page: settings and links, panels, walks, pasted text, what is kept, and what is refused."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from app import panels, parameters, presets, results
from dgflow_core import pictures as scene
from dgflow_core.flow.driver import Run
from dgflow_core.kinds.text.corpus import UNKNOWN
from tests.browser import ROOT
from tests.text_model import shelve

PAGE = "text"


@pytest.fixture(scope="module", autouse=True)
def shelf(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DGFLOW_PRETRAINED", str(shelve(tmp_path_factory.mktemp("shelf"))))
        yield


@pytest.fixture
def packed(monkeypatch) -> list[tuple[list, tuple | None]]:
    """What the page hands to the browser: (transcripts, walk) for every reader."""
    from app import reader

    seen = []
    pack = reader.pack

    def watch(runs, titles, against, walk=None, own=False):
        seen.append((runs, walk))
        return pack(runs, titles, against, walk, own)

    monkeypatch.setattr(reader, "pack", watch)
    return seen


def page(**query) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app" / "pages" / "text.py"), default_timeout=200)
    for name, value in {"n": "6", **query}.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def said(test: AppTest) -> str:
    return " ".join(box.value for box in (*test.warning, *test.error, *test.info))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "eta", "steps"),
    [({}, 1.0, 8), ({"model": "billion_words/wgan-gp", "p1": "dgflow;latent"}, 0.1, 50)],
)
def test_the_page_opens_with_few_long_steps_and_takes_the_papers(packed, link, eta, steps):
    test = page(**link)
    ((runs, walk),) = packed
    assert walk is None
    assert runs[0].settings == {
        "method": "dgflow", "n": 6, "seed": 0, "space": "latent", "divergence": "KL", "eta": eta,
        "gamma": 0.0, "steps": steps,
    }  # fmt: skip
    assert runs[0].n == 6
    assert runs[0].steps == steps
    assert not said(test)
    assert test.query_params == {"n": "6", **link}
    assert "Apache 2.0" in test.caption[-2].value


def test_panels_share_their_codes(packed):
    page(panels="4", p1="base", p2="dgflow;latent;steps=3", p3="dot;latent;steps=2", p4="ddls;latent;steps=3")
    runs = packed[-1][0]
    assert [run.steps for run in runs] == [0, 3, 2, 3]
    assert len({run.positions[0].numpy().tobytes() for run in runs}) == 1
    assert all(run.strings(0) == runs[0].strings(0) for run in runs)


@pytest.mark.slow
def test_every_method_can_stand_in_a_panel():
    test = page(p1="dgflow;latent;steps=2")
    for name in test.selectbox(key=f"{PAGE}.p1.method").options[1:]:
        method = next(row for row in panels.dg.methods.values() if row.title == name)
        test.selectbox(key=f"{PAGE}.p1.method").set_value(method.name)
        test.query_params["p1"] = method.name
        test.run()
        assert not test.exception
        assert not test.error


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"n": "1000"}, "n must be a whole number from 4 to 100"),
        ({"p1": "dgflow;data"}, "the space of dgflow must be latent"),
        ({"p1": "exact;latent"}, "a panel's method must be one of"),
        ({"model": "nobody/nothing"}, "model must be one of"),
        ({"step": "-1"}, "step must be a whole number from 0 to 300"),
        ({"view": "<b>"}, "view must be one of confidence, words"),
        ({"speed": "3"}, "'speed' is not a setting of this page"),
    ],
)
def test_a_wrong_link_is_one_sentence_and_the_page_stays(query, words, packed):
    test = page(**{"p1": "dgflow;latent;steps=1"} | query)
    assert len(test.warning) == 1
    assert words in test.warning[0].value
    assert not test.error
    assert packed


def test_too_many_steps_are_refused():
    test = page(p1="dgflow;latent;steps=301")
    assert "steps must be at most 300 here, not 301." in test.warning[0].value
    assert not test.error


@pytest.mark.slow
def test_a_link_brings_its_state_back(packed):
    query = {"seed": "7", "order": "improved", "view": "words", "selected": "3", "step": "2", "walk": "1",
             "first": "2", "last": "5", "panels": "2", "p1": "dgflow;latent;eta=0.2;steps=4"}  # fmt: skip
    test = page(**query)
    assert test.query_params == {"n": "6", **query}
    (runs, none), (walked, ends) = packed
    assert none is None
    assert ends == (1, 4)
    assert walked[0].n == 12
    assert walked[0].strings(4)[0] == runs[0].strings(4)[1]
    assert walked[0].strings(4)[-1] == runs[0].strings(4)[4]


def test_ends_of_a_walk_stay_among_the_strings(packed):
    page(walk="1", first="90", last="2", p1="dgflow;latent;steps=1")
    assert packed[-1][1] == (5, 1)


def test_a_run_is_made_once(monkeypatch):
    query = {"seed": "11", "p1": "dgflow;latent;steps=2"}
    page(**query)
    monkeypatch.setattr(Run, "__iter__", lambda _: pytest.fail("computed again"))
    page(**query)


@pytest.mark.slow
def test_what_is_kept_is_small(packed):
    page(seed="12")
    run = packed[0][0][0]
    assert run.nbytes < 6 * 51 * (32 * 2 + 8 * 4 + 4) + 1
    assert 0 < results.store().used <= results.store().limit


@pytest.mark.slow
@pytest.mark.parametrize("row", presets.of(PAGE), ids=lambda row: row["title"])
def test_presets_are_links_in_their_shortest_form(row):
    query = {name: parameters.as_text(value) for name, value in row["state"].items()}
    test = page(**query)
    assert not said(test)
    assert test.query_params == {"n": "6", **query}


PASTED = "the cat sat on a mat and saw 2 small dogs that were in no great hurry"


def test_a_pasted_text_is_scored_beside_the_run():
    test = page(p1="dgflow;latent;steps=1")
    test.text_area(key=f"{PAGE}._paste").set_value(PASTED).run()
    assert not test.exception
    assert not test.error
    scores, strings = (frame.value for frame in test.dataframe)
    assert list(scores["What"]) == ["Your text", "DGflow (KL), last step"]
    assert scores["Known words, %"][0] == 100
    assert scores["JS-4"][0] < scores["JS-4"][1]
    assert strings["String"][0] == PASTED[:32]
    assert strings["Logit d"].notna().all()


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("too short", "text must have at least 32 characters besides extra spaces, not 9."),
        (" " * 500 + "a", "text must have at least 32 characters besides extra spaces, not 1."),
        ("long " * 20_001, "text must have at most 100,000 characters, not 100,005."),
    ],
)
def test_a_text_that_cannot_be_scored_is_one_sentence(pasted, words):
    test = page(p1="dgflow;latent;steps=1")
    test.text_area(key=f"{PAGE}._paste").set_value(pasted).run()
    assert not test.exception
    assert [box.value for box in test.error] == [words]


def test_odd_characters_become_the_unknown_symbol_and_nothing_is_markup():
    test = page(p1="dgflow;latent;steps=1")
    odd = "<img src=x onerror=alert(1)> 🙂 \N{RIGHT-TO-LEFT OVERRIDE}" + PASTED
    test.text_area(key=f"{PAGE}._paste").set_value(odd).run()
    assert not test.exception
    assert f"became {UNKNOWN}" in said(test)
    assert any(UNKNOWN in string for string in test.dataframe[1].value["String"])
    shown = [box.value for box in (*test.markdown, *test.caption, *test.info, *test.warning)]
    assert not any("onerror" in value or "<img" in value for value in shown)


def test_what_the_browser_gets_can_be_read_back(packed, monkeypatch):
    from app import reader

    page(p1="dgflow;latent;steps=2", seed="5")
    runs, _ = packed[-1]
    tree = {}
    monkeypatch.setattr(reader.packing, "encode", lambda given: tree.update(given) or scene.encode(given))
    reader.packing.pack(runs, ["one"], None, "key")
    panel = tree["panels"][0]
    assert "".join(tree["alphabet"][place] for place in panel["symbols"][2, 3]) == runs[0].strings(2)[3]
    assert (panel["marks"] < 64).all()
    assert (panel["marks"] == runs[0].confidence.numpy() >> 2).all()

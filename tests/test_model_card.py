"""Raw checkpoints on the Images page: read as on the command line, examined, mended before the first run."""

from __future__ import annotations

import io

import pytest
import torch
from streamlit.testing.v1 import AppTest

from app import uploads
from tests import pages
from tests.test_own_model import mine, problem, visit  # noqa: F401 - mine is a fixture
from tests.test_published_layouts import example_dcgan


def saved(content) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def pair() -> tuple[bytes, bytes]:
    """A DCGAN as pytorch/examples saves it, its critic one level down."""
    g, d = example_dcgan(z=5, width=2)
    return saved(g.state_dict()), saved({"netD": d.state_dict()})


def hand_in(test: AppTest, *files: tuple[str, bytes]) -> AppTest:
    return pages.hand_in(test, "images", *files)


def buttons(test: AppTest) -> dict[str, str]:
    return {
        button.key: button.label for button in test.button if str(button.key).startswith(("mend", "undo"))
    }


def words(test: AppTest) -> str:
    return " ".join(text.value for text in test.markdown)


@pytest.fixture
def page(mine):  # noqa: F811
    return visit()


@pytest.mark.slow
def test_a_raw_pair_is_read_in_any_order_and_examined(page):
    g, d = pair()
    hand_in(page, ("netD_epoch_9.pth", d), ("netG_epoch_9.pth", g))
    assert problem(page) == ""
    assert page.selectbox(key="images.model").value == uploads.UPLOADED
    assert page.session_state["_uploaded"][uploads.UPLOADED].sample_shape == (3, 64, 64)
    assert "What we found about your model" in words(page)
    assert not page.error


@pytest.mark.slow
def test_names_that_say_nothing_are_told_apart_by_content(page):
    g, d = pair()
    hand_in(page, ("a.pth", d), ("b.pth", g))
    assert problem(page) == ""


@pytest.mark.slow
def test_logits_of_hundreds_are_said(page):
    g, d = (torch.load(io.BytesIO(data), weights_only=True) for data in pair())
    last = list(d["netD"])[-1]
    d["netD"][last] = d["netD"][last] * 3000
    hand_in(page, ("G.pth", saved(g)), ("D.pth", saved(d)))
    assert "overflows" in words(page)
    assert buttons(page) == {}  # without real pictures nobody knows by what to divide


@pytest.mark.slow
def test_a_remedy_button_mends_a_folder_model(mine, monkeypatch, tmp_path):  # noqa: F811
    from dgflow_core.nets.sndcgan import SNDCGANGenerator
    from dgflow_core.zoo import shelf
    from tests.toys import image_model

    model = image_model("Shifted", SNDCGANGenerator(4, 1, 2)).with_offset(60.0)
    shelf.save(model, tmp_path / "own" / "shifted")
    monkeypatch.setenv(uploads.FOLDER, str(tmp_path / "own"))
    test = visit(model="own/shifted")
    ((key, label),) = buttons(test).items()
    assert label == "Calibrate the offset"
    assert "have a logit of +" in words(test)
    test.button(key=key).click().run()
    assert not test.exception
    assert buttons(test) == {"undo own/shifted": "Undo"}
    assert "Nothing stands in the way any more" in words(test)
    mended = test.session_state["_mended"]["own/shifted"][-1]
    assert abs(float(mended.logit(mended.generate(mended.prior.sample(64, 0))).median())) < 15
    test.button(key="undo own/shifted").click().run()
    assert list(buttons(test).values()) == ["Calibrate the offset"]


ODD = {
    "a page": (b"<html>", "is an HTML page, not weights: the download failed"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
    "cut short": (pair()[0][:-40], "'G.pth' is cut short or damaged"),
}


@pytest.mark.parametrize("case", ODD)
def test_a_bad_file_gets_one_sentence(case, page):
    content, said = ODD[case]
    hand_in(page, ("G.pth", content), ("D.pth", pair()[1]))
    assert said in problem(page)
    assert len(page.error) == 1
    assert page.selectbox(key="images.model").value != uploads.UPLOADED


def test_too_many_bytes_are_refused_before_they_are_read(page, monkeypatch):
    monkeypatch.setattr(uploads, "LIMIT", 2**20)
    g, d = pair()
    hand_in(page, ("G.pth", g + bytes(2**20)), ("D.pth", d))
    assert "at most" in problem(page)

"""Handing in a model on the images page: a good one stays in its session, a bad one gets a sentence."""

from __future__ import annotations

import json
import math
import pickle
import shutil
import struct
import zipfile

import pytest
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from streamlit.testing.v1 import AppTest

import dgflow_core as dg
from app import results, uploads
from app.escape import plain
from dgflow_core.nets.sndcgan import SNDCGANGenerator
from dgflow_core.zoo import shelf
from tests import pages
from tests.browser import ROOT
from tests.toys import image_model

PAGE = str(ROOT / "app" / "pages" / "images.py")
CONFIG, WEIGHTS = shelf.CONFIG, shelf.WEIGHTS


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A folder with a model of one's own, beside one toy model that ships."""
    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("mine")
    shelf.save(
        image_model("Toy GAN", SNDCGANGenerator(4, 1, 2)), place / "p" / "fashion_mnist" / "sndcgan-ns"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DGFLOW_PRETRAINED", str(place / "p"))
        yield shelf.save(image_model("My GAN", SNDCGANGenerator(4, 1, 4)), place / "models" / "mine")


def visit(**query) -> AppTest:
    return pages.visit("images", **{"n": "4", "steps": "2", **query})


def hand_in(test: AppTest, **files: bytes) -> AppTest:
    """Upload ``config`` and ``weights`` as the page wants them named, or under names of their own."""
    names = {"config": CONFIG, "weights": WEIGHTS}
    given = [(names.get(name, name.replace("__", ".")), data) for name, data in files.items()]
    return pages.hand_in(test, "images", *given)


def contents(folder) -> tuple[bytes, bytes]:
    return (folder / CONFIG).read_bytes(), (folder / WEIGHTS).read_bytes()


def problem(test: AppTest) -> str:
    known = "images._problem" in test.session_state
    return test.session_state["images._problem"] if known else ""


@pytest.mark.slow
def test_a_good_model_is_chosen_and_used(mine):
    test = visit()
    config, weights = contents(mine)
    hand_in(test, config=config, weights=weights)
    assert problem(test) == ""
    assert test.selectbox(key="images.model").value == uploads.UPLOADED
    assert "Yours · My GAN" in test.selectbox(key="images.model").options
    assert test.session_state["_uploaded"][uploads.UPLOADED].digest == dg.load(mine, device="cpu").digest
    assert not test.error


@pytest.mark.slow
def test_it_stays_in_its_session(mine):
    test = visit(seed="81")
    hand_in(test, **dict(zip(("config", "weights"), contents(mine), strict=True)))
    digest = test.session_state["_uploaded"][uploads.UPLOADED].digest
    assert not [key for key in results.store().names() if digest in key]
    assert [key for key in test.session_state["_own_results"].names() if digest in key]
    other = visit(model=uploads.UPLOADED)
    assert "model must be one of fashion_mnist/sndcgan-ns" in other.warning[0].value
    assert other.selectbox(key="images.model").options == ["Toy GAN"]


@pytest.mark.slow
def test_a_folder_the_owner_names(mine, monkeypatch):
    assert visit().selectbox(key="images.model").options == ["Toy GAN"]
    monkeypatch.setenv(uploads.FOLDER, str(mine.parent))
    shutil.copytree(mine, mine.parent / "broken")
    (mine.parent / "broken" / WEIGHTS).write_bytes(b"nothing")
    (mine.parent / "no model").mkdir()
    test = visit(model="own/mine")
    assert test.selectbox(key="images.model").options == ["Toy GAN", "Folder · broken", "Folder · mine"]
    assert not test.error
    digest = dg.load(mine, device="cpu").digest
    assert [key for key in test.session_state["_own_results"].names() if digest in key]
    test.selectbox(key="images.model").set_value("own/broken").run()
    assert test.error[0].value == f"model: {WEIGHTS} is not a safetensors file."
    assert not test.exception
    assert digest in test.session_state["_own_results"].names()[-1]  # goes on with what it had
    for path in ("own/../mine", "own//etc", str(mine)):
        assert "model must be one of" in visit(model=path).warning[0].value


def edited(config: bytes, **changes) -> bytes:
    return json.dumps(json.loads(config) | changes).encode()


def changed(weights: bytes, change) -> bytes:
    tensors = load_tensors(weights)
    change(tensors)
    return save_tensors(tensors)


class Code:
    def __reduce__(self):
        return print, ("a pickle was run",)


def bomb() -> bytes:
    import io

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(80 * 2**20))
    return stream.getvalue()


def arguments(**values) -> dict:
    return {"architecture": "sndcgan_generator", "arguments": {"dim": 4, "channels": 1, "width": 4, **values}}


#: What is wrong → (config, weights) ↦ the two files, and words of the sentence.
BROKEN = {
    "a pickle with code": (lambda c, w: (c, pickle.dumps(Code())), "not a safetensors file"),
    "a zip bomb": (lambda c, w: (c, bomb()), "not a safetensors file"),
    "cut short": (lambda c, w: (c, w[:-20]), "not a safetensors file"),
    "empty weights": (lambda c, w: (c, b""), "not a safetensors file"),
    "a header that lies": (lambda c, w: (c, struct.pack("<Q", 2**50) + w[8:]), "not a safetensors file"),
    "a header of deep JSON": (
        lambda c, w: (c, struct.pack("<Q", 90_000) + b"[" * 90_000), "not a safetensors file"),
    "not a number": (
        lambda c, w: (c, changed(w, lambda t: t["critic.0.bias"].fill_(math.nan))), "finite floating-point"),
    "infinite": (
        lambda c, w: (c, changed(w, lambda t: t["generator.0.bias"].fill_(math.inf))), "finite floating"),
    "whole numbers": (
        lambda c, w: (c, changed(w, lambda t: t.update({"critic.0.bias": torch.ones(2, dtype=torch.int64)}))),
        "finite floating-point"),
    "a wrong shape": (
        lambda c, w: (c, changed(w, lambda t: t.update({"critic.0.bias": torch.ones(9)}))), "does not fit"),
    "a tensor missing": (lambda c, w: (c, changed(w, lambda t: t.pop("critic.0.bias"))), "does not fit"),
    "a tensor of nobody": (
        lambda c, w: (c, changed(w, lambda t: t.update({"../../x": torch.ones(1)}))), "belongs to no part"),
    "config of another model": (lambda c, w: (edited(c, generator=arguments(width=8)), w), "does not fit"),
    "an absurd width": (lambda c, w: (edited(c, generator=arguments(width=10**9)), w), "width must be 0 to"),
    "a width that is a word": (lambda c, w: (edited(c, generator=arguments(width="4")), w), "does not fit"),
    "an unknown argument": (lambda c, w: (edited(c, generator=arguments(run="rm")), w), "cannot be built"),
    "an unknown architecture": (
        lambda c, w: (edited(c, generator={"architecture": "os.system"}), w), "architecture must be one of"),
    "another prior": (lambda c, w: (edited(c, prior={"kind": "normal", "dim": 9}), w), "prior dim 9"),
    "a path for a data set": (lambda c, w: (edited(c, dataset="../../etc"), w), "not valid at dataset"),
    "a model of the plane": (lambda c, w: (edited(c, kind="2d"), w), "its samples must be points"),
    "config is not JSON": (lambda c, w: (b"{'title'", w), "config.json is not valid"),
    "config is not text": (lambda c, w: (b"\xff\xfe", w), "cannot be read as text"),
    "config of deep JSON": (lambda c, w: (b"[" * 100_000, w), "config.json is not valid"),
    "config too large": (lambda c, w: (c + b" " * 2**20, w), "larger than 1 MiB"),
    "offset not finite": (lambda c, w: (c.replace(b'"logit_offset": 0.0', b'"logit_offset": NaN'), w),
        "not valid"),
    "too large together": (lambda c, w: (c, w + bytes(64 * 2**20)), "at most 64 MB together"),
}  # fmt: skip


@pytest.fixture(scope="module")
def page(mine):
    """The page of one session with a good model in use, to which one bad thing after another is handed in."""
    test = visit()
    return hand_in(test, **dict(zip(("config", "weights"), contents(mine), strict=True)))


@pytest.mark.slow
@pytest.mark.parametrize("case", BROKEN)
def test_bad_files_get_one_sentence_and_the_session_goes_on(case, page, mine, capsys):
    damage, words = BROKEN[case]
    before = page.session_state["_uploaded"][uploads.UPLOADED]
    hand_in(page, **dict(zip(("config", "weights"), damage(*contents(mine)), strict=True)))
    sentence = problem(page)
    assert words in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert [error.value for error in page.error] == [plain(sentence)]
    assert page.session_state["_uploaded"][uploads.UPLOADED] is before
    assert page.session_state["images.model"] == uploads.UPLOADED
    assert "a pickle was run" not in capsys.readouterr().out
    steps = page.slider(key="images.dgflow.steps")
    steps.set_value(other := 5 - steps.value).run()  # and it still computes
    assert not page.exception
    assert page.query_params["steps"] == str(other)


@pytest.mark.slow
def test_one_file_alone_is_not_a_model(page, mine):
    hand_in(page, config=contents(mine)[0])
    assert problem(page) == f"A model is two files: {CONFIG} and {WEIGHTS}."
    hand_in(page, **dict(zip(("config", "weights"), contents(mine), strict=True)))
    assert problem(page) == ""


@pytest.mark.slow
def test_a_file_name_is_never_a_path(page, mine):
    config, weights = contents(mine)
    hand_in(page, **{"__/__/evil__json": config, "__/weights__safetensors": weights})
    assert problem(page) == ""
    assert page.session_state["_uploaded"][uploads.UPLOADED].name == "upload"

"""Points and strings of one's own in the app: handed in, in the owner's folder; examined, private."""

from __future__ import annotations

import io

import pytest
import torch
from streamlit.testing.v1 import AppTest

import dgflow_core as dg
from app import results, uploads
from dgflow_core.fields import table
from dgflow_core.zoo import shelf
from dgflow_core.zoo.importers import load_published
from tests import pages
from tests.test_model_card import pair, words
from tests.test_published_layouts import dense
from tests.text_model import tiny_text

POINTS, STRINGS = (uploads.KINDS[kind][0] for kind in ("2d", "text"))


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    for space in ("data", "latent"):
        monkeypatch.setitem(table.SIZE, space, 65)


def saved(network: torch.nn.Module) -> bytes:
    stream = io.BytesIO()
    torch.save(network.state_dict(), stream)
    return stream.getvalue()


def networks() -> tuple[bytes, bytes]:
    return saved(dense("relu", 2, 16, 16, 2)), saved(dense("relu", 2, 16, 16, 1))


def private(test: AppTest, key: str) -> None:
    """Whatever was made with the model is kept in its session alone."""
    digest = test.session_state["_uploaded"][key].digest
    assert not [name for name in results.store().names() if digest in name]
    assert [name for name in test.session_state["_own_results"].names() if digest in name]


def flow(**query: str) -> AppTest:
    return pages.visit("flow2d", **{"n": "50", "steps": "3", **query})


def test_dense_networks_are_asked_what_stands_between_their_layers():
    test = flow()
    g, d = networks()
    pages.hand_in(test, "flow", ("critic.pth", d), ("generator.pth", g))
    assert "choose by activation=" in test.session_state["flow._problem"]
    assert len(test.error) == 1
    test.selectbox(key="flow._activation").set_value("relu").run()
    assert not test.exception
    assert not test.error
    assert test.selectbox(key="flow.model").value == POINTS
    assert "Yours · generator" in test.selectbox(key="flow.model").options
    assert "What we found about your model" in words(test)
    made = test.session_state["_uploaded"][POINTS]
    assert (made.kind, made.sample_shape) == ("2d", (2,))
    private(test, POINTS)
    test.selectbox(key="flow._dataset").set_value("moons").run()
    assert test.session_state["_uploaded"][POINTS].dataset == "moons"
    assert not test.error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "shown"), [("moons", ("flow2d", "live")), (None, ("flow2d", "compare", "latent", "live"))]
)
def test_a_folder_is_offered_where_its_kind_is_shown(dataset, shown, tmp_path, monkeypatch):
    g, d = networks()
    (tmp_path / "G.pth").write_bytes(g), (tmp_path / "D.pth").write_bytes(d)
    made = load_published(tmp_path / "G.pth", tmp_path / "D.pth", activation="relu", dataset=dataset)
    shelf.save(made, tmp_path / "own" / "mine")
    monkeypatch.setenv(uploads.FOLDER, str(tmp_path / "own"))
    assert list(uploads.choices("2d")) == ["own/mine"]
    assert not uploads.choices("image")
    for page in shown:
        test = pages.visit(page, model="own/mine", n="100", steps="2", exact="0")
        assert not test.error, (page, [error.value for error in test.error])
        assert test.session_state[f"{page.removesuffix('2d')}.model"] == "own/mine"
    assert not [name for name in results.store().names() if made.digest in name]


@pytest.mark.slow
def test_a_remedy_on_the_plane(tmp_path, monkeypatch):
    m = dg.load("moons/wgan-gp", device="cpu")
    shelf.save(m.with_offset(m.logit_offset + 50), tmp_path / "own" / "shifted")
    monkeypatch.setenv(uploads.FOLDER, str(tmp_path / "own"))
    test = flow(model="own/shifted")
    ((key, label),) = ((b.key, b.label) for b in test.button if str(b.key).startswith("mend"))
    assert label == "Calibrate the offset"
    test.button(key=key).click().run()
    assert not test.exception
    assert "Nothing stands in the way any more" in words(test)


def test_another_kind_gets_one_sentence():
    test = flow()
    g, d = pair()
    pages.hand_in(test, "flow", ("G.pth", g), ("D.pth", d))
    assert "must make points of the plane here, not be of kind 'image'" in test.session_state["flow._problem"]
    assert test.selectbox(key="flow.model").value != POINTS


@pytest.mark.slow
def test_strings_of_ones_own(tmp_path):
    model = tiny_text()
    with torch.no_grad():  # not the very weights that ship in other tests
        model.critic.head.bias += 1
    folder = shelf.save(model, tmp_path / "mine")
    files = [(file, (folder / file).read_bytes()) for file in (shelf.CONFIG, shelf.WEIGHTS)]
    test = pages.visit("text", n="4", steps="2")
    pages.hand_in(test, "text", *files)
    assert test.session_state["text._problem"] == ""
    assert not test.error
    assert test.selectbox(key="text.model").value == STRINGS
    assert "What we found about your model" in words(test)
    private(test, STRINGS)
    pages.hand_in(test, "text", (shelf.CONFIG, files[0][1]), (shelf.WEIGHTS, b"none"))
    assert "is not a safetensors file" in test.session_state["text._problem"]

"""Text: data, metrics, runs, transcripts, walks, exports, and the table."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image
from scipy.spatial.distance import jensenshannon

import dgflow_core as dg
from dgflow_core import reports
from dgflow_core.flow.driver import Run, record
from dgflow_core.flow.latent_walk import walk, walk_through
from dgflow_core.kinds.metric import MetricCurve as Curve
from dgflow_core.kinds.text import corpus as text
from dgflow_core.kinds.text import transcript
from dgflow_core.kinds.text.metrics import js, ngrams, per_step, reference, words
from dgflow_core.kinds.text.transcript import Transcriber
from dgflow_core.pictures import browser_bundle, export
from dgflow_core.pictures import text_payload as reader
from dgflow_core.pictures.text_list import Listing
from dgflow_core.places import PRETRAINED
from dgflow_core.zoo import shelf
from tests.text_model import LETTERS, WORDS, shelve, tiny_text, write_corpus

SHIPPED = [name for name in dg.models() if shelf.describe(name)["kind"] == "text"]


@pytest.fixture(scope="module")
def model() -> dg.Model:
    return tiny_text()


@pytest.fixture(scope="module")
def run(model) -> dg.Trajectory:
    return dg.refine(model, n=6, steps=5, eta=0.3, gamma=0.0, space="latent", seed=1)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory):
    return shelve(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def shelved(stocked, monkeypatch):
    monkeypatch.setenv("DGFLOW_PRETRAINED", str(stocked))
    return stocked


# Data


def test_strings_begin_where_words_do(tmp_path):
    root = write_corpus(tmp_path)
    train, held_out = text.billion_words(root), text.billion_words(root, train=False)
    assert len(held_out.sentences) == math.ceil((len(train.sentences) + len(held_out.sentences)) / 10)
    for corpus in (train, held_out):
        for row in (0, len(corpus) // 2, len(corpus) - 1):
            sentence, place = corpus.starts[row].tolist()
            assert place == 0 or corpus.sentences[sentence][place - 1] == " "
            assert len(corpus.string(row)) == text.LENGTH
    strings = train.strings(50, seed=3)
    assert strings == train.strings(50, seed=3) != train.strings(50, seed=4)
    with pytest.raises(ValueError, match="n must be at most"):
        train.strings(len(train) + 1)


@pytest.mark.parametrize("content", [None, "short\n", b"\xff\xfe\x00"])
def test_a_root_without_text_is_one_sentence(tmp_path, monkeypatch, content):
    monkeypatch.delenv("DGFLOW_DATA", raising=False)
    if content is None:
        with pytest.raises(ValueError, match=r"^data_root must name"):
            text.billion_words(None)
        return
    (tmp_path / "a.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=r"^data_root"):
        text.billion_words(tmp_path)


def test_alphabet_is_the_most_frequent_characters_and_one_for_the_rest():
    assert text.alphabet(("aaabbc", "bd"), 4) == "ab" + "c" + text.UNKNOWN
    places = text.encode(["ab" * 16, "a€" * 16], "ab" + text.UNKNOWN)
    assert places[0].tolist() == [0, 1] * 16
    assert places[1].tolist() == [0, 2] * 16
    with pytest.raises(ValueError, match="32 characters each"):
        text.encode(["short"], LETTERS)


@given(st.text(max_size=300))
@hypothesis_settings(max_examples=200, deadline=None)
def test_any_pasted_text_is_strings_or_one_sentence(pasted):
    squeezed = " ".join(pasted.split())
    if len(squeezed) < text.LENGTH:
        with pytest.raises(ValueError, match=r"^text must have at least 32 characters") as said:
            text.paste(pasted, LETTERS)
        assert str(said.value).count(".") == 1
        return
    strings, replaced = text.paste(pasted, LETTERS)
    assert strings
    assert all(len(string) == text.LENGTH and set(string) <= set(LETTERS) for string in strings)
    assert replaced == sum(letter not in LETTERS for letter in squeezed)
    assert text.encode(strings, LETTERS).max() < len(LETTERS)


def test_odd_texts_get_a_stated_replacement_or_a_sentence():
    family = "the cat \N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN} saw \0 small dogs that were in no hurry"
    strings, replaced = text.paste(family, LETTERS)
    assert replaced == 4
    assert strings[0] == "the cat " + 3 * text.UNKNOWN + " saw " + text.UNKNOWN + " small dogs that"[:15]
    markup = text.paste("<script>alert(1)</script> " * 3, LETTERS)
    assert all(len(string) == 32 for string in markup.strings)
    for wrong in ("", " \n\t " * 40, "a" * 31):
        with pytest.raises(ValueError, match="text must have at least 32 characters"):
            text.paste(wrong, LETTERS)
    with pytest.raises(ValueError, match="text must have at most 100,000 characters, not 100,001"):
        text.paste("a" * 100_001, LETTERS)
    longest = text.paste("word " * 20_000, LETTERS)
    assert len(longest.strings) == 20_000 - 6  # the last five words begin too near the end


# Metrics


def by_hand(strings, n):
    """n-grams counted in another way, as a probability for each."""
    counts = {}
    for string in strings:
        for gram in zip(*(string[place:] for place in range(n)), strict=False):
            counts[gram] = counts.get(gram, 0) + 1
    total = sum(counts.values())
    return {gram: count / total for gram, count in counts.items()}


@pytest.mark.parametrize("n", [1, 2, 4, 6])
def test_js_is_that_of_scipy_on_a_hand_made_corpus(n):
    ours = ["the cat sat on the mat", "the dog sat", "a cat and a dog"]
    theirs = ["the cat sat", "the dogs sat on a mat", "no cat at all"]
    p, q = by_hand(ours, n), by_hand(theirs, n)
    grams = sorted(p.keys() | q.keys())
    expected = jensenshannon([p.get(g, 0) for g in grams], [q.get(g, 0) for g in grams], base=2) ** 2
    assert 0 < expected < 1
    assert js(ngrams(ours, n), ngrams(theirs, n)) == pytest.approx(expected, abs=1e-12)


def test_ngrams_do_not_cross_strings():
    assert ngrams(["abcd", "xyz"], 4) == {"abcd": 1}
    assert ngrams(["aaaaa"], 4) == {"aaaa": 2}


strings_of = st.lists(st.text("abc ", min_size=4, max_size=12), min_size=1, max_size=8)


@given(strings_of, strings_of)
@hypothesis_settings(max_examples=150, deadline=None)
def test_js_is_symmetric_bounded_and_nothing_only_for_equals(ours, theirs):
    p, q = ngrams(ours, 4), ngrams(theirs, 4)
    distance = js(p, q)
    assert -1e-12 <= distance <= 1 + 1e-12
    assert distance == pytest.approx(js(q, p), abs=1e-12)
    assert js(p, ngrams(ours * 3, 4)) == pytest.approx(0, abs=1e-12)
    if set(p) & set(q) == set():
        assert distance == pytest.approx(1)
    expected = {gram: count / p.total() for gram, count in p.items()}
    same = expected == pytest.approx({gram: count / q.total() for gram, count in q.items()})
    assert same == (distance < 1e-9)


def test_js_of_identical_disjoint_and_empty():
    grams = ngrams(["the cat sat"], 4)
    assert js(grams, grams) == 0
    assert js(grams, ngrams(["0123456789"], 4)) == 1
    with pytest.raises(ValueError, match="at least one n-gram"):
        js(grams, ngrams(["abc"], 4))


def test_words_are_whole_and_hold_a_letter():
    assert [word[0] for word in words("the cat , 42 it's caf")] == ["the", "cat", "it's"]
    assert [word[0] for word in words(" a  b ")] == ["a", "b"]
    assert list(words("")) == []


def test_the_reference_scores_real_strings_as_real(shelved):
    against = reference("billion_words")
    assert against.score(against.strings) == {"js4": 0, "js6": 0, "words": against.known_real}
    assert against.known(["the zebra sat "]) == pytest.approx(200 / 3)
    assert math.isnan(against.known(["12 34"]))
    assert against.marks("The zq, 9 ca").tolist() == [2, 2, 2, 0, 1, 1, 1, 0, 0, 0, 0, 0]
    assert against.real(4, 16) == pytest.approx(np.mean(against.floor["16"]["js4"]))
    assert against.real(4, 100) < against.real(4, 50) < against.real(4, 16)
    with pytest.raises(ValueError, match="has no held-out strings"):
        reference("nothing")


def test_what_ships_is_said_and_small():
    against = reference("billion_words")
    folder = PRETRAINED / "billion_words"
    size = sum((folder / name).stat().st_size for name in ("held_out.txt", "words.txt", "reference.json"))
    assert size < 1e6
    assert "Apache 2.0" in against.source
    assert len(against.strings) == 10_000
    assert all(len(string) == text.LENGTH for string in against.strings)
    assert 90 < against.known_real < 100
    assert against.real(4, 10_000) == pytest.approx(0.095, abs=0.01)
    assert against.js(against.strings[:64], 4) < against.real(4, 64) < 0.7


def test_curves_are_the_scores_of_every_step(run, model, shelved):
    against, told = reference("billion_words"), transcript.transcribe(run, LETTERS)
    curves = {curve.name: curve for curve in per_step(told, against)}
    assert all(isinstance(curve, Curve) for curve in curves.values())
    assert list(curves) == ["JS-4", "JS-6", "Known words", "Mean logit"]
    last = against.score(model.decode(run.samples[-1]))
    assert curves["JS-4"].values[-1] == last["js4"]
    assert curves["JS-6"].values[-1] == last["js6"]
    np.testing.assert_allclose(curves["Mean logit"].values, run.logits.mean(1), rtol=1e-6)
    assert curves["JS-4"].reference == against.real(4, 6)


# Runs


@pytest.mark.parametrize("method", ["dgflow", "dot", "ddls"])
def test_methods_move_codes_and_share_starts(model, run, method):
    moved = dg.refine(model, method, n=6, steps=3, space="latent", seed=1)
    assert moved.samples.shape == (4, 6, 32, len(LETTERS))
    torch.testing.assert_close(moved.samples.sum(-1), torch.ones(4, 6, 32))
    assert torch.equal(moved.samples[0], run.samples[0])
    assert (moved.positions[-1] - moved.positions[0]).abs().max() > 1e-3
    torch.testing.assert_close(model.generate(moved.positions[-1]), moved.samples[-1])
    torch.testing.assert_close(model.logit(moved.samples[-1]), moved.logits[-1], atol=1e-5, rtol=1e-5)


def test_the_flow_raises_the_logit_and_drift_is_its_gradient(model, run):
    assert run.logits[-1].mean() > run.logits[0].mean() + 0.01
    z = model.prior.sample(3, 0).requires_grad_(True)
    d = model.differentiable_logit(model.generator(z))
    (expected,) = torch.autograd.grad(d.sum(), z)
    torch.testing.assert_close(dg.drift(model, z.detach(), space="latent"), expected)
    weighted = torch.sigmoid(d.detach())[:, None] * expected
    torch.testing.assert_close(dg.drift(model, z.detach(), "JS", "latent"), weighted)
    x = model.generate(z.detach())
    assert dg.drift(model, x).shape == x.shape


def test_a_run_does_not_depend_on_the_batch(model, run):
    again = dg.refine(model, n=6, steps=5, eta=0.3, gamma=0.0, space="latent", seed=1, batch_size=4)
    torch.testing.assert_close(again.samples, run.samples)


def test_numbers_that_are_not_finite_end_a_run(model):
    with pytest.warns(RuntimeWarning, match="eta"):  # 1 − ε/2 = −49 a step
        broken = dg.refine(model, "ddls", n=2, steps=40, eta=100, space="latent")
    assert broken.ended == "non-finite"
    assert 0 < broken.steps < 40
    assert "of 2 particles" in broken.message
    assert transcript.transcribe(broken, LETTERS).strings(-1)


def test_decode_and_wrong_alphabets(model):
    x = torch.nn.functional.one_hot(text.encode(["the cat sat on a mat and saw no "], LETTERS), len(LETTERS))
    assert model.decode(x) == ["the cat sat on a mat and saw no "]
    short = dg.Model(model.config | {"alphabet": "abc"}, model.prior, model.generator, model.critic)
    with pytest.raises(ValueError, match="the alphabet has 3 characters"):
        transcript.alphabet(short)
    with pytest.raises(ValueError, match="must be a text model"):
        transcript.alphabet(dg.load("25gaussians/wgan-gp"))


def test_a_run_survives_saving(run, tmp_path):
    again = dg.Trajectory.load(run.save(tmp_path / "run.npz"))
    assert torch.equal(again.samples, run.samples)
    assert again.settings == run.settings


# Transcripts


def test_a_transcript_says_what_the_run_does_in_little_memory(model, run):
    settings = {k: v for k, v in run.settings.items() if k != "method"}
    live = Run(model, "dgflow", **settings)
    recorder = Transcriber(live)
    for frame in live:
        recorder.add(frame)
    for told in (recorder.trajectory(), transcript.transcribe(run, LETTERS)):
        assert (told.steps, told.n, told.length) == (5, 6, 32)
        for step in range(6):
            assert told.strings(step) == model.decode(run.samples[step])
        sure = run.samples.max(-1).values
        torch.testing.assert_close(told.confidence / 255, sure, atol=0.5 / 255 + 1e-6, rtol=0)
        assert torch.equal(told.logits, run.logits)
        assert told.nbytes < run.nbytes / 10
        torch.testing.assert_close(told.trajectory(model).samples, run.samples)
        assert told.ended == "complete"


def test_a_stopped_run_is_a_shorter_transcript(model):
    live = Run(model, n=3, steps=9, space="latent")
    recorder = Transcriber(live)
    for frame in live:
        recorder.add(frame)
        if frame.step == 4:
            break
    told = recorder.trajectory()
    assert (told.steps, told.ended) == (4, "stopped")


def test_runs_of_other_kinds_are_no_transcripts(tiny):
    planar = record(Run(tiny, n=4, steps=1))
    with pytest.raises(ValueError, match="must hold text of"):
        transcript.transcribe(planar, LETTERS)
    with pytest.raises(ValueError, match="must be a text model"):
        Transcriber(Run(tiny, n=4, steps=1))


def test_strings_of_ones_own_are_judged_as_the_model_judges_its_own(model, run):
    strings = model.decode(run.samples[-1])
    hard = torch.nn.functional.one_hot(run.samples[-1].argmax(-1), len(LETTERS)).float()
    torch.testing.assert_close(transcript.judge(model, strings), model.logit(hard))


# Walks


@pytest.mark.slow
@given(st.integers(0, 2**31), st.integers(2, 30))
@hypothesis_settings(max_examples=50, deadline=None)
def test_a_walk_keeps_its_ends_and_the_priors_radius(seed, points):
    prior = dg.load("25gaussians/wgan-gp").prior.__class__(64)
    first, last = prior.sample(2, seed)
    codes = walk(prior, first, last, points)
    assert codes.shape == (points, 64)
    torch.testing.assert_close(codes[0], first, atol=1e-4, rtol=0)
    torch.testing.assert_close(codes[-1], last, atol=1e-4, rtol=0)
    ends = sorted([first.norm(), last.norm()])
    norms = codes.norm(dim=1)
    assert norms.min() > ends[0] * 0.99
    assert norms.max() < ends[1] * 1.01


def test_a_walk_from_a_code_to_itself_stays(model):
    code = model.prior.sample(1, 0)[0]
    torch.testing.assert_close(walk(model.prior, code, code, 5), code.expand(5, -1))
    with pytest.raises(ValueError, match="points must be at least 2"):
        walk(model.prior, code, code, 1)


def test_a_walk_through_a_run_has_its_strings_at_the_ends(model, run):
    told = transcript.transcribe(run, LETTERS)
    way = walk_through(model, told, 2, 5, points=7)
    assert way.symbols.shape == (6, 7, 32)
    for step in (0, 5):
        assert way.strings(step)[0] == told.strings(step)[2]
        assert way.strings(step)[-1] == told.strings(step)[5]
    torch.testing.assert_close(way.logits[:, 0], told.logits[:, 2], atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="last must be a whole number from 0 to 5, not 6"):
        walk_through(model, told, 0, 6)


# Exports


def test_a_gif_and_a_video_have_a_frame_a_step(model, run, tmp_path):
    with Image.open(export.gif(run, tmp_path / "run.gif", model=model, size=240)) as picture:
        assert picture.n_frames == 6
    told = transcript.transcribe(run, LETTERS)
    assert export.mp4([told, told], tmp_path / "run.mp4", titles=["a", "b"], size=240).stat().st_size > 1000


def test_a_picture_shows_what_changed_in_red(model, run):
    told = transcript.transcribe(run, LETTERS)
    painter = export.paint(told, size=480)
    changed = int((told.symbols[-1] != told.symbols[0]).sum())
    assert changed > 0
    tiles = painter._lines(0, 5).astype(int)
    red = (tiles[..., 0] - tiles[..., 1]).max((2, 3)) > 120  # crimson: far from its green
    inked = np.array([[letter != " " for letter in string] for string in told.strings(5)])
    since = (told.symbols[-1] != told.symbols[0]).numpy()
    fresh = (told.symbols[-1] != told.symbols[-2]).numpy()
    sure = (told.confidence[-1] > 180).numpy()
    assert (red[sure] == (since & inked | fresh)[sure]).all()
    first, last = painter.frame(0), painter.frame(5)
    assert first.shape == last.shape == (painter.height, painter.width, 3)
    assert (first != last).any()


def test_strings_without_room_are_left_out_and_it_is_said(model):
    many = transcript.transcribe(dg.refine(model, n=300, steps=1, space="latent"), LETTERS)
    painter = export.paint(many, size=240)
    assert len(painter.shown) < 300
    assert painter.frame(1).shape[0] <= 242


def test_csv_and_json_hold_every_step(model, run, tmp_path):
    path = export.write(run, tmp_path / "run.csv", model=model)
    rows = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
    assert len(rows) == 6 * 6
    assert rows[-1]["text"] == model.decode(run.samples[-1])[-1]
    assert float(rows[7]["logit"]) == pytest.approx(float(run.logits[1, 1]), rel=1e-5)
    content = json.loads(export.write(run, tmp_path / "run.json", model=model).read_text(encoding="utf-8"))
    assert content["runs"][0]["settings"] == run.settings
    assert [step["strings"] for step in content["runs"][0]["steps"]] == [
        model.decode(samples) for samples in run.samples
    ]
    told = transcript.transcribe(run, LETTERS)
    again = dg.Trajectory.load(export.write(told, tmp_path / "run.npz", model=model))
    torch.testing.assert_close(again.samples, run.samples)


def test_exports_say_what_is_missing(run, tiny, tmp_path):
    with pytest.raises(ValueError, match="model must be given for runs of text"):
        export.gif(run, tmp_path / "run.gif")
    with pytest.raises(ValueError, match="model must be given to save a transcript"):
        export.write(transcript.transcribe(run, LETTERS), tmp_path / "run.npz")
    planar = dg.refine(tiny, n=4, steps=1)
    with pytest.raises(ValueError, match="csv is for runs of text"):
        export.write(planar, tmp_path / "run.csv")
    with pytest.raises(ValueError, match="all of one kind"):
        export.gif([run, planar], tmp_path / "run.gif")


def test_the_command_line_writes_text_and_refuses_csv_for_the_plane(shelved, tmp_path, monkeypatch, capsys):
    from dgflow_core.__main__ import main

    monkeypatch.chdir(tmp_path)
    argv = ["refine", "billion_words/wgan-gp", "--space", "latent", "--n", "3", "--steps", "2"]
    assert main([*argv, "--out", "run.csv", "--out", "run.png", "--size", "240"]) == 0
    assert (tmp_path / "run.csv").read_text(encoding="utf-8").count("\n") == 1 + 3 * 3
    shelf.save(dg.load(PRETRAINED / "25gaussians" / "wgan-gp"), tmp_path / "plane")
    capsys.readouterr()
    assert main(["refine", "plane", "--n", "3", "--out", "other.csv"]) == 2
    assert capsys.readouterr().err == "out: csv is for runs of text; save others as npz.\n"


def test_a_page_stands_alone_and_runs_nothing_it_was_given(model, run, shelved, tmp_path):
    page = export.html(run, tmp_path / "run.html", model=model).read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert "://" not in page.split('<script type="text/plain"')[0]
    code = browser_bundle.script("reader")
    for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert unsafe not in code
    evil = "</script><b>"
    told = replace(transcript.transcribe(run, LETTERS), provenance={"model": evil})
    odd = reader.html(Listing((told,), ("<img src=x onerror=alert(1)>",), view=evil), {"a": "<i>"})
    assert "<img src=x" not in odd
    assert evil not in odd
    assert "&lt;/script&gt;&lt;b&gt;" in odd


# The table


def test_the_table_goes_on_where_it_stopped(shelved, tmp_path, capsys, monkeypatch):
    from dgflow_core.__main__ import main

    table = reports.tables["text"]
    rows = [replace(row, settings=row.settings | {"steps": 2}) if row.method else row for row in table.rows]
    monkeypatch.setitem(reports.tables, "text", replace(table, rows=rows, chunk=8))
    argv = ["evaluate", "text", "--n", "16", "--repeats", "2", "--out", str(tmp_path / "text.json")]
    assert main(argv) == 0
    said = capsys.readouterr()
    printed = said.out + said.err
    for title in ("Real samples", "Base", "DOT", "DDLS", "DGflow (KL)", "DGflow (JS)", "DGflow (log D)",
                  "DGflow (KL), own steps"):  # fmt: skip
        assert title in printed
    cells = json.loads((tmp_path / "text.json").read_text())["cells"]
    assert len(cells) == len(table.rows) * len(table.models) == 18
    base = next(cell for key, cell in cells.items() if "Base" in key)["repeats"]["0"]
    model = dg.load("billion_words/wgan-gp", device="cpu")
    fresh = model.decode(model.generate(model.prior.sample(16, 0)))
    assert base["js4"] == pytest.approx(reference("billion_words").js(fresh, 4), abs=1e-5)
    monkeypatch.setattr(reports.resumable_table, "measure", lambda *_: pytest.fail("measured again"))
    assert main(argv) == 0
    assert json.loads((tmp_path / "text.json").read_text())["cells"] == cells
    assert main(["evaluate", "text", "--model", "nothing"]) == 2
    assert "model must be one of" in capsys.readouterr().err


def test_made_up_words_are_those_of_the_corpus(shelved):
    expected = {word.lower() for word in WORDS if any(letter.isalpha() for letter in word)}
    assert reference("billion_words").vocabulary == expected


# What ships


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_writes_english_and_refinement_mends_it(name):
    model = dg.load(name, device="cpu")
    for key in ("recipe", "seed", "data", "alphabet"):
        assert key in model.config
    assert transcript.alphabet(model)[-1] == text.UNKNOWN
    against = reference(model.dataset)
    assert against.js(model.decode(model.generate(model.prior.sample(6000, 1))), 4) <= 0.41
    run = dg.refine(model, n=64, steps=25, eta=0.1, gamma=0.0, space="latent")
    before, after = (against.score(model.decode(run.samples[step])) for step in (0, -1))
    assert after["js4"] < before["js4"] - 0.01
    assert after["js6"] < before["js6"]
    assert after["words"] > before["words"]
    assert run.logits[-1].mean() > run.logits[0].mean()

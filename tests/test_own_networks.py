"""Networks of one's own, in Python and in files: taken as they are called, repeatable, no raw errors."""

from __future__ import annotations

import itertools
import pickle
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

import dgflow_core as dg
from dgflow_core.errors import UserError
from dgflow_core.zoo import shelf
from tests.test_examine import (
    DIM,
    BatchStatistics,
    Discrimination,
    InPlace,
    Minibatch,
    Noisy,
    critic,
    generator,
)
from tests.test_published_layouts import example_dcgan, mimicry, studio_resnet


@pytest.fixture(autouse=True)
def unregistered():
    yield
    shelf._registered.clear()


class As(nn.Module):
    """``network``, called or answering in another way: ``inside`` and ``outside`` are functions."""

    def __init__(self, network: nn.Module, inside=lambda x: x, outside=lambda y: y):
        super().__init__()
        self.network, self.inside, self.outside = network, inside, outside

    def forward(self, x):
        return self.outside(self.network(self.inside(x)))


class Labelled(nn.Module):
    """A network of ten classes; ``one_hot`` wants rows of them, not numbers."""

    def __init__(self, network: nn.Module, one_hot: bool = False):
        super().__init__()
        torch.manual_seed(3)
        self.network, self.one_hot = network, one_hot
        self.embedding = nn.Linear(10, 1, bias=False) if one_hot else nn.Embedding(10, 1)

    def forward(self, x, label):
        shift = self.embedding(label)
        return self.network(x + shift.reshape(-1, *[1] * (x.dim() - 1)))


def column(x):
    assert x.shape[1:] == (DIM, 1, 1)
    return x.flatten(1)


def exported(network: nn.Module, rows: torch.Tensor) -> nn.Module:
    """``network`` by way of torch.export, for any number of rows."""
    count = torch.export.Dim("n", min=1)
    return torch.export.export(network, (rows,), dynamic_shapes=({0: count},)).module()


#: What networks are → those networks, made of plain ones, and what registering them needs besides.
CALLED = {
    "codes (n, dim, 1, 1)": lambda g, d: (As(g, column), d, {}),
    "image and something": lambda g, d: (As(g, outside=lambda x: (x, x.mean((1, 2, 3)))), d, {}),
    "a list of sizes": lambda g, d: (As(g, outside=lambda x: [x[..., ::2, ::2], x]), d, {"output": 1}),
    "a dict": lambda g, d: (As(g, outside=lambda x: {"image": x, "w": x[:, 0, 0]}), d, {}),
    "a dict of two images": lambda g, d: (
        As(g, outside=lambda x: {"raw": -x, "image": x}), d, {"output": "image"}),
    "flat images": lambda g, d: (As(g, outside=lambda x: x.flatten(1)), As(d, lambda x: x), {}),
    "colours last": lambda g, d: (As(g, outside=lambda x: x.movedim(1, -1)), d, {}),
    "no colours": lambda g, d: (As(g, outside=lambda x: x[:, 0]), d, {}),
    "validity and label": lambda g, d: (g, As(d, outside=lambda y: (y, y.repeat(1, 10))), {}),
    "a dict with a logit": lambda g, d: (g, As(d, outside=lambda y: {"adv_output": y[:, 0],
    "embed": None}), {}),
    "two logits": lambda g, d: (g, As(d, outside=lambda y: (-y, y)), {"critic_output": 1}),
    "two columns": lambda g, d: (g, As(d, outside=lambda y: torch.cat([-y, y], 1)), {"critic_output": 1}),
    "logits (n, 1, 1, 1)": lambda g, d: (g, As(d, outside=lambda y: y[:, :, None, None]), {}),
    "patches": lambda g, d: (g, As(d, outside=lambda y: y[:, :, None, None] + torch.tensor([[[-1.0,
    1.0]]])), {}),
    "squeezed": lambda g, d: (g, As(d, outside=torch.squeeze), {}),
    "a critic of flat images": lambda g, d: (g, As(d, lambda x: x.reshape(len(x), 1, 16, 16)), {}),
    "functions": lambda g, d: (lambda z: g(z), lambda x: d(x), {}),
    "data parallel": lambda g, d: (nn.DataParallel(g), nn.DataParallel(d), {}),
    "compiled": lambda g, d: (torch.compile(g), torch.compile(d), {}),
    "scripted": lambda g, d: (torch.jit.script(g), torch.jit.script(d), {}),
    "compiled functions": lambda g, d: (torch.compile(lambda z: g(z)), torch.compile(lambda x: d(x)), {}),
    "compiled inside data parallel": lambda g, d: (
        nn.DataParallel(torch.compile(g)), torch.compile(nn.DataParallel(d)), {}),
    "traced": lambda g, d: (torch.jit.trace(g, torch.randn(2, DIM)), d, {}),
    "exported": lambda g, d: (exported(g, torch.randn(2, DIM)), exported(d, torch.randn(2, 1, 16, 16)), {}),
    "double": lambda g, d: (generator().double(), critic().double(), {}),
    "a first layer in place": lambda g, d: (
        g, nn.Sequential(nn.Hardtanh(-1, 1, inplace=True), d), {}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
@pytest.mark.parametrize("form", CALLED)
def test_networks_are_taken_as_they_are_called(form):
    g, d, said = CALLED[form](generator(), critic())
    plain = dg.register("mine/plain", generator(), critic(), dim=DIM, device="cpu")
    m = dg.register("mine/gan", g, d, dim=DIM, device="cpu", **said)
    z = plain.prior.sample(5, 0)
    torch.testing.assert_close(m.generate(z), plain.generate(z))
    torch.testing.assert_close(m.logit(m.generate(z)), plain.logit(plain.generate(z)), atol=1e-5, rtol=1e-4)
    run = dg.refine(m, n=3, steps=2, space="latent", eta=0.1, gamma=0.0)
    assert torch.isfinite(run.logits).all()
    torch.testing.assert_close(z, plain.prior.sample(5, 0))  # nothing wrote on the codes


@pytest.mark.parametrize("one_hot", [False, True])
def test_a_class_is_asked_for_by_name(one_hot):
    networks = Labelled(generator(), one_hot), Labelled(critic(), one_hot)
    with pytest.raises(UserError, match=r"takes 2 inputs: choose the class .* by label=0"):
        dg.register("mine/gan", *networks, dim=DIM)
    m, other = (
        dg.register(f"mine/{label}", *networks, dim=DIM, label=label, device="cpu") for label in (3, 4)
    )
    z = m.prior.sample(4, 0)
    labels = torch.full((4,), 3)
    labels = nn.functional.one_hot(labels, 10).float() if one_hot else labels
    with torch.no_grad():
        torch.testing.assert_close(m.generate(z), networks[0](z, labels))
    assert m.digest != other.digest
    assert not torch.equal(m.generate(z), other.generate(z))
    assert dg.register("mine/one", networks[0], critic(), dim=DIM, label=3).sample_shape == (1, 16, 16)


ASKED = {
    "returns 2 outputs that could be images .* choose one by output=1": (
        lambda: (As(generator(), outside=lambda x: [x[..., ::2, ::2], x]), critic()), {}),
    "has no output 5; it has 0": (lambda: (generator(), critic()), {"output": 5}),
    "returns 2 outputs that could be one logit .* choose one by critic_output=1": (
        lambda: (generator(), As(critic(), outside=lambda y: (y, -y))), {}),
    "choose a column by critic_output=0": (
        lambda: (generator(), As(critic(), outside=lambda y: y.repeat(1, 10))), {}),
    "does not take codes of prior dim 7": (lambda: (generator(), critic()), {"dim": 7}),
    "does not take the generator's samples": (lambda: (generator(), nn.Linear(3, 1)), {}),
    "must be a network that can be called": (lambda: (generator().state_dict(), critic()), {}),
    "choice must be among output, critic_output, label, kind": (lambda: (generator(), critic()),
    {"ouput": 1}),
    "label must be a whole number": (lambda: (generator(), critic()), {"label": -1}),
    "alphabet must name the 4 symbols": (
        lambda: (nn.Sequential(nn.Linear(DIM, 12), nn.Unflatten(1, (3, 4)), nn.Softmax(-1)),
        nn.Linear(12, 1)),
        {"kind": "text"}),
}  # fmt: skip


@pytest.mark.parametrize("words", ASKED)
def test_where_a_choice_is_needed_it_is_asked_for(words):
    make, said = ASKED[words]
    with pytest.raises(UserError, match=words) as caught:
        dg.register("mine/gan", *make(), **{"dim": DIM} | said)
    assert "\n" not in str(caught.value)


def numpy_noise(shape) -> torch.Tensor:
    return torch.from_numpy(np.random.randn(*shape)).float()  # noqa: NPY002


@pytest.mark.slow
@pytest.mark.parametrize("make", [
    lambda: (Noisy(), critic()), lambda: (generator(), Minibatch()), lambda: (generator(), BatchStatistics()),
    lambda: (generator(), Discrimination()),
    lambda: (generator(), As(critic(), lambda x: x + 0.1 * torch.randn_like(x))),
    lambda: (As(generator(), outside=lambda x: x + 0.1 * numpy_noise(x.shape)), critic()),
])  # fmt: skip
def test_noise_and_batches_give_the_same_picture_twice(make):
    runs = []
    for n in (6, 6, 9):
        m = dg.register("mine/gan", *make(), dim=DIM, device="cpu")
        runs.append(dg.refine(m, n=n, steps=3, seed=5, space="latent", eta=0.05, gamma=0.1))
    torch.testing.assert_close(runs[0].samples, runs[1].samples, atol=0, rtol=0)
    torch.testing.assert_close(runs[0].logits, runs[1].logits, atol=0, rtol=0)
    m = shelf._registered["mine/gan"]
    z = m.prior.sample(9, 1)
    x = m.generate(z)
    torch.testing.assert_close(x[:2], m.generate(z[:2]), atol=1e-5, rtol=1e-4)  # whatever the batch
    torch.testing.assert_close(m.logit(x)[:5], m.logit(x[:5]), atol=1e-5, rtol=1e-3)
    state = torch.get_rng_state()
    m.logit(m.generate(z))
    assert torch.equal(state, torch.get_rng_state())  # the caller's own randomness goes on as before
    assert {found.key for found in dg.examine(m)} & {"noise", "batch-dependent"}


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_any_precision_is_converted_and_said(kind):
    m = dg.register("mine/gan", generator().to(kind), critic().to(kind), dim=DIM, device="cpu")
    g, d = generator().to(kind).double(), critic().to(kind).double()
    z = m.prior.sample(5, 0)
    with torch.no_grad():
        x = g(z.double())
        torch.testing.assert_close(m.generate(z).double(), x, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(m.logit(x).double(), d(x)[:, 0], atol=1e-5, rtol=1e-4)
    said = [str(found) for found in dg.examine(m) if found.key == "precision"]
    assert len(said) == 2
    assert str(kind).removeprefix("torch.") in said[0]


def test_the_callers_networks_are_left_in_their_precision():
    g = generator().half()
    dg.register("mine/gan", g, critic(), dim=DIM)
    assert next(g.parameters()).dtype == torch.float16


def test_in_place_is_said():
    m = dg.register("mine/gan", generator(), InPlace(), dim=DIM, device="cpu")
    x = m.generate(m.prior.sample(3, 0))
    again = x.clone()
    m.logit(x)
    assert torch.equal(x, again)


def test_points_and_strings_of_ones_own():
    points = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 2))
    m = dg.register(
        "25gaussians/mine", points, nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1)), dim=3
    )
    assert (m.kind, m.dataset, m.sample_shape) == ("2d", "25gaussians", (2,))
    strings = nn.Sequential(nn.Linear(DIM, 12), nn.Unflatten(1, (3, 4)), nn.Softmax(-1))
    m = dg.register("mine/text", strings, nn.Sequential(nn.Flatten(), nn.Linear(12, 1)), dim=DIM, kind="text",
                    alphabet="abcd")  # fmt: skip
    assert [len(word) for word in m.decode(m.generate(m.prior.sample(2, 0)))] == [3, 3]


# Files

G, D = (network.state_dict() for network in example_dcgan(z=5, width=2))

PAGE = "is an HTML page, not weights: the download failed."
ELSE = {
    "an HTML page": (b"<!DOCTYPE html><html><body>404</body></html>", PAGE),
    "another HTML page": (b"\n\n  <html lang='en'>", PAGE),
    "a page after a comment": (b"<!-- sign in --><html>", PAGE),
    "a page with a mark": (b"\xef\xbb\xbf<!DOCTYPE html>", PAGE),
    "a page in UTF-16": ("<!DOCTYPE html><html>".encode("utf-16"), PAGE),
    "XML": (b'<?xml version="1.0"?><Error>AccessDenied</Error>', "is an XML message, not weights"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "is a Git LFS pointer"),
    "a pointer from Windows": (b"version https://git-lfs.github.com/spec/v1\r\n", "fetch the file by git"),
    "JSON": (b'{"error": "quota exceeded"}', "is text"),
    "text": (b"Google Drive can't scan this file for viruses", "is text"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), "is a picture"),
    "gzip": (b"\x1f\x8b" + bytes(50), "is a gzip archive: unpack it first"),
    "tar": (bytes(257) + b"ustar" + bytes(300), "is a tar archive: unpack it first"),
    "Keras": (b"\x89HDF\r\n\x1a\n" + bytes(50), "is an HDF5 file"),
    "one array": (b"\x93NUMPY\x01\x00" + bytes(50), "is a single NumPy array"),
    "ONNX": (b"\x08\x07\x12\x07pytorch\x1a\x052.4.0:\xa0" + bytes(50), "is an ONNX model, which is a prog"),
    "ONNX of another maker": (b"\x08\x08:\xf0\x01\n\x05" + bytes(50), "is an ONNX model, which is a prog"),
    "ONNX of TensorFlow": (b"\x08\x05\x12\x07tf2onnx" + bytes(50), "hand in the checkpoint that it was"),
    "nothing": (b"", "is empty"),
    "a pickle": (pickle.dumps({"weight": [1.0, 2.0]}), "it is a pickle, a program"),
    "noise": (bytes(range(256)) * 4, "damaged, or another kind of file"),
}  # fmt: skip


@pytest.mark.parametrize(("what", "suffix"), itertools.product(ELSE, (".pth", ".npz")))
def test_files_that_are_something_else(what, suffix, tmp_path):
    content, words = ELSE[what]
    (tmp_path / f"G{suffix}").write_bytes(content)
    torch.save(D, tmp_path / "D.pth")
    with pytest.raises(UserError, match=words) as caught:
        dg.load_published(tmp_path / f"G{suffix}", tmp_path / "D.pth")
    assert str(caught.value).startswith("generator: 'G")


def scripted(path):
    torch.jit.script(nn.Linear(2, 2)).save(path)


def traced(path):
    torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)).save(path)


def exported_archive(path):
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),)), path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("write", [scripted, traced, exported_archive])
def test_an_archive_of_a_network_is_a_program(write, tmp_path):
    write(tmp_path / "G.pt2")
    torch.save(D, tmp_path / "D.pth")
    with pytest.raises(UserError, match=r"TorchScript or torch\.export archive, which is a program: load it"):
        dg.load_published(tmp_path / "G.pt2", tmp_path / "D.pth")


def test_an_archive_of_files_is_to_be_unpacked(tmp_path):
    torch.save(D, tmp_path / "D.pth")
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        archive.write(tmp_path / "D.pth", "D.pth")
    with pytest.raises(UserError, match=r"an archive of other files, such as 'D.pth': unpack it first"):
        dg.load_published(tmp_path / "both.zip", tmp_path / "D.pth")


def large_file(folder):
    """A DCGAN's generator of images 512 wide, as a file."""
    widths = [5, *[2] * 7, 3]
    state = {
        f"main.{i}.weight": torch.ones(a, b, 4, 4) for i, (a, b) in enumerate(itertools.pairwise(widths))
    }
    torch.save(state, folder / "G.pth"), torch.save(D, folder / "D.pth")
    dg.load_published(folder / "G.pth", folder / "D.pth")


def large_network(*side: int):
    generator = nn.Sequential(nn.Linear(4, 1), nn.Unflatten(1, (1, 1, 1)), nn.Upsample(side))
    dg.register("mine/gan", generator, nn.Sequential(nn.Flatten(), nn.Linear(side[0] * side[1], 1)), dim=4)


@pytest.mark.parametrize("make", [
    large_file, lambda folder: large_network(264, 264), lambda folder: large_network(64, 300)])  # fmt: skip
def test_images_larger_than_the_limit_are_refused_with_it(make, tmp_path):
    with pytest.raises(UserError, match=r"1 or 3 channels and 8 to 256 pixels a side.*, not of shape"):
        make(tmp_path)


@pytest.mark.slow
def test_copies_are_offered_by_name(tmp_path):
    other = {key: value + 1 if value.is_floating_point() else value for key, value in G.items()}
    torch.save(
        {"g": other, "g_ema": G, "d": D, "opt": {"state": {}, "param_groups": []}}, tmp_path / "all.pt"
    )
    m = dg.load_published(tmp_path / "all.pt", device="cpu")
    torch.save(G, tmp_path / "G.pth"), torch.save(D, tmp_path / "D.pth")
    plain = dg.load_published(tmp_path / "G.pth", tmp_path / "D.pth", device="cpu")
    z = m.prior.sample(2, 0)
    torch.testing.assert_close(m.generate(z), plain.generate(z))
    said = next(str(found) for found in dg.examine(m) if found.key == "copies")
    assert "'g_ema', an average, was taken" in said
    assert "copy= takes another: 'g'" in said
    third = dg.load_published(tmp_path / "all.pt", copy="g", device="cpu")
    assert not torch.equal(third.generate(z), m.generate(z))
    torch.save({"first": G, "second": G}, tmp_path / "two.pt")
    with pytest.raises(UserError, match=r"holds 2 copies, 'first', 'second': choose one by copy='first'"):
        dg.load_published(tmp_path / "two.pt", tmp_path / "D.pth")
    with pytest.raises(UserError, match=r"holds no one copy 'third'; it holds 'first', 'second'"):
        dg.load_published(tmp_path / "two.pt", tmp_path / "D.pth", copy="third")


def test_what_is_odd_is_named_by_its_first_key_and_shape(tmp_path):
    torch.save({"encoder.stem.weight": torch.ones(7, 3), "x": torch.ones(2)}, tmp_path / "G.pth")
    torch.save(D, tmp_path / "D.pth")
    with pytest.raises(UserError, match=r"its first array is encoder/stem/W \(7, 3\)"):
        dg.load_published(tmp_path / "G.pth", tmp_path / "D.pth")


PREFIXES = ("", "module.", "_orig_mod.", "module._orig_mod.", "model.", "netG.", "a.b.", "module.module.")
NESTS = (
    lambda s: s, lambda s: {"state_dict": s}, lambda s: {"model_state_dict": s, "epoch": 3, "loss": 0.5},
    lambda s: {"epoch": np.float64(3), "G": s, "optimizer": {"state": {}, "param_groups": [1]}},
    lambda s: {"a": {"b": {"c": s}}}, lambda s: [s], lambda s: {"state": s, "param_groups": []},
    lambda s: {"net": None},
)  # fmt: skip
KINDS = (
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float64,
    torch.int64,
    torch.complex64,
    torch.bool,
)
SHAPES = (
    (),
    (0,),
    (3,),
    (1, 1),
    (5, 16, 4, 4),
    (16, 5, 4, 4),
    (2, 2, 3, 3),
    (1, 2, 3, 4, 5),
    (70_000, 1, 1, 1),
)


def states(generator: nn.Module, critic: nn.Module) -> dict[str, dict]:
    return {"generator": generator.state_dict(), "critic": critic.state_dict()}


BASES = (
    {"generator": G, "critic": D},
    states(*mimicry([4] * 4, 4, [(4, True), (4, True), (4, False), (4, False)])),
    states(*mimicry([4] * 4, 4, [(4, True), (4, False)], classes=3)),
    states(*studio_resnet()),
)


@st.composite
def variants(draw):
    """A pair of state dicts, and one of the two after what people and accidents do to one; its ending."""
    base, which = draw(st.sampled_from(BASES)), draw(st.sampled_from(["generator", "critic"]))
    state = dict(base[which])
    for _ in range(draw(st.integers(0, 2))):
        key = draw(st.sampled_from(sorted(state)))
        what = draw(st.sampled_from(["missing", "extra", "shape", "renamed", "nan", "transposed", "half"]))
        value = state[key]
        if what == "missing":
            del state[key]
        elif what == "extra":
            state[
                draw(st.sampled_from(["x", "main.99.weight", "fc.weight", "main.0.weight_u", "main.0.bias"]))
            ] = torch.zeros(draw(st.sampled_from(SHAPES)))
        elif what == "shape":
            state[key] = torch.ones(draw(st.sampled_from(SHAPES)))
        elif what == "renamed":
            state[
                draw(
                    st.sampled_from(
                        ["", "weight", "l1.weight", "block2.c1.weight", key + "_orig", key + "_g"]
                    )
                )
            ] = state.pop(key)
        elif what == "nan" and value.is_floating_point():
            state[key] = value * float("nan")
        elif what == "transposed" and value.dim() > 1:
            state[key] = value.transpose(0, 1)
        elif what == "half":
            state[key] = value.to(draw(st.sampled_from(KINDS)))
        if not state:
            break
    kind = draw(st.sampled_from(KINDS[:5]))
    prefix, nest = draw(st.sampled_from(PREFIXES)), draw(st.sampled_from(NESTS))
    sound = {
        prefix + key: value.to(kind) if value.is_floating_point() and kind.is_floating_point else value
        for key, value in state.items()
    }
    plain = nest is NESTS[0] and torch.bfloat16 not in {value.dtype for value in sound.values()}
    endings = ["pth", "safetensors", "npz"] if plain else ["pth"]
    return base, which, nest(sound), draw(st.sampled_from(endings))


def write(path, content, ending: str) -> None:
    if ending == "safetensors":
        save_file({key: value.contiguous().clone() for key, value in content.items()}, path)
    elif ending == "npz":
        with path.open("wb") as file:
            np.savez(
                file, **{key.replace(".", "/") or "file_": value.numpy() for key, value in content.items()}
            )
    else:
        torch.save(content, path)


#: What a file of some kilobytes may cost beside what is there, in MB.
COSTS = 100


def held(name: str) -> float:
    """MB that this process holds ("VmRSS"), or held at the most since it was told to forget ("VmHWM")."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(name))


@contextmanager
def memory_watched():
    """What is done here takes no more than ``COSTS`` at any moment, where the system tells."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        yield
        return
    before = held("VmRSS")
    try:
        yield
    finally:
        assert held("VmHWM") - before <= COSTS


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(variants())
def test_no_variant_of_a_file_gives_a_raw_error(tmp_path_factory, variant):
    base, which, content, ending = variant
    folder = tmp_path_factory.getbasetemp()
    files = {part: folder / f"variant {part}.pth" for part in base}
    for part, path in files.items():
        write(path, content if part == which else base[part], ending if part == which else "pth")
    try:
        with memory_watched():
            m = dg.load_published(files["generator"], files["critic"], device="cpu", label=1)
    except UserError as error:
        sentence = str(error)
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert len(sentence) < 600
    else:
        assert torch.isfinite(m.logit(m.generate(m.prior.sample(2, 0)))).all() or m.config["found"]

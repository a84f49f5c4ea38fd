"""Scenes as data, and as bytes: what the browser reads back is what was put in."""

from __future__ import annotations

import json
import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import dgflow_core as dg
from dgflow_core import pictures as scene
from dgflow_core.fields.network import ExactField
from dgflow_core.flow.driver import Run
from dgflow_core.pictures.packing import longest_arrows, map_ranges, quantise
from dgflow_core.pictures.picture import paint
from dgflow_core.pictures.sheet import Look

EXTENT = (-2.0, 2.0, -2.0, 2.0)
DTYPES = {"u1": np.uint8, "u2": np.uint16, "u4": np.uint32, "f4": np.float32}


def unpacked(blob: bytes) -> dict:
    """The inverse of ``pack``, written from its documented layout."""
    (length,) = struct.unpack_from("<I", blob)
    start = (4 + length + 7) // 8 * 8

    def revive(value):
        if isinstance(value, list):
            return [revive(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "$" in value:
            dtype, shape, offset = value["$"]
            assert offset % 8 == 0
            count = int(np.prod(shape))
            return np.frombuffer(blob, DTYPES[dtype], count, start + offset).reshape(shape)
        return {name: revive(one) for name, one in value.items()}

    return revive(json.loads(blob[4 : 4 + length]))


def values(codes: np.ndarray, low: float, high: float) -> np.ndarray:
    """Numbers from codes, as ``dequantise`` in unpack.js."""
    top = np.iinfo(codes.dtype).max
    numbers = low + (codes.astype(float) - 1) * (high - low) / (top - 3)
    numbers[codes == 0], numbers[codes == top - 1], numbers[codes == top] = -np.inf, np.inf, np.nan
    return numbers


def moving(steps: int = 10, n: int = 50, seed: int = 0, **panel) -> scene.Panel:
    rng = np.random.default_rng(seed)
    positions = rng.uniform(-2, 2, (steps + 1, n, 2)).astype(np.float32)
    return scene.Panel(EXTENT, positions=positions, logits=rng.normal(size=(steps + 1, n)), **panel)


@given(
    arrays.arrays(np.float32, st.integers(0, 60), elements=st.floats(-3, 3, width=32)),
    st.sampled_from([np.uint8, np.uint16]),
)
def test_codes_keep_numbers_to_half_a_unit_and_mark_what_is_outside(numbers, dtype):
    low, high = -2.0, 2.0
    back = values(quantise(numbers, low, high, dtype), low, high)
    unit = (high - low) / (np.iinfo(dtype).max - 3)
    inside = (numbers >= low) & (numbers <= high)
    assert np.abs(back[inside] - numbers[inside]).max(initial=0) <= 0.5 * unit + 1e-6
    assert (back[numbers < low] == -np.inf).all()
    assert (back[numbers > high] == np.inf).all()


def test_not_a_number_and_infinities_have_codes_of_their_own():
    codes = quantise([np.nan, np.inf, -np.inf, 0.0, 1.0], 0.0, 1.0)
    assert codes.tolist() == [65535, 65534, 0, 1, 65533]


def test_a_packed_scene_reads_back():
    panel = moving(title="DGflow", real=np.ones((7, 2)))
    band = scene.Reference(0.1, 0.2, "real vs real")
    curve = scene.Curve("Distance", (np.linspace(1, 0, 11),), "data units", "down", band)
    tree = unpacked(scene.pack(scene.Scene((panel,), 10, (curve,), title="Run", key="k")))
    (shown,) = tree["panels"]
    assert (tree["steps"], tree["key"], tree["title"], shown["title"], shown["n"]) == (
        10, "k", "Run", "DGflow", 50,
    )  # fmt: skip
    assert shown["x"].shape == shown["y"].shape == (11, 50)
    x = values(shown["x"], *EXTENT[:2])
    np.testing.assert_allclose(x, panel.positions[..., 0], atol=4 / 65532)
    logits = values(shown["logits"], *shown["logit_range"])
    np.testing.assert_allclose(logits, panel.logits, atol=np.ptp(panel.logits) / 65532)
    np.testing.assert_array_equal(shown["real"], np.ones((7, 2)))
    np.testing.assert_allclose(tree["curves"][0]["series"][0], np.linspace(1, 0, 11), rtol=1e-6)
    assert tree["curves"][0]["reference"] == {"low": 0.1, "high": 0.2, "label": "real vs real"}
    assert re.fullmatch("#[0-9a-f]{6}", tree["palette"]["light"]["refined"])


def test_five_thousand_particles_and_a_hundred_steps_fit():
    panel = moving(100, 5000, map=scene.Map(np.zeros((96, 96)), "d"), real=np.zeros((2000, 2)))
    assert len(scene.pack(scene.Scene((panel,), 100))) <= 3.2e6


def test_a_scene_without_a_key_is_named_by_its_content():
    keys = [unpacked(scene.pack(scene.Scene((moving(seed=seed),), 10)))["key"] for seed in (0, 0, 1)]
    assert keys[0] == keys[1] != keys[2]


def test_compared_panels_share_ranges():
    maps = [scene.Map(np.full((4, 4), top), "d", "nats", "density") for top in (1.0, 3.0)]
    panels = tuple(moving(map=one, seed=i) for i, one in enumerate(maps))
    first, second = unpacked(scene.pack(scene.Scene(panels, 10)))["panels"]
    assert first["map"]["range"] == second["map"]["range"] == [0.0, 3.0]
    assert first["logit_range"] == second["logit_range"]


def test_a_diverging_map_is_centred_and_not_stretched_by_its_corners():
    values = np.ones((40, 40))
    values[0, 0] = -1000.0
    one = scene.Map(values, "d")
    assert map_ranges([one])[one.group] == (-1.0, 1.0)
    blank = scene.Map(np.full((3, 3), np.nan), "d")
    assert map_ranges([blank])[blank.group] == (-1.0, 1.0)


def test_moving_maps_take_one_byte_a_cell():
    stack = np.linspace(0, 1, 11)[:, None, None] * np.ones((11, 8, 8))
    panel = scene.Panel(EXTENT, map=scene.Map(stack, "density", kind="density"))
    shown = unpacked(scene.pack(scene.Scene((panel,), 10)))["panels"][0]["map"]
    assert shown["values"].dtype == np.uint8
    np.testing.assert_allclose(values(shown["values"], *shown["range"]), stack, atol=0.5 / 252 + 1e-6)


def test_a_few_giants_do_not_set_the_length_of_all_arrows():
    vectors = np.ones((100, 2))
    vectors[0] = 1e6
    panel = scene.Panel(EXTENT, arrows=scene.Arrows(np.zeros((100, 2)), vectors, "drift"))
    assert longest_arrows((panel,)) == {"drift": pytest.approx(np.sqrt(2))}


def test_nothing_at_all_can_be_packed():
    tree = unpacked(scene.pack(scene.Scene((scene.Panel(EXTENT),), 0)))
    assert tree["panels"][0]["n"] == 0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: scene.Scene((), 1), "panels must be 1 to 4, not 0"),
        (lambda: scene.Scene((scene.Panel(EXTENT),) * 5, 1), "panels must be 1 to 4, not 5"),
        (lambda: scene.Scene((moving(10),), 5), "positions must have 1 to 6 frames"),
        (lambda: scene.Panel((1, 1, 0, 1)), "extent must be"),
        (lambda: scene.Panel(EXTENT, positions=np.zeros((3, 2))), "positions must have shape"),
        (lambda: scene.Panel(EXTENT, logits=np.zeros((3, 2))), "logits must have shape"),
        (
            lambda: scene.Scene((moving(),), 10, (scene.Curve("A", (np.zeros(12),)),)),
            "curve 'A' must have 1 series of at most 11",
        ),
        (
            lambda: scene.Scene((scene.Panel(EXTENT, map=scene.Map(np.zeros((3, 2, 2)), "d")),), 10),
            "a map that moves must have 11 frames, not 3",
        ),
    ],
)
def test_what_does_not_fit_is_named(make, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        make()


# ---- scenes of runs ----


def test_a_run_in_data_space_is_one_panel(tiny):
    run = dg.refine(tiny, n=20, steps=4)
    one = scene.compose([run], tiny)
    (panel,) = one.panels
    assert one.steps == 4
    np.testing.assert_array_equal(panel.positions, run.positions)
    np.testing.assert_array_equal(panel.logits, run.logits)
    assert panel.extent == (-2.0, 2.0, -2.0, 2.0)
    assert panel.map.values.shape == (96, 96)
    assert panel.real.shape == (2000, 2)


def test_a_latent_run_shows_its_codes_and_what_they_decode_to(tiny):
    run = dg.refine(tiny, n=20, steps=3, space="latent")
    latent, decoded = (made := scene.compose([run], tiny)).panels
    np.testing.assert_array_equal(latent.positions, run.positions)
    np.testing.assert_array_equal(decoded.positions, run.samples)
    assert latent.real is None
    assert decoded.arrows is None
    assert made.curves[0].series[1] is None


@pytest.mark.parametrize("space", ["data", "latent"])
def test_maps_and_arrows_say_what_the_model_says(tiny, space):
    field = ExactField(tiny, space)
    extent = scene.extent_of(tiny, space)
    logit = scene.logit_map(field, extent, size=8)
    points = scene.grid(extent, 8)
    samples = tiny.generate(points) if space == "latent" else points
    np.testing.assert_allclose(logit.values.ravel(), tiny.logit(samples), rtol=1e-5)
    np.testing.assert_allclose(scene.ratio_map(logit).values, -logit.values / np.log(10))
    arrows = scene.drift_arrows(field, extent, "JS", size=5)
    np.testing.assert_allclose(arrows.vectors, dg.drift(tiny, arrows.origins, "JS", space), rtol=1e-5)


def test_the_grid_runs_from_the_bottom_left():
    points = scene.grid((0, 2, 10, 14), 2)
    assert points.tolist() == [[0.5, 11.0], [1.5, 11.0], [0.5, 13.0], [1.5, 13.0]]


def test_an_unknown_map_is_named(tiny):
    run = dg.refine(tiny, n=5, steps=1)
    with pytest.raises(ValueError, match="map must be 'logit', 'ratio'"):
        scene.compose([run], tiny, scene.Composition(map="banana"))


# ---- the page ----


def test_the_page_asks_for_nothing_and_runs_no_given_text(tiny):
    run = dg.refine(tiny, n=5, steps=1)
    page = scene.html(scene.compose([run], tiny), "<script>alert(1)</script>", {"eta": 0.1, "x": "</dl>"})
    outside = set(re.findall(r"https?://[^\s\"'`)]+", page)) - {"http://www.w3.org/2000/svg"}
    assert not outside  # the one left is the name of a namespace, never fetched
    assert "default-src 'none'" in page
    assert "<script>alert" not in page
    assert "&lt;/dl&gt;" in page
    assert "<dt>eta</dt><dd>0.1</dd>" in page


def test_the_script_needs_no_build_step():
    text = scene.script("player")
    assert len(re.findall(r"^export\b", text, re.MULTILINE)) == 1
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)


def test_a_run_that_is_still_computed_is_drawn_as_the_whole_one_will_be(tiny):
    frames = list(Run(tiny, n=40, steps=3, eta=0.1))
    early = paint(scene.on_the_way(tiny, frames[0], frames[2], 3), Look(size=240))
    whole = [frame.samples.numpy() for frame in frames]
    there = early.scene.panels[0].positions
    assert np.array_equal(there[[0, 2]], [whole[0], whole[2]])
    assert early.called(2) == "step 2 / 3"
    assert not np.array_equal(early.frame(0), early.frame(2))

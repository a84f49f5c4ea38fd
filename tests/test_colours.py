"""Real, base and refined are told apart by everybody: in colour, in grey, and by their shape."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from dgflow_core.pictures import palette, plane_pixels

APART = 20.0  # CIEDE2000
NAMES = ("real", "base", "refined")
#: Linear RGB as readers see it; complete protanopia and deuteranopia: Machado, Oliveira, Fernandes (2009).
READERS = {
    "everybody": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ],
    "grey print": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}  # fmt: skip
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
) / np.array([[0.95047], [1.0], [1.08883]])


def lab(colour: str, reader: str = "everybody") -> np.ndarray:
    """CIE L*a*b* (D65) of a colour as a reader sees it."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(np.asarray(READERS[reader]) @ linear, 0, 1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ciede2000(one: np.ndarray, two: np.ndarray) -> float:
    """The colour difference of Sharma, Wu, Dalal (2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    g = 1.5 - 0.5 * np.sqrt(c7 / (c7 + 25**7))
    c1, c2 = np.hypot(g * a1, b1), np.hypot(g * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, g * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    hue = h1 + turn / 2 if c1 * c2 else h1 + h2
    t = (
        1 - 0.17 * np.cos(np.radians(hue - 30)) + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6)) - 0.2 * np.cos(np.radians(4 * hue - 63))
    )  # fmt: skip
    off = (lightness - 50) ** 2
    light = (l2 - l1) / (1 + 0.015 * off / np.sqrt(20 + off))
    strong = (c2 - c1) / (1 + 0.045 * chroma)
    turned = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + 25**7))
    rotation *= np.sin(np.radians(60 * np.exp(-((((hue % 360) - 275) / 25) ** 2))))
    return float(np.sqrt(light**2 + strong**2 + turned**2 + rotation * strong * turned))


@pytest.mark.parametrize(
    ("one", "two", "difference"),  # pairs 1, 7, 17 and 25 that its authors publish
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_the_measure_is_the_published_one(one, two, difference):
    assert ciede2000(np.array(one), np.array(two)) == pytest.approx(difference, abs=1e-4)


@pytest.mark.parametrize("theme", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("reader", READERS)
def test_real_base_and_refined_are_apart(theme, reader):
    for one, two in combinations(NAMES, 2):
        apart = ciede2000(lab(theme[one], reader), lab(theme[two], reader))
        assert apart >= APART, f"{one} and {two}: {apart:.1f}"


@pytest.mark.parametrize("theme", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_methods_side_by_side_take_none_of_the_three(theme):
    for series in palette.SERIES:
        for name in NAMES:
            assert ciede2000(lab(series), lab(theme[name])) >= 15, (series, name)


def test_each_has_a_shape_of_its_own_in_the_browser_and_in_exports():
    assert len(set(palette.SHAPES.values())) == 3
    assert palette.for_browser()["shapes"] == palette.SHAPES
    for name in NAMES:
        assert palette.for_browser()["light"][name] == palette.LIGHT[name]
    middle, beside, corner = np.array([[0.0, 4.0, 3.4], [0.0, 0.0, 3.4]])[:, :, None].transpose(1, 0, 2)
    covered = {
        shape: [round(float(plane_pixels.opacity(shape, *at, 4.0)[0]), 1) for at in (middle, beside, corner)]
        for shape in palette.SHAPES.values()
    }
    assert covered == {"dot": [1.0, 0.5, 0.0], "ring": [0.3, 1.0, 0.3], "diamond": [1.0, 1.0, 0.0]}

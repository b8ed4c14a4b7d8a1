from __future__ import annotations

import colorsys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines.mini.colours import (
    COLOURS,
    GREY,
    colour_groups,
    in_greys,
    palette,
    raster_groups,
    recolour,
    recolour_like,
    recolour_pixels,
)

FILLS = ("#a0522d", "#8b4513", "#fff", "#1E90FF", "#111")
SVG = "".join(f'<path fill="{fill}"/>' for fill in FILLS)
SIZE = 32
DARK = (20, 18, 16)


def hue(colour: str) -> float:
    return hue_of(*(int(colour[place : place + 2], 16) for place in (1, 3, 5)))


def hue_of(red: int, green: int, blue: int) -> float:
    return 360 * colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)[0]


def drawing(coat: str = "#e08030", eye: str = "#2060e0") -> np.ndarray:
    """A coat in two shades, an eye, and a dark outline, on transparent ground."""
    image = Image.new("RGBA", (SIZE, SIZE))
    brush = ImageDraw.Draw(image)
    brush.rectangle((3, 3, 28, 28), fill=coat, outline=DARK, width=2)
    red, green, blue, _ = image.getpixel((16, 16))
    brush.rectangle((6, 20, 25, 26), fill=tuple(round(0.7 * value) for value in (red, green, blue)))
    brush.rectangle((10, 8, 15, 13), fill=eye)
    return np.array(image)


def test_fills_are_grouped_by_hue_and_dark_lines_stay() -> None:
    assert colour_groups(SVG) == [["#a0522d", "#8b4513"], ["#1E90FF"], ["#fff"]]


def test_neighbouring_sectors_are_one_coat() -> None:
    assert colour_groups('<p fill="#e05020"/><p fill="#e0a020"/><p fill="#2040e0"/>') == [
        ["#e05020", "#e0a020"],
        ["#2040e0"],
    ]


def test_a_group_gets_the_colour_and_keeps_its_shading() -> None:
    changed = recolour(SVG, ("green", "pink"))
    assert changed.colours == ("green", "pink")
    light, dark, paper, eye, line = [part.split('"')[0] for part in changed.svg.split('fill="')[1:]]
    assert abs(hue(light) - COLOURS["green"][0]) < 3 and abs(hue(dark) - COLOURS["green"][0]) < 3
    assert int(light[3:5], 16) > int(dark[3:5], 16)
    assert abs(hue(eye) - COLOURS["pink"][0]) < 3
    assert (paper, line) == ("#fff", "#111")


def test_more_colours_than_groups_are_not_claimed() -> None:
    assert recolour('<p fill="#e05020"/>', ("blue", "red")).colours == ("blue",)
    assert recolour('<p fill="#111"/>', ("blue",)).colours == ()


def test_pixels_are_grouped_as_fills_are() -> None:
    picture = drawing()
    coat, eye = raster_groups(picture)
    assert coat[16, 16] and coat[23, 16] and not coat[10, 12]
    assert eye[10, 12] and eye.sum() == 36
    line = (picture[..., :3] == DARK).all(axis=2)
    assert not (coat | eye)[line | (picture[..., 3] == 0)].any()
    assert raster_groups(np.zeros((SIZE, SIZE, 4), np.uint8)) == []


def test_a_speck_is_no_part() -> None:
    picture = drawing(eye="#e08030")
    picture[9, 9] = (40, 220, 60, 255)
    assert len(raster_groups(picture)) == 1


@pytest.mark.parametrize("name", [name for name, (hue, _, _) in COLOURS.items() if hue is not None])
def test_pixels_get_the_hue_and_keep_alpha_lines_and_shading(name: str) -> None:
    picture = drawing()
    picture[16:18, 16:18, 3] = 120
    before = picture.copy()
    changed = recolour_pixels(picture, (name,))
    assert np.array_equal(picture, before)  # the given picture is left alone
    assert np.array_equal(changed[..., 3], picture[..., 3])
    line = (picture[..., :3] == DARK).all(axis=2)
    assert np.array_equal(changed[line], picture[line])
    assert np.array_equal(changed[8:14, 10:16], picture[8:14, 10:16])  # the eye is another group
    wanted = COLOURS[name][0]
    assert wanted is not None
    for place in ((16, 5), (23, 16)):
        turn = abs(hue_of(*changed[place][:3]) - wanted) % 360
        assert min(turn, 360 - turn) < 4
    assert changed[16, 5, :3].sum() > changed[23, 16, :3].sum()


def test_neutral_colours_take_the_colour_away() -> None:
    light, dark = (recolour_pixels(drawing(), (name,))[16, 5, :3].astype(int) for name in ("white", "black"))
    assert np.ptp(light) < 25 and np.ptp(dark) < 25
    assert light.mean() > 200 and dark.mean() < 80


def test_each_group_gets_its_colour_and_no_more_are_needed() -> None:
    changed = recolour_pixels(drawing(), ("green", "pink", "blue"))
    assert hue_of(*changed[16, 5, :3]) == pytest.approx(COLOURS["green"][0], abs=4)
    assert hue_of(*changed[10, 12, :3]) == pytest.approx(COLOURS["pink"][0], abs=4)
    assert np.array_equal(recolour_pixels(drawing(), ()), drawing())


def mean_grey(picture: np.ndarray) -> float:
    weight = picture[..., 3] / 255
    return float((picture[..., 0] / 255 * weight).sum() / weight.sum())


@pytest.mark.parametrize("coat", ["#e08030", "#f4e060", "#3050c0", "#804020", "#f0f0f0"])
def test_greys_do_not_tell_which_colour_a_thing_had(coat: str) -> None:
    grey = in_greys(drawing(coat))
    assert np.ptp(grey[..., :3], axis=2).max() == 0
    assert np.array_equal(grey[..., 3], drawing(coat)[..., 3])
    assert mean_grey(grey) == pytest.approx(GREY, abs=0.03)
    assert grey[16, 5, 0] > grey[3, 16, 0] + 30  # the outline is still to be seen


def test_the_same_shape_in_two_colours_is_nearly_the_same_in_greys() -> None:
    red, blue = (in_greys(recolour_pixels(drawing(), (name,))).astype(int) for name in ("red", "blue"))
    assert np.abs(red - blue).mean() < 12
    coloured = np.abs(recolour_pixels(drawing(), ("red",)).astype(int) - recolour_pixels(drawing(), ("blue",)))
    assert coloured.mean() > 2 * np.abs(red - blue).mean()


def test_nothing_at_all_has_no_greys_to_fail_on() -> None:
    empty = np.zeros((4, 4, 4), np.uint8)
    assert not in_greys(empty)[..., 3].any()


def test_a_palette_names_what_covers_most_first_and_leaves_little_out() -> None:
    picture = np.zeros((20, 20, 4), np.uint8)
    picture[:12] = (200, 40, 40, 255)
    picture[12:19] = (240, 240, 240, 255)
    picture[19, :6] = (0, 0, 255, 255)
    found = palette(picture)
    assert len(found) == 2
    assert np.abs(np.array([int(found[0][i : i + 2], 16) for i in (1, 3, 5)]) - (200, 40, 40)).max() < 12
    assert palette(np.zeros((4, 4, 4), np.uint8)) == ()


def test_a_drawing_takes_the_colours_of_a_palette_and_keeps_its_lines() -> None:
    picture = np.zeros((20, 20, 4), np.uint8)
    picture[:14], picture[14:19], picture[19] = (220, 120, 30, 255), (60, 90, 210, 255), (10, 10, 10, 255)
    changed = recolour_like(picture, ["#20a040", "#e0e0e0"])
    assert np.abs(changed[5, 5, :3].astype(int) - (0x20, 0xA0, 0x40)).max() < 12
    assert np.abs(changed[16, 5, :3].astype(int) - 0xE0).max() < 8
    assert changed[19, 5].tolist() == [10, 10, 10, 255] and np.array_equal(changed[..., 3], picture[..., 3])

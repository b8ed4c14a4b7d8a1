from __future__ import annotations

import colorsys

from pipelines.mini.data.recolour import COLOURS, colour_groups, recolour

FILLS = ("#a0522d", "#8b4513", "#fff", "#1E90FF", "#111")
SVG = "".join(f'<path fill="{fill}"/>' for fill in FILLS)


def hue(colour: str) -> float:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return 360 * colorsys.rgb_to_hls(red, green, blue)[0]


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

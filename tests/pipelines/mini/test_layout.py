from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines.mini.layout import (
    EDGE,
    GROUNDS,
    MOUNTS,
    PLACES,
    Cast,
    Figure,
    Setting,
    beside,
    compose,
    head_of,
    in_a_row,
    place_picture,
    several,
    wearing,
)

SIZE = 64
RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 200, 40), (30, 40, 220), (230, 220, 30)
Rgb = tuple[int, int, int]


def drawing(colour: Rgb, size: tuple[int, int] = (30, 40), ears: bool = False) -> Image.Image:
    picture = Image.new("RGBA", (SIZE, SIZE))
    brush = ImageDraw.Draw(picture)
    brush.rectangle((10, 20, 9 + size[0], 19 + size[1]), fill=colour)
    if ears:
        brush.rectangle((10, 8, 11, 20), fill=colour)
    return picture


def figure(colour: Rgb, size: tuple[int, int] = (30, 40), *, subject: bool = False, ears: bool = False) -> Figure:
    return Figure.of(drawing(colour, size, ears), subject=subject)


def cast(**parts: object) -> Cast:
    return Cast(**{"subject": figure(RED, subject=True), **parts})  # type: ignore[arg-type]


def scene(who: Cast, setting: Setting | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    layered = compose(who, setting or Setting(), SIZE, np.random.default_rng(seed))
    assert (layered.picture.shape, layered.mask.shape) == ((SIZE, SIZE, 4), (SIZE, SIZE))
    return layered.picture, layered.mask > 127


def coloured(picture: np.ndarray, colour: Rgb) -> np.ndarray:
    near = np.abs(picture[..., :3].astype(int) - colour).max(axis=2) < 40
    return near & (picture[..., 3] > 127)


def rows(mask: np.ndarray) -> tuple[int, int]:
    found = np.flatnonzero(mask.any(axis=1))
    return int(found[0]), int(found[-1])


def columns(mask: np.ndarray) -> tuple[int, int]:
    return rows(mask.T)


# figures


def test_a_figure_is_cut_to_its_content_and_enlarged() -> None:
    for picture in (drawing(RED), np.asarray(drawing(RED))):
        found = Figure.of(picture, subject=True)
        assert found.picture.size == found.mask.size == (EDGE * 3 // 4, EDGE)
        assert np.asarray(found.mask).min() > 200
    assert not np.asarray(figure(RED).mask).any()  # what is not the subject has no mask


def test_an_empty_drawing_is_a_figure_too() -> None:
    empty = Figure.of(Image.new("RGBA", (20, 10)))
    assert empty.picture.size == (EDGE, EDGE // 2)
    layered = compose(Cast(subject=empty), Setting(ground="blue"), SIZE, np.random.default_rng(0))
    assert not layered.mask.any()
    assert (layered.picture[..., :3] == GROUNDS["blue"]).all()


def test_colours_do_not_bleed_out_of_what_is_invisible() -> None:
    picture = np.zeros((16, 16, 4), np.uint8)
    picture[..., 1] = 255  # invisible, bright green
    picture[4:12, 4:12] = (*RED, 255)
    seen = np.asarray(Figure.of(picture).resized(50, 50).picture)
    assert (seen[seen[..., 3] > 128][:, 1] < 60).all()


def test_turning_and_mirroring_take_the_mask_along() -> None:
    whole = figure(RED, ears=True, subject=True)
    for changed in (whole.mirrored(), whole.tilted(20), whole.scaled(0.5)):
        alpha, mask = np.asarray(changed.picture)[..., 3] > 127, np.asarray(changed.mask) > 127
        assert changed.picture.size == changed.mask.size
        assert (alpha ^ mask).mean() < 0.02
    assert np.array_equal(np.asarray(whole.mirrored().mirrored().picture), np.asarray(whole.picture))
    assert max(whole.tilted(30).picture.size) > max(whole.picture.size)


def test_a_head_begins_below_the_ears() -> None:
    bare, eared = head_of(figure(RED)), head_of(figure(RED, ears=True))
    assert bare.top < 4
    assert eared.top > EDGE / 6
    assert head_of(Figure.of(Image.new("RGBA", (8, 8)))).width > 0


def tailed(head: tuple[float, float, float] | None) -> Figure:
    """A body with a head at its left, lower than the tail at its right."""
    picture = Image.new("RGBA", (SIZE, SIZE))
    brush = ImageDraw.Draw(picture)
    brush.rectangle((8, 30, 55, 60), fill=RED)  # the head's top is at (14, 30)
    brush.rectangle((38, 4, 55, 30), fill=RED)
    return Figure.of(picture, subject=True, head=head)


MARK = (14 / SIZE, 30 / SIZE, 14 / SIZE)


def test_a_known_head_is_where_it_is_in_the_figure() -> None:
    head = tailed(MARK).head
    scale = EDGE / 57  # the content is 48 × 57, cut from (8, 4)
    assert head is not None
    np.testing.assert_allclose((head.x, head.top, head.width), (6 * scale, 26 * scale, 14 * scale), rtol=5e-3)
    assert tailed(None).head is None


def test_a_head_goes_where_its_figure_goes() -> None:
    whole = tailed(MARK)
    for changed in (whole, whole.scaled(0.5), whole.resized(60, 90), whole.mirrored(), whole.tilted(25)):
        assert changed.head is not None
        x, y = round(changed.head.x), round(changed.head.top)
        around = np.asarray(changed.picture.getchannel("A"))[max(0, y - 12) : y + 12, max(0, x - 12) : x + 12] > 127
        assert 0.15 < around.mean() < 0.85  # on the outline, whichever way it is turned
    mirrored = whole.mirrored().head
    assert mirrored is not None and mirrored.x > whole.picture.width / 2
    back = whole.mirrored().mirrored().head
    assert back is not None and whole.head is not None and back.x == pytest.approx(whole.head.x)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_hat_sits_on_a_known_head_and_not_on_the_tail(mirrored: bool) -> None:
    for head, is_left in ((MARK, True), (None, False)):
        whole = tailed(head).mirrored() if mirrored else tailed(head)
        hat = coloured(np.asarray(wearing(whole, figure(BLUE, (30, 20)), np.random.default_rng(0)).picture), BLUE)
        middle = np.mean(columns(hat)) / hat.shape[1]
        assert (middle < 0.5) == (is_left != mirrored)
        if head is not None and whole.head is not None:
            assert np.ptp(columns(hat)) == pytest.approx(1.2 * whole.head.width, rel=0.1)


def test_a_tiny_head_has_a_hat_that_can_be_seen() -> None:
    hat = coloured(np.asarray(wearing(tailed((*MARK[:2], 0.02)), figure(BLUE), np.random.default_rng(0)).picture), BLUE)
    assert np.ptp(columns(hat)) > 0.2 * EDGE


# scenes


def test_the_same_state_lays_out_the_same_way_whatever_the_subject_looks_like() -> None:
    for setting in (Setting(), Setting(ground="yellow"), Setting(place="at the beach")):
        for parts in ({}, {"hat": figure(BLUE)}, {"companions": (figure(BLUE),)}, {"count": 3}):
            masks = [
                scene(cast(subject=figure(colour, subject=True), **parts), setting, seed=5)[1]
                for colour in (RED, GREEN)
            ]
            assert np.array_equal(*masks) and masks[0].any()
    layouts = {scene(cast(), Setting(ground="yellow"), seed)[1].tobytes() for seed in range(6)}
    assert len(layouts) > 3


def test_the_next_draw_does_not_depend_on_what_was_in_the_scene() -> None:
    states = []
    for who in (cast(), cast(hat=figure(BLUE), count=4, companions=(figure(GREEN), figure(BLUE)))):
        rng = np.random.default_rng(0)
        compose(who, Setting(place="at night"), SIZE, rng)
        states.append(rng.random())
    assert states[0] == states[1]


@pytest.mark.parametrize("seed", range(4))
def test_a_hat_is_above_the_head_and_not_the_subject(seed: int) -> None:
    picture, mask = scene(cast(hat=figure(BLUE, (30, 20))), seed=seed)
    hat = coloured(picture, BLUE)
    assert hat.sum() > 20 and not (hat & mask).any()
    assert rows(hat)[0] < rows(mask)[0] < rows(hat)[1] + 3
    assert columns(mask)[0] <= np.mean(columns(hat)) <= columns(mask)[1]
    assert (coloured(picture, RED) & ~mask).sum() < 0.1 * mask.sum()


def test_a_hat_is_as_wide_as_the_head_asks() -> None:
    whole = figure(RED, subject=True)
    dressed = wearing(whole, figure(BLUE, (30, 20)), np.random.default_rng(0))
    hat = coloured(np.asarray(dressed.picture), BLUE)
    assert 0.3 < np.ptp(np.flatnonzero(hat.any(axis=0))) / whole.picture.width < 0.66


def test_a_rider_is_above_its_mount_and_in_front() -> None:
    picture, mask = scene(cast(mount=(figure(GREEN, (44, 20)), 0.45)))
    mount = coloured(picture, GREEN)
    assert mount.any() and mask.any()
    assert rows(mask)[0] < rows(mount)[0] and rows(mask)[1] < rows(mount)[1]


@pytest.mark.parametrize("count", [1, 2])
def test_companions_are_smaller_and_beside(count: int) -> None:
    picture, mask = scene(cast(companions=(figure(GREEN, (40, 40)), figure(BLUE, (40, 40)))[:count]))
    for colour in (GREEN, BLUE)[:count]:
        other = coloured(picture, colour)
        assert 0 < other.sum() < mask.sum()
        assert abs(rows(other)[1] - rows(mask)[1]) <= 3  # on the same ground
    if count == 2:
        middles = [np.mean(columns(found)) for found in (coloured(picture, GREEN), mask, coloured(picture, BLUE))]
        assert middles == sorted(middles) or middles == sorted(middles, reverse=True)


def test_companions_come_from_either_side() -> None:
    sides = set()
    for seed in range(8):
        group = beside(figure(RED, subject=True), [figure(GREEN)], np.random.default_rng(seed))
        values = np.asarray(group.picture)
        sides.add(columns(coloured(values, GREEN))[0] < columns(coloured(values, RED))[0])
    assert sides == {True, False}


@pytest.mark.parametrize("count", range(2, 7))
def test_several_are_as_many_as_asked(count: int) -> None:
    group = several(figure(RED, (20, 40), subject=True), count, np.random.default_rng(0))
    one = figure(RED, (20, 40)).picture
    area = (np.asarray(group.mask) > 127).sum() / (one.width * one.height)
    assert 0.6 * count < area <= count
    line = np.asarray(group.mask)[-20] > 127
    assert sum(bool(b and not a) for a, b in pairwise(np.concatenate([[False], line]))) in {count, count - 3}


@pytest.mark.parametrize("setting", [Setting(), Setting(ground="pink"), Setting(place="in a meadow")])
@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"count": 6},
        {"count": 6, "hat": figure(BLUE, (20, 44))},
        {"companions": (figure(GREEN, (50, 10)), figure(BLUE, (10, 44)))},
        {
            "count": 5,
            "hat": figure(BLUE, (20, 44)),
            "mount": (figure(GREEN, (50, 14)), 0.45),
            "companions": (figure(YELLOW), figure(YELLOW)),
        },
        {"subject": figure(RED, (50, 4), subject=True)},
        {"subject": figure(RED, (4, 44), subject=True)},
    ],
)
def test_nothing_leaves_the_picture(parts: dict[str, object], setting: Setting) -> None:
    for seed in range(3):
        picture, mask = scene(cast(**parts), setting, seed)
        assert mask.any()
        left, right = columns(mask)
        top, bottom = rows(mask)
        assert left >= 0 and top >= 0 and right <= SIZE - 1 and bottom <= SIZE - 1
        border = np.ones_like(mask)
        border[1:-1, 1:-1] = False
        if setting == Setting():
            assert not (picture[..., 3] > 127)[border].any()
        assert not mask[border].any()


@pytest.mark.parametrize("setting", [Setting(ground="white"), Setting(place="at sunset")])
def test_the_scale_makes_things_small(setting: Setting) -> None:
    big, small = (scene(cast(scale=scale), setting)[1] for scale in (1.0, 0.5))
    assert small.sum() == pytest.approx(big.sum() / 4, rel=0.2)


# settings


@pytest.mark.parametrize("name", PLACES)
def test_places_fill_the_picture(name: str) -> None:
    props = tuple(figure(GREEN) for _ in PLACES[name].props)
    for seed in range(3):
        picture = np.asarray(place_picture(name, props, SIZE, np.random.default_rng(seed)))
        assert picture.shape == (SIZE, SIZE, 4)
        assert picture[..., 3].min() == 255
        assert len(np.unique(picture[..., :3].reshape(-1, 3), axis=0)) > 10
    picture, mask = scene(cast(), Setting(place=name, props=props))
    assert picture[..., 3].min() == 255 and mask.any()
    if PLACES[name].ground is not None:
        assert rows(mask)[1] > 0.85 * SIZE  # it stands on the ground


def test_props_stand_in_a_place() -> None:
    bare, planted = (
        np.asarray(place_picture("in the desert", props, SIZE, np.random.default_rng(0)))
        for props in ((), (figure(BLUE),))
    )
    assert not coloured(bare, BLUE).any() and coloured(planted, BLUE).sum() > 50


@pytest.mark.parametrize("name", GROUNDS)
def test_grounds_are_plain(name: str) -> None:
    picture, mask = scene(cast(subject=figure((1, 2, 3), subject=True)), Setting(ground=name))
    around = ~np.asarray(Image.fromarray(mask).resize((SIZE, SIZE)))
    around[rows(mask)[0] - 3 : rows(mask)[1] + 4] = False
    assert around.any()
    assert (picture[around] == (*GROUNDS[name], 255)).all()


def test_without_a_setting_it_is_transparent() -> None:
    picture, mask = scene(cast())
    assert picture[0, 0, 3] == 0
    assert ((picture[..., 3] > 127) == mask).all()


def test_mounts_hold_their_riders() -> None:
    assert all(0 < depth < 1 for depth in MOUNTS.values())


@pytest.mark.parametrize("others", [(), ((40, 20),), ((40, 20), (10, 40))])
def test_peers_stand_in_a_row_as_large_as_each_other(others: tuple[tuple[int, int], ...]) -> None:
    colours = (RED, GREEN, BLUE)[: len(others) + 1]
    figures = [figure(RED), *(figure(colour, size) for colour, size in zip(colours[1:], others, strict=True))]
    for seed in range(3):
        picture = np.asarray(in_a_row(figures, np.random.default_rng(seed)).picture)
        found = [coloured(picture, colour) for colour in colours]
        assert all(before < after for (_, before), (after, _) in pairwise(columns(one) for one in found))
        edges = [max(np.ptp(rows(one)), np.ptp(columns(one))) for one in found]
        assert max(edges) / min(edges) < 1.2
        assert max(rows(one)[1] for one in found) - min(rows(one)[1] for one in found) < 0.06 * EDGE


def test_everybody_who_is_asked_for_is_found_under_a_number() -> None:
    who = cast(
        subject=figure(RED).asked_for(3),
        peers=(figure(GREEN).asked_for(0),),
        companions=(figure(BLUE).asked_for(7), figure(YELLOW)),
    )
    layered = compose(who, Setting(place="at the beach"), SIZE, np.random.default_rng(1))
    assert layered.masks.keys() == {0, 3, 7}
    for number, colour in ((3, RED), (0, GREEN), (7, BLUE)):
        inside = coloured(layered.picture, colour)[layered.masks[number] > 200]
        assert inside.size and inside.mean() > 0.9
    assert np.array_equal(layered.mask, layered.masks[0])


def test_what_is_covered_is_in_no_mask() -> None:
    worn = wearing(figure(RED).asked_for(1), figure(BLUE).asked_for(2), np.random.default_rng(0))
    both = np.minimum(np.asarray(worn.masks[1]), np.asarray(worn.masks[2]))
    assert both.max() < 200 and all(np.asarray(mask).any() for mask in worn.masks.values())

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from studio.packs.edges import clean_edges, opaque_at_rim, resized, without_specks


def blended_disc(matte: tuple[int, int, int], size: int = 96) -> Image.Image:
    """A red disc whose soft rim was mixed with a ground: what a fringe comes from."""
    large = Image.new("L", (size * 4, size * 4))
    ImageDraw.Draw(large).ellipse((60, 60, size * 4 - 60, size * 4 - 60), fill=255)
    alpha = large.resize((size, size), Image.Resampling.BOX)
    share = np.asarray(alpha, dtype=np.float32)[..., None] / 255
    mixed = share * np.array([220, 30, 40]) + (1 - share) * np.array(matte)
    return Image.fromarray(np.dstack([mixed.astype(np.uint8), np.asarray(alpha)]))


def worst_fringe(picture: Image.Image) -> float:
    """How far the colour of any visible border pixel is from the disc's red."""
    pixels = np.asarray(picture, dtype=np.float32)
    border = (pixels[..., 3] > 20) & (pixels[..., 3] < 240)
    assert border.any()
    return float(np.abs(pixels[border][:, :3] - [220, 30, 40]).max())


def test_a_white_and_a_black_fringe_go_and_alpha_stays_soft() -> None:
    for matte in ((255, 255, 255), (0, 0, 0)):
        fringed = blended_disc(matte)
        assert worst_fringe(fringed) > 100
        assert worst_fringe(clean_edges(fringed)) < 6


def test_the_inside_is_not_touched() -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 4), dtype=np.uint8))
    picture.putalpha(255)
    cleaned = np.asarray(clean_edges(picture))
    assert np.array_equal(cleaned[4:-4, 4:-4], np.asarray(picture)[4:-4, 4:-4])


def test_an_empty_picture_stays_empty() -> None:
    assert clean_edges(Image.new("RGBA", (32, 32))).getbbox() is None


def test_specks_ghosts_and_pinholes_go_and_thin_parts_that_hang_on_stay() -> None:
    picture = Image.new("RGBA", (256, 256))
    brush = ImageDraw.Draw(picture)
    brush.rectangle((60, 60, 180, 180), fill="green")
    brush.line((180, 100, 240, 100), fill="green", width=3)  # a tail
    brush.ellipse((20, 20, 24, 24), fill="green")  # a speck
    brush.ellipse((10, 200, 60, 250), fill=(0, 128, 0, 90))  # a ghost
    brush.point((120, 120), fill=(0, 0, 0, 0))  # a pinhole
    brush.rectangle((90, 90, 110, 110), fill=(0, 0, 0, 0))  # a hole that is meant
    alpha = np.asarray(without_specks(picture))[..., 3]
    assert alpha[100, 235] == 255
    assert alpha[22, 22] == alpha[225, 35] == alpha[100, 100] == 0
    assert alpha[120, 120] == 255


def test_scaling_mixes_no_colour_of_what_is_transparent() -> None:
    pixels = np.zeros((32, 32, 4), dtype=np.uint8)
    pixels[..., 1] = 255  # green where nothing is seen
    pixels[8:24, 8:24] = (200, 0, 0, 255)
    scaled = np.asarray(resized(Image.fromarray(pixels), (80, 80)))
    seen = scaled[scaled[..., 3] > 30]
    assert seen[:, 1].max() < 30
    assert scaled[40, 40].tolist() == [200, 0, 0, 255]


def test_an_enlarged_edge_is_sharp() -> None:
    pixels = np.zeros((32, 32, 4), dtype=np.uint8)
    pixels[:, 16:] = 255
    row = np.asarray(resized(Image.fromarray(pixels), (256, 256)))[128, :, 3]
    assert ((row > 10) & (row < 245)).sum() <= 6


def test_a_full_rectangle_is_told_from_a_cutout() -> None:
    assert opaque_at_rim(Image.new("RGBA", (16, 16), "blue"))
    assert not opaque_at_rim(blended_disc((0, 0, 0)))

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import resvg_py
from PIL import Image, ImageDraw, ImageFilter

from studio.errors import InvalidInput
from studio.packs.finishing import at_size, layered
from studio.packs.vector import svg

LIMIT = 150 * 1024
SVG = "{http://www.w3.org/2000/svg}"


def mug() -> Image.Image:
    picture = Image.new("RGBA", (160, 160))
    brush = ImageDraw.Draw(picture)
    brush.ellipse((80, 40, 150, 120), fill=(40, 90, 200))
    brush.ellipse((100, 58, 132, 102), fill=(0, 0, 0, 0))  # the handle is open
    brush.rectangle((20, 30, 100, 130), fill=(220, 60, 50))
    return picture


def rendered(data: bytes, edge: int = 512) -> Image.Image:
    png = bytes(resvg_py.svg_to_bytes(svg_string=data.decode(), width=edge, height=edge))
    return Image.open(io.BytesIO(png)).convert("RGBA")


def on(ground: str, picture: Image.Image) -> np.ndarray:
    whole = Image.new("RGBA", picture.size, ground)
    whole.alpha_composite(picture)
    return np.asarray(whole.convert("RGB")).astype(int)


@pytest.mark.parametrize(("outline", "shadow", "caption"), [(True, True, "Well done!"), (False, False, "")])
def test_it_looks_like_the_sticker_on_dark_and_on_light(outline: bool, shadow: bool, caption: str) -> None:
    layers = layered(mug(), outline=outline, shadow=shadow, caption=caption)
    drawn, wanted = rendered(svg(layers, "A mug", LIMIT)), at_size(layers.flat())
    for ground in ("black", "white"):
        far = np.abs(on(ground, drawn) - on(ground, wanted)).max(axis=2)
        thick = Image.fromarray(np.where(far > 48, 255, 0).astype(np.uint8)).filter(ImageFilter.MinFilter(3))
        assert (np.asarray(thick) > 0).mean() < 0.001, ground  # nothing but edges, not even a pixel off
        assert far.mean() < 2.5, ground
    alpha = np.asarray(wanted)[..., 3]
    seen = np.asarray(drawn)[..., 3]
    assert (seen[alpha == 255] > 250).mean() > 0.99  # no holes
    assert (seen[alpha == 0] < 8).mean() > 0.995  # no specks


def test_the_border_has_no_fringe_of_another_colour() -> None:
    seen = np.asarray(rendered(svg(layered(mug(), outline=False, shadow=False), "A mug", LIMIT))).astype(int)
    part = seen[:, :170]  # red alone
    soft = part[(part[..., 3] > 40) & (part[..., 3] < 215)]
    assert len(soft) > 50
    assert np.abs(soft[:, :3] - (220, 60, 50)).max() < 16


def test_letters_are_outlines_that_stay_sharp() -> None:
    layers = layered(mug(), caption="Hooray")
    data = svg(layers, "A mug", LIMIT)
    large = np.asarray(rendered(data, 2048))
    words = large[1650:2000]
    mixed = (words[..., :3].max(axis=2) > 60) & (words[..., :3].min(axis=2) < 230) & (words[..., 3] == 255)
    dark = (words[..., :3].max(axis=2) < 50) & (words[..., 3] == 255)
    assert dark.mean() > 0.05
    assert mixed.mean() < 0.012  # at four times the size an edge is still one pixel


def test_it_is_titled_and_made_of_shapes_alone() -> None:
    root = ET.fromstring(svg(layered(mug()), "Tom & <Bo>\x07", LIMIT))
    assert root.attrib == {"viewBox": "0 0 512 512", "role": "img"}
    assert root.findtext(f"{SVG}title") == "Tom & <Bo>"
    kinds = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert kinds <= {"svg", "title", "defs", "clipPath", "linearGradient", "stop", "g", "path"}


def test_names_differ_between_stickers_so_that_several_stand_in_one_page() -> None:
    ids = []
    red, green, blue, alpha = mug().split()
    for picture in (mug(), Image.merge("RGBA", (blue, red, green, alpha))):  # of one silhouette
        root = ET.fromstring(svg(layered(picture), "", LIMIT))
        ids.append({element.get("id") for element in root.iter() if element.get("id")})
    assert ids[0] and not ids[0] & ids[1]


def test_a_rich_picture_is_drawn_coarser_and_refused_only_at_the_very_end() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    layers = layered(Image.fromarray(noise).resize((320, 320), Image.Resampling.BICUBIC).convert("RGBA"))
    most = len(svg(layers, "", 10_000_000))
    assert len(svg(layers, "", most // 2)) <= most // 2
    with pytest.raises(InvalidInput, match="less than 900 bytes"):
        svg(layers, "", 900)

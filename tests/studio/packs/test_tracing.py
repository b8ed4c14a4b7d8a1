from __future__ import annotations

import io

import numpy as np
import resvg_py
from PIL import Image, ImageDraw

from studio.packs.edges import resized
from studio.packs.tracing import UNITS, Drawing, Grain, Shade, Shape, silhouette

FINE = Grain(tolerance=8, speckle=4)
EDGE = 256


def canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGBA", (EDGE, EDGE))
    return picture, ImageDraw.Draw(picture)


def rendered(paths: str) -> np.ndarray:
    words = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {EDGE * UNITS} {EDGE * UNITS}">{paths}</svg>'
    png = bytes(resvg_py.svg_to_bytes(svg_string=words, width=EDGE, height=EDGE))
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")).astype(int)


def painted(shapes: list[Shape]) -> np.ndarray:
    fills = [shape.fill if not isinstance(shape.fill, Shade) else shape.fill.colours[0] for shape in shapes]
    return rendered(
        "".join(f'<path fill="rgb{fill}" d="{one.path}"/>' for one, fill in zip(shapes, fills, strict=True))
    )


def test_a_silhouette_with_a_hole_is_where_it_was() -> None:
    picture, brush = canvas()
    brush.ellipse((30, 40, 220, 230), fill="red")
    brush.ellipse((90, 100, 150, 160), fill=(0, 0, 0, 0))
    drawn = rendered(f'<path d="{silhouette(picture.getchannel("A"))}"/>')[..., 3] > 127
    wanted = np.asarray(picture)[..., 3] > 127
    assert (drawn != wanted).mean() < 0.004
    assert not drawn[130, 120]


def test_flat_colours_keep_their_places_and_no_third_one_appears_between_them() -> None:
    picture, brush = canvas()
    brush.rectangle((20, 20, 235, 235), fill=(230, 120, 30))
    brush.ellipse((70, 70, 180, 180), fill=(30, 40, 60))
    mixed = resized(resized(picture, (128, 128)), (EDGE, EDGE))  # its edges are, as a model's are
    shapes = Drawing(mixed).shapes(FINE)
    seen = painted(shapes)
    assert np.abs(seen[128, 128, :3] - (30, 40, 60)).max() <= 3
    assert np.abs(seen[40, 40, :3] - (230, 120, 30)).max() <= 3
    inside = np.asarray(picture)[..., 3] > 0
    far = [np.abs(seen[..., :3] - colour).max(axis=2) > 30 for colour in ((230, 120, 30), (30, 40, 60))]
    assert (far[0] & far[1] & inside).sum() < 500  # not even two along each pixel of the border


def test_a_soft_shade_is_few_shapes_that_run_along_it() -> None:
    pixels = np.zeros((EDGE, EDGE, 4), np.uint8)
    pixels[20:236, 20:236] = (0, 90, 60, 255)
    pixels[20:236, 20:236, 0] = np.linspace(40, 230, 216).astype(np.uint8)
    shapes = Drawing(Image.fromarray(pixels)).shapes(FINE)
    assert len(shapes) < 40
    shades = [shape.fill for shape in shapes if isinstance(shape.fill, Shade)]
    assert shades
    for shade in shades:
        (x1, y1), (x2, y2) = shade.start, shade.end
        assert abs(y2 - y1) < abs(x2 - x1)  # it changes from left to right


def test_coarser_is_fewer_shapes_and_empty_is_none() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    drawing = Drawing(Image.fromarray(noise).resize((EDGE, EDGE), Image.Resampling.NEAREST).convert("RGBA"))
    assert len(drawing.shapes(Grain(tolerance=48, speckle=24))) < len(drawing.shapes(FINE))
    assert Drawing(Image.new("RGBA", (EDGE, EDGE))).shapes(FINE) == []
    assert silhouette(Image.new("L", (EDGE, EDGE))) == ""

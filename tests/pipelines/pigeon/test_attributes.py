from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipelines.pigeon.attributes import ATTRIBUTE_NAMES, ATTRIBUTES, measure, measure_all
from tests.pipelines.pigeon.drawn import ball, disc

RED, BLUE, PALE = (220, 40, 30), (50, 120, 225), (250, 190, 200)


def of(picture: Image.Image) -> dict[str, float]:
    return dict(zip(ATTRIBUTE_NAMES, map(float, measure(picture)), strict=True))


def test_every_attribute_is_named_once_and_explained() -> None:
    assert len(set(ATTRIBUTE_NAMES)) == len(ATTRIBUTES)
    assert all(one.low and one.high and one.low != one.high and one.measured for one in ATTRIBUTES)


@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("warmth", disc(BLUE), disc(RED)),
        ("red", disc(BLUE), disc(RED)),
        ("blue", disc(RED), disc(BLUE)),
        ("saturation", disc((120, 118, 122)), disc(RED)),
        ("brightness", disc((30, 30, 30)), disc((230, 230, 230))),
        ("pastel", disc(RED), disc(PALE)),
        ("outline", disc(RED), disc(RED, outline=True)),
        ("shading", disc(RED), ball(RED)),
        ("contrast", disc(RED), ball(RED)),
        ("fill", disc(RED, radius=0.2), disc(RED, radius=0.45)),
        ("mood", disc((235, 230, 235)), disc(RED)),
    ],
)
def test_what_is_measured_is_what_is_seen(name: str, less: Image.Image, more: Image.Image) -> None:
    assert of(less)[name] < of(more)[name] - 0.05


def test_texture_and_busyness_tell_noise_from_calm() -> None:
    numbers = np.random.default_rng(0)
    rough = Image.fromarray((128 + numbers.normal(0, 9, (96, 96, 1)).repeat(3, 2)).clip(0, 255).astype(np.uint8))
    calm = Image.new("RGB", (96, 96), (128, 128, 128))
    assert of(rough)["texture"] > of(calm)["texture"] + 0.2
    stripes = Image.fromarray(np.tile(np.array([[0, 0, 0, 255, 255, 255]], np.uint8), (96, 16)))
    assert of(stripes)["busyness"] > of(calm)["busyness"] + 0.3
    assert of(stripes)["angularity"] > 0.9


def test_composition() -> None:
    aside = Image.new("RGBA", (96, 96))
    aside.paste(disc(RED, size=40), (0, 0))
    assert of(aside)["centring"] < of(disc(RED))["centring"]
    assert of(aside)["symmetry"] < of(disc(RED))["symmetry"]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK"])
@pytest.mark.parametrize("size", [(1, 1), (2, 300), (640, 480)])
def test_any_picture_gives_finite_numbers(mode: str, size: tuple[int, int]) -> None:
    values = measure(Image.new(mode, size))
    assert values.shape == (len(ATTRIBUTES),) and np.isfinite(values).all()


def test_wholly_transparent_and_none() -> None:
    assert np.isfinite(measure(Image.new("RGBA", (64, 64)))).all()
    assert measure_all([]).shape == (0, len(ATTRIBUTES))


def test_colours_share_the_picture() -> None:
    values = of(disc(RED))
    colours = [values[name] for name in ATTRIBUTE_NAMES[-12:]]
    assert sum(colours) == pytest.approx(1, abs=1e-5) and values["red"] > 0.9

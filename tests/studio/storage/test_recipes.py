from __future__ import annotations

import dataclasses
import io
import json
import re

import numpy as np
import pytest
from PIL import ExifTags, Image

from studio.domain.generation import Recipe
from studio.storage.recipes import encode_png, encode_webp, own_json, parameters_text
from studio.version import VERSION

RECIPE = Recipe(
    prompt="a happy @zoë\nwith: commas, colons",
    seed=7,
    steps=8,
    guidance=4.0,
    fidelity=0.7,
    scheduler="DPM++ 2M",
    model="mini, the first: small",
    model_hash="0123456789",
    width=64,
    height=48,
    concepts=("0" * 32,),
    concept_names=("Zoë",),
)
PAIR = re.compile(r'\s*([\w ]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


@pytest.fixture
def picture() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 4), dtype=np.uint8)
    return Image.fromarray(pixels, "RGBA")


def read_by_others(text: str) -> tuple[str, dict[str, str]]:
    """Read an infotext as other studios do: the last line holds at least three pairs, quoted values are JSON."""
    *prompt, last = text.split("\n")
    pairs = {key: json.loads(value) if value.startswith('"') else value for key, value in PAIR.findall(last)}
    assert len(pairs) >= 3
    return "\n".join(prompt), pairs


def test_the_text_is_read_back_whole() -> None:
    prompt, pairs = read_by_others(parameters_text(RECIPE))
    assert prompt == RECIPE.prompt
    assert pairs == {
        "Steps": "8",
        "Sampler": "DPM++ 2M",
        "CFG scale": "4",
        "Seed": "7",
        "Size": "64x48",
        "Model hash": "0123456789",
        "Model": "mini, the first: small",
        "Fidelity": "0.7",
        "Pose": "drawn",
        "Version": f"Keepsake {VERSION}",
    }


def test_our_own_chunk_holds_the_recipe_but_no_names_or_ids() -> None:
    values = json.loads(own_json(RECIPE))
    assert (values["prompt"], values["seed"], values["schema"]) == (RECIPE.prompt, 7, 1)
    assert "concept_names" not in values
    assert len(values["concepts"]) == 1
    assert RECIPE.concepts[0] not in own_json(RECIPE)


@pytest.mark.parametrize("recipe", [None, RECIPE])
def test_a_png_is_lossless_and_carries_what_it_should(picture: Image.Image, recipe: Recipe | None) -> None:
    with Image.open(io.BytesIO(encode_png(picture, recipe))) as again:
        assert again.format == "PNG"
        assert np.array_equal(np.asarray(again), np.asarray(picture))
        expected = {} if recipe is None else {"parameters": parameters_text(RECIPE), "keepsake": own_json(RECIPE)}
        assert again.info == expected


def test_a_prompt_of_plain_letters_is_a_plain_text_chunk(picture: Image.Image) -> None:
    assert b"tEXtparameters\0" in encode_png(picture, RECIPE)  # what is latin-1 need not be iTXt
    assert b"iTXtparameters\0" in encode_png(picture, dataclasses.replace(RECIPE, prompt="熊"))


@pytest.mark.parametrize("recipe", [None, RECIPE])
def test_a_webp_is_lossless_under_transparency_too(picture: Image.Image, recipe: Recipe | None) -> None:
    with Image.open(io.BytesIO(encode_webp(picture, recipe))) as again:
        assert again.format == "WEBP"
        assert np.array_equal(np.asarray(again), np.asarray(picture))
        comment = again.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
        if recipe is None:
            assert comment is None
            assert "exif" not in again.info
        else:
            assert comment.removeprefix(b"UNICODE\0").decode("utf-16-be") == parameters_text(RECIPE)


def test_a_clean_copy_also_drops_what_the_picture_came_with(picture: Image.Image) -> None:
    picture.info["parameters"] = picture.info["comment"] = "a secret"
    assert b"secret" not in encode_png(picture)
    assert b"secret" not in encode_webp(picture)


def test_a_palette_is_told_and_what_was_drawn_like_stays_here() -> None:
    recipe = dataclasses.replace(RECIPE, palette=("#aa3311", "#ffd166"), like="ab/cd.png", taste_share=0.5)
    assert "Palette: #aa3311 #ffd166" in parameters_text(recipe) and "Palette" not in parameters_text(RECIPE)
    told = json.loads(own_json(recipe))
    assert told["palette"] == ["#aa3311", "#ffd166"] and told["taste_share"] == 0.5 and "like" not in told

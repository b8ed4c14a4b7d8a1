from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save

from studio.domain.concepts import AddConceptRequest
from studio.domain.generation import GenerateRequest
from studio.domain.style_loras import AddStyleLoraRequest, StyleLora
from studio.engines.base import Style
from studio.engines.fake import FakeImageEngine
from studio.errors import InvalidInput, NameTaken, NotFound
from studio.storage.recipes import own_json, parameters_text
from studio.studio import Studio

PATIENCE = 20.0
FILE = save(
    {"lora_unet_a.lora_down.weight": np.ones((2, 4), np.float16)}, {"modelspec.trigger_phrase": "in @pixel style"}
)


def add(studio: Studio, data: bytes = FILE, **more: object) -> StyleLora:
    return studio.style_loras.add(AddStyleLoraRequest(data=data, **more)).result(PATIENCE)  # type: ignore[arg-type]


def drawn(studio: Studio, prompt: str = "a dog", **more: object):
    return studio.generation.start(GenerateRequest(prompt=prompt, seed=7, **more)).result(PATIENCE)[0]  # type: ignore[arg-type]


def engine_of(studio: Studio) -> FakeImageEngine:
    engine = studio.generation._artist.image.engine()  # type: ignore[attr-defined]
    assert isinstance(engine, FakeImageEngine)
    return engine


def test_a_file_is_kept_as_it_came_with_what_it_says(studio: Studio) -> None:
    added = add(studio, file_name="../x/Pixel_art.safetensors")
    assert (added.name, added.trigger, added.strength, added.layers) == ("Pixel art", "in pixel style", 1.0, 1)
    assert studio.style_loras.list() == [added] == [studio.style_loras.get("PIXEL art")]
    assert studio.style_loras.file(added.id).data == FILE
    assert studio.style_loras.file(added.id).name == "pixel-art.safetensors"


def test_a_picture_is_drawn_with_it_and_says_so(studio: Studio, photo: Callable[..., bytes]) -> None:
    studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(),), kind="dog")).result(PATIENCE)
    style = add(studio, name="Pixels", strength=0.8)
    plain, styled = drawn(studio, "a @bo"), drawn(studio, "a @bo", style_lora="pixels")
    assert plain.file != styled.file
    job = engine_of(studio).requests[-1]
    assert job.style == Style(file=FILE, strength=0.8) and job.prompt == "a @bo, in pixel style"
    assert [subject.mention for subject in job.subjects] == ["bo"]
    assert engine_of(studio).requests[0].style is None
    recipe = studio.gallery.get(styled.id).recipe
    assert (recipe.style_lora, recipe.style_name, recipe.style_strength) == (style.id, "Pixels", 0.8)
    assert f'Lora hashes: "style: {style.digest}", Style strength: 0.8' in parameters_text(recipe)
    assert style.digest in own_json(recipe) and "Pixels" not in own_json(recipe)
    assert [one.id for one in studio.gallery.list(text="pixels")] == [styled.id]
    weak = drawn(studio, "a @bo", style_lora=style.id, style_strength=0.0)
    assert engine_of(studio).requests[-1].style == Style(file=FILE, strength=0.0)
    assert weak.recipe.style_strength == 0.0
    assert drawn(studio, "a @bo").file == plain.file


def test_what_is_said_of_it_can_be_changed(studio: Studio) -> None:
    style = add(studio, name="Pixels")
    changed = studio.style_loras.edit(style.id, name="Big pixels", trigger="", strength=1.5)
    assert studio.style_loras.list() == [changed]
    drawn(studio, style_lora="big pixels")
    assert engine_of(studio).requests[-1].prompt == "a dog"
    add(studio, name="Pixels", trigger="x")
    with pytest.raises(NameTaken, match="Pixels already"):
        studio.style_loras.edit(style.id, name="pixels")
    with pytest.raises(NameTaken):
        add(studio, name="PIXELS")
    with pytest.raises(InvalidInput, match="between 0 and"):
        studio.style_loras.edit(style.id, strength=2.0)


def test_removed_it_is_gone_with_its_file_and_the_pictures_stay(studio: Studio) -> None:
    style = add(studio, name="Pixels")
    picture = drawn(studio, style_lora="Pixels")
    receipt = studio.style_loras.remove(style.id)
    assert receipt.complete and receipt.bytes == len(FILE)
    assert not studio.files.exists(style.file) and studio.style_loras.list() == []
    assert studio.gallery.get(picture.id).recipe.style_name == "Pixels"
    with Image.open(io.BytesIO(studio.files.get(picture.file))) as there:
        assert there.size == (64, 64)
    with pytest.raises(NotFound, match="none has been added yet"):
        drawn(studio, style_lora="Pixels")


def test_one_that_goes_while_its_picture_waits_gets_a_sentence(studio: Studio) -> None:
    style = add(studio, name="Pixels")
    work = studio.generation.work(GenerateRequest(prompt="a dog", style_lora="Pixels"))
    studio.style_loras.remove(style.id)
    with pytest.raises(NotFound, match="no style LoRA 'Pixels'"):
        work(lambda *_: None)


def test_those_of_others_are_not_there_and_a_shared_file_stays(studio: Studio) -> None:
    mine, hers = add(studio, name="Pixels"), add(studio, name="Pixels", owner="anna")
    assert mine.file == hers.file
    for ask in (studio.style_loras.get, studio.style_loras.file, studio.style_loras.remove):
        with pytest.raises(NotFound):
            ask(hers.id)
    with pytest.raises(NotFound):
        drawn(studio, style_lora=hers.id)
    receipt = studio.style_loras.remove(mine.id)
    assert receipt.complete and receipt.bytes == 0 and [one.count for one in receipt.stayed] == [1]
    assert studio.style_loras.file(hers.id, "anna").data == FILE


def test_a_bad_file_leaves_nothing(studio: Studio) -> None:
    before = list(studio.files.keys())
    for data in (b"", b"\x80\x04pickle", FILE[:-3], save({"a": np.ones(2)})):
        with pytest.raises(InvalidInput):
            add(studio, data)
    assert list(studio.files.keys()) == before and studio.style_loras.list() == []

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from studio.domain.concepts import AddConceptRequest
from studio.domain.generation import GenerateRequest, Picture
from studio.errors import InvalidInput, NotFound
from studio.storage.recipes import parameters_text
from studio.studio import Studio

PATIENCE = 20.0


def draw(studio: Studio, prompt: str = "a dog", count: int = 1, owner: str = "local") -> tuple[Picture, ...]:
    request = GenerateRequest(prompt=prompt, count=count, seed=1, steps=1, owner=owner)
    return studio.generation.start(request).result(PATIENCE)


def test_pages_follow_each_other(studio: Studio) -> None:
    made = draw(studio, count=5)
    first = studio.gallery.list(limit=2)
    second = studio.gallery.list(limit=2, before=first[-1].id)
    third = studio.gallery.list(limit=2, before=second[-1].id)
    assert [*first, *second, *third] == list(reversed(made))
    assert studio.gallery.list(before=third[-1].id) == []


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_page_has_bounds(studio: Studio, limit: int) -> None:
    with pytest.raises(InvalidInput, match=f"limit is {limit}"):
        studio.gallery.list(limit=limit)
    with pytest.raises(InvalidInput, match="201 characters"):
        studio.gallery.list(text="x" * 201)


def test_pictures_are_found_by_concept_also_after_it_is_renamed_and_forgotten(
    studio: Studio, photo: Callable[..., bytes]
) -> None:
    bo = studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(),))).result(PATIENCE)
    (shown,) = draw(studio, "a happy @bo")
    draw(studio, "a dog")
    for name in ("Bo", "@bo", bo.id):
        assert studio.gallery.list(concept=name) == [shown]
    studio.concepts.edit(bo.id, name="Bobby")
    assert studio.gallery.list(concept="Bobby") == [shown]
    studio.concepts.forget(bo.id)
    assert studio.gallery.list(concept="Bo") == studio.gallery.list(concept=bo.id) == [shown]
    assert studio.gallery.list(concept="nobody") == []


def test_pictures_are_found_by_words_in_any_case_and_order(studio: Studio) -> None:
    (wanted,) = draw(studio, "a Happy dog in the RAIN, Ärger")
    draw(studio, "a sad cat")
    for text in ("rain HAPPY", " ärger ", "dog"):
        assert studio.gallery.list(text=text) == [wanted]
    assert studio.gallery.list(text="happy cat") == []
    assert studio.gallery.list(text="%") == []


def test_a_rating_is_kept_and_can_be_taken_back(studio: Studio) -> None:
    (made,) = draw(studio)
    for liked in (True, False, None):
        assert studio.gallery.rate(made.id, liked).liked is liked
        assert studio.gallery.get(made.id).liked is liked


def test_a_deleted_picture_is_gone_with_its_file(studio: Studio) -> None:
    (made,) = draw(studio)
    studio.files.thumbnail(made.file)
    studio.gallery.delete(made.id)
    assert studio.gallery.list() == []
    assert list(studio.files.keys()) == []
    for access in (studio.gallery.get, studio.gallery.delete):
        with pytest.raises(NotFound, match=made.id):
            access(made.id)


@pytest.mark.parametrize("format", ["png", "webp"])
@pytest.mark.parametrize("recipe", [True, False])
def test_a_picture_can_be_taken_away_without_loss(studio: Studio, format: str, recipe: bool) -> None:
    (made,) = draw(studio)
    data = studio.gallery.export(made.id, format, recipe=recipe)  # type: ignore[arg-type]
    with Image.open(io.BytesIO(data)) as taken, Image.open(io.BytesIO(studio.files.get(made.file))) as kept:
        assert taken.format == format.upper()
        assert taken.mode == "RGBA"
        assert np.array_equal(np.asarray(taken), np.asarray(kept))
        if format == "png":
            assert set(taken.info) == ({"parameters", "keepsake"} if recipe else set())
            assert taken.info.get("parameters", parameters_text(made.recipe)) == parameters_text(made.recipe)
        else:
            assert bool(taken.getexif()) is recipe


def test_an_unknown_format_is_refused(studio: Studio) -> None:
    (made,) = draw(studio)
    with pytest.raises(InvalidInput, match="'bmp'"):
        studio.gallery.export(made.id, "bmp")  # type: ignore[arg-type]


def test_two_owners_never_meet(studio: Studio) -> None:
    (annas,) = draw(studio, owner="anna")
    (bens,) = draw(studio, owner="ben")
    assert annas.file == bens.file  # equal contents are one file
    assert studio.gallery.list("anna") == [annas]
    assert studio.gallery.list() == []
    for access in (
        lambda: studio.gallery.get(annas.id, "ben"),
        lambda: studio.gallery.rate(annas.id, True, "ben"),
        lambda: studio.gallery.delete(annas.id, "ben"),
        lambda: studio.gallery.export(annas.id, "png", owner="ben"),
    ):
        with pytest.raises(NotFound):
            access()
    assert studio.gallery.list("ben", before="f" * 32, text="dog") == [bens]
    studio.gallery.delete(annas.id, "anna")
    assert studio.gallery.export(bens.id, "png", owner="ben")

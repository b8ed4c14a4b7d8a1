from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image

from studio.domain.concepts import AddConceptRequest
from studio.domain.generation import GenerateRequest, Picture
from studio.domain.posters import PosterWords, size_of
from studio.errors import NotFound, UnknownConcept
from studio.services.posters import printed_dpi
from studio.studio import Studio

PATIENCE = 60.0
WORDS = PosterWords(title="Bo")


@pytest.fixture
def picture(studio: Studio) -> Picture:
    return studio.generation.start(GenerateRequest(prompt="a fox", seed=3)).result(PATIENCE)[0]


def test_a_picture_becomes_a_poster_that_is_made_once(studio: Studio, picture: Picture) -> None:
    first, second = (studio.posters.make(picture.id, WORDS, template="portrait", size=size_of("A5")) for _ in range(2))
    assert first is second
    assert first.pdf.startswith(b"%PDF")
    with Image.open(io.BytesIO(studio.posters.preview(first, 300))) as look:
        assert look.size == pytest.approx((300, 426), abs=2)


def test_a_screen_format_is_rendered_to_its_pixels(studio: Studio, picture: Picture) -> None:
    poster = studio.posters.make(picture.id, WORDS, template="quote", size=size_of("square"))
    with Image.open(io.BytesIO(studio.posters.file(poster, "png"))) as shown:
        assert shown.size == (1080, 1080)


def test_large_sheets_are_rendered_at_half_the_resolution() -> None:
    assert [round(printed_dpi(size_of(name))) for name in ("A5", "A3", "A2", "24x36in", "story")] == [
        300, 300, 150, 150, 96,
    ]  # fmt: skip


def test_a_thing_is_drawn_for_a_poster(studio: Studio, photo: Callable[..., bytes]) -> None:
    studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(),), kind="dog")).result(PATIENCE)
    (drawn,) = studio.posters.draw("Bo", seed=4).result(PATIENCE)
    assert (drawn.recipe.prompt, drawn.recipe.seed) == ("@bo", 4)
    with pytest.raises(UnknownConcept):
        studio.posters.draw("nobody")


def test_somebody_elses_picture_is_not_there(studio: Studio, picture: Picture) -> None:
    with pytest.raises(NotFound):
        studio.posters.make(picture.id, WORDS, template="film", size=size_of("A5"), owner="anna")

from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from PIL import Image

from studio.bootstrap import build_studio
from studio.config import StudioConfig
from studio.domain.concepts import AddConceptRequest
from studio.domain.drawings import InTaste
from studio.domain.generation import GenerateRequest, Picture
from studio.domain.taste import TasteVariant
from studio.engines.base import ImageJob, Report
from studio.errors import InvalidInput, InvalidPhoto, NotFound, UnknownConcept
from studio.services.taste_drawing import TasteRequest
from studio.storage.drawings import DrawingRepository
from studio.studio import Studio

PATIENCE = 60.0


def plain(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def nik(studio: Studio) -> Studio:
    """Somebody who likes warm colours."""
    liked = [(f"{n}.png", lambda n=n: plain((220, 60 + 20 * n, 20))) for n in range(4)]
    studio.tastes.import_pictures("Nik", liked, [("b.png", lambda: plain((20, 30, 220)))]).result(PATIENCE)
    return studio


def request(**more) -> TasteRequest:
    drawing = GenerateRequest(prompt=more.pop("prompt", "a cat"), count=4, seed=7)
    return TasteRequest(**{"drawing": drawing, "taste": "Nik", "tries": 4, **more})


def interrupt(studio: Studio, asked: TasteRequest) -> None:
    """Begin what is asked and close the studio while it is drawn."""
    begun, go = threading.Event(), threading.Event()
    engine = studio.generation._artist.image.engine()  # type: ignore[attr-defined]
    draw = engine.generate

    def slowly(job: ImageJob, report: Report) -> list[Image.Image]:
        begun.set()
        assert go.wait(PATIENCE)
        return draw(job, report)

    engine.generate = slowly  # type: ignore[method-assign]
    studio.taste_drawing.start(asked)
    assert begun.wait(PATIENCE)
    studio.jobs.close(timeout=0)
    go.set()
    studio.close()


def warmth(studio: Studio, key: str) -> float:
    with Image.open(io.BytesIO(studio.files.get(key))) as picture:
        layer = Image.new("RGBA", picture.size, "white")
        layer.alpha_composite(picture.convert("RGBA"))
    values = np.asarray(layer.convert("RGB"), float)
    return float((values[..., 0] - values[..., 2]).mean())


def test_what_is_shown_is_what_the_taste_prefers_at_the_same_seeds(nik: Studio) -> None:
    shown = nik.taste_drawing.start(request()).result(PATIENCE)
    assert [picture.recipe.seed for picture in shown] == [7, 8, 9, 10]
    personal = [picture for picture in shown if picture.recipe.taste]
    assert personal
    for picture in personal:
        beside = nik.gallery.get(picture.recipe.plain)
        assert beside.recipe.seed == picture.recipe.seed and beside.recipe.prompt == "a cat"
        assert picture.recipe.taste == "Nik" and picture.recipe.prompt != "a cat"
        assert picture.recipe.taste_score > picture.recipe.plain_score == beside.recipe.plain_score
        assert warmth(nik, picture.file) > warmth(nik, beside.file)


def test_the_plain_picture_stays_where_nothing_is_better(nik: Studio) -> None:
    nik.tastes.edit("Nik", {"warmth": 0.0, "brightness": 0.0, "contrast": 0.0})  # everything is liked the same
    shown = nik.taste_drawing.start(request()).result(PATIENCE)
    assert [picture.recipe.taste for picture in shown] == [""] * 4
    assert all(picture.recipe.plain_score == pytest.approx(0.5) for picture in shown)
    assert len(nik.gallery.list()) == 4


def test_a_replayed_recipe_needs_no_taste(nik: Studio) -> None:
    shown = nik.taste_drawing.start(request()).result(PATIENCE)
    picture = next(one for one in shown if one.recipe.taste)
    again = GenerateRequest(prompt=picture.recipe.prompt, seed=picture.recipe.seed)
    (same,) = nik.generation.start(again).result(PATIENCE)
    with (
        Image.open(io.BytesIO(nik.files.get(same.file))) as one,
        Image.open(io.BytesIO(nik.files.get(picture.file))) as other,
    ):
        assert np.array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("tastes", [False, True])
def test_tokens_reach_an_image_engine_that_reads_them(nik: Studio, tastes: bool, monkeypatch) -> None:
    engine = nik.generation._artist.image.engine()
    monkeypatch.setattr(engine, "_tastes", tastes)
    ways = (TasteVariant(style="flat style", colour="red", tokens=b"told"), TasteVariant(style="", colour=""))
    monkeypatch.setattr(nik.taste_drawing._engine, "variants", lambda *_: ways)
    nik.taste_drawing.start(request(tries=2)).result(PATIENCE)
    told = [(job.prompt, job.taste) for job in engine.requests]
    assert told == [("a cat", b""), ("a red cat, flat style", b"told" if tastes else b"")]


def test_a_concept_keeps_its_colours(nik: Studio, photo) -> None:
    nik.concepts.add(AddConceptRequest(name="Bo", photos=(photo(),))).result(PATIENCE)
    told = nik.taste_drawing.prompts(request(prompt="a happy @bo"))
    assert told == tuple(f"a happy @bo, {style} style" for style in ("glossy", "flat", "soft", "modern"))


def test_refused_before_anything_is_drawn(nik: Studio) -> None:
    nik.tastes.create("Ana")
    with pytest.raises(InvalidInput, match="Ana knows nothing yet"):
        nik.taste_drawing.start(request(taste="Ana"))
    with pytest.raises(NotFound, match="no taste called 'nobody'"):
        nik.taste_drawing.start(request(taste="nobody"))
    with pytest.raises(UnknownConcept):
        nik.taste_drawing.start(request(prompt="@nobody"))
    with pytest.raises(InvalidInput, match="tries is 9"):
        request(tries=9)
    with pytest.raises(InvalidInput, match="amount"):
        request(amount="all")
    assert not nik.gallery.list()


def test_what_the_end_of_the_studio_interrupted_is_drawn_again_in_its_taste(
    fake_config: StudioConfig, nik: Studio
) -> None:
    interrupt(nik, request(amount="touch"))
    later = build_studio(fake_config)
    (drawing,) = later.generation.interrupted()
    assert drawing.in_taste == InTaste(taste="Nik", amount="touch", tries=4)
    assert drawing.request.seed == 7
    shown = later.taste_drawing.resume(drawing.id).result(PATIENCE)
    assert [picture.recipe.seed for picture in shown] == [7, 8, 9, 10]
    assert {picture.recipe.taste for picture in shown} >= {"Nik"}
    assert later.generation.interrupted() == []
    with pytest.raises(NotFound, match="interrupted"):
        later.taste_drawing.resume(drawing.id)
    later.close()


def test_what_ended_is_not_offered_again(nik: Studio) -> None:
    nik.taste_drawing.start(request()).result(PATIENCE)
    with nik.database.read() as session:
        assert DrawingRepository(session).all("local") == []


LIKE = plain((30, 200, 60))


def pixels(studio: Studio, picture: Picture) -> np.ndarray:
    with Image.open(io.BytesIO(studio.files.get(picture.file))) as image:
        return np.asarray(image)


def test_like_a_picture_without_a_taste(studio: Studio) -> None:
    shown = studio.taste_drawing.start(request(taste="", like=LIKE)).result(PATIENCE)
    alike = [picture for picture in shown if picture.recipe.plain]
    assert alike
    for picture in alike:
        recipe = picture.recipe
        assert recipe.palette == ("#1dc83c",)  # as JPEG keeps it
        assert recipe.taste_share == 0 and recipe.taste == ""
        assert recipe.taste_score is None and studio.files.exists(recipe.like)
        assert recipe.like_score > studio.gallery.get(recipe.plain).recipe.like_score
        again = GenerateRequest(prompt=recipe.prompt, seed=recipe.seed, palette=recipe.palette)
        (same,) = studio.generation.start(again).result(PATIENCE)  # the recipe needs no reference
        assert np.array_equal(pixels(studio, same), pixels(studio, picture))


def test_at_one_everything_is_as_without_the_picture(nik: Studio) -> None:
    without = nik.taste_drawing.start(request()).result(PATIENCE)
    beside = nik.taste_drawing.start(request(like=LIKE, taste_share=1.0)).result(PATIENCE)
    assert any(picture.recipe.taste for picture in without)
    for one, other in zip(without, beside, strict=True):
        assert np.array_equal(pixels(nik, one), pixels(nik, other))
        assert (one.recipe.prompt, one.recipe.palette, one.recipe.taste_score) == (
            other.recipe.prompt, other.recipe.palette, other.recipe.taste_score,
        )  # fmt: skip
        assert other.recipe.taste_share == (1 if other.recipe.taste else None)


def test_at_nothing_a_taste_has_no_say(nik: Studio) -> None:
    nobody = nik.taste_drawing.start(request(taste="", like=LIKE)).result(PATIENCE)
    at_nothing = nik.taste_drawing.start(request(like=LIKE, taste_share=0.0)).result(PATIENCE)
    for one, other in zip(nobody, at_nothing, strict=True):
        assert np.array_equal(pixels(nik, one), pixels(nik, other))
        assert other.recipe.taste == ""
    nik.tastes.create("Ana")  # who has learned nothing is not asked either
    assert nik.taste_drawing.start(request(taste="Ana", like=LIKE, taste_share=0.0)).result(PATIENCE)


def test_half_and_half_where_nothing_is_said(nik: Studio) -> None:
    shown = nik.taste_drawing.start(request(like=plain((230, 150, 90)))).result(PATIENCE)
    assert {picture.recipe.taste_share for picture in shown} <= {0.5, None}
    told = [picture.recipe for picture in shown if picture.recipe.taste]
    assert told and all(recipe.taste_score is not None and recipe.like_score is not None for recipe in told)


def test_like_a_picture_of_the_gallery(studio: Studio) -> None:
    (first,) = studio.generation.start(GenerateRequest(prompt="a boat", seed=1, palette=("#1030ff",))).result(PATIENCE)
    shown = studio.taste_drawing.start(request(taste="", like_picture=first.id)).result(PATIENCE)
    alike = [picture for picture in shown if picture.recipe.plain]
    assert alike and {picture.recipe.like for picture in alike} == {first.file}
    studio.gallery.delete(first.id)  # what was drawn like it stays, and nothing of it does
    assert not studio.files.exists(first.file)
    assert {studio.gallery.get(picture.id).recipe.like for picture in alike} == {""}
    assert {studio.gallery.get(picture.id).recipe.taste_share for picture in alike} == {0.0}
    with pytest.raises(NotFound):
        studio.taste_drawing.start(request(taste="", like_picture=first.id))


def test_a_reference_goes_with_the_last_picture_that_was_drawn_like_it(studio: Studio) -> None:
    shown = studio.taste_drawing.start(request(taste="", like=LIKE)).result(PATIENCE)
    alike = [picture for picture in shown if picture.recipe.plain]
    like = alike[0].recipe.like
    for picture in alike:
        assert studio.files.exists(like)
        studio.gallery.delete(picture.id)
    assert not studio.files.exists(like)


def test_nothing_but_its_pixels_is_kept_of_a_reference(studio: Studio, photo) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (52.0, 30.0, 0.0)  # where it was taken
    exif[0x010F] = "a camera"
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(photo())) as plainly:
        plainly.save(buffer, "JPEG", exif=exif)
    shown = studio.taste_drawing.start(request(taste="", like=buffer.getvalue())).result(PATIENCE)
    picture = next(one for one in shown if one.recipe.plain)
    kept = studio.files.get(picture.recipe.like)
    assert b"Exif" not in kept and b"camera" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert not image.getexif()


def test_an_image_engine_without_palettes_is_told_in_words(studio: Studio, monkeypatch) -> None:
    engine = studio.generation._artist.image.engine()
    monkeypatch.setattr(engine, "_palettes", False)
    studio.taste_drawing.start(request(taste="", like=LIKE, tries=1)).result(PATIENCE)
    assert [(job.prompt, job.palette) for job in engine.requests] == [
        ("a cat", ()), ("a red cat, glossy style", ()),
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="fake takes no palette"):
        studio.generation.start(GenerateRequest(prompt="a cat", palette=("#112233",)))


def test_what_cannot_be_drawn_like_is_refused_before_anything_is_drawn(nik: Studio) -> None:
    nik.tastes.create("Ana")
    with pytest.raises(InvalidPhoto, match="not a picture"):
        nik.taste_drawing.start(request(like=b"no picture"))
    with pytest.raises(InvalidInput, match="Ana knows nothing yet"):
        nik.taste_drawing.start(request(taste="Ana", like=LIKE, taste_share=0.3))
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(InvalidInput, match="between 0"):
            request(like=LIKE, taste_share=share)
    with pytest.raises(InvalidInput, match="no taste is named"):
        request(taste="", like=LIKE, taste_share=0.5)
    with pytest.raises(InvalidInput, match="needs a picture"):
        request(taste_share=0.5)
    with pytest.raises(InvalidInput, match="neither a taste nor a picture"):
        request(taste="")
    assert not nik.gallery.list()


def test_what_was_interrupted_is_drawn_like_its_picture_again(fake_config: StudioConfig, nik: Studio) -> None:
    interrupt(nik, request(like=LIKE, taste_share=0.25))
    later = build_studio(fake_config)
    (drawing,) = later.generation.interrupted()
    assert drawing.in_taste is not None and drawing.in_taste.share == 0.25
    assert later.files.exists(drawing.in_taste.like)
    shown = later.taste_drawing.resume(drawing.id).result(PATIENCE)
    assert 0.25 in {picture.recipe.taste_share for picture in shown}
    later.close()


def test_the_like_minded_help_to_choose_until_one_side_withdraws(nik: Studio) -> None:
    liked = [(f"{n}.png", lambda n=n: plain((200, 30 + 25 * n, 40))) for n in range(6)]
    refused = [(f"b{n}.png", lambda n=n: plain((20, 40 * n, 220))) for n in range(4)]
    nik.tastes.import_pictures("Ana", liked, refused, "anna").result(PATIENCE)

    def scores() -> list[float | None]:
        return [one.recipe.plain_score for one in nik.taste_drawing.start(request()).result(PATIENCE)]

    alone = scores()
    nik.tastes.share("Ana", True, "anna")
    assert scores() == alone  # Nik has not agreed
    nik.tastes.share("Nik", True)
    assert scores() != alone
    nik.tastes.share("Ana", False, "anna")
    assert scores() == alone

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.bootstrap import build_studio
from studio.config import StudioConfig
from studio.domain.concepts import AddConceptRequest, Concept
from studio.domain.recognition import PHOTOS_MAX, Recognition
from studio.engines.fake import FakeRecognitionEngine
from studio.errors import InvalidInput, InvalidPhoto, NotFound, UnknownConcept
from studio.services.recognition import WORKING_EDGE, Seen
from studio.studio import Studio

PATIENCE = 20.0
Photos = Callable[..., bytes]


@pytest.fixture
def engine(studio: Studio) -> FakeRecognitionEngine:
    made = studio.recognition._engine.engine()  # type: ignore[attr-defined]
    assert isinstance(made, FakeRecognitionEngine)
    return made


def add(studio: Studio, name: str, *photos: bytes, owner: str = "local") -> Concept:
    return studio.concepts.add(AddConceptRequest(name=name, photos=photos, owner=owner)).result(PATIENCE)


def look(studio: Studio, *photos: bytes, owner: str = "local") -> tuple[Seen, ...]:
    return studio.recognition.look(photos, owner).result(PATIENCE)


def answer(studio: Studio, *photos: bytes, owner: str = "local") -> tuple[Recognition, ...]:
    return studio.recognition.answer(look(studio, *photos, owner=owner), owner)


def beside(*photos: bytes) -> bytes:
    """Return photos of one size side by side, without loss."""
    opened = [Image.open(io.BytesIO(photo)).convert("RGB") for photo in photos]
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate([np.asarray(one) for one in opened], axis=1)).save(buffer, "PNG")
    return buffer.getvalue()


def names(recognition: Recognition) -> list[str | None]:
    return [one.concept for one in recognition.found]


class TestLook:
    def test_known_things_are_named_where_they_are(self, studio: Studio, photo: Photos) -> None:
        add(studio, "Bo", photo(1))
        add(studio, "Mug", photo(2))
        (found,) = answer(studio, beside(photo(2), photo(3)))
        assert found.concepts == ("Mug",) and found.unknown == 1
        assert (found.width, found.height) == (192, 64)
        assert [one.box for one in found.found] == [(0, 0, 96, 64), (96, 0, 192, 64)]

    def test_boxes_are_in_pixels_of_the_upright_photo(self, studio: Studio, photo: Photos) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # the phone lay on its side
        (seen,) = look(studio, photo(1, size=(3000, 1000), exif=exif))
        (found,) = studio.recognition.answer([seen])
        assert (found.width, found.height) == (1000, 3000)
        assert found.found[0].box == (0, 0, 1000, 3000)
        with Image.open(io.BytesIO(seen.photo)) as kept:
            assert max(kept.size) == WORKING_EDGE and not kept.getexif()

    def test_the_engine_is_told_what_kinds_of_things_are_known(
        self, studio: Studio, photo: Photos, engine: FakeRecognitionEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[Sequence[str]] = []
        places = engine.places
        monkeypatch.setattr(engine, "places", lambda photo, kinds=(): (told.append(kinds), places(photo))[1])
        for name, kind in (("Bo", "dog"), ("Rex", "dog"), ("Cup", "mug")):
            request = AddConceptRequest(name=name, kind=kind, photos=(photo(len(told) + 1),))
            studio.concepts.add(request).result(PATIENCE)
        add(studio, "Else", photo(9), owner="another")
        look(studio, photo(1))
        assert told == [["dog", "mug"]]

    def test_with_nothing_known_everything_is_unknown(self, studio: Studio, photo: Photos) -> None:
        assert names(answer(studio, photo(1))[0]) == [None]

    def test_many_photos_in_one_go(self, studio: Studio, photo: Photos, engine: FakeRecognitionEngine) -> None:
        add(studio, "Bo", photo(0))
        answers = answer(studio, *(photo(number) for number in range(5)))
        assert [found.concepts for found in answers] == [("Bo",), (), (), (), ()]
        assert len(engine.seen) == 5

    @pytest.mark.parametrize(("count", "named"), [(0, "no photo"), (PHOTOS_MAX + 1, "41")])
    def test_no_photo_and_too_many_are_refused(self, studio: Studio, count: int, named: str) -> None:
        with pytest.raises(InvalidInput, match=named):
            studio.recognition.look([b"x"] * count)

    def test_a_bad_photo_is_named_by_its_place(self, studio: Studio, photo: Photos) -> None:
        with pytest.raises(InvalidPhoto, match="Photo 2 of 2"):
            studio.recognition.look([photo(1), b"no picture"])

    def test_nothing_of_the_photo_is_kept(self, studio: Studio, photo: Photos) -> None:
        answer(studio, photo(1))
        assert list(studio.files.keys()) == []


class TestMemory:
    def test_what_was_looked_at_once_is_not_looked_at_again(
        self, studio: Studio, fake_config: StudioConfig, photo: Photos, engine: FakeRecognitionEngine
    ) -> None:
        add(studio, "Bo", photo(1), photo(2))
        answer(studio, photo(1))
        answer(studio, photo(1))
        assert len(engine.remembered) == 2
        again = build_studio(fake_config)
        assert answer(again, photo(1))[0].concepts == ("Bo",)
        assert again.recognition._engine.engine().remembered == []  # type: ignore[attr-defined]
        again.close()

    def test_every_edit_counts_at_the_next_question(self, studio: Studio, photo: Photos) -> None:
        seen = look(studio, photo(1))
        assert studio.recognition.answer(seen)[0].concepts == ()
        bo = add(studio, "Bo", photo(1))
        assert studio.recognition.answer(seen)[0].concepts == ("Bo",)
        studio.concepts.edit(bo.id, name="Bobby")
        assert studio.recognition.answer(seen)[0].concepts == ("Bobby",)
        studio.concepts.forget(bo.id)
        assert studio.recognition.answer(seen)[0].concepts == ()

    def test_the_things_of_others_are_neither_seen_nor_compared_with(
        self, studio: Studio, photo: Photos, engine: FakeRecognitionEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add(studio, "Bo", photo(1), owner="another")
        compared: list[int] = []
        decide = engine.decide

        def counting(places: object, known: Sequence[object]) -> object:
            compared.append(len(known))
            return decide(places, known)  # type: ignore[arg-type]

        monkeypatch.setattr(engine, "decide", counting)
        assert answer(studio, photo(1))[0].concepts == ()
        assert compared == [0] and engine.remembered == []
        assert answer(studio, photo(1), owner="another")[0].concepts == ("Bo",)


class TestCorrections:
    def test_a_refused_name_is_gone_at_once_and_for_good(
        self, studio: Studio, fake_config: StudioConfig, photo: Photos
    ) -> None:
        bo = add(studio, "Bo", photo(1))
        (seen,) = look(studio, photo(1, format="PNG"))
        assert studio.recognition.answer([seen])[0].concepts == ("Bo",)
        studio.recognition.refuse(seen, 0)
        assert studio.recognition.answer([seen])[0].concepts == ()
        again = build_studio(fake_config)
        assert answer(again, photo(1, format="PNG"))[0].concepts == ()
        again.close()
        assert [one.shows_it for one in studio.recognition.examples(bo.id)] == [False]

    def test_a_place_that_is_named_is_known_at_once(self, studio: Studio, photo: Photos) -> None:
        add(studio, "Bo", photo(1))
        (seen,) = look(studio, beside(photo(5), photo(6)))
        assert names(studio.recognition.answer([seen])[0]) == [None, None]
        studio.recognition.confirm(seen, 1, "@bo")
        (found,) = studio.recognition.answer([seen])
        assert [(one.region, one.concept) for one in found.found] == [(1, "Bo"), (0, None)]
        assert answer(studio, photo(6))[0].concepts == ("Bo",)

    def test_a_wrong_name_is_changed_for_the_right_one(self, studio: Studio, photo: Photos) -> None:
        bo, ana = add(studio, "Bo", photo(1)), add(studio, "Ana", photo(2))
        (seen,) = look(studio, photo(1, format="PNG"))
        studio.recognition.confirm(seen, 0, ana.id)
        assert studio.recognition.answer([seen])[0].concepts == ("Ana",)
        assert [one.shows_it for one in studio.recognition.examples(bo.id)] == [False]
        assert [one.shows_it for one in studio.recognition.examples(ana.id)] == [True]

    def test_a_change_of_mind_counts(self, studio: Studio, photo: Photos) -> None:
        bo = add(studio, "Bo", photo(1))
        (seen,) = look(studio, photo(1, format="PNG"))
        studio.recognition.refuse(seen, 0)
        studio.recognition.confirm(seen, 0, "Bo")
        assert studio.recognition.answer([seen])[0].concepts == ("Bo",)
        assert [one.shows_it for one in studio.recognition.examples(bo.id)] == [True]

    def test_refusing_what_has_no_name_changes_nothing(self, studio: Studio, photo: Photos) -> None:
        (seen,) = look(studio, photo(1))
        studio.recognition.refuse(seen, 0)
        assert list(studio.files.keys()) == []

    def test_places_and_concepts_that_are_not_there(self, studio: Studio, photo: Photos) -> None:
        (seen,) = look(studio, photo(1))
        with pytest.raises(NotFound, match="no place 7"):
            studio.recognition.refuse(seen, 7)
        with pytest.raises(UnknownConcept, match="nobody"):
            studio.recognition.confirm(seen, 0, "nobody")

    def test_corrections_can_be_taken_back(self, studio: Studio, photo: Photos) -> None:
        bo = add(studio, "Bo", photo(1))
        (seen,) = look(studio, photo(1, format="PNG"))
        studio.recognition.refuse(seen, 0)
        (example,) = studio.recognition.examples(bo.id)
        assert studio.files.exists(example.file)
        studio.recognition.forget_examples(bo.id)
        assert studio.recognition.answer([seen])[0].concepts == ("Bo",)
        assert not studio.files.exists(example.file)

    def test_a_forgotten_concept_leaves_nothing_behind(self, studio: Studio, photo: Photos) -> None:
        bo = add(studio, "Bo", photo(1))
        (seen,) = look(studio, photo(1, format="PNG"))
        studio.recognition.refuse(seen, 0)
        studio.concepts.forget(bo.id)
        assert [path for path in Path(studio.config.files).rglob("*") if path.is_file()] == []
        with studio.database.engine.connect() as connection:
            for table in ("examples", "looks"):
                assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0

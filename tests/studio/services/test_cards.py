from __future__ import annotations

from collections.abc import Callable

import pytest

from studio.domain.concepts import PHOTOS_MAX, AddConceptRequest, Concept
from studio.domain.generation import GenerateRequest
from studio.errors import InvalidInput, InvalidPhoto, NameTaken, NotFound
from studio.studio import Studio

PATIENCE = 20.0
Photos = Callable[..., bytes]


def add(studio: Studio, name: str, *photos: bytes, **values: object) -> Concept:
    request = AddConceptRequest(name=name, photos=photos, **{"kind": "dog", **values})  # type: ignore[arg-type]
    return studio.concepts.add(request).result(PATIENCE)


def recognised(studio: Studio, photo: bytes) -> tuple[str, ...]:
    (answer,) = studio.recognition.answer(studio.recognition.look([photo]).result(PATIENCE))
    return answer.concepts


class TestPhotos:
    def test_a_photo_that_is_added_counts_at_the_next_question(self, studio: Studio, photo: Photos) -> None:
        bo = add(studio, "Bo", photo(1))
        assert recognised(studio, photo(2)) == ()
        after = studio.cards.add_photos(bo.id, [photo(2), photo(2), photo(1)]).result(PATIENCE)
        assert len(after.photos) == 2 and after.photos[0] == bo.photos[0]
        assert after.adapter not in (None, bo.adapter) and after.adapter_model == "fake-1"
        assert not studio.files.exists(bo.adapter or "")
        assert recognised(studio, photo(2)) == ("Bo",)

    def test_a_photo_that_is_removed_is_gone_with_what_was_learned_from_it(self, studio: Studio, photo: Photos) -> None:
        bo = add(studio, "Bo", photo(1), photo(2))
        assert recognised(studio, photo(2)) == ("Bo",)
        after = studio.cards.remove_photos(bo.id, [bo.photos[1].id]).result(PATIENCE)
        assert after.photos == bo.photos[:1]
        assert recognised(studio, photo(2)) == ()
        gone = [bo.adapter, bo.photos[1].file, bo.photos[1].cutout]
        assert not [key for key in gone if studio.files.exists(key or "")]
        alone = add(studio, "Same", photo(1))
        assert after.adapter == alone.adapter

    def test_its_last_photo_stays(self, studio: Studio, photo: Photos) -> None:
        bo = add(studio, "Bo", photo(1))
        with pytest.raises(InvalidInput, match="forget the concept instead"):
            studio.cards.remove_photos(bo.id, [bo.photos[0].id])
        with pytest.raises(InvalidInput, match="No photo was chosen"):
            studio.cards.remove_photos(bo.id, [])
        with pytest.raises(NotFound, match="no photo 'x'"):
            studio.cards.remove_photos(bo.id, ["x"])

    def test_more_than_a_concept_takes_are_refused(self, studio: Studio, photo: Photos) -> None:
        bo = add(studio, "Bo", photo(1))
        with pytest.raises(InvalidInput, match=f"would be {PHOTOS_MAX + 1} photos"):
            studio.cards.add_photos(bo.id, [photo(number) for number in range(2, PHOTOS_MAX + 2)])
        assert studio.concepts.list() == [bo]

    def test_one_bad_photo_changes_nothing(self, studio: Studio, photo: Photos) -> None:
        bo = add(studio, "Bo", photo(1))
        with pytest.raises(InvalidPhoto, match="Photo 2 of 2"):
            studio.cards.add_photos(bo.id, [photo(2), b"nothing"])
        whole = photo(3, size=(600, 400))
        with pytest.raises(InvalidPhoto, match="Photo 2 of 2"):
            studio.cards.add_photos(bo.id, [photo(2), whole[: len(whole) // 2]]).result(PATIENCE)
        assert studio.concepts.list() == [bo]

    def test_what_a_person_wrote_of_its_looks_stays(self, studio: Studio, photo: Photos) -> None:
        bo = add(studio, "Bo", photo(1))
        after = studio.cards.add_photos(bo.id, [photo(2)]).result(PATIENCE)
        both = add(studio, "Both", photo(1), photo(2))
        assert after.attributes == both.attributes
        studio.concepts.edit(bo.id, attributes="one white paw")
        assert studio.cards.add_photos(bo.id, [photo(3)]).result(PATIENCE).attributes == "one white paw"


class TestMerge:
    def test_two_become_one_with_everything_of_both(self, studio: Studio, photo: Photos) -> None:
        ana = add(studio, "Ana", photo(9), kind="girl")
        bo = add(studio, "Bo", photo(1), facts=("likes rain",), aliases=("Bobby",))
        rex = add(studio, "Rex", photo(2), photo(1), facts=("likes rain", "is old"), aliases=("R",))
        studio.concepts.edit(rex.id, relations=["belongs to Ana", "brother of Bo"])
        studio.concepts.edit(ana.id, relations=["walks Rex"])
        picture = studio.generation.start(GenerateRequest(prompt="@rex", seed=1)).result(PATIENCE)[0]
        seen = studio.recognition.look([photo(5)]).result(PATIENCE)[0]
        studio.recognition.confirm(seen, 0, "rex")

        merged = studio.cards.merge(bo.id, rex.id).result(PATIENCE)
        assert [concept.name for concept in studio.concepts.list()] == ["Ana", "Bo"]
        assert (merged.id, merged.aliases) == (bo.id, ("Bobby", "Rex", "R"))
        assert [kept.file for kept in merged.photos] == [bo.photos[0].file, rex.photos[0].file]
        assert [fact.text for fact in merged.facts] == ["likes rain", "is old"]
        assert [str(relation) for relation in merged.relations] == ["belongs to Ana"]
        assert [str(one) for one in studio.concepts.get("ana").relations] == ["walks Bo"]
        assert merged.adapter_model == "fake-1" and merged.adapter not in (bo.adapter, rex.adapter)
        assert not studio.files.exists(rex.adapter or "")
        assert studio.concepts.get("@rex") == merged
        for number in (1, 2, 5):
            assert recognised(studio, photo(number)) == ("Bo",)
        assert studio.gallery.list(concept="bo") == [picture]

    def test_a_further_name_draws_the_same_thing(self, studio: Studio, photo: Photos) -> None:
        add(studio, "Bo", photo(1), aliases=("Big B",))
        first, second = (
            studio.generation.start(GenerateRequest(prompt=f"a happy {name}", seed=3)).result(PATIENCE)[0]
            for name in ("@bo", "@big-b")
        )
        assert first.file == second.file and second.recipe.prompt == "a happy @bo"

    def test_with_itself_or_with_nothing_is_refused(self, studio: Studio, photo: Photos) -> None:
        bo = add(studio, "Bo", photo(1))
        with pytest.raises(InvalidInput, match="Bo cannot be merged with itself"):
            studio.cards.merge(bo.id, bo.id)
        with pytest.raises(NotFound, match="'nobody'"):
            studio.cards.merge(bo.id, "nobody")

    def test_what_does_not_fit_into_one_is_refused(self, studio: Studio, photo: Photos) -> None:
        half = PHOTOS_MAX // 2
        bo = add(studio, "Bo", *(photo(number) for number in range(half)))
        rex = add(studio, "Rex", *(photo(number) for number in range(half, PHOTOS_MAX + 1)))
        with pytest.raises(InvalidInput, match=f"would be {PHOTOS_MAX + 1} photos"):
            studio.cards.merge(bo.id, rex.id)
        assert studio.concepts.list() == [bo, rex]

    def test_what_was_said_of_the_same_place_is_said_once(self, studio: Studio, photo: Photos) -> None:
        bo, rex = add(studio, "Bo", photo(1)), add(studio, "Rex", photo(2))
        (seen,) = studio.recognition.look([photo(1, format="PNG")]).result(PATIENCE)
        studio.recognition.confirm(seen, 0, "rex")  # which says that it is not Bo, too
        studio.cards.merge(bo.id, rex.id).result(PATIENCE)
        assert [one.shows_it for one in studio.recognition.examples(bo.id)] == [False]


class TestSplit:
    def test_some_photos_become_a_concept_of_their_own(self, studio: Studio, photo: Photos) -> None:
        bo = add(studio, "Bo", photo(1), photo(2), photo(3), facts=("likes rain",))
        assert recognised(studio, photo(2)) == ("Bo",)
        rex = studio.cards.split(bo.id, [bo.photos[1].id], "Rex").result(PATIENCE)
        rest = studio.concepts.get("bo")
        assert rex.photos == bo.photos[1:2] and rest.photos == (bo.photos[0], bo.photos[2])
        assert (rex.kind, rex.facts, rest.facts) == ("dog", (), bo.facts)
        assert rex.adapter_model == rest.adapter_model == "fake-1" and rex.adapter != rest.adapter
        assert recognised(studio, photo(2)) == ("Rex",)
        assert recognised(studio, photo(3)) == ("Bo",)

    def test_all_photos_or_none_are_refused(self, studio: Studio, photo: Photos) -> None:
        bo = add(studio, "Bo", photo(1), photo(2))
        with pytest.raises(InvalidInput, match="nothing would be left"):
            studio.cards.split(bo.id, [one.id for one in bo.photos], "Rex")
        with pytest.raises(InvalidInput, match="No photo was chosen"):
            studio.cards.split(bo.id, [], "Rex")
        with pytest.raises(NameTaken, match="@bo already"):
            studio.cards.split(bo.id, [bo.photos[0].id], "Bo")
        assert studio.concepts.list() == [bo]


def test_nobody_changes_the_things_of_others(studio: Studio, photo: Photos) -> None:
    bo = add(studio, "Bo", photo(1), photo(2), owner="anna")
    rex = add(studio, "Rex", photo(3))
    for attempt in (
        lambda: studio.cards.add_photos(bo.id, [photo(4)]),
        lambda: studio.cards.remove_photos(bo.id, [bo.photos[0].id]),
        lambda: studio.cards.merge(rex.id, bo.id),
        lambda: studio.cards.split(bo.id, [bo.photos[0].id], "Mine"),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert studio.concepts.list("anna") == [bo]

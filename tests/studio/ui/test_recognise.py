from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from studio.domain.concepts import AddConceptRequest
from studio.studio import Studio
from tests.studio.ui.visitor import Visitor

Photo = Callable[..., bytes]
JobIn = Callable[[str], str]
PATIENCE = 60.0


@pytest.fixture
def looked(visitor: Visitor, served: tuple[Studio, str], photo: Photo, job_in: JobIn) -> str:
    """A photo of Bo was dropped; returns the job's id."""
    studio = served[0]
    if not any(concept.name == "Bo" for concept in studio.concepts.list()):
        studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(71),))).result(PATIENCE)
        studio.concepts.add(AddConceptRequest(name="Ana", photos=(photo(72),))).result(PATIENCE)
    studio.recognition.forget_examples(studio.concepts.get("bo").id)
    studio.recognition.forget_examples(studio.concepts.get("ana").id)
    begun = visitor.call("look", visitor.upload(("party.jpg", photo(71))))
    job = job_in(begun["scenes"])
    assert visitor.wait_for(job)["status"] == "done"
    return job


def test_a_dropped_photo_is_shown_with_names_and_boxes(visitor: Visitor, looked: str) -> None:
    shown = visitor.call("looked", id=looked)["scenes"]
    assert "That’s Bo." in shown and "k-box is-known" in shown
    address = re.search(r'src="(/media/jobs/[^"]+)"', shown)
    assert address
    picture = visitor.http.get(address[1])
    assert picture.headers["content-type"] == "image/jpeg"
    assert visitor.http.get(address[1].replace("/0.jpg", "/9.jpg")).status_code == 404


def test_corrections_take_effect_at_once_and_for_everybody_who_asks_later(
    visitor: Visitor, served: tuple[Studio, str], looked: str
) -> None:
    bo, ana = served[0].concepts.get("bo"), served[0].concepts.get("ana")
    refused = visitor.call("not_this", id=f"{looked}/0/0")["scenes"]
    assert "That’s" not in refused and "I don’t know this one." in refused
    told = visitor.call("this_is", id=f"{looked}/0/0/{ana.id}")["scenes"]
    assert "That’s Ana." in told
    again = visitor.call("this_is", id=f"{looked}/0/0/{bo.id}")["scenes"]
    assert "That’s Bo." in again
    assert "That’s Bo." in visitor.call("looked", id=looked)["scenes"]


@pytest.mark.parametrize("place", ["", "nothing/0/0", "{job}/9/0", "{job}/0/9", "{job}/x/0", "{job}/0/-1"])
def test_a_place_that_is_not_there_is_told(visitor: Visitor, looked: str, place: str) -> None:
    with pytest.raises(AssertionError, match=r"There is no|has no place"):
        visitor.call("not_this", id=place.format(job=looked))


def test_a_reload_finds_the_photo_again_and_no_other_job(
    visitor: Visitor, served: tuple[Studio, str], looked: str, photo: Photo
) -> None:
    later = Visitor(served[1])
    assert "That’s Bo." in later.call("find_looking", looked)["scenes"]
    assert "appears here" in later.call("find_looking", None)["scenes"]
    reading = served[0].concepts.read([photo(73)])
    reading.result(PATIENCE)
    with pytest.raises(AssertionError, match="has looked at no photo"):
        later.call("find_looking", reading.id)


def test_something_that_is_no_picture_is_refused(visitor: Visitor) -> None:
    with pytest.raises(AssertionError, match="not a picture"):
        visitor.call("look", visitor.upload(("notes.jpg", b"not a picture at all")))

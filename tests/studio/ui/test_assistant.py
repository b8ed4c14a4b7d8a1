from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from studio.domain.concepts import AddConceptRequest
from studio.domain.conversations import QUESTION_MAX
from studio.studio import Studio
from tests.studio.ui.visitor import Visitor

Photo = Callable[..., bytes]
JobIn = Callable[[str], str]
PATIENCE = 60.0


@pytest.fixture
def known(served: tuple[Studio, str], photo: Photo) -> Studio:
    """A studio that knows Rex and a fact about it."""
    studio = served[0]
    if all(concept.name != "Rex" for concept in studio.concepts.list()):
        request = AddConceptRequest(name="Rex", photos=(photo(91),), facts=("afraid of <b>balloons</b>",))
        studio.concepts.add(request).result(PATIENCE)
    return studio


def asked(visitor: Visitor, job_in: JobIn, text: str, *photos: bytes, place: Any = None) -> dict[str, Any]:
    """Say something and wait for the answer; returns the page as it is then."""
    files = visitor.upload(*(("a.jpg", one) for one in photos)) if photos else []
    begun = visitor.call("ask", {"text": text, "files": files}, place, "")
    (place,) = [value for value in begun.values() if isinstance(value, dict) and "conversation" in value]
    # A quick answer may be there already; then no job is shown any more.
    assert "data-job" not in begun["talk"] or job_in(begun["talk"]) == place["job"]
    assert "Answer it" not in begun["talk"]
    assert visitor.wait_for(place["job"])["status"] == "done"
    return {**visitor.call("answered", place, "", id=place["job"]), "place": place}


def test_a_picture_is_answered_with_names_sources_and_a_way_to_create(
    visitor: Visitor, known: Studio, photo: Photo, job_in: JobIn
) -> None:
    page = asked(visitor, job_in, "Who is <i>this</i>?", photo(91))
    shown = page["talk"]
    assert "k-box is-known" in shown and "That’s Rex." in shown and "I see Rex." in shown
    assert "Who is &lt;i&gt;this&lt;/i&gt;?" in shown and "<b>balloons" not in shown
    assert "1 place in the picture and 1 fact of your cards" in shown and 'data-handle="rex"' in shown
    crop = re.search(r'src="(/media/chats/[0-9a-f]+/0\.webp)"', shown)
    assert crop and visitor.http.get(crop[1]).headers["content-type"] == "image/webp"
    picture = crop[1].replace("/0.webp", ".jpg")
    assert visitor.http.get(picture).headers["content-type"] == "image/jpeg"
    assert visitor.http.get(crop[1].replace("/0.webp", "/9.webp")).status_code == 404
    assert "Who is &lt;i&gt;this&lt;/i&gt;?" in page["talks"]
    times = visitor.call("what_happened_when")["times"]
    talk = re.search(r'k-timeline-open" data-do="open" data-id="([0-9a-f]+)"', times)
    assert talk and "Rex: afraid of &lt;b&gt;balloons" in times
    assert "Who is" in visitor.call("open_talk_of_then", "", id=talk[1])["talk"]


def test_corrections_take_effect_at_once(visitor: Visitor, known: Studio, photo: Photo, job_in: JobIn) -> None:
    page = asked(visitor, job_in, "Who is this?", photo(91, format="PNG"))
    place = re.search(r'data-do="not" data-id="([0-9a-f]+/0)"', page["talk"])
    assert place
    refused = visitor.call("chat_not_this", page["place"], "", id=place[1])["talk"]
    assert "k-box is-known" not in refused and "I don’t know this one." in refused
    told = visitor.call("chat_this_is", page["place"], "", id=f"{place[1]}/{known.concepts.get('rex').id}")["talk"]
    assert "k-box is-known" in told
    with pytest.raises(AssertionError, match=r"not looked at|There is no"):
        visitor.call("chat_not_this", page["place"], "", id="nothing/0")
    known.recognition.forget_examples(known.concepts.get("rex").id)


def test_what_is_told_is_stored_by_one_click(visitor: Visitor, known: Studio, job_in: JobIn) -> None:
    page = asked(visitor, job_in, "Remember that Rex sleeps on the sofa.")
    proposal = re.search(r'data-do="remember" data-id="([0-9a-f]+/0)"', page["talk"])
    assert proposal and "Shall I remember" in page["talk"]
    assert len(known.concepts.get("rex").facts) == 1
    assert "Remembered" in visitor.call("remember", page["place"], "", id=proposal[1])["talk"]
    assert [fact.text for fact in known.concepts.get("rex").facts][1:] == ["sleeps on the sofa"]
    page = asked(visitor, job_in, "I like green", place=page["place"])
    note = re.search(r'data-do="remember" data-id="([0-9a-f]+/0)"', page["talk"])
    assert note
    notes = visitor.call("remember", page["place"], "", id=note[1])["notes"]
    found = re.search(r'data-id="([0-9a-f]+)"', notes)
    assert found and "I like green" in notes
    assert "I like green" not in visitor.call("forget_note", page["place"], "", id=found[1])["notes"]
    known.concepts.edit(known.concepts.get("rex").id, facts=["afraid of <b>balloons</b>"])


def test_conversations_are_listed_found_opened_and_deleted(visitor: Visitor, known: Studio, job_in: JobIn) -> None:
    page = asked(visitor, job_in, "Does Rex like pineapples?")
    chat = page["place"]["conversation"]
    assert "pineapples" in visitor.call("find_talk", "PINEAPPLES", None)["talks"]
    assert "Nothing was said" in visitor.call("find_talk", "papayas", None)["talks"]
    assert "What would you like to know?" in visitor.call("new_talk", "")["talk"]
    assert "pineapples" in visitor.call("open_talk", "", id=chat)["talk"]
    assert "pineapples" in Visitor(str(visitor.http.base_url)).call("talk", page["place"], None)["talk"]
    gone = visitor.call("delete_talk", page["place"], "", id=chat)
    assert "What would you like to know?" in gone["talk"] and "pineapples" not in gone["talks"]
    assert "What would you like to know?" in visitor.call("talk", page["place"], "")["talk"]


def test_answering_again(visitor: Visitor, known: Studio, job_in: JobIn) -> None:
    page = asked(visitor, job_in, "What is Rex afraid of?")
    begun = visitor.call("answer_again", page["place"], "")
    (place,) = [value for value in begun.values() if isinstance(value, dict) and "conversation" in value]
    # A quick answer may be there already; then no job is shown any more.
    assert "data-job" not in begun["talk"] or job_in(begun["talk"]) == place["job"]
    assert "Answer it" not in begun["talk"]
    assert visitor.wait_for(place["job"])["status"] == "done"
    assert visitor.call("answered", place, "", id=place["job"])["talk"].count("k-words") == 1


@pytest.mark.parametrize(
    ("text", "says"), [("", "question is empty"), ("x" * 10_000, f"at most {QUESTION_MAX} are possible")]
)
def test_what_cannot_be_answered_is_said_and_the_text_stays(
    visitor: Visitor, known: Studio, text: str, says: str
) -> None:
    with pytest.raises(AssertionError, match=says):
        visitor.call("ask", {"text": text, "files": []}, None, "")


def test_a_file_that_is_no_picture_is_refused(visitor: Visitor, known: Studio) -> None:
    with pytest.raises(AssertionError, match="not a picture"):
        visitor.call("ask", {"text": "?", "files": visitor.upload(("notes.jpg", b"not a picture at all"))}, None, "")

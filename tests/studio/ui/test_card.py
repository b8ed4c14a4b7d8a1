"""One concept in its sheet, as a person meets it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator

import pytest

from studio.domain.concepts import AddConceptRequest, Concept
from studio.studio import Studio
from tests.studio.ui.visitor import Visitor

Photo = Callable[..., bytes]
JobIn = Callable[[str], str]


@pytest.fixture
def bo(served: tuple[Studio, str], photo: Photo) -> Iterator[Concept]:
    studio = served[0]
    request = AddConceptRequest(name="Bo", kind="dog", photos=(photo(1), photo(2)), facts=("likes <b>rain</b>",))
    yield studio.concepts.add(request).result(20)
    for concept in studio.concepts.list():
        studio.concepts.forget(concept.id)


def changed(visitor: Visitor, job: str) -> dict[str, object]:
    visitor.wait_for(job)
    return visitor.call("on_changed", None, id=job)


def test_the_sheet_shows_all_that_is_known(visitor: Visitor, bo: Concept) -> None:
    sheet = visitor.call("on_edit", id=bo.id)
    assert "you said it" in sheet["card-facts"] and "&lt;b&gt;rain" in sheet["card-facts"]
    assert sheet["card-photos"].count("Remove photo") == 4  # its label and its question, of each
    assert f"/media/concepts/{bo.id}/card.zip" in sheet["card-files"]
    assert bo.fingerprint in str(sheet)
    assert sheet["edit-consent"]["visible"] is False
    assert "Bo was added" in sheet["card-timeline"] and "Bo: likes &lt;b&gt;rain" in sheet["card-timeline"]


def test_photos_are_added_split_off_merged_and_removed(
    visitor: Visitor, served: tuple[Studio, str], bo: Concept, photo: Photo, job_in: JobIn
) -> None:
    studio = served[0]
    visitor.call("on_edit", id=bo.id)
    job = job_in(visitor.call("add_photos", None, visitor.upload(("c.jpg", photo(3))))["card-working"])
    assert "Photo 3" in str(changed(visitor, job)["card-photos"])
    third = studio.concepts.get("bo").photos[2].id
    job = job_in(visitor.call("split_off", None, [third], "Rex")["card-working"])
    after = changed(visitor, job)
    assert "Photo 3" not in str(after["card-photos"]) and "@rex" in str(after["things"])
    rex = studio.concepts.get("rex")
    job = job_in(visitor.call("merge_with", None, rex.id)["card-working"])
    after = changed(visitor, job)
    assert after["edit-aliases"] == "Rex" and "@rex" not in str(after["things"])
    job = job_in(visitor.call("remove_photo", None, id=third)["card-working"])
    assert "Photo 3" not in str(changed(visitor, job)["card-photos"])
    assert studio.concepts.get("rex").photos == bo.photos


def test_what_cannot_be_is_told(visitor: Visitor, bo: Concept) -> None:
    visitor.call("on_edit", id=bo.id)
    for call, sentence in (
        (("merge_with", None, None), "Choose the concept"),
        (("split_off", None, [], "Rex"), "No photo was chosen"),
        (("split_off", None, [one.id for one in bo.photos], "Rex"), "nothing would be left"),
        (("save_concept", None, "Bo", "dog", "", "", "belongs to nobody", "", False), "name of a concept"),
    ):
        with pytest.raises(AssertionError, match=sentence):
            visitor.call(*call)


def test_a_concept_leaves_as_a_file_and_comes_back(
    visitor: Visitor, served: tuple[Studio, str], bo: Concept, job_in: JobIn
) -> None:
    answer = visitor.http.get(f"/media/concepts/{bo.id}/card.zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="bo.zip"'
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    (file,) = visitor.upload(("bo.zip", answer.content))
    with pytest.raises(AssertionError, match="@bo already"):
        visitor.call("import_concept", file, "")
    (file,) = visitor.upload(("bo.zip", answer.content))
    job = job_in(visitor.call("import_concept", file, "Twin")["adding"])
    assert visitor.wait_for(job)["status"] == "done"
    assert "@twin" in visitor.call("concepts")["things"]


def test_nothing_of_a_person_leaves_unasked(visitor: Visitor, served: tuple[Studio, str], bo: Concept) -> None:
    served[0].concepts.edit(bo.id, kind="boy")
    for file in ("card.zip", "lora.safetensors"):
        answer = visitor.http.get(f"/media/concepts/{bo.id}/{file}")
        assert answer.status_code == 400 and "Bo is a person" in answer.json()["error"]
    assert "lora.safetensors" not in visitor.call("concepts")["things"]
    sheet = visitor.call("on_edit", id=bo.id)
    assert sheet["edit-consent"]["visible"] is True and "card.zip" not in sheet["card-files"]


def test_a_further_name_is_offered_while_a_prompt_is_written(
    visitor: Visitor, served: tuple[Studio, str], bo: Concept
) -> None:
    served[0].concepts.edit(bo.id, aliases=["Bobby"])
    assert visitor.http.get("/media/concepts").json()[0]["aliases"] == ["Bobby"]

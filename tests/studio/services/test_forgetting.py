from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from studio.domain.concepts import AddConceptRequest, Concept
from studio.domain.drawings import Drawing
from studio.domain.generation import GenerateRequest
from studio.domain.receipts import Erased, Receipt
from studio.services.forgetting import Forgetting
from studio.storage.drawings import DrawingRepository
from studio.storage.files import FileStore
from studio.studio import Studio

PATIENCE = 20.0
Photos = Callable[..., bytes]


def add(studio: Studio, name: str, *photos: bytes, **values: object) -> Concept:
    request = AddConceptRequest(name=name, photos=photos, **{"kind": "dog", **values})  # type: ignore[arg-type]
    return studio.concepts.add(request).result(PATIENCE)


def counts(receipt: Receipt) -> dict[str, int]:
    return {one.what: one.count for one in receipt.erased}


@pytest.fixture
def bo(studio: Studio, photo: Photos) -> Concept:
    """A concept with everything that there can be of one."""
    ana = add(studio, "Ana", photo(9), kind="girl")
    made = add(studio, "Bo", photo(1), photo(2), facts=("likes rain",), aliases=("Bobby",))
    studio.concepts.edit(made.id, relations=["belongs to Ana"])
    studio.concepts.edit(ana.id, relations=["walks Bo"])
    (seen,) = studio.recognition.look([photo(1, format="PNG")]).result(PATIENCE)
    studio.recognition.answer([seen])
    studio.recognition.refuse(seen, 0)
    studio.generation.start(GenerateRequest(prompt="@bobby", seed=1)).result(PATIENCE)
    with studio.database.write() as session:
        for number, prompt in enumerate(("a happy @bobby", "a happy @ana")):
            request = GenerateRequest(prompt=prompt, seed=1, steps=2, guidance=3)
            drawing = Drawing(id=str(number), request=request, process="0" * 32, created_at=datetime.now(UTC))
            DrawingRepository(session).add(drawing)
    return studio.concepts.get(made.id)


def test_the_receipt_counts_what_is_gone(studio: Studio, bo: Concept) -> None:
    before = sum(map(studio.files.size, studio.files.keys()))
    receipt = studio.concepts.forget(bo.id)
    assert receipt.complete and receipt.concept == "Bo"
    assert counts(receipt) == {
        "photos": 2, "cut-outs": 2, "examples": 1, "LoRA files": 1, "looks of it": 3, "facts": 1,
        "further names": 1, "relations": 2, "unfinished drawings": 1,
    }  # fmt: skip
    assert [(one.what, one.count) for one in receipt.stayed] == [("pictures made of it", 1)]
    files = {"photos", "cut-outs", "examples", "LoRA files"}
    freed = sum(one.bytes for one in receipt.erased if one.what in files)
    assert freed == before - sum(map(studio.files.size, studio.files.keys())) > 0
    assert [str(one) for one in studio.concepts.get("ana").relations] == []
    assert [one.request.prompt for one in studio.generation.interrupted()] == ["a happy @ana"]
    assert len(studio.gallery.list()) == 1


def test_its_pictures_go_when_that_is_asked_for(studio: Studio, bo: Concept) -> None:
    other = studio.generation.start(GenerateRequest(prompt="@ana", seed=1)).result(PATIENCE)
    receipt = studio.concepts.forget(bo.id, pictures=True)
    assert counts(receipt)["pictures"] == 1 and receipt.stayed == () and receipt.complete
    assert studio.gallery.list() == list(other)


def test_files_that_another_concept_needs_stay_and_are_said(studio: Studio, photo: Photos) -> None:
    bo, twin = add(studio, "Bo", photo(1)), add(studio, "Twin", photo(1))
    receipt = studio.concepts.forget(bo.id)
    assert receipt.complete and "photos" not in counts(receipt)
    assert [(one.what, one.count) for one in receipt.stayed] == [("files that other concepts or pictures share", 3)]
    assert studio.concepts.list() == [twin]
    for key in (twin.photos[0].file, twin.photos[0].cutout, twin.adapter):
        assert studio.files.exists(key or "")


def test_the_receipt_says_what_could_not_be_removed(
    studio: Studio, photo: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    bo = add(studio, "Bo", photo(1))
    monkeypatch.setattr(FileStore, "delete", lambda store, key: None)
    receipt = studio.concepts.forget(bo.id)
    assert not receipt.complete
    assert "photos" not in counts(receipt)
    assert len(receipt.found) == 3 and receipt.found[0].startswith("photos: ")


def test_what_else_remembers_it_forgets_with_it(studio: Studio, photo: Photos) -> None:
    class Diary:
        """Speaks of everything, until it is told to forget."""

        def __init__(self, *, obedient: bool) -> None:
            self.lines = ["Bo was here"]
            self.obedient = obedient

        def forget(self, concept: Concept, session: Session) -> Sequence[Erased]:
            if self.obedient:
                self.lines.clear()
            return [Erased(what="mentions", count=1, bytes=11)]

        def remains(self, concept: Concept, session: Session) -> Sequence[str]:
            return self.lines

    for obedient, found in ((True, ()), (False, ("Bo was here",))):
        bo = add(studio, "Bo", photo(1))
        forgetting = Forgetting(studio.concepts._vault, [Diary(obedient=obedient)])
        receipt = forgetting.forget(bo.id, "local", pictures=False)
        assert receipt.found == found and counts(receipt)["mentions"] == 1


def test_nothing_of_a_forgotten_concept_is_on_the_disk(studio: Studio, bo: Concept) -> None:
    word = "a-word-that-is-nowhere-else"
    studio.concepts.edit(bo.id, facts=[word], attributes=f"looks-{word}", aliases=[f"{word}-too"])
    studio.concepts.forget(bo.id, pictures=True)
    kept = [path for path in Path(studio.config.data_dir).rglob("*") if path.is_file()]
    assert kept and not [path for path in kept if word.encode() in path.read_bytes()]

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from studio.domain.concepts import Concept, Photo
from studio.engines.fake import FakeSubjectEngine
from studio.services.personalization import Personalizer
from studio.storage.concepts import ConceptRepository
from studio.storage.database import Database
from studio.storage.files import FileStore, key_of
from studio.storage.ingest import encode_cutout
from studio.storage.vault import Vault


def quiet(share: float, message: str = "", preview: Image.Image | None = None) -> None:
    """A report nobody hears."""


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    database = Database(f"sqlite:///{tmp_path}/records.sqlite3")
    yield Vault(database, FileStore(str(tmp_path / "files")))
    database.close()


@pytest.fixture
def concept(vault: Vault) -> Concept:
    with vault.storing() as act:
        cutout = act.put(encode_cutout(Image.new("RGBA", (40, 40), "red")), ".png")
        made = Concept(
            id="1",
            name="Bo",
            kind="dog",
            photos=(Photo(id="p", file="none", width=40, height=40, cutout=cutout),),
            facts=(),
            created_at=datetime.now(UTC),
            adapter=act.put(b"of the old model", ".safetensors"),
            adapter_model="fake-0",
        )
        ConceptRepository(act.session).add(made)
    return made


def stored(vault: Vault) -> Concept:
    with vault.database.read() as session:
        found = ConceptRepository(session).by_id("1", "local")
    assert found is not None
    return found


def test_an_adapter_of_another_model_is_predicted_again_once_and_kept(vault: Vault, concept: Concept) -> None:
    engine = FakeSubjectEngine(model="fake-1")
    personalizer = Personalizer(engine, vault)
    data = personalizer.adapter(concept, quiet)
    after = stored(vault)
    assert after.adapter is not None
    assert (vault.files.get(after.adapter), after.adapter_model) == (data, "fake-1")
    assert concept.adapter is not None
    assert not vault.files.exists(concept.adapter)
    assert personalizer.adapter(after, quiet) == data
    assert engine.requests == [(1, "dog")]


def test_a_lost_adapter_is_predicted_again(vault: Vault, concept: Concept) -> None:
    engine = FakeSubjectEngine(model="fake-0")
    assert concept.adapter is not None
    vault.files.delete(concept.adapter)
    data = Personalizer(engine, vault).adapter(concept, quiet)
    kept = stored(vault).adapter
    assert kept is not None
    assert vault.files.get(kept) == data


def during(change: Callable[[ConceptRepository], None], vault: Vault) -> Personalizer:
    class Meanwhile(FakeSubjectEngine):
        def model(self) -> str:
            return "fake-1"

        def personalize(self, *arguments: object) -> bytes:
            with vault.database.write() as session:
                change(ConceptRepository(session))
            return b"new"

    return Personalizer(Meanwhile(), vault)


def test_what_was_edited_meanwhile_stays_edited(vault: Vault, concept: Concept) -> None:
    personalizer = during(lambda concepts: concepts.replace(dataclasses.replace(concept, name="Bobby")), vault)
    personalizer.adapter(concept, quiet)
    assert (stored(vault).name, stored(vault).adapter_model) == ("Bobby", "fake-1")


def test_a_concept_forgotten_meanwhile_does_not_come_back(vault: Vault, concept: Concept) -> None:
    personalizer = during(lambda concepts: concepts.delete("1", "local"), vault)
    assert personalizer.adapter(concept, quiet) == b"new"
    with vault.database.read() as session:
        assert ConceptRepository(session).all("local") == []
    assert key_of(b"new", ".safetensors") not in list(vault.files.keys())


def test_cut_outs_come_in_the_order_of_the_photos(vault: Vault, concept: Concept) -> None:
    with vault.storing() as act:
        files = [act.put(encode_cutout(Image.new("RGBA", (8, 8), colour)), ".png") for colour in ("lime", "blue")]
    photos = tuple(
        Photo(id=str(place), file="none", width=8, height=8, cutout=file)
        for place, file in enumerate([files[0], None, files[1]])
    )
    personalizer = Personalizer(FakeSubjectEngine(), vault)
    cutouts = personalizer.cutouts(dataclasses.replace(concept, photos=photos))
    assert [(cutout.mode, cutout.getpixel((4, 4))) for cutout in cutouts] == [
        ("RGBA", (0, 255, 0, 255)),
        ("RGBA", (0, 0, 255, 255)),
    ]
    assert personalizer.cutouts(dataclasses.replace(concept, photos=())) == ()

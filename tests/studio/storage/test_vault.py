from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from studio.domain.concepts import Concept
from studio.storage.concepts import ConceptRepository
from studio.storage.database import Database
from studio.storage.files import FileStore, key_of
from studio.storage.vault import Vault

ADAPTER = b"an adapter"
KEY = key_of(ADAPTER, ".safetensors")


def concept(id: str, owner: str) -> Concept:
    return Concept(
        id=id, name="Bo", kind="dog", photos=(), facts=(), created_at=datetime.now(UTC), owner=owner, adapter=KEY
    )


@pytest.fixture
def vault(database: Database, tmp_path: Path) -> Vault:
    return Vault(database, FileStore(str(tmp_path / "files")))


def store(vault: Vault, made: Concept) -> None:
    with vault.storing() as act:
        assert act.put(ADAPTER, ".safetensors") == KEY
        ConceptRepository(act.session).add(made)


def forget(vault: Vault, made: Concept) -> None:
    with vault.database.write() as session:
        ConceptRepository(session).delete(made.id, made.owner)
    vault.sweep([made.adapter, None])


def test_a_content_of_two_owners_stays_until_the_last_one_lets_go(vault: Vault) -> None:
    first, second = concept("1", "anna"), concept("2", "ben")
    store(vault, first)
    store(vault, second)
    assert list(vault.files.keys()) == [KEY]
    forget(vault, first)
    assert vault.files.get(KEY) == ADAPTER
    forget(vault, second)
    assert list(vault.files.keys()) == []


def test_a_failed_act_leaves_neither_files_nor_records(vault: Vault) -> None:
    with pytest.raises(RuntimeError), vault.storing() as act:
        act.put(ADAPTER, ".safetensors")
        ConceptRepository(act.session).add(concept("1", "anna"))
        raise RuntimeError("half-way")
    assert list(vault.files.keys()) == []
    with vault.database.read() as session:
        assert ConceptRepository(session).all("anna") == []


def test_a_failed_act_leaves_the_files_that_were_there(vault: Vault) -> None:
    store(vault, concept("1", "anna"))
    with pytest.raises(RuntimeError), vault.storing() as act:
        act.put(ADAPTER, ".safetensors")
        act.put(b"new", ".bin")
        raise RuntimeError("half-way")
    assert list(vault.files.keys()) == [KEY]

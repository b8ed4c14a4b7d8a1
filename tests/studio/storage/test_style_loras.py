from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from studio.domain.style_loras import StyleLora
from studio.errors import NameTaken
from studio.storage.database import Database
from studio.storage.style_loras import StyleLoraRepository


def style(id: str, name: str, owner: str = "local") -> StyleLora:
    return StyleLora(
        id=id, name=name, trigger="in pixel style", strength=0.8, file=f"ab/{id}.safetensors", digest="0" * 12,
        model="Tiny", layers=3, left_out=("the part for the text encoder (2 layers)",),
        created_at=datetime(2026, 1, 2, tzinfo=UTC), owner=owner,
    )  # fmt: skip


def test_a_style_comes_back_as_it_was_to_its_owner_alone(database: Database) -> None:
    kept = [style("1", "Pixels"), style("2", "Böse Öle"), style("3", "Pixels", owner="anna")]
    with database.write() as session:
        for one in kept:
            StyleLoraRepository(session).add(one)
    with database.read() as session:
        styles = StyleLoraRepository(session)
        assert styles.all("local") == kept[:2] and styles.all("anna") == kept[2:]
        assert styles.find("BÖSE öle", "local") == styles.find("2", "local") == kept[1]
        assert styles.find("3", "local") is None and styles.find("Böse Öle", "anna") is None


def test_changed_and_removed(database: Database) -> None:
    with database.write() as session:
        styles = StyleLoraRepository(session)
        styles.add(style("1", "Pixels"))
        styles.add(style("2", "Oils"))
        changed = replace(style("1", "Big pixels"), trigger="", strength=1.5)
        styles.replace(changed)
        assert styles.find("1", "local") == changed
        with pytest.raises(NameTaken, match="Oils already"):
            styles.replace(replace(changed, name="oils"))
        with pytest.raises(NameTaken):
            styles.add(style("4", "OILS"))
        styles.delete("1", "anna")
        styles.delete("2", "local")
        assert [one.id for one in styles.all("local")] == ["1"]

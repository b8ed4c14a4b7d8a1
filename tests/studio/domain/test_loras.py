from __future__ import annotations

from datetime import UTC, datetime

import pytest

from studio.domain.concepts import Concept
from studio.domain.loras import lora_file_name


@pytest.mark.parametrize(
    ("name", "file"), [("Bo", "bo-kohya"), ("Ana's Cup", "ana-s-cup-kohya"), ("日本", "concept-kohya")]
)
def test_file_names_are_plain(name: str, file: str) -> None:
    concept = Concept(id="1", name=name, kind="", photos=(), facts=(), created_at=datetime.now(UTC))
    assert lora_file_name(concept, "kohya") == f"{file}.safetensors"

from __future__ import annotations

import pytest

from studio.domain.concepts import check_facts, check_kind, check_name
from studio.domain.generation import GenerateRequest
from studio.domain.text import check_text
from studio.errors import InvalidInput


@pytest.mark.parametrize("text", ["a\0b", "a \ud83d", b"\xff".decode(errors="surrogateescape")])
def test_what_cannot_be_stored_is_refused_everywhere(text: str) -> None:
    with pytest.raises(InvalidInput, match="The prompt"):
        GenerateRequest(prompt=text)
    with pytest.raises(InvalidInput, match="The kind"):
        check_kind(text)
    with pytest.raises(InvalidInput, match="fact"):
        check_facts([text])
    with pytest.raises(InvalidInput, match="name"):
        check_name(text)


def test_every_script_and_sign_is_text() -> None:
    assert check_text("Ünïcödé 🐶 犬\n", "prompt") == "Ünïcödé 🐶 犬\n"

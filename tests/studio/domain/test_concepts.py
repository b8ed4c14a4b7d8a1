from __future__ import annotations

import unicodedata

import pytest

from studio.domain.concepts import (
    FACT_MAX,
    FACTS_MAX,
    KIND_MAX,
    NAME_MAX,
    PHOTOS_MAX,
    AddConceptRequest,
    check_name,
    handle_of,
)
from studio.errors import InvalidInput


@pytest.mark.parametrize("name", ["Bo", "Bo B", "O'Neil", "Anne-Marie", "Zoë", "熊", "bo_2", "7"])
def test_a_name_of_letters_digits_and_single_joints_is_taken(name: str) -> None:
    assert check_name(f"  {name} ") == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "name", ["", "   ", "a/b", "..", "a\\b", "Bo 🐶", "🐶", "Bo  B", "-bo", "bo-", "a\nb", "a\0b", "@bo", "bo.", "a;b"]
)
def test_any_other_name_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        check_name(name)


def test_a_long_name_is_refused_with_its_length() -> None:
    assert check_name("x" * NAME_MAX)
    with pytest.raises(InvalidInput, match=str(NAME_MAX + 1)):
        check_name("x" * (NAME_MAX + 1))


def test_a_handle_is_what_can_be_typed_after_an_at_sign() -> None:
    assert handle_of("Anne-Marie O'Neil") == "anne-marie-o-neil"
    assert handle_of(unicodedata.normalize("NFD", "ZOË")) == "zoë"


def test_a_request_is_brought_to_normal_form() -> None:
    request = AddConceptRequest(name=" Bo ", photos=(b"x",), kind="  small   dog ", facts=(" likes rain ", "  "))
    assert (request.name, request.kind, request.facts) == ("Bo", "small dog", ("likes rain",))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"photos": ()}, "no photo"),
        ({"photos": (b"x",) * 300}, "300 photos"),
        ({"kind": "x" * (KIND_MAX + 1)}, str(KIND_MAX + 1)),
        ({"facts": ("x",) * (FACTS_MAX + 1)}, str(FACTS_MAX + 1)),
        ({"facts": ("x" * (FACT_MAX + 1),)}, str(FACT_MAX + 1)),
    ],
)
def test_a_request_out_of_bounds_names_the_value(values: dict[str, tuple[bytes, ...] | str], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        AddConceptRequest(**{"name": "Bo", "photos": (b"x",) * PHOTOS_MAX, **values})  # type: ignore[arg-type]

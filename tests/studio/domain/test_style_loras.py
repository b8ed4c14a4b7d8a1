from __future__ import annotations

import pytest

from studio.domain.style_loras import (
    AddStyleLoraRequest,
    check_file,
    check_strength,
    check_trigger,
    name_from,
    with_trigger,
)
from studio.errors import InvalidInput


@pytest.mark.parametrize(
    ("name", "size", "reason"),
    [
        ("style.pt", 10, r"A \.pt file can carry code and is never opened"),
        ("style.CKPT", 10, r"A \.ckpt file can carry code"),
        ("style.bin", 10, r"A \.bin file can carry code"),
        ("style.png", 10, r"this one ends in \.png"),
        ("style", 10, "this one ends in nothing"),
        ("style.safetensors", 4 * 10**9, r"The file has 4\.0 GB; a LoRA has at most 1 GB"),
    ],
)
def test_files_are_refused_before_they_are_read(name: str, size: int, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        check_file(name, size)
    check_file("Style.SafeTensors", 10**9)


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (("pixel_art_v2.1.safetensors",), "pixel art v2 1"),
        (("../../etc/passwd.safetensors",), "passwd"),
        ((r"C:\secret\Böse Öle.safetensors",), "Böse Öle"),
        (("..safetensors", "Water colours"), "Water colours"),
        (("\u202e/\u202e.safetensors",), "Style"),
        (("a" * 90,), "a" * 40),
    ],
)
def test_a_name_is_made_of_words_alone(texts: tuple[str, ...], name: str) -> None:
    assert name_from(*texts) == name
    assert AddStyleLoraRequest(data=b"", name=name).name == name


def test_the_trigger_phrase_stands_behind_the_prompt_once() -> None:
    assert with_trigger("a @bo.", "in pixel style") == "a @bo, in pixel style"
    assert with_trigger("a @bo In Pixel Style", "in pixel style") == "a @bo In Pixel Style"
    assert with_trigger("a @bo", "") == "a @bo"


def test_values_out_of_bounds_get_a_sentence() -> None:
    for strength in (-0.1, 1.51, float("nan")):
        with pytest.raises(InvalidInput, match=r"between 0 and 1\.5"):
            check_strength(strength)
    with pytest.raises(InvalidInput, match="at most 200"):
        check_trigger("x" * 201)
    with pytest.raises(InvalidInput, match="would mention one of your things"):
        check_trigger("like @bo")

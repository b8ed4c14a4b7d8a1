"""`photos/phone.heic` lies on its side as a phone writes it, with a place; `photos/damaged.heic` ends its reader."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import pytest
from PIL import Image

from studio.errors import InvalidPhoto
from studio.storage import heic
from studio.storage.heic import heic_to_png, is_heic
from studio.storage.ingest import PIXELS_MAX, check_photo, decode_photo, encode_photo

PHOTOS = Path(__file__).parent / "photos"
PHONE = (PHOTOS / "phone.heic").read_bytes()
DAMAGED = (PHOTOS / "damaged.heic").read_bytes()
BEGINNING = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def test_a_photo_of_an_iphone_is_turned_upright_and_says_nothing_of_its_place() -> None:
    assert b"a phone" in PHONE
    check_photo(PHONE)
    photo = decode_photo(PHONE)
    assert (photo.mode, photo.size, photo.info) == ("RGB", (96, 64), {})
    corner, other = photo.getpixel((8, 8)), photo.getpixel((80, 50))
    assert corner[0] > 200 and corner[1] < 60
    assert other[0] < 60 and other[1] > 100
    for kept in (encode_photo(photo), heic_to_png(PHONE, PIXELS_MAX)):
        assert b"a phone" not in kept
        with Image.open(io.BytesIO(kept)) as again:
            assert dict(again.getexif()) == {}


@pytest.mark.parametrize("data", [DAMAGED, PHONE[:300], BEGINNING], ids=["crash", "cut off", "nothing but its name"])
def test_a_damaged_one_is_refused_and_the_studio_lives(data: bytes) -> None:
    check_photo(data)
    with pytest.raises(InvalidPhoto, match=r"cut off or damaged.*JPEG"):
        decode_photo(data)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(InvalidPhoto, match="far too many pixels"):
        heic_to_png(PHONE, 96 * 64 - 1)


def test_a_reader_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heic, "SECONDS_MAX", 0.01)
    with pytest.raises(InvalidPhoto, match="seconds"):
        heic_to_png(PHONE, PIXELS_MAX)


def test_without_a_reader_it_is_said_how_to_save_a_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for taking in (check_photo, decode_photo):
        with pytest.raises(InvalidPhoto, match="Most Compatible"):
            taking(PHONE)


def test_only_heic_is_taken_for_it() -> None:
    assert is_heic(BEGINNING)
    assert not is_heic(b"\0\0\0\x18ftypavif\0\0\0\0mif1avif")  # Pillow reads AVIF itself
    assert not is_heic(b"")

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from studio.errors import InvalidPhoto
from studio.storage.ingest import (
    BYTES_MAX,
    EDGE_MIN,
    STORED_EDGE_MAX,
    check_photo,
    decode_photo,
    encode_cutout,
    encode_photo,
    fit_photo,
)

SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'


def png_of_claimed_size(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def exif_of_a_phone(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "a phone"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 12.0)
    return exif


def encoded(picture: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "0 bytes"),
        (b"not a picture at all", "not a picture"),
        (SVG, "SVG"),
        (b"<svg/>", "SVG"),
        (b"%PDF-1.7", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "not a picture"),
        (bytes(BYTES_MAX + 1), "40 MB"),
        (png_of_claimed_size(8_000, 7_000), "8000 × 7000"),
        (png_of_claimed_size(10_000, 10_000), "50 million"),
        (png_of_claimed_size(60_000, 60_000), "far too many pixels"),
        (png_of_claimed_size(EDGE_MIN - 1, 500), f"{EDGE_MIN - 1} × 500"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_usable_photo_is_refused_before_its_pixels_are_decoded(data: bytes, sentence: str) -> None:
    for taking in (check_photo, decode_photo):
        with pytest.raises(InvalidPhoto, match=sentence):
            taking(data)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_truncated_photo_is_refused(photo: Callable[..., bytes], format: str) -> None:
    whole = photo(size=(300, 200), format=format)
    assert decode_photo(whole).size == (300, 200)
    with pytest.raises(InvalidPhoto):
        decode_photo(whole[: len(whole) // 2])


def test_damaged_photos_are_refused_and_nothing_else_escapes(photo: Callable[..., bytes]) -> None:
    numbers = np.random.default_rng(0)
    refused = 0
    for format in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"):
        for _ in range(40):
            data = bytearray(photo(format=format))
            for place in numbers.integers(0, len(data), 12):
                data[place] = numbers.integers(256)
            try:
                decode_photo(bytes(data))
            except InvalidPhoto:
                refused += 1
    assert refused > 20


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_turned_upright(orientation: int, format: str) -> None:
    upright = Image.new("RGB", (60, 40), "blue")
    upright.paste("red", (0, 0, 30, 20))
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    held = upright
    for turn in undo.get(orientation, []):
        held = held.transpose(turn)
    photo = decode_photo(encoded(held, format, exif=exif_of_a_phone(orientation)))
    assert photo.size == (60, 40)
    corner, other = photo.getpixel((8, 8)), photo.getpixel((50, 30))
    assert corner[0] > 200 and corner[2] < 60
    assert other[2] > 200 and other[0] < 60


def test_nothing_but_pixels_is_kept() -> None:
    info = PngInfo()
    info.add_text("Comment", "a secret")
    taken = {
        "JPEG": {"exif": exif_of_a_phone(6), "comment": b"a secret", "xmp": b"<x:xmpmeta>a secret</x:xmpmeta>"},
        "PNG": {"exif": exif_of_a_phone(6), "pnginfo": info},
    }
    for format, options in taken.items():
        data = encoded(Image.new("RGB", (64, 48), "green"), format, **options)
        assert b"a secret" in data
        photo = decode_photo(data)
        assert photo.info == {}
        for kept in (encode_photo(photo), encode_cutout(photo)):
            with Image.open(io.BytesIO(kept)) as again:
                assert dict(again.getexif()) == {}
                assert not {"comment", "Comment", "xmp", "exif", "icc_profile"} & set(again.info)
            assert b"secret" not in kept
            assert b"a phone" not in kept


def test_unreadable_exif_does_not_cost_the_photo() -> None:
    data = encoded(Image.new("RGB", (64, 48), "green"), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xffgarbage")
    assert decode_photo(data).size == (64, 48)


def test_colours_of_a_profile_are_brought_to_srgb() -> None:
    linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    plain = Image.new("RGB", (64, 48), (200, 100, 50))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert decode_photo(encoded(plain, "PNG", icc_profile=srgb)).getpixel((5, 5)) == (200, 100, 50)
    for unusable in (b"no profile", linear.tobytes()):
        assert decode_photo(encoded(plain, "PNG", icc_profile=unusable)).getpixel((5, 5)) == (200, 100, 50)


@pytest.mark.parametrize(
    ("picture", "colour"),
    [
        (Image.new("RGBA", (40, 40), (255, 0, 0, 0)), (255, 255, 255)),
        (Image.new("LA", (40, 40), (0, 255)), (0, 0, 0)),
        (Image.new("L", (40, 40), 128), (128, 128, 128)),
        (Image.new("1", (40, 40), 1), (255, 255, 255)),
        (Image.new("P", (40, 40), 0), (0, 0, 0)),
        (Image.fromarray(np.full((40, 40), 257 * 100, np.uint16)), (100, 100, 100)),
    ],
    ids=lambda value: getattr(value, "mode", ""),
)
def test_every_kind_of_pixel_becomes_rgb(picture: Image.Image, colour: tuple[int, int, int]) -> None:
    photo = decode_photo(encoded(picture, "PNG"))
    assert photo.mode == "RGB"
    assert photo.getpixel((5, 5)) == colour


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode_photo(data).getpixel((5, 5)) == (255, 0, 0)


def test_a_cmyk_photo_is_taken() -> None:
    assert decode_photo(encoded(Image.new("CMYK", (40, 40), (0, 0, 0, 0)), "JPEG")).getpixel((5, 5)) == (255, 255, 255)


def test_a_large_photo_is_kept_smaller() -> None:
    large = Image.new("RGB", (STORED_EDGE_MAX * 2, 100))
    assert fit_photo(large).size == (STORED_EDGE_MAX, 50)
    assert fit_photo(Image.new("RGB", (64, 48))).size == (64, 48)

"""Uploaded photos: refused with a sentence, or made upright, plain and free of everything but their pixels."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

from PIL import Image, ImageCms, ImageOps

from studio.errors import InvalidPhoto
from studio.storage.heic import check_reader, heic_to_png, is_heic

BYTES_MAX = 40_000_000
PIXELS_MAX = 50_000_000
EDGE_MIN = 32
STORED_EDGE_MAX = 2048
# Named, so that Pillow never hands a file to one of its readers that run other programs; JPEG covers the MPO of phones.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
# What Pillow's readers raise on damaged files; found by damaging files of every format.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    zlib.error,
    KeyError,
    IndexError,
    TypeError,
    EOFError,
    RuntimeError,
    ArithmeticError,
)
# What it says of them besides is of no use to a person: they are read, or refused with a sentence of ours.
warnings.filterwarnings("ignore", module=r"PIL\..*")
_USE = "Use a JPEG, PNG or WebP photo."


def check_photo(data: bytes) -> None:
    """Refuse what can be seen not to be a usable photo without decoding its pixels.

    Of a HEIC photo, only the size of the file can be seen so.

    Raises:
        InvalidPhoto: empty, too large a file, not a picture, too many or too few pixels.
    """
    _check_bytes(data)
    if is_heic(data):
        check_reader()
    else:
        _opened(data).close()


def decode_photo(data: bytes, *, edge_min: int = EDGE_MIN) -> Image.Image:
    """Decode an uploaded photo to upright sRGB pixels without any metadata.

    Args:
        data: the encoded file, at most `BYTES_MAX` bytes and `PIXELS_MAX` pixels.
        edge_min: pixels that each side has at least; parts of photos may be smaller than photos.

    Returns:
        An RGB picture; transparent parts are laid on white; of an animation the first frame.

    Raises:
        InvalidPhoto: as `check_photo`, or the file is cut off or damaged.
    """
    _check_bytes(data)
    with _opened(heic_to_png(data, PIXELS_MAX) if is_heic(data) else data, edge_min) as photo:
        try:
            photo.load()
            return _plain_rgb(_srgb(_upright(photo)))
        except _DAMAGED as error:
            raise InvalidPhoto(f"The picture is cut off or damaged ({error}). Get it again from its source.") from error


def fit_photo(photo: Image.Image) -> Image.Image:
    """Return an RGB photo at the size it is kept: its longer side at most `STORED_EDGE_MAX` pixels."""
    kept = without_metadata(photo)
    kept.thumbnail((STORED_EDGE_MAX, STORED_EDGE_MAX), Image.Resampling.LANCZOS)
    return kept


def encode_photo(photo: Image.Image) -> bytes:
    """Encode an RGB photo for keeping: JPEG without metadata."""
    buffer = io.BytesIO()
    without_metadata(photo).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def encode_cutout(cutout: Image.Image) -> bytes:
    """Encode an RGBA cut-out: PNG without metadata."""
    buffer = io.BytesIO()
    without_metadata(cutout.convert("RGBA")).save(buffer, "PNG")
    return buffer.getvalue()


def suffix_of(encoded: bytes) -> str:
    """Return the suffix of what `encode_photo` or `encode_cutout` gave."""
    return ".jpg" if encoded.startswith(b"\xff\xd8") else ".png"


def without_metadata(picture: Image.Image) -> Image.Image:
    """Return the pixels of an RGB or RGBA `picture` and nothing else; Pillow carries comments and profiles along."""
    plain = Image.new(picture.mode, picture.size)
    plain.paste(picture)
    return plain


def _opened(data: bytes, edge_min: int = EDGE_MIN) -> Image.Image:
    try:
        photo = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise InvalidPhoto(_too_many_pixels()) from bomb
    except _DAMAGED as error:
        raise InvalidPhoto(f"The file is not a picture, or one of a kind that cannot be read. {_USE}") from error
    width, height = photo.size
    if width * height > PIXELS_MAX:
        raise InvalidPhoto(_too_many_pixels(width, height))
    if min(width, height) < edge_min:
        raise InvalidPhoto(f"The picture has {width} × {height} pixels; at least {edge_min} on each side are needed.")
    return photo


def _check_bytes(data: bytes) -> None:
    if not data:
        raise InvalidPhoto(f"The file is empty (0 bytes). {_USE}")
    if len(data) > BYTES_MAX:
        raise InvalidPhoto(f"The file has {len(data) / 1e6:.0f} MB; at most {BYTES_MAX / 1e6:.0f} MB are possible.")
    if b"<svg" in data[:4096].lower():
        raise InvalidPhoto(f"The file is an SVG drawing, not a photo. {_USE}")


def _too_many_pixels(width: int = 0, height: int = 0) -> str:
    size = f"{width} × {height} pixels" if width else "far too many pixels"
    return f"The picture has {size}; at most {PIXELS_MAX // 1_000_000} million are possible. Make it smaller first."


def _upright(photo: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(photo)
    except _DAMAGED:
        return photo  # unreadable EXIF says nothing about the orientation, and the pixels are all there


def _srgb(photo: Image.Image) -> Image.Image:
    """Bring phone colours (Display P3 and the like) to sRGB, since the profile itself is not kept."""
    profile = photo.info.get("icc_profile")
    if not profile or photo.mode not in ("RGB", "CMYK", "L"):
        return photo
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(photo, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return photo  # a broken profile says nothing about the colours; most such pictures are sRGB
    return converted or photo


def _plain_rgb(photo: Image.Image) -> Image.Image:
    if photo.mode.startswith("I;16") or photo.mode == "I":
        photo = photo.point(lambda value: value / 257.0, "F").convert("L")
    if photo.has_transparency_data:
        layer = photo.convert("RGBA")
        photo = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return without_metadata(photo.convert("RGB"))

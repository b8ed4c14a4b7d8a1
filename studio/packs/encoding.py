"""Pictures to bytes within a limit: lossless where it fits, else the best quality that does."""

from __future__ import annotations

import io

from PIL import Image

from studio.errors import InvalidInput

_QUALITY_BEST, _QUALITY_LEAST = 96, 20
_COLOURS = (256, 128, 64, 32)


def webp(picture: Image.Image, limit: int) -> bytes:
    """Encode an RGBA picture as WebP of at most `limit` bytes.

    Raises:
        InvalidInput: it does not fit even at the least quality.
    """
    lossless = _webp(picture, lossless=True, quality=90, method=4)
    if len(lossless) <= limit:
        return lossless
    for alpha_quality in (100, 50, 0):  # a soft edge is the last thing to be simplified
        best = _best_webp(picture, limit, alpha_quality)
        if best:
            return best
    raise _too_rich(limit)


def _best_webp(picture: Image.Image, limit: int, alpha_quality: int) -> bytes:
    low, high, best = _QUALITY_LEAST, _QUALITY_BEST, b""
    while low <= high:  # bytes grow with quality
        quality = (low + high) // 2
        data = _webp(picture, quality=quality, alpha_quality=alpha_quality, method=4)
        if len(data) <= limit:
            best, low = data, quality + 1
        else:
            high = quality - 1
    return best


def preview(picture: Image.Image, edge: int) -> bytes:
    """Encode an RGBA picture quickly as a small WebP for looking at, `edge` pixels on its longer side."""
    small = picture.convert("RGBa")
    small.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    return _webp(small.convert("RGBA"), quality=88, method=2)


def png(picture: Image.Image, limit: int | None = None) -> bytes:
    """Encode an RGBA picture as PNG; with a `limit` in bytes fewer colours are used where it has to be.

    Raises:
        InvalidInput: it does not fit even with 32 colours.
    """
    data = _saved(picture, "PNG")
    for colours in _COLOURS:
        if limit is None or len(data) <= limit:
            return data
        fewer = picture.quantize(colours, method=Image.Quantize.FASTOCTREE)
        data = _saved(fewer, "PNG")
    if limit is not None and len(data) > limit:
        raise _too_rich(limit)
    return data


def _webp(picture: Image.Image, **options: object) -> bytes:
    # exact keeps the colours under soft edges, so that they look the same on any ground
    return _saved(picture, "WEBP", exact=True, **options)


def _saved(picture: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def _too_rich(limit: int) -> InvalidInput:
    return InvalidInput(f"A sticker cannot be made smaller than {limit} bytes: it is too rich in detail. Leave it out.")

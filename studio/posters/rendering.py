"""PDF pages as pictures, by PDFium: what is looked at is what is printed."""

from __future__ import annotations

import io
import threading

from PIL import Image
from pypdfium2 import PdfDocument

_ONE_AT_A_TIME = threading.Lock()  # PDFium is not safe to use from several threads


def rendered(pdf: bytes, dpi: float, *, trimmed: bool = True) -> Image.Image:
    """Return the first page as RGB at `dpi`; `trimmed` leaves the bleed away."""
    with _ONE_AT_A_TIME:
        document = PdfDocument(pdf)
        try:
            page = document[0]
            crop = (0.0, 0.0, 0.0, 0.0)
            if trimmed:
                left, bottom, right, top = page.get_trimbox()
                width, height = page.get_size()
                crop = (left, bottom, width - right, height - top)
            picture: Image.Image = page.render(scale=dpi / 72, crop=crop).to_pil().convert("RGB")
        finally:
            document.close()
    return picture


def png(picture: Image.Image, dpi: float) -> bytes:
    """Encode a rendered page; the file says its resolution."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", dpi=(dpi, dpi))
    return buffer.getvalue()


def webp(picture: Image.Image) -> bytes:
    """Encode a rendered page quickly and small, for looking at."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=86, method=2)
    return buffer.getvalue()

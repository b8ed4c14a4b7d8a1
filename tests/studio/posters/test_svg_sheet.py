"""Posters as SVG: read back by resvg, which had no part in writing them, and laid beside the PDF of the same poster."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import numpy as np
import pypdfium2.raw as pdfium
import pytest
import resvg_py
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from pypdfium2 import PdfDocument

from studio.domain.posters import PosterSize, PosterWords, size_of
from studio.posters.making import make
from studio.posters.rendering import rendered
from studio.posters.sheet import SetLine
from studio.posters.svg_sheet import SvgSheet
from studio.posters.templates import TEMPLATES

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
WORDS = PosterWords(
    title="Dogs & <Cats> “AVATAR”",
    line="Saturday, from ten to four",
    credits="Old Harbour Hall\nÅse's café, entry free",
)
DPI = 25.4 * 4 - 1e-4  # four pixels a millimetre; a little less, as PDFium rounds up


@pytest.fixture(scope="module")
def subject() -> Image.Image:
    picture = Image.new("RGBA", (200, 240))
    ImageDraw.Draw(picture).ellipse((10, 10, 190, 230), fill="orange", outline="black", width=6)
    return picture


def drawn(svg: bytes, dpi: float = DPI) -> Image.Image:
    data = bytes(resvg_py.svg_to_bytes(svg_string=svg.decode(), dpi=dpi))
    return Image.open(io.BytesIO(data)).convert("RGB")


def difference(pdf: bytes, svg: bytes) -> NDArray[np.float64]:
    """How far the two are apart, in levels; smoothed by a pixel, as renderers smooth edges each in its own way."""
    printed, shown = rendered(pdf, DPI, trimmed=False), drawn(svg)
    assert printed.size == shown.size
    smooth = [np.asarray(one.filter(ImageFilter.GaussianBlur(1)), np.float64) for one in (printed, shown)]
    return np.abs(smooth[0] - smooth[1]).max(axis=2)


def places_of_text(pdf: bytes) -> list[tuple[int, int, int, int]]:
    """Left, top, right and bottom of every run of letters, in pixels."""
    document = PdfDocument(pdf)
    height, scale = document[0].get_height(), DPI / 72
    runs = [item.get_bounds() for item in document[0].get_objects() if item.type == pdfium.FPDF_PAGEOBJ_TEXT]
    document.close()
    return [
        (int(left * scale), int((height - top) * scale), int(right * scale) + 1, int((height - bottom) * scale) + 1)
        for left, bottom, right, top in runs
    ]


def at_text(pdf: bytes, apart: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([apart[top:bottom, left:right].ravel() for left, top, right, bottom in places_of_text(pdf)])


@pytest.mark.parametrize("template", TEMPLATES)
def test_it_looks_as_the_pdf_does(template: str, subject: Image.Image) -> None:
    poster = make(subject, WORDS, template=template, size=size_of("A5"))
    apart = difference(poster.pdf, poster.svg())
    assert apart.mean() < 1.5
    assert at_text(poster.pdf, apart).mean() < 4
    assert np.quantile(at_text(poster.pdf, apart), 0.99) < 32


@pytest.mark.parametrize("template", TEMPLATES)
def test_letters_a_pixel_out_of_place_would_be_seen(template: str, subject: Image.Image) -> None:
    poster = make(subject, WORDS, template=template, size=size_of("A5"))
    moved = poster.svg().replace(b'viewBox="-3 -3', b'viewBox="-2.75 -3')
    apart = at_text(poster.pdf, difference(poster.pdf, moved))
    assert apart.mean() > 8
    assert np.quantile(apart, 0.99) > 64


@pytest.mark.parametrize("name", ["A5", "A2", "square"])
def test_it_is_as_large_as_the_sheet_with_its_bleed(name: str, subject: Image.Image) -> None:
    size = size_of(name)
    root = ElementTree.fromstring(make(subject, WORDS, template="film", size=size).svg())
    width, height = size.width + 2 * size.bleed, size.height + 2 * size.bleed
    assert [root.get("width", "")[-2:], root.get("height", "")[-2:]] == ["mm", "mm"]
    assert [float(root.get(edge, "")[:-2]) for edge in ("width", "height")] == pytest.approx([width, height], abs=1e-3)
    box = [float(edge) for edge in root.get("viewBox", "").split()]
    assert box == pytest.approx([-size.bleed, -size.bleed, width, height], abs=1e-3)


@pytest.mark.parametrize("template", TEMPLATES)
def test_it_needs_no_font_and_nothing_from_elsewhere(template: str, subject: Image.Image) -> None:
    svg = make(subject, WORDS, template=template, size=size_of("A5")).svg()
    root = ElementTree.fromstring(svg)
    names = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert names <= {"svg", "title", "desc", "rect", "circle", "path", "image", "radialGradient", "stop"}
    pictures = [element.get(LINK, "") for element in root.iter(f"{SVG}image")]
    assert pictures and all(one.startswith("data:image/png;base64,") for one in pictures)
    references = re.findall(rb"url\(([^)]*)\)|(https?://[^\"]*)", svg)
    assert all(local.startswith(b"#") or b"w3.org" in far for local, far in references)


def test_what_is_written_can_still_be_read_out(subject: Image.Image) -> None:
    root = ElementTree.fromstring(make(subject, WORDS, template="quote", size=size_of("A5")).svg())
    assert root.findtext(f"{SVG}title") == WORDS.title
    assert root.findtext(f"{SVG}desc") == "\n".join((WORDS.title, WORDS.line, WORDS.credits))
    labels = " ".join(element.get("aria-label", "") for element in root.iter(f"{SVG}path")).split()
    assert labels == f"{WORDS.title} {WORDS.line} {WORDS.credits}".split()


def test_letters_stand_on_their_baseline_and_in_their_width() -> None:
    size = PosterSize(name="strip", width=100, height=40, bleed=0)
    sheet = SvgSheet(size, WORDS)
    sheet.fill((1, 1, 1))
    sheet.text(SetLine(text="HI\u00adH", x=10, baseline=30, width=0, size=20), "sans", tracking=0.5, ink=(0, 0, 0))
    ink = np.asarray(drawn(sheet.svg(), 254).convert("L")) < 128
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert rows[-1] / 10 == pytest.approx(30, abs=0.15)
    assert (rows[-1] - rows[0]) / 10 == pytest.approx(20 * 0.7, abs=0.6)  # a capital is 0.7 ems high
    assert columns[0] / 10 == pytest.approx(11.5, abs=1)
    assert 50 < columns[-1] / 10 < 95  # the tracking has pulled them apart


def test_the_same_poster_is_the_same_file(subject: Image.Image) -> None:
    first, second = (make(subject, WORDS, template="film", size=size_of("A5")).svg() for _ in range(2))
    assert first == second

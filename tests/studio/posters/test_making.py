"""Posters as a printer's program sees them: read back by PDFium, which had no part in writing them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pypdfium2.raw as pdfium
import pytest
from PIL import Image, ImageDraw
from pypdfium2 import PdfDocument, PdfPage

from studio.domain.posters import SIZES, Poster, PosterWords, size_of
from studio.errors import InvalidInput
from studio.posters.making import make
from studio.posters.rendering import png, rendered
from studio.posters.templates import TEMPLATES

POINT = 25.4 / 72  # millimetres
WORDS = PosterWords(
    title="Sunday Dog Market", line="Saturday, from ten to four", credits="Old Harbour Hall\nFree entry"
)


@pytest.fixture(scope="module")
def subject() -> Image.Image:
    picture = Image.new("RGBA", (100, 120))
    ImageDraw.Draw(picture).ellipse((5, 5, 95, 115), fill="orange")
    return picture


@pytest.fixture(scope="module")
def made(subject: Image.Image) -> Callable[..., Poster]:
    """Make the poster of a template and a size, each once."""

    @functools.cache
    def make_once(template: str, size: str = "A5") -> Poster:
        return make(subject, WORDS, template=template, size=size_of(size))

    return make_once


@contextmanager
def page_of(pdf: bytes) -> Iterator[PdfPage]:
    document = PdfDocument(pdf)
    assert len(document) == 1
    yield document[0]
    document.close()


def text_of(page: PdfPage) -> str:
    return "".join(page.get_textpage().get_text_bounded().split())


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_writes_all_words_as_text(template: str, made: Callable[..., Poster]) -> None:
    poster = made(template)
    with page_of(poster.pdf) as page:
        read = text_of(page).lower()
    for words in ("sunday", "dog", "market", "fromtentofour", "oldharbourhall", "freeentry"):
        assert words in read
    assert "hard to read" not in " ".join(poster.warnings)


@pytest.mark.parametrize("name", ["A5", "A3", "24x36in", "square"])
def test_the_boxes_are_the_trimmed_sheet_and_its_bleed(name: str, made: Callable[..., Poster]) -> None:
    size = size_of(name)
    with page_of(made("quote", name).pdf) as page:
        left, bottom, right, top = (edge * POINT for edge in page.get_trimbox())
        whole = [edge * POINT for edge in page.get_bleedbox()]
    assert (right - left, top - bottom) == pytest.approx((size.width, size.height), abs=0.02)
    assert (left, bottom) == pytest.approx((size.bleed, size.bleed), abs=0.02)
    expected = [0, 0, size.width + 2 * size.bleed, size.height + 2 * size.bleed]
    assert whole == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_font_is_embedded(template: str, made: Callable[..., Poster]) -> None:
    with page_of(made(template).pdf) as page:
        texts = [item for item in page.get_objects() if item.type == pdfium.FPDF_PAGEOBJ_TEXT]
        assert texts
        for item in texts:
            font = pdfium.FPDFTextObj_GetFont(item.raw)
            assert pdfium.FPDFFont_GetIsEmbedded(font) == 1


def test_no_letter_comes_near_the_edge(made: Callable[..., Poster]) -> None:
    for template in TEMPLATES:
        for name in ("A5", "story"):
            size = size_of(name)
            with page_of(made(template, name).pdf) as page:
                width, height = page.get_size()
                edge = (size.bleed + 4.0) / POINT
                for item in page.get_objects():
                    if item.type == pdfium.FPDF_PAGEOBJ_TEXT:
                        left, bottom, right, top = item.get_bounds()
                        assert min(left, bottom, width - right, height - top) >= edge, (template, name)


def test_the_resolution_is_that_of_the_picture_as_given(subject: Image.Image) -> None:
    small, large = (make(subject, WORDS, template="portrait", size=size_of(name)) for name in ("A5", "A2"))
    assert large.dpi < small.dpi / 2
    assert small.dpi == pytest.approx(91 / (small.pictured / 25.4), rel=0.03)
    assert "dpi" in large.warnings[0]
    fine = subject.resize((900, 1080))
    assert make(fine, WORDS, template="portrait", size=size_of("A5")).warnings == ()


def test_words_over_a_picture_that_hides_them_are_told() -> None:
    from studio.posters.layout import Area, Block, set_lines
    from studio.posters.making import _inks
    from studio.posters.pdf_sheet import PdfSheet

    size = size_of("A5")
    sheet = PdfSheet(size, "x")
    sheet.fill((0.5, 0.5, 0.5))
    block = Block(
        what="line", text="Hello", font="sans", area=Area(x=10, y=10, width=100, height=20), sizes=(10, 5), lines_max=1,
        inks=((0.45, 0.45, 0.45), (0.2, 0.2, 0.2)),
    )  # fmt: skip
    below = sheet.pdf()
    inks, warnings = _inks([block], [set_lines(block)], below, size)
    assert inks == [(0.2, 0.2, 0.2)]  # the better one, though not good
    assert "line is hard to read" in warnings[0]


def test_the_same_poster_is_the_same_file(made: Callable[..., Poster], subject: Image.Image) -> None:
    again = make(subject, WORDS, template="birthday", size=size_of("A5"))
    assert made("birthday").pdf == again.pdf


def test_a_rendering_is_trimmed_and_as_large_as_its_screen(made: Callable[..., Poster]) -> None:
    poster = made("event", "square")
    picture = rendered(poster.pdf, 96)
    assert picture.size == pytest.approx((1080, 1080), abs=1)
    printed = made("event")
    assert rendered(printed.pdf, 25.4).size == pytest.approx((148, 210), abs=1)
    assert rendered(printed.pdf, 25.4, trimmed=False).size == pytest.approx((154, 216), abs=1)
    assert png(picture, 96).startswith(b"\x89PNG")


def test_the_ground_reaches_into_the_bleed(made: Callable[..., Poster]) -> None:
    for template in TEMPLATES:
        poster = made(template)
        page = np.asarray(rendered(poster.pdf, 127, trimmed=False))  # five pixels a millimetre
        rim = np.concatenate([page[0], page[-1], page[:, 0], page[:, -1]])
        assert not (rim == 255).all(axis=1).any(), template


@pytest.mark.parametrize(
    ("words", "template", "sentence"),
    [
        (
            PosterWords(title="Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz"),
            "event",
            "title does not fit",
        ),
        (PosterWords(title="猫"), "film", "cannot write 猫 in the title"),
        (PosterWords(title="Bo", line="🐶"), "quote", "🐶 in the line"),
        (PosterWords(title="Bo"), "brochure", "no template 'brochure'"),
    ],
)
def test_what_cannot_be_set_is_told(words: PosterWords, template: str, sentence: str, subject: Image.Image) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        make(subject, words, template=template, size=size_of("A4"))


def test_an_empty_picture_is_refused_and_a_full_one_gets_round_corners() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        make(Image.new("RGBA", (50, 50)), WORDS, template="film", size=size_of("A5"))
    assert make(Image.new("RGB", (50, 50), "red"), WORDS, template="film", size=size_of("A5")).pdf


@pytest.mark.parametrize("name", SIZES)
def test_every_template_takes_every_size(name: str, subject: Image.Image) -> None:
    from studio.posters.colours import palette_of
    from studio.posters.layout import set_lines

    size = size_of(name)
    for template in TEMPLATES.values():
        layout = template(size, palette_of(subject), WORDS)
        assert layout.picture.width > size.width * 0.25
        assert layout.picture.height > size.height * 0.2
        for block in layout.blocks:
            for line in set_lines(block):
                assert line.x >= 0
                assert line.x + line.width <= size.width + 0.01

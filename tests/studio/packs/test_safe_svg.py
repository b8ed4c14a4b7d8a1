from __future__ import annotations

import pytest

from studio.packs.safe_svg import BYTES_MAX, drawn, is_svg, look

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 512 512">'


def svg(inside: str) -> bytes:
    return f"{HEAD}{inside}</svg>".encode()


def test_plain_shapes_are_safe_and_told() -> None:
    seen = look(
        svg(
            '<title>Bo</title><defs><linearGradient id="a"><stop offset="1"/></linearGradient></defs>'
            '<path fill="url(#a)" d="M0 0h9v9z"/>'
        )
    )
    assert seen is not None
    assert (seen.box, seen.titled, seen.dangers) == ((0, 0, 512, 512), True, [])


@pytest.mark.parametrize(
    ("inside", "part"),
    [
        ("<script>1</script>", "script"),
        ('<path onload="x()" d="M0 0"/>', "handler (onload)"),
        ("<foreignObject/>", "foreign content"),
        ('<image href="data:image/png;base64,AA=="/>', "raster image"),
        ('<a href="https://example.org"><path/></a>', "link"),
        ('<use href="#a"/>', "<use>"),
        ('<path xlink:href="https://example.org/a.svg#b"/>', "refers to"),
        ('<path fill="url(https://example.org/a.svg#b)"/>', "loads from elsewhere"),
        ("<path style=\"fill: URL( 'https://example.org/a')\"/>", "loads from elsewhere"),
        ("<path style=\"mask-image: image-set('https://example.org/a' 1x)\"/>", "loads from elsewhere"),
        ('<path fill="u\\72l(https://example.org/a)"/>', "escapes"),
        ("<style>@import 'https://example.org/a.css'</style>", "style sheet"),
        ("<text>Hi</text>", "text"),
        ("<filter><feImage/></filter>", "<filter>"),
        ('<set attributeName="fill" to="red"/>', "<set>"),
        ('<h:iframe xmlns:h="http://www.w3.org/1999/xhtml"/>', "'iframe', which is not SVG"),
        ('<g xml:base="https://example.org/"/>', "refers to"),
        ("<?xml-stylesheet href='a.css'?>", "instruction for programs"),
        ("<g>" * 70 + "</g>" * 70, "nested deeper"),
    ],
)
def test_what_runs_loads_or_leads_away_is_found(inside: str, part: str) -> None:
    seen = look(svg(inside))
    assert seen is not None
    assert any(part in sentence for sentence in seen.dangers), seen.dangers


def test_a_document_type_is_refused_before_it_multiplies_anything() -> None:
    bomb = '<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    seen = look(f"{bomb}{HEAD}<title>&b;</title></svg>".encode())
    assert seen is not None
    assert "document type" in seen.dangers[0]


def test_what_is_no_svg_is_not_read() -> None:
    assert look(b"<svg") is None
    assert look(svg("<path>")) is None
    assert look(svg("") + b" " * BYTES_MAX) is None
    assert not is_svg(b"\x89PNG\r\n<svg")
    html = look(b"<html><svg/></html>")
    assert html is not None and html.dangers


def test_it_is_drawn_with_its_transparency() -> None:
    picture = drawn(svg('<path fill="red" d="M0 0h256v512H0z"/>'))
    assert picture is not None
    assert picture.getpixel((10, 60)) == (255, 0, 0, 255)
    assert picture.getpixel((120, 60))[3] == 0  # type: ignore[index]
    assert drawn(b"<svg") is None

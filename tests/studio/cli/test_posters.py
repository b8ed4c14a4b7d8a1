from __future__ import annotations

from xml.etree import ElementTree

import pytest
from PIL import Image


@pytest.fixture
def bo(keepsake, photo_file) -> None:
    keepsake("concept", "add", "Bo", photo_file, "--kind", "dog")


def test_a_thing_is_drawn_and_set_and_its_picture_can_be_used_again(keepsake, bo, tmp_path) -> None:
    first = keepsake(
        "poster", "--concept", "Bo", "--title", "Bo", "--size", "A5", "--out", "bo.pdf", "--seed", "4", "--json"
    )
    told = first.json
    assert (told["size"], told["millimetres"], told["bleed"]) == ("A5", [148, 210], 3.0)
    assert "dpi" in told["warnings"][0]
    assert "warning: The picture has" in first.err
    assert (tmp_path / "bo.pdf").read_bytes().startswith(b"%PDF")
    again = ("--picture", told["picture"], "--template", "film", "--title", "Bo", "--size", "square", "--out", "bo.png")
    assert "Square · 1080 × 1080 px" in keepsake("poster", *again).out
    with Image.open(tmp_path / "bo.png") as picture:
        assert picture.size == (1080, 1080)
    keepsake("poster", "--picture", told["picture"], "--title", "Bo & Åse", "--size", "A5", "--out", "bo.svg")
    drawn = ElementTree.parse(tmp_path / "bo.svg").getroot()
    assert (drawn.get("width"), drawn.get("height")) == ("154mm", "216mm")


def test_titles_are_suggested_and_marked(keepsake, bo) -> None:
    asked = ("suggest-titles", "--concept", "Bo", "--template", "film", "--count", "3", "--seed", "1")
    note, *titles = keepsake(*asked).out.splitlines()
    assert note == "Suggested, made up by the language model; edit freely."
    assert len(titles) == 3 and all("Bo" in title for title in titles)
    told = keepsake(*asked, "--json").json
    assert (told["note"], told["titles"]) == (note, [title.strip() for title in titles])


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "which picture"),
        (("--concept", "nobody"), "nobody"),
        (("--concept", "Bo", "--template", "x"), "no template 'x'"),
        (("--concept", "Bo", "--count", "9"), "count is 9"),
        (("--concept", "Bo", "--taste", "nobody"), "nobody"),
    ],
)
def test_titles_for_what_is_not_there_are_one_line(arguments, part, keepsake, bo, one_line) -> None:
    one_line(keepsake("suggest-titles", *arguments), part)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--concept", "Bo", "--title", "", "--out", "a.pdf"), "title is empty"),
        (("--concept", "Bo", "--title", "Bo", "--out", "a.jpg"), "end in .pdf, .svg or .png"),
        (("--concept", "Bo", "--title", "Bo", "--out", "no/a.pdf"), "does not exist"),
        (("--concept", "Bo", "--title", "Bo", "--out", "bo.jpg.pdf", "--size", "A9"), "no size 'A9'"),
        (("--concept", "Bo", "--title", "Bo", "--out", "a.pdf", "--template", "x"), "no template 'x'"),
        (("--title", "Bo", "--out", "a.pdf"), "either --concept"),
        (("--concept", "Bo", "--picture", "1", "--title", "Bo", "--out", "a.pdf"), "either --concept"),
        (("--picture", "1", "--title", "Bo", "--out", "a.pdf"), "no picture '1'"),
    ],
)
def test_bad_input_is_one_line_and_makes_nothing(arguments, part, keepsake, bo, one_line, tmp_path) -> None:
    before = set(tmp_path.iterdir())
    one_line(keepsake("poster", *arguments), part)
    assert set(tmp_path.iterdir()) == before


def test_nothing_is_overwritten(keepsake, bo, one_line, tmp_path) -> None:
    (tmp_path / "mine.pdf").write_bytes(b"mine")
    one_line(keepsake("poster", "--concept", "Bo", "--title", "Bo", "--out", "mine.pdf"), "is there already")
    assert (tmp_path / "mine.pdf").read_bytes() == b"mine"

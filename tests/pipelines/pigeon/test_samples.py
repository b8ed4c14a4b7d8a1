from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.mini.library import DrawingLibrary
from pipelines.pigeon.samples import OFFERED, samples

SHIPPED = Path(__file__).parents[3] / "assets" / "mini" / "library"


@pytest.fixture(scope="module")
def library() -> DrawingLibrary:
    return DrawingLibrary.from_pretrained(SHIPPED)


def test_everyday_things_are_offered_in_every_style(library: DrawingLibrary) -> None:
    entries, images = samples(library, OFFERED)
    assert list(dict.fromkeys(entry.thing for entry in entries)) == list(OFFERED)
    styles = {entry.style for entry in entries}
    assert len(styles) == len(library.style_words) and len(images) == len(entries)
    for thing in OFFERED:
        assert {entry.style for entry in entries if entry.thing == thing and not entry.colour} == styles
    assert {entry.thing for entry in entries if entry.colour} == {OFFERED[0]}


def test_a_library_without_them_offers_what_it_has(library: DrawingLibrary) -> None:
    spread = samples(library)[0]
    assert samples(library, ("a thing that nobody drew",))[0] == spread
    assert len({entry.thing for entry in spread}) == len(OFFERED)

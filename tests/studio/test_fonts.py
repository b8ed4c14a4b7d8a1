from __future__ import annotations

import pytest

from studio import fonts
from studio.errors import InvalidInput

FACES = ("serif", "sans", "round")


@pytest.mark.parametrize("font", FACES)
def test_every_face_is_there_small_and_with_its_licence(font: str) -> None:
    file = fonts.path_of(font)
    assert file.stat().st_size < 200_000
    licence = file.parent / f"OFL-{file.stem.rpartition('-')[0]}.txt"
    assert "SIL Open Font License" in licence.read_text(encoding="utf-8")


@pytest.mark.parametrize("font", FACES)
def test_western_text_can_be_written_and_what_cannot_is_named(font: str) -> None:
    fonts.check_glyphs("Grüße, 7 × “so”! …\nÇa va? Señor Ødegård, Łukasz, Šárka, €", font, "title")
    with pytest.raises(InvalidInput, match="猫 🐶 in the title"):
        fonts.check_glyphs("a 猫 🐶", font, "title")


def test_kerning_brings_letters_together() -> None:
    apart = fonts.width("A", "serif") + fonts.width("V", "serif")
    assert fonts.width("AV", "serif") < apart - 0.01
    first, second = fonts.positions("AV", "serif")
    assert first == 0
    assert second < fonts.width("A", "serif") - 0.01


def test_tracking_lies_between_letters() -> None:
    assert fonts.width("abc", "sans", tracking=0.1) == pytest.approx(fonts.width("abc", "sans") + 0.2)

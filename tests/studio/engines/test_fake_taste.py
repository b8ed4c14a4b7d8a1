from __future__ import annotations

from PIL import Image

from studio.engines.fake_taste import FakeTasteEngine


def test_looks_are_deterministic_and_tell_colours_apart() -> None:
    engine = FakeTasteEngine()
    red, blue = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (40, 40), "blue")
    assert engine.look(red) == engine.look(red) != engine.look(blue)
    assert engine.looked == 3


def test_variants_and_samples() -> None:
    engine = FakeTasteEngine()
    assert len(engine.variants(b"[0, 0, 0]", (), {}, 3)) == 3
    assert len(engine.samples()) > 16 and engine.next_pair(None, [0, 1], 0) == (2, 3)

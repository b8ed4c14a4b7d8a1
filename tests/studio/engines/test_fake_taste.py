from __future__ import annotations

from PIL import Image

from studio.domain.taste import BesideTaste
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


def test_beside_a_reference() -> None:
    engine = FakeTasteEngine()
    red, blue = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (40, 40), "blue")
    looks = [engine.look(red), engine.look(blue)]
    beside = BesideTaste(look=engine.reference(red), share=0.0)
    like, unlike = engine.score(b"[-1, 0, 0]", looks, {}, beside)
    assert like.likeness == 1 > unlike.likeness and like.preference > unlike.preference
    assert {way.palette for way in engine.variants(b"[0, 0, 0]", (), {}, 3, beside)} == {("#ff0000",)}
    whole = BesideTaste(look=beside.look, share=1.0)
    assert engine.variants(b"[0, 0, 0]", (), {}, 3, whole) == engine.variants(b"[0, 0, 0]", (), {}, 3)
    alone = engine.score(b"[-1, 0, 0]", looks, {})
    assert [one.preference for one in engine.score(b"[-1, 0, 0]", looks, {}, whole)] == [
        one.preference for one in alone
    ]

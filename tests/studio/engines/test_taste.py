from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.features.preprocessing import normalise_rows
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.features import FeatureExtractor
from pipelines.pigeon.modeling_pigeon import PigeonEncoder
from pipelines.pigeon.pipeline_pigeon import TasteTokens, read_tokens
from pipelines.pigeon.pipeline_taste import TastePipeline
from studio.domain.taste import BesideTaste, Reaction, TasteEvent
from studio.engines.taste import PigeonTasteEngine
from tests.pipelines.mini.tiny_mini import tiny_library
from tests.pipelines.pigeon.drawn import disc

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SHADES = [(220, 40 + 9 * n, 30) for n in range(5)] + [(30, 40 + 9 * n, 220) for n in range(5)]


class Colours:
    """An encoder that sees mean colours."""

    name, dim = "colours", 48

    def embed(self, images: list[Image.Image]) -> np.ndarray:
        small = [np.asarray(one.convert("RGB").resize((4, 4)), np.float32).ravel() - 100 for one in images]
        return normalise_rows(np.stack(small))


@pytest.fixture
def engine() -> PigeonTasteEngine:
    made = PigeonTasteEngine()
    made.__dict__["_pipeline"] = TastePipeline(FeatureExtractor(Colours()), TasteSettings.read(), tiny_library())  # type: ignore[arg-type]
    return made


def events(engine: PigeonTasteEngine, *reactions: Reaction) -> list[TasteEvent]:
    return [
        TasteEvent(
            id=str(place), file=f"file{place}", reaction=reaction, at=NOW - timedelta(hours=place), deliberate=True,
            look=engine.look(disc(SHADES[place])),
        )
        for place, reaction in enumerate(reactions)
    ]  # fmt: skip


LIKED = [Reaction.LIKE] * 5 + [Reaction.SKIP] * 4


def test_learns_with_reasons_and_interests(engine) -> None:
    learned = engine.learn(events(engine, *LIKED), NOW)
    assert (learned.summary.liked, learned.summary.others) == (5, 4)
    assert learned.summary.leanings["warmth"] > 0
    (interest,) = learned.summary.interests
    assert set(interest.files) == {f"file{n}" for n in range(5)}
    red, blue = engine.score(learned.data, [engine.look(disc((230, 50, 30))), engine.look(disc(SHADES[9]))], {})
    assert red.probability > 0.5 > blue.probability
    assert any(reason.weight > 0 for reason in red.reasons) and learned.files[int(red.like)] in interest.files


def test_nothing_liked_and_nothing_at_all(engine) -> None:
    learned = engine.learn([], NOW)
    assert learned.summary.interests == () and learned.files == ()
    assert engine.score(learned.data, [engine.look(disc(SHADES[0]))], {})[0].like is None
    assert engine.score(learned.data, [], {}) == ()


def test_picks_and_ways_to_draw(engine) -> None:
    assert len(engine.samples()) > 2
    one, other = engine.next_pair(None, [], 0)
    assert one != other
    learned = engine.learn(events(engine, *LIKED), NOW)
    ways = engine.variants(learned.data, learned.summary.interests, {}, 3)
    assert len(ways) == len(set(ways)) == 3 and {way.style for way in ways} == {"flat style"}
    assert len(engine.variants(learned.data, (), {"warmth": 1.0}, 2)) == 2


def test_tokens_go_with_ways_where_the_settings_say_so(engine) -> None:
    learned = engine.learn(events(engine, *LIKED), NOW)
    asked = (learned.data, learned.summary.interests, {}, 2)
    engine._pipeline.settings = dataclasses.replace(engine._pipeline.settings, strength=0.0)
    assert {way.tokens for way in engine.variants(*asked)} == {b""}
    width = len(engine.attributes()) + Colours.dim
    torch.manual_seed(0)
    engine.__dict__["_encoder"] = TasteTokens(
        PigeonEncoder(feature_dim=width, reference_dim=4, condition_dim=6, width=16, heads=2, blocks=1, tokens=3)
    )
    told = []
    for strength in (0.5, 1.0):
        engine._pipeline.settings = dataclasses.replace(engine._pipeline.settings, strength=strength)
        told.append(read_tokens(engine.variants(*asked)[0].tokens))
    assert told[0].shape == (1, 3, 6) and told[1].any()
    torch.testing.assert_close(2 * told[0], told[1], rtol=1e-2, atol=1e-2)
    nothing = engine.variants(engine.learn([], NOW).data, (), {"warmth": 1.0}, 1)
    assert nothing[0].tokens == b""


def test_says_what_it_needs_and_loads_nothing(engine) -> None:
    fresh = PigeonTasteEngine(find=lambda name: pytest.fail(f"{name} was asked for"))
    assert fresh.needs() == ("tinyvit", "u2netp", "mini") and len(fresh.attributes()) == 28 and fresh.model()


def test_the_like_minded_help_and_what_they_lent_is_not_kept(engine) -> None:
    learned = engine.learn(events(engine, *LIKED), NOW)
    opposite = engine.learn(events(engine, *[Reaction.SKIP] * 5, *[Reaction.LIKE] * 4), NOW)
    lent = [engine.lend(one.data, {}) for one in (learned, opposite)]
    assert lent[0].keys() == {one.name for one in engine.attributes()} and lent[0]["warmth"] > 0 > lent[1]["warmth"]
    assert engine.lend(learned.data, {"gloss": -1.0})["gloss"] < 0
    few = engine.learn([event for event in events(engine, *LIKED) if event.id in ("0", "5")], NOW)
    helped = engine.borrow(few.data, [[lent[0]], [lent[1]]])
    assert helped.help.sharing == 2 and helped.help.leanings["warmth"] > 0
    looks = [engine.look(disc(SHADES[place])) for place in (3, 8)]
    gaps = [
        red.preference - blue.preference
        for red, blue in (engine.score(data, looks, {}) for data in (few.data, helped.data))
    ]
    assert gaps[1] > gaps[0]
    known = engine.borrow(learned.data, [[lent[0]], [lent[1]]]).help
    assert known.people == 1


def test_nobody_lends_and_nothing_known_are_bit_equal(engine) -> None:
    learned, nothing = engine.learn(events(engine, *LIKED), NOW), engine.learn([], NOW)
    lent = engine.lend(learned.data, {})
    assert engine.borrow(learned.data, []).data == learned.data
    assert engine.borrow(nothing.data, [[lent]]).data == nothing.data
    assert engine.borrow(nothing.data, [[lent]]).help.sharing == 1


def test_lending_loads_no_encoder(engine) -> None:
    learned = engine.learn(events(engine, *LIKED), NOW)
    bare = PigeonTasteEngine(find=lambda name: pytest.fail(f"{name} was loaded"))
    assert bare.lend(learned.data, {}) == engine.lend(learned.data, {})


def test_beside_a_reference_from_its_look_to_the_taste(engine) -> None:
    learned = engine.learn(events(engine, *LIKED), NOW)  # likes red
    asked = (learned.data, learned.summary.interests, {}, 2)
    look = engine.reference(disc((40, 115, 225)))
    looks = [engine.look(disc(SHADES[0])), engine.look(disc((40, 115, 225)))]
    plain, scores = engine.variants(*asked), engine.score(learned.data, looks, {})
    whole = BesideTaste(look=look, share=1.0)
    assert engine.variants(*asked, whole) == plain
    assert [one.preference for one in engine.score(learned.data, looks, {}, whole)] == [
        one.preference for one in scores
    ]
    alone = BesideTaste(look=look, share=0.0)
    assert engine.variants(*asked, alone)[0].palette[0] == "#2873e1" and plain[0].palette == ()
    red, blue = engine.score(learned.data, looks, {}, alone)
    assert blue.preference > red.preference and blue.likeness > 0.99 and red.probability > blue.probability
    shares = np.linspace(0, 1, 9)
    told = [engine.variants(*asked, BesideTaste(look=look, share=float(share)))[0].colour for share in shares]
    assert told[0] == "blue" and told[-1] == plain[0].colour != "blue"
